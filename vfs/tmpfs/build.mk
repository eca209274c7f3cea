SERVICES += vfs/tmpfs
LIBS_tmpfs := libfs
