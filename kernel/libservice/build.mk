LIBRARIES += kernel/libservice
