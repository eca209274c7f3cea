SERVICES += vfs
UNIT_test_path := vfs/path.c
