/* Interrupts as notifications: see kcall_machine.c. */
#ifndef IRQ_H
#define IRQ_H

#include <minnow/syscall.h>

struct task;

/* Line `irq` has interrupted: it is masked until its driver acknowledges it, and the driver is
 * notified. */
void irq_arrived(unsigned irq);
void irq_forget(struct task *gone); /* masks the lines of a service that has stopped */

/* INFO_IRQ. false: there is no such line. */
bool irq_describe(uint64_t irq, struct irq_info *out);

#endif
