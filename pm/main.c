/* The process manager: start-up, and the table of handlers of protocol PM. */
#include "backing.h"
#include "frames.h"
#include "handlers.h"
#include "random.h"
#include "space.h"

enum { THREADS = 8 };

static const handler_t handlers[] = {
    [op_number(PM_FAULT)] = do_fault,
    [op_number(PM_MMAP)] = do_mmap,
    [op_number(PM_MUNMAP)] = do_munmap,
    [op_number(PM_MPROTECT)] = do_mprotect,
    [op_number(PM_MREMAP)] = do_mremap,
    [op_number(PM_REMAP_PAGES)] = do_remap_pages,
    [op_number(PM_BRK)] = do_brk,
    [op_number(PM_MADVISE)] = do_madvise,
    [op_number(PM_MSYNC)] = do_msync,
    [op_number(PM_MINCORE)] = do_mincore,
    [op_number(PM_FORK)] = do_fork,
    [op_number(PM_THREAD)] = do_thread,
    [op_number(PM_EXEC)] = do_exec,
    [op_number(PM_EXIT)] = do_exit,
    [op_number(PM_MLOCK)] = do_mlock,
    [op_number(PM_MUNLOCK)] = do_munlock,
    [op_number(PM_MLOCK2)] = do_mlock2,
    [op_number(PM_MLOCKALL)] = do_mlockall,
    [op_number(PM_MUNLOCKALL)] = do_munlockall,
    [op_number(PM_LIMIT)] = do_limit,
    [op_number(PM_MAPS)] = do_maps,
    [op_number(PM_KEY)] = do_key,
    [op_number(PM_MEMORY)] = do_memory,
    [op_number(PM_REGIONS)] = do_regions,
    [op_number(PM_PAGES)] = do_pages,
    [op_number(PM_SPAWN)] = do_spawn,
    [op_number(PM_THREADEND)] = do_thread_end,
    [op_number(PM_SHRUNK)] = do_shrunk,
    [op_number(PM_COLLECT)] = do_collect,
    [op_number(PM_SYNC)] = do_sync,
    [op_number(PM_SEGMENT_MAKE)] = do_segment_make,
    [op_number(PM_SEGMENT_DROP)] = do_segment_drop,
    [op_number(PM_SEGMENT_MAP)] = do_segment_map,
    [op_number(PM_SEGMENT_UNMAP)] = do_segment_unmap,
};

int main(void)
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(PM, handlers) };
    frames_init();
    space_init();
    backing_init();
    random_init();
    print("%lu MiB for programs", frames_total() * PAGE_SIZE >> 20);
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = THREADS });
}
