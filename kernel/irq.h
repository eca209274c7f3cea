/* Interrupts as notifications: see kcall_machine.c. */
#ifndef IRQ_H
#define IRQ_H

struct task;

void irq_arrived(unsigned irq);     /* the line is masked until its driver acknowledges */
void irq_forget(struct task *gone); /* a driver has stopped: its lines are masked */

#endif
