/* poweroff, reboot, halt: ask init, by a signal, to end the system in order; with `-f` end it at
 * once, after a sync. The name by which the program is called says which. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    int again = !strcmp(name, "reboot");
    if (argc > 2 || (argc == 2 && strcmp(argv[1], "-f"))) {
        fprintf(stderr, "usage: %s [-f]\n", name);
        return 2;
    }
    if (argc == 2) {
        sync();
        reboot(again ? RB_AUTOBOOT : RB_POWER_OFF);
    } else if (kill(1, again ? SIGTERM : SIGUSR2) == 0) {
        return 0;
    }
    perror(name);
    return 1;
}
