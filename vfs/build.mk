SERVICES += vfs
STATE_vfs := vfs-3
UNIT_test_path := vfs/path.c
