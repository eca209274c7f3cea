SERVICES += vfs/fat
LIBS_fat := libfs
STATE_fat := fat-5

UNIT_test_fat := $(filter-out %/main.c,$(wildcard vfs/fat/*.c vfs/libfs/*.c)) \
    $(FAKE_SERVICE) tests/unit/fs_model.c
HOST_LIBS_test_fat := -lpthread
