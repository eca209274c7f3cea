/* /proc/minnow/trace: the kernel's last records of calls and events, as lines.
 *
 * The kernel keeps them in a ring, numbered from the beginning of the trace. All lines have the
 * same length, so that position / LINE is the number of a record, whatever has been lost since. A
 * reader that is too slow for the ring goes on at the oldest record that is left; its position
 * jumps there, and the lines that it read are still whole. Columns:
 *
 *   number  time in us  from  to  call and operation  words in hexadecimal, or = result
 *
 * `from` is a service, or a process as NAME[PID]; `to` may be "-". The call of a process is one of
 * Linux, that of a service one of the kernel. What the kernel does by itself stands there as
 * "asks OPERATION" (a call that it makes for `from`), "notified", "failed" and "ended". */
#include "procfs.h"

enum { LINE = 176, NAME_COLUMNS = 20, WHAT_COLUMNS = 32, LINES_AT_ONCE = 256 * LINE /* bytes */ };

struct operation {
    uint16_t number;
    const char *name;
};

static const struct operation operations[] = {
#define PROTOCOL(name, number, who)
#define OP(protocol, name, number, words, result) { protocol##_##name, #protocol "_" #name },
#include <minnow/protocol.def>
#undef PROTOCOL
#undef OP
};

const char *operation_name(uint64_t op)
{
    for (unsigned i = 0; i < ARRAY_SIZE(operations); i++)
        if (operations[i].number == op)
            return operations[i].name;
    return "?";
}

/* Writes a task's name for people: a service's name, or name and pid of a process. */
void task_name(char *to, size_t size, endpoint_t task)
{
    struct subject p;
    if (!task)
        format(to, size, "-");
    else if (task < MAX_SERVICE)
        format(to, size, "%s", fact_service(task));
    else if (fact_process(fact_pid(task), &p))
        format(to, size, "%s[%u]", p.name, p.pid);
    else
        format(to, size, "task %u", endpoint_index(task));
}

static const char *const kernel_calls[] = {
#define KCALL(NAME, name, ...)   [SYS_##NAME] = #name,
#define MESSAGE(NAME, name, ...) [SYS_##NAME] = #name,
#include <minnow/kcalls.def>
};

/* Linux's, for people. */
static const char *const system_calls[] = {
#define ROUTED(number, name, ...)  [number] = #name,
#define HANDLED(number, name, ...) [number] = #name,
#define MISSING(number, name, ...) [number] = #name,
#include "../../posix/syscalls.def"
};

/* The names of processes that have ended since, as far as records before have said them. */
static struct {
    uint32_t pid;
    char name[16];
} known[64];

/* Who made a record, or to whom it went. Cut, so that the columns stay. */
static void party(char *to, endpoint_t task, uint32_t pid)
{
    unsigned i = pid % ARRAY_SIZE(known);
    struct subject p;
    if (!task)
        format(to, NAME_COLUMNS + 1, "-");
    else if (task < MAX_SERVICE)
        format(to, NAME_COLUMNS + 1, "%s", fact_service(task));
    else if (known[i].pid == pid)
        format(to, NAME_COLUMNS + 1, "%s[%u]", known[i].name, pid);
    else
        format(to, NAME_COLUMNS + 1, "%s[%u]", fact_process(pid, &p) ? p.name : "task", pid);
}

/* The call or event, and its operation if it is a message. */
static void describe(char *what, const struct trace_record *r)
{
    static const char *const events[] = { "asks", "notified", "failed", "ended" };
    bool service = r->from < MAX_SERVICE, event = r->rax >= TRACE_ASKED;
    uint64_t number = event ? r->rax - TRACE_ASKED : r->rax;
    bool message = event     ? r->rax == TRACE_ASKED
                   : service ? r->rax == SYS_CALL || r->rax == SYS_FORWARD ||
                                   r->rax == SYS_FORWARD_RECEIVE
                             : r->to != 0;
    const char *name = event     ? number < ARRAY_SIZE(events) ? events[number] : NULL
                       : service ? number < ARRAY_SIZE(kernel_calls) ? kernel_calls[number] : NULL
                       : number < ARRAY_SIZE(system_calls) ? system_calls[number]
                                                           : NULL;
    char other[24];
    if (!name)
        format(other, sizeof other, "call %lu", number);
    format(what, WHAT_COLUMNS + 1, "%s %s", name ? name : other,
           message ? operation_name(r->op) : "");
}

static void trace_line(char *line, const struct trace_record *r)
{
    char from[NAME_COLUMNS + 1], to[NAME_COLUMNS + 1], what[WHAT_COLUMNS + 1];
    bool service = r->from < MAX_SERVICE;
    bool reply = service && (r->rax == SYS_REPLY || r->rax == SYS_REPLY_RECEIVE);
    if (!service) {
        known[r->from_word % ARRAY_SIZE(known)].pid = r->from_word;
        memcpy(known[r->from_word % ARRAY_SIZE(known)].name, r->name, sizeof r->name);
    }
    party(from, r->from, r->from_word);
    party(to, r->to, r->to_word);
    describe(what, r);
    size_t n = format(line, LINE, "%8lu %12lu.%03lu %20s %20s %32s ", r->number, r->time / 1000,
                      r->time % 1000, from, to, what);
    if (n < LINE && reply)
        n += format(line + n, LINE - n, "= %ld", r->w[1]);
    else if (n < LINE)
        n += format(line + n, LINE - n, "%lx %lx %lx %lx", r->w[0], r->w[1], r->w[2], r->w[3]);
    for (n = MIN(n, (size_t)LINE - 1); n < LINE - 1; n++)
        line[n] = ' ';
    line[LINE - 1] = '\n';
}

int64_t trace_read(struct message *m)
{
    char line[LINE];
    struct trace_record r;
    uint64_t position = m->position;
    size_t done = 0;
    while (done < m->w[2]) {
        if (ask_trace(TRACE_READ, position / LINE, &r, sizeof r) != sizeof r)
            break;
        if (r.number > position / LINE)
            position = r.number * LINE; /* the records between have been lost */
        trace_line(line, &r);
        size_t skip = position % LINE, part = MIN((size_t)LINE - skip, m->w[2] - done);
        int error = copy_out(m, done, line + skip, part);
        if (error)
            return error;
        done += part;
        position += part;
        GIVE_WAY_EVERY(LINES_AT_ONCE, part, m->w[2] - done);
    }
    m->position = position - done; /* libfs adds `done`: behind what was read and lost */
    return done;
}

/* The commands "on" (or "on SERVICE": its messages only), "off" and "clear"; a newline behind them
 * does no harm. */
int64_t trace_write(struct message *m)
{
    char word[8 + NAME_COLUMNS] = "";
    size_t length = MIN(m->w[2], (uint64_t)sizeof word - 1);
    int error = copy_in(m, 0, word, length);
    if (error)
        return error;
    if (length && word[length - 1] == '\n')
        word[length - 1] = 0;
    endpoint_t only = 0;
    if (memcmp(word, "on ", 3) == 0) {
        only = service_find(word + 3);
        if (!only)
            return -EINVAL;
        word[2] = 0;
    }
    static const struct {
        const char *word;
        unsigned operation;
    } commands[] = {
        { "on", TRACE_ON },
        { "off", TRACE_OFF },
        { "clear", TRACE_CLEAR },
    };
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
        if (strcmp(word, commands[i].word) == 0) {
            error = ask_trace(commands[i].operation, only, NULL, 0);
            return error < 0 ? error : (int64_t)m->w[2];
        }
    return -EINVAL;
}
