/* ext2: the root file system. Start-up. */
#include "ext2.h"

int main(void)
{
    if (started != START_INHERITS) {
        nodes_init();
        index_init();
        cache_init(0);
    }
    fs_serve(mount_flush);
}
