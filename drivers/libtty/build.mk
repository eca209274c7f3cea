LIBRARIES += drivers/libtty
UNIT_test_tty := $(wildcard drivers/libtty/*.c) $(FAKE_SERVICE)
