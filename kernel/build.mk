UNIT_test_sched := kernel/sched.c kernel/turn.c
