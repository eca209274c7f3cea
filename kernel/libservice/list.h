/* Doubly linked lists. What stands in one has a struct link as a member, and stands in one list at
 * a time by that link; the member is found by CONTAINER. */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>
#include <stddef.h>

/* All 0 at first: it is in no list. */
struct link {
    struct link *next, *before;
    bool listed;
};

struct list {
    struct link *first, *last; /* NULL: the list is empty */
};

/* Put x at the end, or at the beginning. Harmless if x is in the list already. */
static inline void list_append(struct list *l, struct link *x)
{
    if (x->listed)
        return;
    *x = (struct link){ .before = l->last, .listed = true };
    *(l->last ? &l->last->next : &l->first) = x;
    l->last = x;
}

static inline void list_prepend(struct list *l, struct link *x)
{
    if (x->listed)
        return;
    *x = (struct link){ .next = l->first, .listed = true };
    *(l->first ? &l->first->before : &l->last) = x;
    l->first = x;
}

/* Takes x out. Harmless if x is in no list. */
static inline void list_remove(struct list *l, struct link *x)
{
    if (!x->listed)
        return;
    *(x->before ? &x->before->next : &l->first) = x->next;
    *(x->next ? &x->next->before : &l->last) = x->before;
    x->listed = false;
}

#endif
