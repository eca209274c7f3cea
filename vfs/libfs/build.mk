LIBRARIES += vfs/libfs
