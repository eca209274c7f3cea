SERVICES += vfs/procfs
LIBS_procfs := libfs
