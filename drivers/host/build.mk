SERVICES += drivers/host
LIBS_host := libchar
