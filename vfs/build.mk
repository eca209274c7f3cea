SERVICES += vfs
STATE_vfs := vfs-2
UNIT_test_path := vfs/path.c
