LIBRARIES += pm/libservice
