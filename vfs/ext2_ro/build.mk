# Another program for the service ext2, which only reads:
# `tests/vm --service ext2=build/services/ext2_ro`.
ALTERNATIVES += vfs/ext2_ro
LIBS_ext2_ro := libfs libext2

UNIT_test_ext2_ro := $(filter-out %/main.c,$(wildcard vfs/ext2_ro/*.c vfs/libext2/*.c \
    vfs/libfs/*.c)) $(FAKE_SERVICE)
HOST_LIBS_test_ext2_ro := -lpthread
