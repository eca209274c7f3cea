/* A page for a browser, made of one that is kept ready: a line that is only a mark, "@WORD@", makes
 * room for what is written at that place. */
#ifndef PAGE_H
#define PAGE_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Writes text that anybody may have had a part in. */
static inline void page_text(FILE *to, const char *text)
{
    for (; *text; text++)
        if (*text == '<')
            fputs("&lt;", to);
        else if (*text == '&')
            fputs("&amp;", to);
        else
            fputc(*text, to);
}

/* Copies /usr/share/minnow/<kept> to `name`, and calls fill() in the place of each mark. 0, or -1
 * with a message on standard error. */
static inline int page_write(const char *command, const char *kept, const char *name,
                             void (*fill)(FILE *to, const char *mark))
{
    static char line[1 << 16];
    char path[128];
    snprintf(path, sizeof path, "/usr/share/minnow/%s", kept);
    FILE *from = fopen(path, "r"), *to = from ? fopen(name, "w") : NULL;
    while (to && fgets(line, sizeof line, from)) {
        size_t length = strlen(line);
        if (length > 3 && line[0] == '@' && line[length - 2] == '@')
            fill(to, line);
        else
            fputs(line, to);
    }
    if (to && !ferror(to) && !fclose(to))
        return 0;
    fprintf(stderr, "%s: %s: %s\n", command, from ? name : path, strerror(errno));
    return -1;
}

#endif
