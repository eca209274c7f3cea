SERVICES  += vfs/ext2
LIBS_ext2 := libfs libext2
STATE_ext2 := ext2-6

UNIT_test_ext2 := $(filter-out %/main.c,$(wildcard vfs/ext2/*.c vfs/libext2/*.c vfs/libfs/*.c)) \
    $(FAKE_SERVICE) tests/unit/fs_model.c
HOST_LIBS_test_ext2 := -lpthread
