/* A plugin of QEMU that counts what the guest's processor executes: all instructions, and loads of
 * CR3, each of which changes the address space. The counts are the guest's, whichever kernel runs
 * in it: nothing has to be known about that kernel.
 *
 * The plugin appends lines "WORD INSTRUCTIONS LOADS" to a file:
 *
 *     mark      a program in the guest (tests/programs/_jobs.c) asked for the counts, by a
 *               no-operation whose operand is MARK
 *     booted    the same with BOOTED: tests/jobs/linux-init.c
 *     entry     the instruction at ENTRY, Linux's first, was executed for the first time
 *
 *     qemu-system-x86_64 -plugin build/jobs/count.so,out=PATH ...
 *
 * An instruction that faults is counted at each attempt. The plugin speaks QEMU's plugin interface
 * in version 1, which is that of QEMU 4.2 to 8.0. Debian does not pack its header, so the part that
 * is used here is declared below. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MARK = 0x4d4e574a, BOOTED = 0x4d4e574b, ENTRY = 0x100000 };

typedef uint64_t qemu_plugin_id_t;
struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

typedef void (*tb_callback_t)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*insn_callback_t)(unsigned, void *);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, tb_callback_t);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, enum qemu_plugin_op,
                                                void *, uint64_t);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, insn_callback_t,
                                            enum qemu_plugin_cb_flags, void *);

#define PUBLIC __attribute__((visibility("default")))
PUBLIC int qemu_plugin_version = 1;

static uint64_t instructions, loads;
static FILE *out;

static void tell(unsigned cpu, void *word)
{
    static int entered;
    (void)cpu;
    if (strcmp(word, "entry") == 0 && entered++)
        return;
    fprintf(out, "%s %lu %lu\n", (char *)word, instructions, loads);
    fflush(out);
}

/* mov %reg, %cr3: a prefix that names registers 8 to 15 may stand before it. */
static int loads_cr3(const uint8_t *code, size_t size)
{
    if (size == 4 && (*code & 0xf0) == 0x40)
        code++, size--;
    return size == 3 && code[0] == 0x0f && code[1] == 0x22 && (code[2] & 0xf8) == 0xd8;
}

/* nopl OPERAND(%rax) */
static int is_nop(const uint8_t *code, size_t size, int operand)
{
    return size == 7 && memcmp(code, "\x0f\x1f\x80", 3) == 0 && memcmp(code + 3, &operand, 4) == 0;
}

/* What is to be told when the instruction is executed; NULL: nothing. */
static char *event(const struct qemu_plugin_insn *insn)
{
    const uint8_t *code = qemu_plugin_insn_data(insn);
    size_t size = qemu_plugin_insn_size(insn);
    if (is_nop(code, size, MARK))
        return "mark";
    if (is_nop(code, size, BOOTED))
        return "booted";
    return qemu_plugin_insn_vaddr(insn) == ENTRY ? "entry" : NULL;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, &instructions,
                                                   1);
        if (loads_cr3(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn)))
            qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, &loads, 1);
        char *word = event(insn);
        if (word)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, tell, QEMU_PLUGIN_CB_NO_REGS, word);
    }
}

PUBLIC int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
                               char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "out=", 4) || !(out = fopen(argv[0] + 4, "w"))) {
        fprintf(stderr, "count: needs out=PATH, a file that can be written\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
