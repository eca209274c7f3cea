LIBRARIES += kernel/libchar
