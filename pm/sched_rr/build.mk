ALTERNATIVES += pm/sched_rr
