/* <string.h>, as far as services use it. Copies go by quadwords: in the emulators `rep movsb` costs
 * every byte. These functions note what they write over in the undo log themselves, in one entry;
 * so this file is compiled without the plugin. */
#include "service.h"

enum { NOTED_MOST = 1024 };

/* Notes `bytes` bytes at `at` (see undo.S), unless they lie on the thread's own stack, which is set
 * back as a whole. */
static inline void note(void *at, size_t bytes)
{
    if (((uintptr_t)at ^ (uintptr_t)__builtin_frame_address(0)) < SERVICE_STACK_SPAN)
        return;
    __asm__ volatile("call undo_note_range" : "+D"(at), "+a"(bytes) : : "cc", "memory");
}

/* The same for an operation that may be done twice, since it does not change what it reads: instead
 * of a long entry the service commits, and would do the operation again. */
static inline void note_repeatable(void *at, size_t bytes)
{
    if (bytes <= NOTED_MOST)
        note(at, bytes);
    else
        __asm__ volatile("call undo_commit" : : : "cc", "memory");
}

static void *copy(void *to, const void *from, size_t n)
{
    void *d = to;
    size_t words = n / 8, rest = n % 8;
    if (words)
        __asm__ volatile("rep movsq" : "+D"(d), "+S"(from), "+c"(words) : : "memory");
    for (; rest; rest--, d = (char *)d + 1, from = (const char *)from + 1)
        *(volatile char *)d = *(const char *)from;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    note_repeatable(to, n);
    return copy(to, from, n);
}

/* Copies upwards, or downwards: the pieces may overlap as long as no byte is written over before it
 * is read. */
static void move(char *to, const char *from, size_t n, bool up)
{
    if (up) {
        copy(to, from, n);
        return;
    }
    for (; n % 8; n--)
        ((volatile char *)to)[n - 1] = from[n - 1];
    for (; n; n -= 8)
        *(volatile uint64_t *)(to + n - 8) = *(const uint64_t *)(from + n - 8);
}

/* In pieces, each of which can be taken back. */
void *memmove(void *to, const void *from, size_t n)
{
    char *d = to;
    const char *s = from;
    bool apart = d + n <= s || d >= s + n, up = d <= s;
    if (apart)
        return memcpy(to, from, n);
    for (size_t done = 0, now; done < n; done += now) {
        now = MIN(n - done, (size_t)NOTED_MOST);
        size_t at = up ? done : n - done - now;
        note(d + at, now);
        move(d + at, s + at, now, up);
    }
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    uint64_t pattern = (uint8_t)byte * 0x0101010101010101ul;
    void *d = to;
    size_t words = n / 8, rest = n % 8;
    note_repeatable(to, n);
    if (words)
        __asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
    for (; rest; rest--, d = (char *)d + 1)
        *(volatile char *)d = (char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    for (const unsigned char *p = s; n; n--, p++)
        if (*p == (unsigned char)c)
            return (void *)p;
    return NULL;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;
    while (n < max && s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n && *a && *a == *b; n--, a++, b++)
        ;
    return n ? (unsigned char)*a - (unsigned char)*b : 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (!*s)
            return NULL;
    }
}
