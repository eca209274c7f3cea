LIBRARIES += vfs/libext2
