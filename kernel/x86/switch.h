/* The switch from thread to thread. Inline, since every message makes one. */
#ifndef X86_SWITCH_H
#define X86_SWITCH_H

#include "clock.h"
#include "cpu.h"
#include "thread.h"

static inline void fpu_enable(struct cpu *cpu)
{
    if (cpu->fpu_off) {
        clts();
        cpu->fpu_off = false;
    }
}

static inline void fpu_disable(struct cpu *cpu)
{
    if (!cpu->fpu_off) {
        write_cr0(fpu_cr0_off);
        cpu->fpu_off = true;
    }
}

/* Makes the processor ready to run t, and returns t. Servers leave floating point and segment bases
 * alone, so a program that calls a server finds them as they were, though no code has saved
 * them. */
static inline struct thread *arch_switch(struct thread *t)
{
    struct cpu *cpu = this_cpu();
    if (t->space != cpu->space) {
        cpu->space = t->space;
        cpu->space_switches++;
        write_cr3(t->space->root);
    }
    if (!t->user) {
        fpu_disable(cpu);
        return t;
    }
    if (cpu->charged != t) {
        clock_charge(t);
        load_bases(&t->regs);
        if (cpu->breaks | t->breakpoints)
            breakpoints_load(cpu, t);
    }
    if (!t->fpu)
        fpu_disable(cpu);
    else if (cpu->fpu_owner == t)
        fpu_enable(cpu);
    else
        fpu_take(cpu, t);
    return t;
}

#endif
