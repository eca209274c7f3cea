# The two services of the native message tests. They are on the boot partition, but
# started only by tests/test_ipc.py.
SERVICES += tests/native/ipcpeer tests/native/ipctest
# A policy of scheduling that tests/test_sched.py boots with.
ALTERNATIVES += tests/native/sched_wild
# What tests/test_authority.py boots with in place of all services.
ALTERNATIVES += tests/native/probe tests/native/reporter
# What tests/test_hostile.py puts in the place of some.
ALTERNATIVES += tests/native/hostile tests/native/wild tests/native/corners tests/native/grasping
# A service that is long at work, for tests/test_bounds.py.
ALTERNATIVES += tests/native/advance
LIBS_advance := libchar
