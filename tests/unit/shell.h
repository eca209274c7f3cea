/* Behind cmocka.h. */
#ifndef SHELL_H
#define SHELL_H

#include <stdio.h>
#include <stdlib.h>

/* A command of the host's, as by printf; the test fails when it does. */
static inline void shell(const char *text, ...)
{
    char command[1000];
    va_list list;
    va_start(list, text);
    vsnprintf(command, sizeof(command), text, list);
    va_end(list);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

#endif
