LIBRARIES += drivers/libtty
UNIT_test_tty := $(wildcard drivers/libtty/*.c) tests/unit/fake_service.c
