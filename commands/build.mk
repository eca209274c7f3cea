# Minnow's own commands. BusyBox and dash are built by disk.img.mk's rules.
COMMANDS += commands/init commands/vmrun.c commands/poweroff.c commands/ipctrace.c \
    commands/services.c commands/compat.c commands/service.c
LINKS_poweroff := bin/reboot bin/halt sbin/poweroff sbin/reboot sbin/halt
