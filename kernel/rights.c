/* Whom a service may call: its manifest says so, or another service has lent it the right. */
#include "rights.h"

#include "kcall.h"

bool may_use(const struct task *from, uint64_t slot, uint64_t object)
{
    const struct object_right *o = from->rights.objects, *loan = from->loans;
    for (unsigned i = 0; i < sizeof from->rights.objects / sizeof *o && o[i].slot; i++)
        if (o[i].slot == slot && o[i].object == object)
            return true;
    if (from->rights.may_borrow >> slot & 1)
        for (unsigned i = 0; i < LOANS_MAX; i++)
            if (loan[i].slot == slot && loan[i].object == object)
                return true;
    return false;
}

/* A lender needs both rights from its own manifest: nothing that was borrowed is lent on. */
int64_t sys_lend(struct thread *t, const uint64_t *a)
{
    uint64_t slot = a[1], object = a[2];
    if (a[0] >= MAX_SERVICE || slot >= MAX_SERVICE ||
        !(t->task->rights.may_call >> a[0] & t->task->rights.may_call >> slot & 1))
        return -EPERM;
    struct task *x = tasks[a[0]];
    if (!x)
        return -ESRCH;
    struct object_right *place = NULL, wanted = { slot, object };
    if (object > UINT32_MAX || !(x->rights.may_borrow >> slot & 1))
        return may_call(x, slot, object) ? 0 : -EACCES;
    for (unsigned i = 0; i < LOANS_MAX; i++)
        if (x->loans[i].slot == slot && x->loans[i].object == object)
            place = &x->loans[i];
        else if (!x->loans[i].slot && a[3] && !place)
            place = &x->loans[i];
    if (place)
        *place = a[3] ? wanted : (struct object_right){ 0 };
    return place || !a[3] ? 0 : -ENOMEM;
}
