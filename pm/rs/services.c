/* The table of services. */
#include "rs.h"
#include "syscalls.h"

struct entry services[MAX_SERVICE];
unsigned slots = 2;

unsigned slot_of(const char *name, size_t length)
{
    for (unsigned i = 1; i < slots; i++)
        if (word_is(name, length, services[i].name))
            return i;
    return 0;
}

bool is_running(const struct entry *e) { return e->state == RUNNING || e->state >= CHANGING; }

const char *state_name(enum state s)
{
    static const char *const names[] = {
        [ABSENT] = "absent",   [CREATED] = "created",   [RUNNING] = "running",
        [STOPPED] = "stopped", [WAITING] = "waiting",   [GIVEN_UP] = "given up",
        [REFUSED] = "refused", [CHANGING] = "running",  [TRIAL] = "running",
        [PROVING] = "running", [RETURNING] = "running",
    };
    return names[s];
}

bool task_of(unsigned slot, struct task_info *info)
{
    return ask_info(INFO_TASK, slot, info, sizeof *info) > 0;
}
