/* _xattr get|list FILE [NAME], _xattr set FILE NAME VALUE, _xattr remove FILE NAME */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

int main(int argc, char **argv)
{
    char text[4096];
    const char *what = argc > 2 ? argv[1] : "";
    long n = -1;
    if (!strcmp(what, "get") && argc == 4)
        n = getxattr(argv[2], argv[3], text, sizeof text);
    else if (!strcmp(what, "list"))
        n = listxattr(argv[2], text, sizeof text);
    else if (!strcmp(what, "set") && argc == 5)
        return setxattr(argv[2], argv[3], argv[4], strlen(argv[4]), 0) ? errno : 0;
    else if (!strcmp(what, "remove") && argc == 4)
        return removexattr(argv[2], argv[3]) ? errno : 0;
    if (n < 0)
        return errno;
    for (long k = 0; k < n; k++)
        putchar(text[k] ? text[k] : ' ');
    putchar('\n');
    return 0;
}
