/* The text of a file of /proc. */
#ifndef PROC_TEXT_H
#define PROC_TEXT_H

#include "oracle.h"

static char text[65536];

/* What one read gets of the file; it stays until the next. "": an error, which is printed. */
static inline char *contents(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0)
        SAY("%s: %s", path, error_name(errno));
    text[n < 0 ? 0 : n] = 0;
    close(fd);
    return text;
}

#endif
