SERVICES += drivers/serial
LIBS_serial := libtty
