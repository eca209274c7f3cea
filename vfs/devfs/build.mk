SERVICES += vfs/devfs
LIBS_devfs := libfs
