LIBRARIES += drivers/libblk
UNIT_test_mbr := drivers/libblk/mbr.c
