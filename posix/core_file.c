/* What a core file consists of. The structures are those of Linux, which debuggers read. */
#include "core_file.h"

#include "service.h"
#include <minnow/context.h>
#include <minnow/elf.h>
#include <minnow/file.h>

enum { TYPE_CORE = 4, SEGMENT_LOAD = 1, SEGMENT_NOTE = 4, READABLE = 4 };
enum {
    NOTE_PRSTATUS = 1,
    NOTE_PRFPREG,
    NOTE_PRPSINFO,
    NOTE_AUXV = 6,
    NOTE_FILES = 0x46494c45,
    NOTE_SIGNAL = 0x53494749
};

size_t core_header(char *to, unsigned segments, uint64_t at, uint64_t bytes)
{
    *(struct elf_header *)to = (struct elf_header){ .magic = { 0x7f, 'E', 'L', 'F', 2, 1, 1 },
                                                    .type = TYPE_CORE,
                                                    .machine = ELF_X86_64,
                                                    .version = 1,
                                                    .segments_at = sizeof(struct elf_header),
                                                    .header_size = sizeof(struct elf_header),
                                                    .segment_size = sizeof(struct elf_segment),
                                                    .segment_count = segments };
    *(struct elf_segment *)(to + sizeof(struct elf_header)) = (struct elf_segment){
        .type = SEGMENT_NOTE, .offset = at, .file_size = bytes, .align = 4
    };
    return sizeof(struct elf_header) + sizeof(struct elf_segment);
}

size_t core_segment(char *to, const struct pm_region *r, uint64_t at, uint64_t bytes)
{
    uint32_t p = r->protection;
    *(struct elf_segment *)to = (struct elf_segment){ .type = SEGMENT_LOAD,
                                                      .flags = (p & PAGE_READ ? READABLE : 0) |
                                                               (p & PAGE_WRITE ? ELF_W : 0) |
                                                               (p & PAGE_EXEC ? ELF_X : 0),
                                                      .offset = at,
                                                      .address = r->start,
                                                      .file_size = bytes,
                                                      .memory_size = r->end - r->start,
                                                      .align = PAGE_SIZE };
    return sizeof(struct elf_segment);
}

/* ---- notes ---- */

/* Begins a note whose contents have so many bytes. Returns where these are to stand; they are 0. */
static void *note(char *to, uint32_t type, size_t bytes)
{
    const uint32_t head[] = { sizeof "CORE", bytes, type };
    memset(to, 0, NOTE_HEAD + bytes);
    memcpy(to, head, sizeof head);
    memcpy(to + sizeof head, "CORE", sizeof "CORE");
    return to + NOTE_HEAD;
}

struct status_note {
    int32_t signo, code, error;
    int16_t signal;
    uint64_t pending, held;
    int32_t pid, ppid, pgrp, sid;
    struct timespec64 user, system, children_user, children_system; /* in microseconds */
    struct user_regs regs;
    int32_t fpu_valid;
};
_Static_assert(sizeof(struct status_note) == NOTE_STATUS - NOTE_HEAD, "struct elf_prstatus");

static struct timespec64 microseconds(uint64_t ns)
{
    return (struct timespec64){ ns / SECOND, ns % SECOND / 1000 };
}

size_t core_note_status(char *to, const struct thread *t, const struct siginfo *info,
                        const struct user_regs *u)
{
    const struct posix_proc *i = &t->process->i;
    struct status_note *n = note(to, NOTE_PRSTATUS, sizeof *n);
    n->signo = n->signal = info->signo;
    n->code = info->code;
    n->error = info->error;
    n->pending = t->pending.set;
    n->held = t->blocked;
    n->pid = t->tid, n->ppid = i->ppid, n->pgrp = i->pgid, n->sid = i->sid;
    n->user = microseconds(i->cpu.ns - i->cpu.system_ns);
    n->system = microseconds(i->cpu.system_ns);
    n->children_user = microseconds(i->children.ns - i->children.system_ns);
    n->children_system = microseconds(i->children.system_ns);
    n->regs = *u;
    n->fpu_valid = 1;
    return NOTE_STATUS;
}

size_t core_note_fpu(char *to, const uint8_t *area)
{
    memcpy(note(to, NOTE_PRFPREG, FXSAVE_SIZE), area, FXSAVE_SIZE);
    return NOTE_FPU;
}

struct process_note {
    char state, letter, zombie, nice;
    uint64_t flags;
    uint32_t uid, gid;
    int32_t pid, ppid, pgrp, sid;
    char name[PROC_THREAD_NAME], arguments[80];
};
_Static_assert(sizeof(struct process_note) == NOTE_PROCESS - NOTE_HEAD, "struct elf_prpsinfo");

size_t core_note_process(char *to, const struct process *p, const char *arguments)
{
    const struct posix_proc *i = &p->i;
    struct process_note *n = note(to, NOTE_PRPSINFO, sizeof *n);
    n->letter = 'R';
    n->nice = i->nice;
    n->uid = i->uid, n->gid = i->gid;
    n->pid = i->pid, n->ppid = i->ppid, n->pgrp = i->pgid, n->sid = i->sid;
    memcpy(n->name, i->name, sizeof n->name);
    memcpy(n->arguments, arguments, strnlen(arguments, sizeof n->arguments - 1));
    return NOTE_PROCESS;
}

size_t core_note_siginfo(char *to, const struct siginfo *info)
{
    memcpy(note(to, NOTE_SIGNAL, SIGINFO_SIZE), info, sizeof *info);
    return NOTE_SIGINFO;
}

size_t core_note_auxv(char *to, const void *auxv, size_t bytes)
{
    memcpy(note(to, NOTE_AUXV, bytes), auxv, bytes);
    return NOTE_HEAD + bytes;
}

size_t core_note_files(char *to, const struct pm_region *r, unsigned count, const char *name)
{
    size_t length = strlen(name) + 1,
           bytes = (2 * sizeof(uint64_t) + count * (3 * sizeof(uint64_t) + length) + 3) & ~3ul;
    uint64_t *word = note(to, NOTE_FILES, bytes);
    *word++ = count;
    *word++ = PAGE_SIZE;
    for (unsigned i = 0; i < count; i++) {
        *word++ = r[i].start;
        *word++ = r[i].end;
        *word++ = r[i].offset / PAGE_SIZE;
    }
    char *names = (char *)word;
    for (unsigned i = 0; i < count; i++, names += length)
        memcpy(names, name, length);
    return NOTE_HEAD + bytes;
}
