LIBRARIES += drivers/libpci
