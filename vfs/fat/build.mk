SERVICES += vfs/fat
LIBS_fat := vfs/libfs
STATE_fat := fat-1

UNIT_test_fat := $(filter-out %/main.c vfs/libfs/contents.c vfs/libfs/nodes.c vfs/libfs/mounts.c vfs/libfs/serve.c vfs/libfs/names.c,$(wildcard vfs/fat/*.c vfs/libfs/*.c)) \
    $(FAKE_SERVICE) tests/unit/own_handlers.c tests/unit/fs_model.c
HOST_LIBS_test_fat := -lpthread
