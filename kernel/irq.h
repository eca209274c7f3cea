/* Interrupts as notifications: see kcall_machine.c. */
#ifndef IRQ_H
#define IRQ_H

struct task;

/* Line `irq` has interrupted: it is masked until its driver acknowledges it, and the driver is
 * notified. */
void irq_arrived(unsigned irq);
void irq_forget(struct task *gone); /* masks the lines of a service that has stopped */

#endif
