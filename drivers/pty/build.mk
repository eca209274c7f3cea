SERVICES += drivers/pty
LIBS_pty := libtty libfs
