/* /dev/service: the manager's device. A write is one command, and its result says how it went:
 *
 *     start NAME | stop NAME | restart NAME | kill NAME
 *     replace NAME, the end of the line, and the program itself
 *     storm SEED NS [NAME...]           for tests: kills those of them that are at work, at random
 *                                       times NS apart in the mean; 0 ends it
 *     strike NS [NAME...]               likewise, once, at that time after boot
 *     strike-after RECORD NS [NAME...]  likewise, NS after that record of the trace has been made
 *     mutate NAME ADDRESS BYTES         writes over its code, which is restored at its next death;
 *                                       BYTES are hexadecimal
 *
 * A read gives the list of services, a line each. Replacing is answered when the new program has
 * come up, or with -ECANCELED when the former one runs again. */
#include "char.h"
#include "rs.h"
#include "syscalls.h"

#include <minnow/elf.h>

enum injection { STORM, STRIKE, STRIKE_AFTER };
enum { COMMAND_MAX = 256, LINE_MAX = 160, TEXT_MAX = 8192 };

/* Memory for programs that replace others. A buffer whose program no service needs any more is used
 * again. */
static struct {
    char *at;
    size_t pages;
} buffers[8];

static char *buffer_for(size_t bytes)
{
    size_t pages = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    for (unsigned i = 0; i < ARRAY_SIZE(buffers); i++) {
        bool used = false;
        for (unsigned k = 1; k < slots; k++)
            used |= buffers[i].at && (services[k].program.bytes == buffers[i].at ||
                                      services[k].former.bytes == buffers[i].at ||
                                      services[k].next.bytes == buffers[i].at);
        if (used || (buffers[i].at && buffers[i].pages < pages))
            continue;
        if (!buffers[i].at) {
            buffers[i].at = memory_pages(pages);
            buffers[i].pages = pages;
        }
        return buffers[i].at;
    }
    return NULL;
}

static int64_t replace(struct message *m, unsigned slot, size_t header)
{
    size_t size = m->w[2] - header;
    char *at = buffer_for(size);
    if (!at)
        return -ENOMEM;
    int64_t error = copy_in(m, header, at, size);
    if (!error) /* the replacement runs at the same addresses as the former program */
        error = elf_relocate(at, size, services[slot].rights.slide);
    if (!error)
        error = replace_with(slot, &(struct image){ at, size, .replacement = true });
    if (error)
        return error < 0 ? error : (int64_t)m->w[2];
    replace_await(slot, m->call, m->w[2]);
    return LATER;
}

static bool next_word(const char **at, const char *end, const char **word, size_t *length)
{
    while (*at < end && **at == ' ')
        ++*at;
    *word = *at;
    while (*at < end && **at != ' ' && **at != '\n')
        ++*at;
    *length = *at - *word;
    return *length;
}

static bool next_number(const char **at, const char *end, uint64_t *value)
{
    const char *word;
    size_t length;
    *value = 0;
    if (!next_word(at, end, &word, &length))
        return false;
    for (; length; length--, word++) {
        if (*word < '0' || *word > '9')
            return false;
        *value = *value * 10 + *word - '0';
    }
    return true;
}

/* Reads what follows the verb: a number (not for `strike`), a time, and names of services (none:
 * all). */
static int64_t inject(enum injection kind, const char *at, const char *end)
{
    uint64_t number = 0, when, mask = 0;
    const char *name;
    size_t length;
    if ((kind != STRIKE && !next_number(&at, end, &number)) || !next_number(&at, end, &when))
        return -EINVAL;
    while (next_word(&at, end, &name, &length)) {
        unsigned slot = slot_of(name, length);
        if (slot < 2)
            return -ENOENT;
        mask |= 1ul << slot;
    }
    if (!mask)
        mask = ~0ul;
    if (kind == STORM)
        inject_storm(number, when, mask);
    else if (kind == STRIKE)
        inject_at(when, mask);
    else
        inject_after(number, when, mask);
    return 0;
}

static int64_t mutate(const char *at, const char *end)
{
    const char *name, *digits;
    size_t length, digits_length;
    uint64_t address;
    if (!next_word(&at, end, &name, &length) || !next_number(&at, end, &address) ||
        !next_word(&at, end, &digits, &digits_length))
        return -EINVAL;
    unsigned slot = slot_of(name, length);
    return slot ? inject_mutant(slot, address, digits, digits_length) : -ENOENT;
}

static int stop(unsigned slot)
{
    int error = lifecycle_stop(slot);
    if (!error)
        replace_cancel(slot);
    return error;
}

/* The commands on one service. */
static int64_t command_on_service(struct message *m, const char *verb, size_t verb_length,
                                  const char *text, const char *at, const char *end)
{
    static const struct {
        const char *name;
        int (*run)(unsigned slot);
    } commands[] = {
        { "start", lifecycle_start }, { "stop", stop },    { "restart", lifecycle_restart },
        { "kill", lifecycle_kill },   { "replace", NULL },
    };
    const char *name;
    size_t length;
    if (!next_word(&at, end, &name, &length))
        return -EINVAL;
    unsigned slot = slot_of(name, length), i = 0;
    while (i < ARRAY_SIZE(commands) && !word_is(verb, verb_length, commands[i].name))
        i++;
    if (i == ARRAY_SIZE(commands))
        return -EINVAL;
    if (!slot)
        return -ENOENT;
    if (!commands[i].run)
        return slot > 1 && at < end && *at == '\n' ? replace(m, slot, at + 1 - text) : -EINVAL;
    if (slot > 1)
        return commands[i].run(slot);
    return commands[i].run == lifecycle_kill || commands[i].run == lifecycle_restart
               ? lifecycle_kill(slot)
               : -EINVAL;
}

static int64_t do_write(struct message *m)
{
    char text[COMMAND_MAX];
    const char *at = text, *end = text + MIN(m->w[2], sizeof text), *verb;
    size_t length;
    int64_t result = copy_in(m, 0, text, end - at);
    if (result)
        return result;
    if (!next_word(&at, end, &verb, &length))
        return -EINVAL;
    if (word_is(verb, length, "storm"))
        result = inject(STORM, at, end);
    else if (word_is(verb, length, "strike"))
        result = inject(STRIKE, at, end);
    else if (word_is(verb, length, "strike-after"))
        result = inject(STRIKE_AFTER, at, end);
    else if (word_is(verb, length, "mutate"))
        result = mutate(at, end);
    else
        result = command_on_service(m, verb, length, text, at, end);
    watch_services(0);
    return result ? result : (int64_t)m->w[2];
}

static int64_t do_read(struct message *m)
{
    static char text[TEXT_MAX];
    size_t n = format(text, sizeof text, "%-12s %-8s %6s %6s %5s %-10s %s\n", "NAME", "STATE",
                      "STARTS", "DEATHS", "HANGS", "PROGRAM", "WHEN IT DIES");
    for (unsigned i = 1; i < slots && n < sizeof text - LINE_MAX; i++) {
        const struct entry *e = &services[i];
        n += format(text + n, sizeof text - n, "%-12s %-8s %6u %6u %5u %-10s %s\n", e->name,
                    state_name(e->state), e->starts, e->deaths, e->hangs,
                    e->program.replacement ? "replaced" : "booted",
                    e->rights.afresh ? "started afresh" : "rolled back");
    }
    if (m->position >= n)
        return 0;
    size_t length = MIN(n - m->position, m->w[2]);
    int error = copy_out(m, 0, text + m->position, length);
    if (error)
        return error;
    reply_position(m, m->position + length);
    return length;
}

static int64_t do_open(struct message *m)
{
    return char_open(m, m->object == DEVICE_MINOR(DEV_SERVICE), CONN_SEEKABLE);
}
static int64_t do_stat(struct message *m) { return char_stat(m, DEVICE_MAJOR(DEV_SERVICE), 0600); }

static const handler_t handlers[] = {
    [op_number(FS_READ)] = do_read,           [op_number(FS_WRITE)] = do_write,
    [op_number(FS_SEEK)] = answer_espipe,     [op_number(FS_STAT)] = do_stat,
    [op_number(FS_OPEN)] = do_open,           [op_number(FS_POLL)] = char_poll,
    [op_number(FS_SYNC)] = answer_einval,     [op_number(FS_IOCTL)] = answer_enotty,
    [op_number(FS_TRUNCATE)] = answer_einval,
};
const struct protocol device_protocol = PROTOCOL_TABLE(FS, handlers);
