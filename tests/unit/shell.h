/* Commands of the host in a unit test. To be included behind cmocka.h. */
#ifndef SHELL_H
#define SHELL_H

#include <stdio.h>
#include <stdlib.h>

/* Runs a command of the host, given as to printf; the test fails if the command does. */
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
