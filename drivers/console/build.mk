SERVICES += drivers/console
LIBS_console := libtty
