/* What hostile pipes have in common: pipe2() works, in that it gives two descriptors, and the other
 * operations are what each of them puts into the tables. */
#include "limits.h"
#include "pollable.h"
#include "service.h"

static handler_t fs_table[40], pipe_table[8];
static uint32_t pipes_made;

static inline int64_t give_ends(struct message *m)
{
    int32_t ends[2];
    if (copy_in(m, 0, ends, sizeof ends) || copy_out(m, 0, ends, sizeof ends))
        return -EFAULT;
    ends[0] = connect(m, pipe_object(pipes_made, 1, END_READ), end_flags(m->w[2]) | O_RDONLY);
    ends[1] = connect(m, pipe_object(pipes_made, 1, END_WRITE), end_flags(m->w[2]) | O_WRONLY);
    pipes_made++;
    return copy_out(m, 0, ends, sizeof ends);
}

static inline void serve(void)
{
    static struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_table),
                                           PROTOCOL_TABLE(PIPE, pipe_table) };
    if (!pipe_table[op_number(PIPE_CREATE)])
        pipe_table[op_number(PIPE_CREATE)] = give_ends;
    pollable_start();
    service_run(&(struct service){ .protocols = protocols, .count = 2, .threads = 1 });
}

static inline void all_are(handler_t h)
{
    for (unsigned i = 0; i < ARRAY_SIZE(fs_table); i++)
        fs_table[i] = h;
}
