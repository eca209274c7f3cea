SERVICES += drivers/ata
LIBS_ata := libblk libpci
