/* Reading what the boot loader brought: boot.services, one name a line, and for each name a program
 * and a manifest. */
#include "rs.h"
#include "syscalls.h"

/* Finds the module that is called name and suffix. false: there is none. */
static bool module_find(const char *name, const char *suffix, struct image *out)
{
    char wanted[64];
    struct module_info info;
    format(wanted, sizeof wanted, "%s%s", name, suffix);
    for (unsigned i = 0; ask_module(i, &info) == 0; i++)
        if (strcmp(info.name, wanted) == 0) {
            *out = (struct image){ .bytes = (const char *)info.address, .size = info.size };
            return true;
        }
    return false;
}

static void read_list(void)
{
    struct image list;
    if (!module_find("boot.services", "", &list))
        die("the boot loader brought no boot.services");
    const char *at = list.bytes, *end = at + list.size;
    for (unsigned line = 1; at < end; line++) {
        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        const char *start = at;
        while (at < end && *at != ' ' && *at != '\t' && *at != '\n')
            at++;
        size_t n = at - start;
        while (at < end && *at++ != '\n')
            ;
        if (!n || *start == '#')
            continue;
        if (n >= sizeof services[0].name || slots == MAX_SERVICE || slot_of(start, n))
            print("boot.services:%u: %s", line,
                  slot_of(start, n)              ? "the name is taken"
                  : n >= sizeof services[0].name ? "the name is too long"
                                                 : "too many services");
        else
            memcpy(services[slots++].name, start, n);
    }
}

static void read_manifest(struct entry *e, uint64_t pages)
{
    struct manifest_error error;
    struct image manifest;
    e->state = REFUSED;
    if (!module_find(e->name, "", &e->program))
        print("%s: the boot loader brought no program", e->name);
    else if (!module_find(e->name, ".manifest", &manifest))
        print("%s: the boot loader brought no manifest", e->name);
    else if (manifest_parse(manifest.bytes, manifest.size, pages, slot_of, &e->rights, &e->more,
                            &error) < 0)
        print("%s.manifest:%u: %s", e->name, error.line, error.reason);
    else
        e->state = ABSENT;
}

static void refuse_cycle(void)
{
    uint64_t calls[MAX_SERVICE] = { 0 };
    unsigned cycle[MAX_SERVICE + 1];
    for (unsigned i = 1; i < slots; i++)
        calls[i] = manifest_calls(&services[i].rights);
    if (!manifest_cycle(calls, cycle))
        return;
    print("the manifests allow calls in a circle:");
    for (unsigned i = 0; cycle[i]; i++)
        print("  %s calls %s", services[cycle[i]].name,
              services[cycle[cycle[i + 1] ? i + 1 : 0]].name);
    die("so services could wait for each other for ever: not started");
}

/* Refuses services that need one which cannot run. */
static void refuse_needy(void)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (unsigned i = 2; i < slots; i++)
            for (unsigned k = 1; k < MAX_SERVICE && services[i].state != REFUSED; k++)
                if (services[i].more.needs >> k & 1 &&
                    (k >= slots || services[k].state == REFUSED)) {
                    print("%s: needs %s, which cannot run", services[i].name, services[k].name);
                    services[i].state = REFUSED;
                    changed = true;
                }
    }
}

void boot_read(uint64_t pages)
{
    read_list();
    for (unsigned i = 2; i < slots; i++)
        read_manifest(&services[i], pages);
    refuse_cycle();
    refuse_needy();
}
