SERVICES += vfs
STATE_vfs := vfs-4
UNIT_test_path := vfs/path.c
