/* The service manager: the first process. It reads boot.services, one name a line, and the manifest of each service; refuses a set
 * whose calls have a cycle; gives every service its slot, so that names can be looked up and calls can wait before the service runs;
 * then loads and starts them in the order of the list. Afterwards it answers for them. */
#include "manifest.h"
#include "service.h"
#include "syscalls.h"

#include <minnow/elf.h>

enum state { ABSENT, CREATED, RUNNING, DEAD, REFUSED };

struct entry {
    char                  name[16];
    struct module_info    program, manifest;
    struct service_rights rights;
    enum state            state;
    uint32_t              starts;
};

static KEPT struct entry services[MAX_SERVICE];   /* by slot; 0 is nobody, 1 is this one */
static KEPT unsigned slots = 2;

static unsigned slot_of(const char *name, size_t length)
{
    for (unsigned i = 1; i < slots; i++)
        if (strlen(services[i].name) == length && memcmp(services[i].name, name, length) == 0)
            return i;
    return 0;
}

/* ---- boot modules ---- */

static bool module_find(const char *name, const char *suffix, struct module_info *out)
{
    char wanted[64];
    format(wanted, sizeof wanted, "%s%s", name, suffix);
    for (unsigned i = 0; kernel_call(SYS_MODULE, i, (uint64_t)out, 0, 0, 0, 0) == 0; i++)
        if (strcmp(out->name, wanted) == 0)
            return true;
    return false;
}

static void read_list(void)
{
    struct module_info list;
    if (!module_find("boot.services", "", &list))
        die("the boot loader brought no boot.services");
    const char *at = (const char *)list.address, *end = at + list.size;
    while (at < end) {
        while (at < end && (*at == ' ' || *at == '\t' || *at == '\n'))
            at++;
        const char *start = at;
        while (at < end && *at != ' ' && *at != '\t' && *at != '\n')
            at++;
        size_t n = at - start;
        while (at < end && *at != '\n')
            at++;
        if (!n || *start == '#')
            continue;
        if (n >= sizeof services[0].name || slots == MAX_SERVICE || slot_of(start, n)) {
            print("boot.services: a name is too long, twice there, or one too many");
            continue;
        }
        memcpy(services[slots++].name, start, n);
    }
}

static void read_manifest(unsigned slot, uint64_t all_pages)
{
    struct entry *e = &services[slot];
    struct manifest_error error;
    if (!module_find(e->name, "", &e->program) || !module_find(e->name, ".manifest", &e->manifest)) {
        print("%s: the boot loader brought no program or no manifest", e->name);
        e->state = REFUSED;
    } else if (manifest_parse((const char *)e->manifest.address, e->manifest.size, all_pages, slot_of, &e->rights, &error) < 0) {
        print("%s.manifest:%u: %s", e->name, error.line, error.reason);
        e->state = REFUSED;
    }
}

static void refuse_cycle(void)
{
    uint64_t calls[MAX_SERVICE] = { 0 };
    unsigned cycle[MAX_SERVICE + 1];
    for (unsigned i = 1; i < slots; i++)
        calls[i] = services[i].rights.may_call;
    if (!manifest_cycle(calls, cycle))
        return;
    print("the manifests allow calls in a circle:");
    for (unsigned i = 0; cycle[i]; i++)
        print("  %s calls %s", services[cycle[i]].name, services[cycle[cycle[i + 1] ? i + 1 : 0]].name);
    die("so services could wait for each other for ever: not started");
}

/* ---- starting ---- */

static int load_segment(unsigned slot, const char *elf, size_t size, const struct elf_segment *s)
{
    if (s->offset + s->file_size < s->offset || s->offset + s->file_size > size || s->file_size > s->memory_size)
        return -ENOEXEC;
    uint64_t protection = PAGE_READ | (s->flags & ELF_W ? PAGE_WRITE : 0) | (s->flags & ELF_X ? PAGE_EXEC : 0);
    int64_t error = 0;
    if (s->memory_size)
        error = kernel_call(SYS_SERVICE_LOAD, slot, s->address, 0, s->memory_size, protection, 0);
    if (!error && s->file_size)
        error = kernel_call(SYS_SERVICE_LOAD, slot, s->address, (uint64_t)elf + s->offset, s->file_size, protection, 0);
    return error;
}

static int load(unsigned slot, const char *elf, size_t size, uint64_t *entry)
{
    const struct elf_header *h = (const void *)elf;
    if (size < sizeof *h || memcmp(h->magic, "\177ELF\2\1\1", 7) != 0 || h->machine != ELF_X86_64 || h->type != ELF_EXEC
        || h->segment_size != sizeof(struct elf_segment) || h->segments_at > size || h->segment_count * sizeof(struct elf_segment) > size - h->segments_at)
        return -ENOEXEC;
    const struct elf_segment *s = (const void *)(elf + h->segments_at);
    for (unsigned i = 0; i < h->segment_count; i++) {
        int error = s[i].type == ELF_LOAD ? load_segment(slot, elf, size, &s[i]) : 0;
        if (error)
            return error;
    }
    *entry = h->entry;
    return 0;
}

static void create(unsigned slot)
{
    struct entry *e = &services[slot];
    int64_t error = kernel_call(SYS_SERVICE_CREATE, slot, (uint64_t)e->name, strlen(e->name), (uint64_t)&e->rights, 0, 0);
    if (error)
        print("%s: cannot be created: error %ld", e->name, -error);
    e->state = error ? REFUSED : CREATED;
}

static void start(unsigned slot)
{
    struct entry *e = &services[slot];
    uint64_t entry = 0;
    int64_t error = load(slot, (const char *)e->program.address, e->program.size, &entry);
    if (!error)
        error = kernel_call(SYS_SERVICE_START, slot, entry, 0, 0, 0, 0);
    if (error) {
        print("%s: cannot be started: %s", e->name, error == -ENOEXEC ? "not a program for this system" : error == -ENOMEM ? "its manifest allows too little memory" : "refused by the kernel");
        kernel_call(SYS_SERVICE_KILL, slot, 1, 0, 0, 0, 0);
    }
    e->state = error ? REFUSED : RUNNING;
    e->starts++;
}

/* ---- afterwards ---- */

static int64_t do_status(struct message *m)
{
    struct rs_status out = { 0 };
    uint64_t slot = m->w[0];
    if (slot >= slots)
        return -ENOENT;
    const struct entry *e = &services[slot];
    memcpy(out.name, e->name, sizeof out.name);
    out.state = e->state;
    out.starts = e->starts;
    out.rights = e->rights;
    int error = copy_out(m, 0, &out, MIN(m->w[2], sizeof out));
    return error ? error : (int64_t)sizeof out;
}

static int64_t do_halt(struct message *m)
{
    return kernel_call(SYS_HALT, m->w[0], 0, 0, 0, 0, 0);
}

/* A service has stopped. Restart is not there yet: its callers wait, and the log says so. */
static void noticed(uint64_t bits)
{
    if (!(bits >> NOTIFY_TASK_DIED & 1))
        return;
    for (unsigned i = 2; i < slots; i++) {
        if (services[i].state != RUNNING)
            continue;
        struct task_info info;
        if (kernel_call(SYS_INFO, INFO_TASK, i, (uint64_t)&info, sizeof info, 0, 0) > 0 && info.threads)
            continue;
        services[i].state = DEAD;
        print("%s has died", services[i].name);
    }
}

int main(void)
{
    static const handler_t handlers[] = { [op_number(RS_STATUS)] = do_status, [op_number(RS_HALT)] = do_halt };
    static const struct protocol protocols[] = { PROTOCOL_TABLE(RS, handlers) };
    memcpy(services[1].name, "rs", 3);
    services[1].state = RUNNING;
    uint64_t all_pages = (uint32_t)kernel_call(SYS_FRAME_COUNT, 0, 0, 0, 0, 0, 0);
    read_list();
    for (unsigned i = 2; i < slots; i++)
        read_manifest(i, all_pages);
    refuse_cycle();
    for (unsigned i = 2; i < slots; i++)
        if (services[i].state != REFUSED)
            create(i);
    for (unsigned i = 2; i < slots; i++)
        if (services[i].state == CREATED)
            start(i);
    service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 1, .notify = noticed });
}
