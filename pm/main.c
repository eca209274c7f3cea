/* The process manager: who has which memory. Start-up and the handlers of its protocol. */
#include "backing.h"
#include "frames.h"
#include "handlers.h"
#include "random.h"
#include "space.h"

enum { THREADS = 8, PRESSURE_PAGES = 256 };

static const handler_t handlers[] = {
    [PM_FAULT & 0xff] = do_fault,       [PM_MMAP & 0xff] = do_mmap,
    [PM_MUNMAP & 0xff] = do_munmap,     [PM_MPROTECT & 0xff] = do_mprotect,
    [PM_MREMAP & 0xff] = do_mremap,     [PM_BRK & 0xff] = do_brk,
    [PM_MADVISE & 0xff] = do_madvise,   [PM_MSYNC & 0xff] = do_msync,
    [PM_MINCORE & 0xff] = do_mincore,   [PM_FORK & 0xff] = do_fork,
    [PM_THREAD & 0xff] = do_thread,     [PM_EXEC & 0xff] = do_exec,
    [PM_EXIT & 0xff] = do_exit,         [PM_LIMIT & 0xff] = do_limit,
    [PM_MAPS & 0xff] = do_maps,         [PM_KEY & 0xff] = do_key,
    [PM_SPAWN & 0xff] = do_spawn,       [PM_THREADEND & 0xff] = do_thread_end,
    [PM_PRESSURE & 0xff] = do_pressure, [PM_SHRUNK & 0xff] = do_shrunk,
};

static void notified(uint64_t bits)
{
    if (bits >> BIT_MEMORY & 1)
        backing_shrink(PRESSURE_PAGES);
}

int main(void)
{
    static const struct protocol protocols[] = { PROTOCOL_TABLE(PM, handlers) };
    frames_init();
    space_init();
    backing_init();
    random_init();
    print("%lu MiB for programs", frames_total() * PAGE_SIZE >> 20);
    service_run(&(struct service){
        .protocols = protocols, .count = 1, .threads = THREADS, .notify = notified });
}
