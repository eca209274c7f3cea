SERVICES += vfs
STATE_vfs := vfs-1
UNIT_test_path := vfs/path.c
