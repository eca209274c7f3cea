/* Random operations on a file server, each also done on a simple model in the test's own memory;
 * results, and in the end the whole trees, must be the same. */
#ifndef FS_MODEL_H
#define FS_MODEL_H

#include "fake_service.h"

struct fs_model_options {
    unsigned operations, seed;
    bool links, symlinks, attributes; /* the file system has them */
    bool full;                        /* the disk is small: -ENOSPC is allowed */
    uint64_t file_max;                /* bytes */
    unsigned nodes;                   /* so many files and directories at most; 0: 400 */
    unsigned names;                   /* a directory's names are chosen among so many */
    bool clear;                       /* remove everything in the end */
    unsigned sync_rate;               /* one sync in so many operations; 0: none */
};

/* Runs on a file system that is empty, with this root, and dies with a message at the first
 * difference. All files are closed at the end. */
void fs_model_run(uint64_t root, const struct fs_model_options *o);
/* Compares the tree with what the last run left; for a second mount. `root` is the new root object.
 */
void fs_model_compare(uint64_t root);

#endif
