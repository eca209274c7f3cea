/* Adding to a text; the formats are those of print() in service.h. */
#include "procfs.h"

#include <minnow/format.h>

void text_add(struct text *t, const char *f, ...)
{
    va_list args;
    va_start(args, f);
    t->length += format_text(t->buffer + t->length, t->size - t->length, f, args);
    t->length = MIN(t->length, t->size - 1);
    va_end(args);
}
