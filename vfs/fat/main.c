/* fat: FAT disks, above all the boot partition, which the host can read and write too. Start-up. */
#include "fat.h"

int main(void)
{
    if (started != START_INHERITS) {
        nodes_init();
        cache_init(0);
    }
    fs_serve(mount_flush);
}
