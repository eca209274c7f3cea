SERVICES += pm/sched

UNIT_test_policy := pm/sched/policy.c
