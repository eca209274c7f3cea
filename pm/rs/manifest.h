/* Manifests: what a service may do, as text beside its source. */
#ifndef MANIFEST_H
#define MANIFEST_H

#include <minnow/syscall.h>
#include <minnow/types.h>

/* The slot of a service by its name, which is not terminated; 0: there is none. */
typedef unsigned (*slot_of_t)(const char *name, size_t length);

/* Shares are of the pages beyond so many, which are left to programs. */
enum { SMALL_MACHINE = 16 * 1024 * 1024 / PAGE_SIZE };

/* What a manifest says beyond struct service_rights, which the kernel gets. */
struct manifest_more {
    uint64_t needs;
    uint32_t patience_ms; /* UINT32_MAX: for ever */
    uint32_t loss_is_fatal;
    uint32_t stop_refused;
};

struct manifest_error {
    unsigned line;
    const char *reason;
};

/* Whether the word w, which has so many bytes and no NUL, is this text. */
bool word_is(const char *w, size_t length, const char *text);

/* Reads a manifest: lines `key: values`; `#` starts a comment. README.md says what the keys mean:
 *
 *   calls                  names of services, NAME:OBJECT, NAME:lent, `devices`
 *   notifies, forwards     names of services
 *   needs                  likewise
 *   rights                 caller pm rs posix info dma sched dump, or -
 *   ports, device-memory   ranges a-b (or one number), hexadecimal with 0x
 *   irqs                   numbers of lines, 0..15
 *   memory                 4M, 512K, or with a share of what is beyond SMALL_MACHINE: 4M + 1/8
 *   priority               0 (highest) .. 7
 *   patience               ms, or - for ever
 *   state                  kept (the default), none
 *   loss                   bearable (the default), fatal
 *   stop                   allowed (the default), refused
 *   violations             fatal (the default), refused
 *
 * all_pages: the machine's memory, for shares. 0, or -EINVAL with the error's line and reason.
 * Names that no service has are ignored. */
int manifest_parse(const char *text, size_t length, uint64_t all_pages, slot_of_t slot_of,
                   struct service_rights *out, struct manifest_more *more,
                   struct manifest_error *error);

/* A mask of the slots of all services that may be called, with any object or with some. */
uint64_t manifest_calls(const struct service_rights *rights);

/* calls[i] is the mask of slots that slot i may call. Returns whether they have a cycle, and writes
 * the slots of one to cycle[], ended by 0. */
bool manifest_cycle(const uint64_t calls[MAX_SERVICE], unsigned cycle[MAX_SERVICE + 1]);

#endif
