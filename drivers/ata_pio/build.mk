# Another program for the service ata: `service replace ata FILE`, or
# `tests/vm --disk ata --service ata=build/services/ata_pio`.
ALTERNATIVES += drivers/ata_pio
LIBS_ata_pio := libblk
