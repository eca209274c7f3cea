SERVICES   += vfs/local
LIBS_local := libfs
STATE_local := local-2
