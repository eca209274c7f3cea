/* What a core file consists of: an ELF file (System V gABI, chapter 5; Linux, fs/binfmt_elf.c). */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include "process.h"
#include "user_regs.h"

enum { CORE_FILES = 8, CORE_AUXV = 512 };

/* Makes the file's header and the first entry of its table of segments, which has `segments`: the
 * notes, `bytes` of them from `at` on. Returns the length of what it has made. */
size_t core_header(char *to, unsigned segments, uint64_t at, uint64_t bytes);

/* Makes the next entry of the table: a region, `bytes` of which stand in the file from `at` on. */
size_t core_segment(char *to, const struct pm_region *r, uint64_t at, uint64_t bytes);

/* Notes. Each function makes one at `to` and returns its length. */
enum {
    NOTE_HEAD = 20,
    NOTE_STATUS = NOTE_HEAD + 336,
    NOTE_FPU = NOTE_HEAD + 512,
    NOTE_PROCESS = NOTE_HEAD + 136,
    NOTE_SIGINFO = NOTE_HEAD + SIGINFO_SIZE
};
/* A thread's registers, and that p ends by the signal. */
size_t core_note_status(char *to, const struct thread *t, const struct siginfo *info,
                        const struct user_regs *u);
size_t core_note_fpu(char *to, const uint8_t *area);
size_t core_note_process(char *to, const struct process *p, const char *arguments);
size_t core_note_siginfo(char *to, const struct siginfo *info);
size_t core_note_auxv(char *to, const void *auxv, size_t bytes);
/* Which regions show the file of this name. */
size_t core_note_files(char *to, const struct pm_region *r, unsigned count, const char *name);

#endif
