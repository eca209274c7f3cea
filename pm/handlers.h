/* The handlers of protocol PM, by file, for the table in main.c. */
#ifndef HANDLERS_H
#define HANDLERS_H

#include "service.h"

int64_t do_fault(struct message *m); /* fault.c */
int64_t do_mmap(struct message *m);  /* mmap.c */
int64_t do_munmap(struct message *m);
int64_t do_brk(struct message *m);
int64_t do_remap_pages(struct message *m);
int64_t do_mremap(struct message *m);   /* mremap.c */
int64_t do_mprotect(struct message *m); /* mprotect.c */
int64_t do_madvise(struct message *m);  /* advice.c */
int64_t do_msync(struct message *m);    /* msync.c */
int64_t do_collect(struct message *m);
int64_t do_sync(struct message *m);
int64_t do_shrunk(struct message *m);
int64_t do_mincore(struct message *m);
int64_t do_fork(struct message *m); /* fork.c */
int64_t do_thread(struct message *m);
int64_t do_thread_end(struct message *m);
int64_t do_spawn(struct message *m);
int64_t do_exit(struct message *m);
int64_t do_limit(struct message *m);
int64_t do_key(struct message *m); /* maps.c */
int64_t do_maps(struct message *m);
int64_t do_regions(struct message *m);
int64_t do_pages(struct message *m);
int64_t do_memory(struct message *m); /* remote.c */
int64_t do_mlock(struct message *m);  /* lock.c */
int64_t do_mlock2(struct message *m);
int64_t do_munlock(struct message *m);
int64_t do_mlockall(struct message *m);
int64_t do_munlockall(struct message *m);
int64_t do_exec(struct message *m);         /* exec.c */
int64_t do_segment_make(struct message *m); /* segment.c */
int64_t do_segment_drop(struct message *m);
int64_t do_segment_map(struct message *m);
int64_t do_segment_unmap(struct message *m);

#endif
