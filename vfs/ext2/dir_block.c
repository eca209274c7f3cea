/* The blocks of a directory. No field of an entry is used before dir_entry() has checked it. */
#include "ext2.h"

/* give_way() after so many blocks of one directory */
enum { BLOCKS_AT_ONCE = 128 };

struct page *dir_block(struct inode *dir, uint32_t number)
{
    struct page *page;
    if (number % BLOCKS_AT_ONCE == BLOCKS_AT_ONCE - 1)
        give_way(STEPS(dir_blocks(dir) - MIN(number, dir_blocks(dir)), 1));
    int64_t block = map_block((struct disk_node *)dir, number, false);
    if (!block)
        block = mount_corrupt(mount_of(dir), "hole in directory", dir->ino);
    if (block < 0)
        return fs_failed(block);
    int error = cache_block(mount_of(dir)->index, block, &page);
    return error ? fs_failed(error) : page;
}

int dir_bad_entry(struct inode *dir)
{
    return mount_corrupt(mount_of(dir), "bad entry in directory", dir->ino);
}
