SERVICES += posix

# The vDSO, which PM maps into every program.
$(BUILD)/vdso.so: posix/vdso/vdso.c posix/vdso/vdso.lds kernel/abi/minnow/clock.h
	$(call quiet,VDSO)mkdir -p $(@D) && $(CC) -std=gnu11 -O2 -ffreestanding -fPIC \
	    -fvisibility=default -mgeneral-regs-only \
	    -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
	    $(WARNINGS) -Ikernel/abi \
	    -shared -nostdlib -Wl,-Bsymbolic -Wl,-soname,linux-vdso.so.1 -Wl,--hash-style=both \
	    -Wl,--build-id=none \
	    -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,-T,posix/vdso/vdso.lds -o $@ $<
