SERVICES   += vfs/tmpfs
LIBS_tmpfs := libfs
STATE_tmpfs := tmpfs-7

UNIT_test_tmpfs := $(filter-out %/main.c,\
    $(wildcard vfs/tmpfs/*.c)) \
    $(addprefix vfs/libfs/,attributes.c file.c fs.c lease.c names.c open.c serve.c watch.c) \
    $(FAKE_SERVICE) tests/unit/fs_model.c
HOST_LIBS_test_tmpfs := -lpthread
