SERVICES  += vfs/pipe
LIBS_pipe := libfs
STATE_pipe := pipe-6

UNIT_test_pipe := $(filter-out %/main.c,$(wildcard vfs/pipe/*.c vfs/libfs/fs.c)) $(FAKE_SERVICE)
HOST_LIBS_test_pipe := -lpthread
