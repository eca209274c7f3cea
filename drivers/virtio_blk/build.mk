SERVICES += drivers/virtio_blk
LIBS_virtio_blk := libblk libpci
