SERVICES += drivers/host
LIBS_host := drivers/libchar
