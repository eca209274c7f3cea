/* ext2_ro: ext2 disks, for reading. Start-up; there is no state to inherit but the cache's. */
#include "ext2_ro.h"

int main(void)
{
    cache_init(0);
    fs_serve(NULL);
}
