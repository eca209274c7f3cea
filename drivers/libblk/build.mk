LIBRARIES += drivers/libblk
