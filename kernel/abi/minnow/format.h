/* A small printf for kernel and services: %s %c %d %u %o %x %p, with l or z, width, and 0; %%.
 * Header only, because both sides compile it for themselves. */
#ifndef MINNOW_FORMAT_H
#define MINNOW_FORMAT_H

#include <minnow/types.h>
#include <stdarg.h>

struct format_out {
    char *to;
    size_t size, length;
};

static inline void format_put(struct format_out *o, char c)
{
    if (o->length + 1 < o->size)
        o->to[o->length] = c;
    o->length++;
}

static inline void format_number(struct format_out *o, uint64_t v, unsigned base, bool negative,
                                 int width, char fill)
{
    char digits[24];
    int n = 0;
    do
        digits[n++] = "0123456789abcdef"[v % base];
    while (v /= base);
    if (negative && fill == '0')
        format_put(o, '-');
    for (int pad = width - n - negative; pad > 0; pad--)
        format_put(o, fill);
    if (negative && fill != '0')
        format_put(o, '-');
    while (n)
        format_put(o, digits[--n]);
}

static inline void format_string(struct format_out *o, const char *s, int width)
{
    for (s = s ? s : "(null)"; *s; s++, width--)
        format_put(o, *s);
    for (; width > 0; width--)
        format_put(o, ' ');
}

/* Writes at most size bytes, a final NUL included. Returns the length that the whole text has. */
static inline size_t format_text(char *to, size_t size, const char *f, va_list args)
{
    struct format_out o = { to, size, 0 };
    for (; *f; f++) {
        if (*f != '%') {
            format_put(&o, *f);
            continue;
        }
        char fill = ' ';
        int width = 0;
        bool wide = false;
        f++;
        if (*f == '-')
            f++;
        if (*f == '0')
            fill = '0', f++;
        for (; *f >= '0' && *f <= '9'; f++)
            width = width * 10 + (*f - '0');
        for (; *f == 'l' || *f == 'z'; f++)
            wide = true;
        int64_t d;
        switch (*f) {
        case 'd':
            d = wide ? va_arg(args, int64_t) : va_arg(args, int);
            format_number(&o, d < 0 ? -(uint64_t)d : (uint64_t)d, 10, d < 0, width, fill);
            break;
        case 'u':
            format_number(&o, wide ? va_arg(args, uint64_t) : va_arg(args, unsigned), 10, false,
                          width, fill);
            break;
        case 'o':
            format_number(&o, wide ? va_arg(args, uint64_t) : va_arg(args, unsigned), 8, false,
                          width, fill);
            break;
        case 'x':
            format_number(&o, wide ? va_arg(args, uint64_t) : va_arg(args, unsigned), 16, false,
                          width, fill);
            break;
        case 'p': format_number(&o, (uint64_t)va_arg(args, void *), 16, false, width, fill); break;
        case 'c': format_put(&o, va_arg(args, int)); break;
        case 's': format_string(&o, va_arg(args, const char *), width); break;
        default: format_put(&o, *f); break;
        }
        if (!*f)
            break;
    }
    if (size)
        to[o.length < size ? o.length : size - 1] = 0;
    return o.length;
}

#endif
