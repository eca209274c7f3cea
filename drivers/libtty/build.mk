LIBRARIES += drivers/libtty
