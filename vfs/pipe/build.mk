SERVICES += vfs/pipe
LIBS_pipe := libfs
