LIBRARIES += drivers/libchar
