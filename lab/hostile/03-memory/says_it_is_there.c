/* Answers each fault with success, and brings nothing. */
#include "rest.h"

int64_t do_fault(struct message *m) { return m->w[0] ? 0 : bring(m->from, m->w[0], m->w[1]); }
