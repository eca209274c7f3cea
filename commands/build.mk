# Minnow's own commands. BusyBox and dash are built by disk.img.mk's rules.
COMMANDS += commands/init commands/vmrun.c commands/poweroff.c commands/ipctrace.c \
    commands/services.c commands/compat.c commands/service.c commands/sysview.c

# The pages that ipctrace and sysview fill in; that of messages is the labs' reports', too.
PAGES := $(BUILD)/sequence.html $(BUILD)/sysview.html
$(BUILD)/sysview.html: commands/sysview/page commands/sysview/drawing pm/rs/boot.services \
    $(wildcard $(AREAS:%=%/*.manifest) $(AREAS:%=%/*/*.manifest))
	@mkdir -p $(@D) && commands/sysview/page >$@.new && mv $@.new $@
$(BUILD)/sequence.html: $(addprefix commands/sequence/,page sequence.css sequence.js) \
    $(addprefix kernel/abi/minnow/,protocol.def kcalls.def)
	@mkdir -p $(@D) && commands/sequence/page >$@.new && mv $@.new $@
LINKS_poweroff := bin/reboot bin/halt sbin/poweroff sbin/reboot sbin/halt
