SERVICES += drivers/host
LIBS_host := kernel/libchar
