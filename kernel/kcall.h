/* Kernel calls other than those that move messages: a table by number. A call gets the arguments as
 * an array (rdi rsi rdx r10 r8 r9, as they stand in struct regs) and returns the result. */
#ifndef KCALL_H
#define KCALL_H

#include "thread.h"

typedef int64_t (*kcall_t)(struct thread *t, const uint64_t *a);

extern const kcall_t kcalls[SYS_COUNT_];         /* what services may call */
extern const kcall_t kcall_by_route[SYS_COUNT_]; /* what a routing table may name */

extern struct personality *kcall_personality; /* that of new programs */

void kcall_advance(struct thread *t, uint64_t steps_left);
void kcall_park(struct thread *t);
void kcall_exit(struct thread *t, uint64_t how); /* enum exit */

static inline void copy_words(uint64_t *to, const uint64_t *from)
{
    for (int i = 0; i < 6; i++)
        to[i] = from[i];
}

static inline bool has_right(const struct thread *t, uint32_t right)
{
    return t->task->rights.rights & right;
}

/* kcall_info.c, trace.c */
int64_t sys_info(struct thread *t, const uint64_t *a);
int64_t sys_trace(struct thread *t, const uint64_t *a);
int64_t sys_log(struct thread *t, const uint64_t *a);
int64_t sys_publish(struct thread *t, const uint64_t *a);
int64_t sys_frame_count(struct thread *t, const uint64_t *a);
/* syscall.c */
bool may_use(const struct task *from, uint64_t slot, uint64_t object);
int64_t sys_lend(struct thread *t, const uint64_t *a);
/* kcall_caller.c */
int64_t sys_call_user(struct thread *t, const uint64_t *a);
int64_t sys_conn_get(struct thread *t, const uint64_t *a);
int64_t sys_conn_list(struct thread *t, const uint64_t *a);
int64_t sys_conn_set(struct thread *t, const uint64_t *a);
int64_t sys_conn_install(struct thread *t, const uint64_t *a);
int64_t sys_conn_dup(struct thread *t, const uint64_t *a);
int64_t sys_conn_close(struct thread *t, const uint64_t *a);
int64_t sys_conn_exec(struct thread *t, const uint64_t *a);
int64_t sys_peek(struct thread *t, const uint64_t *a);
int64_t sys_poke(struct thread *t, const uint64_t *a);
int64_t sys_regs_get(struct thread *t, const uint64_t *a);
int64_t sys_regs_set(struct thread *t, const uint64_t *a);
int64_t sys_thread_set(struct thread *t, const uint64_t *a);
int64_t sys_task_set(struct thread *t, const uint64_t *a);
int64_t sys_interrupt(struct thread *t, const uint64_t *a);
int64_t sys_routes(struct thread *t, const uint64_t *a);
/* kcall_pm.c */
int64_t sys_task_create(struct thread *t, const uint64_t *a);
int64_t sys_task_kill(struct thread *t, const uint64_t *a);
int64_t sys_thread_create(struct thread *t, const uint64_t *a);
int64_t sys_thread_kill(struct thread *t, const uint64_t *a);
int64_t sys_task_space(struct thread *t, const uint64_t *a);
int64_t sys_pages(struct thread *t, const uint64_t *a);
int64_t sys_pages_clone(struct thread *t, const uint64_t *a);
int64_t sys_frames(struct thread *t, const uint64_t *a);
int64_t sys_frames_give(struct thread *t, const uint64_t *a);
/* kcall_machine.c */
int64_t sys_grow(struct thread *t, const uint64_t *a);
int64_t sys_irq_bind(struct thread *t, const uint64_t *a);
int64_t sys_irq_ack(struct thread *t, const uint64_t *a);
int64_t sys_port_in(struct thread *t, const uint64_t *a);
int64_t sys_port_out(struct thread *t, const uint64_t *a);
int64_t sys_port_ins(struct thread *t, const uint64_t *a);
int64_t sys_port_outs(struct thread *t, const uint64_t *a);
int64_t sys_map_device(struct thread *t, const uint64_t *a);
int64_t sys_halt(struct thread *t, const uint64_t *a);
void irq_arrived(unsigned irq);
void irq_forget(struct task *gone);

/* Whether `from` may call the service in the slot with this object. */
static inline bool may_call(const struct task *from, uint64_t slot, uint64_t object)
{
    return slot < MAX_SERVICE && (from->rights.may_call >> slot & 1 || may_use(from, slot, object));
}

#endif
