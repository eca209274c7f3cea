/* fat: the boot partition, by which files come from the host and go there. Start-up. */
#include "fat.h"

int main(void)
{
    if (!inherited) {
        nodes_init();
        cache_init(0);
    }
    fs_serve(mount_flush);
}
