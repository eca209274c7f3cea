# Minnow: build, run and test the system.
#
#   make                the disk image, build/disk.img
#   make run            run it; serial line in this terminal (Ctrl-] x leaves at once). What it writes stays on
#                       a disk of its own, build/run.img, until what the image is made from changes
#       EMU=bochs           in Bochs instead of QEMU
#       VGA=1               with the emulator's window
#       MEM=128             MiB of memory          DISK=virtio    or ata
#       OPTIONS="..."       words for the kernel's command line: kernel/README.md
#   make fresh          throw that disk away: the next run begins with a new one
#   make test           the tests, but for those that take long; the last line says how many passed
#       TESTS="..."         only these files or folders of tests/, or -k words for pytest
#   make test-fuzz      random system calls, ten million of them
#       CALLS=10000000      another number of calls
#   make test-fault     services that die, hang and are damaged, in full, and what else takes long:
#                       forty minutes; prints figures
#   make test-ports     programs of other people (commands/ports) do the same here and on Linux
#   make unit           the host's unit tests alone
#   make grade LAB=01-ipc   a student's work on a lab, as it will be graded
#   make test-labs      every lab proved: references, skeletons, mutants, a class with hostile submissions
#   make bench          the table of guest instructions per operation, beside Linux's
#   make bench-jobs     whole jobs, beside Linux: instructions, loads of CR3, time
#       NAMES="forks tar"   only these jobs; tests/bench_jobs.py --list
#   make debug          QEMU stopped for GDB, symbols of the kernel and the services loaded
#   make format         lay out all C and Python: .clang-format and black, 100 columns
#   make ports          those programs, on the image of a second disk, build/ports.img
#   make setup          install what is missing; the other goals do that too
#   make clean          remove what was built; `make distclean` BusyBox, dash and sources too
#
#       CROSS=x86_64-linux-gnu-   prefix of the compiler's commands
#       BUILD=build               folder for all that is made
#       SETUP=no                  install nothing, look for nothing
#       OPTIMIZE=-O2              of the kernel and the services
#       JOBS=2                    how many jobs at once (default: processors + 1)
#       WITHOUT="ext2 fat"        leave these services, commands or test programs out
#       V=1                       show the commands
#       WERROR=1                  a warning is an error (not by default: next year's compiler has new ones)
#       CC=gcc-11 HOST_CXX=g++-11 another compiler, and the one for its plugin; GCC 11 and 12 are tried
#       KERNEL_CC=clang-14        another one for the kernel alone; clang 14 is tried
#
# One Makefile builds all; there is no recursion. Each folder says in its build.mk what
# it contributes, by these words:
#
#   SERVICES  += vfs/ext2       a process of the system: all *.c and *.S in the folder.
#                               Its manifest is vfs/ext2/ext2.manifest
#   ALTERNATIVES += pm/sched_rr another program for a service: built as one, but not put on the boot
#                               partition. `tests/vm --service sched=build/services/sched_rr` boots with it
#   LIBS_ext2 := libfs          libraries of a service besides libservice, which every service has
#   STATE_ext2 := ext2-1        version of what is in its memory: raise it when the meaning changes.
#                               Programs with the same one can take over from each other
#   LIBRARIES += vfs/libfs      a library for services; every service finds its headers
#   COMMANDS  += commands/cal   a user's program: a folder, or one file cal.c -> /bin/cal
#   LINKS_cal := bin/ncal       more names for it, as symbolic links
#   FLAGS_cal := -pthread       more flags for a command or a test program
#   UNIT_test_x := vfs/x/a.c    sources that the unit test tests/unit/test_x.c is built with
#   HOST_LIBS_test_x := -lm     more libraries for it
#
# The kernel is all of kernel/ and kernel/x86/; programs that run inside the system for
# the tests are tests/programs/*.c, one program each. disk.img.mk makes the image.

CROSS ?= x86_64-linux-gnu-
BUILD ?= build
OPTIMIZE ?= -O2
JOBS  ?= $(shell expr $$(nproc) + 1)
EMU   ?= qemu
MEM   ?= 128

SHELL := /bin/bash
MAKEFLAGS += -rR -j$(JOBS)
export PATH := $(PATH):/usr/sbin:/sbin
export CROSS BUILD
.DELETE_ON_ERROR:
.DEFAULT_GOAL := image

# What is missing is installed before anything else is looked at.
ifneq ($(if $(filter no,$(SETUP)),,$(if $(MAKECMDGOALS),$(filter-out setup clean distclean fresh format,$(MAKECMDGOALS)),image)),)
SETUP_PART := $(if $(filter ports test-ports bench-jobs,$(MAKECMDGOALS)),--ports,$(if $(filter-out image services lab-programs grade,$(MAKECMDGOALS)),,--building))
$(shell tests/setup $(SETUP_PART) --check || tests/setup $(SETUP_PART) >&2)
ifneq ($(.SHELLSTATUS),0)
$(error the tools to build with are not all there)
endif
endif

# ---- Tools and flags ----

CC      := $(if $(shell command -v $(CROSS)gcc),$(CROSS),)gcc
KERNEL_CC ?= $(CC)
BIN     := $(if $(shell command -v $(CROSS)objcopy),$(CROSS),)
OBJCOPY := $(BIN)objcopy
NM      := $(BIN)nm
READELF := $(BIN)readelf
AR      := $(if $(shell command -v $(CC)-ar),$(CC)-ar,$(BIN)ar)
MUSL_CC := musl-gcc
HOST_CC := gcc
HOST_CXX := g++

WARNINGS := -Wall -Wextra $(if $(WERROR),-Werror)

# The kernel and the services have no C library beneath them and do not touch the vector
# registers, which belong to the user's programs. Only the compiler's own headers
# (<stdint.h>, <stddef.h> ...) are searched besides ours.
NATIVE_FLAGS := -std=gnu11 $(OPTIMIZE) -g -ffreestanding -nostdinc \
    -isystem $(shell $(CC) -print-file-name=include) \
    -mno-red-zone -mgeneral-regs-only \
    -fstack-protector-strong -mstack-protector-guard=global \
    -fno-strict-aliasing -fno-asynchronous-unwind-tables -fcf-protection=none $(WARNINGS) \
    '-fmacro-prefix-map=$(CURDIR)/=' '-fdebug-prefix-map=$(CURDIR)=.'
# GCC optimizes the kernel, and each service with its libraries, as a whole, so that a file of its own for each layer costs a
# message nothing. Object files keep their machine code as well (fat), which tests/measure reads.
WHOLE := -flto -ffat-lto-objects -flto-partition=none
# entry.S saves all registers at once, and stubs.S sends most of them as a message, so functions keep only rbp for their callers.
SPOILED := rbx r12 r13 r14 r15
WHOLE   += $(addprefix -fcall-used-,$(SPOILED))
# A service may be loaded at any address: all its relocations only add that address.
LINK_FLAGS := -nostdlib -static-pie -Wl,--no-dynamic-linker,-z,text,-z,norelro,-z,noexecstack,--build-id=none \
    -Wl,-z,max-page-size=4096,--no-warn-rwx-segments

quiet = $(if $(V),,@printf '  %-8s %s\n' $(1) '$(@:$(BUILD)/%=%)';)

# ---- What the folders contribute ----

AREAS := kernel pm vfs drivers posix commands tests lab
# What stands for libservice in unit tests.
FAKE_SERVICE := tests/unit/fake_service.c kernel/libservice/share.c kernel/libservice/pollable.c
include $(sort $(wildcard $(AREAS:%=%/build.mk) $(AREAS:%=%/*/build.mk)))

# A student's server takes the place of the system's of that name.
SERVICES := $(foreach s,$(sort $(SERVICES)),$(if $(filter $(notdir $s),$(WITHOUT) $(notdir $(LAB_SERVERS))),,$s))
ALTERNATIVES := $(foreach s,$(sort $(ALTERNATIVES)),$(if $(filter $(notdir $s),$(WITHOUT)),,$s))
COMMANDS := $(foreach c,$(sort $(COMMANDS)),$(if $(filter $(basename $(notdir $c)),$(WITHOUT)),,$c))
PROGRAMS := $(foreach p,$(sort $(wildcard tests/programs/*.c)),$(if $(filter $(basename $(notdir $p)),$(WITHOUT)),,$p))
LIBRARIES := $(sort $(LIBRARIES))

sources = $(sort $(wildcard $(1)/*.c $(1)/*.S))
objects = $(patsubst %,$(BUILD)/obj/%.o,$(call sources,$(1)))

.PHONY: image ports all services unit run fresh test test-fuzz test-fault test-ports bench bench-jobs debug format setup clean distclean
ports: $(BUILD)/ports.img
image: $(BUILD)/disk.img $(patsubst %,$(BUILD)/services/%,$(notdir $(ALTERNATIVES)))
all: image services unit

# ---- Kernel ----

KERNEL_OBJECTS := $(call objects,kernel) $(call objects,kernel/x86)
KERNEL_FLAGS   := $(NATIVE_FLAGS) -Wno-unused-parameter -fno-pie -mcmodel=kernel -Ikernel/abi -Ikernel
ifeq ($(KERNEL_CC),$(CC))
KERNEL_FLAGS   += $(WHOLE) -ffixed-rbp
$(BUILD)/obj/kernel/x86/early.c.o: KERNEL_FLAGS += -fno-lto $(addprefix -fcall-saved-,$(SPOILED))
endif
$(BUILD)/obj/kernel/x86/early.c.o: KERNEL_FLAGS += -fpie -fvisibility=hidden -mcmodel=small
KERNEL_LINK_FLAGS := -nostdlib -static -no-pie -Wl,--emit-relocs,-z,noexecstack,--build-id=none \
    -Wl,-z,max-page-size=4096,--no-warn-rwx-segments

$(KERNEL_OBJECTS): $(BUILD)/obj/%.o: % Makefile
	$(call quiet,CC)mkdir -p $(@D) && $(KERNEL_CC) $(KERNEL_FLAGS) -MMD -MP -c -o $@ $<

# The kernel contains a table of the places where it holds addresses of itself, for x86/early.c. So it is linked without the table,
# the table is made from that, and it is linked again. The table is last (.tables), so that it moves none of these places.
link_kernel = $(CC) $(filter-out -I%,$(KERNEL_FLAGS)) $(KERNEL_LINK_FLAGS) -Wl,-T,kernel/kernel.ld -o $@ $(filter %.o,$^) -lgcc
addresses   = $(READELF) -rW $(1) | awk '/^Relocation/ { image = $$3 ~ /rela.(text|data|rodata)/ } image && $$3 ~ /^R_X86_64_(32S?|64)$$/ { print $$1, $$3 }'

define tables_awk
$$2 ~ /^R_X86_64_32/ { four = four "\n.long 0x" substr($$1, 9) " - 0x80000000"; next }
{ eight = eight "\n.long 0x" substr($$1, 9) " - 0x80000000" }
END { print ".section .tables,\"a\",@progbits\n.globl relocations_4, relocations_8, relocations_end\n.balign 8"
      print "relocations_4:" four "\nrelocations_8:" eight "\nrelocations_end:"
      print ".section .note.GNU-stack,\"\",@progbits" }
endef
export tables_awk

$(BUILD)/tables-none.S: Makefile
	@mkdir -p $(@D) && awk "$$tables_awk" </dev/null >$@
$(BUILD)/tables.S: $(BUILD)/kernel-bare.elf
	@$(call addresses,$<) | awk "$$tables_awk" >$@
$(BUILD)/%.o: $(BUILD)/%.S
	@$(CC) -c -o $@ $<

$(BUILD)/kernel-bare.elf: $(KERNEL_OBJECTS) $(BUILD)/tables-none.o kernel/kernel.ld
	@$(link_kernel)
$(BUILD)/kernel.elf: $(KERNEL_OBJECTS) $(BUILD)/tables.o kernel/kernel.ld
	$(call quiet,LD)$(link_kernel)
	@cmp -s <($(call addresses,$(BUILD)/kernel-bare.elf)) <($(call addresses,$@)) || { \
	    echo "kernel.ld: the table moved what it speaks of: .tables must come behind it" >&2; exit 1; }

# ---- Libraries and services ----

# A server's inode begins with what libfs knows of every inode, by an unnamed member
# (-fms-extensions): `struct inode { struct fs_node; ... }`.
SERVICE_FLAGS := $(NATIVE_FLAGS) -fpie -fvisibility=hidden -ffunction-sections -fdata-sections \
    -fms-extensions $(WHOLE) -Ikernel/abi $(LIBRARIES:%=-I%)
SERVICE_OBJECTS := $(foreach d,$(SERVICES) $(ALTERNATIVES) $(LIBRARIES),$(call objects,$d))

# A plugin of the compiler notes each store of a service in its undo log.
UNDO := $(BUILD)/undo.so
UNDO_FLAGS := -DUNDO_LOG -fplugin=$(if $(filter /%,$(UNDO)),,./)$(UNDO)
$(UNDO): kernel/libservice/undo/plugin.cc
	$(call quiet,PLUGIN)mkdir -p $(@D) && $(HOST_CXX) -O1 -shared -fPIC -fno-rtti -isystem $(shell $(CC) -print-file-name=plugin)/include -o $@ $<

$(SERVICE_OBJECTS): $(BUILD)/obj/%.o: % Makefile $(UNDO)
	$(call quiet,CC)mkdir -p $(@D) && $(CC) $(SERVICE_FLAGS) $(UNDO_FLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/obj/kernel/libservice/string.c.o $(BUILD)/obj/kernel/libservice/recover.c.o: UNDO_FLAGS := -fno-lto
# The undo log's routines are called from what the plugin makes, when the linker has already chosen its objects.
SERVICE_LINK = $(LINK_FLAGS) -Wl,--gc-sections,-u,undo_note,-T,$(SERVICE_LD)

# library FOLDER
define library
$(BUILD)/lib/$(notdir $(1)).a: $(call objects,$(1))
	$$(call quiet,AR)mkdir -p $$(@D) && rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach l,$(LIBRARIES),$(eval $(call library,$l)))

# The version of a service's state goes into its program, with a hash of where its variables stand.
add_state = { printf '$(1) '; $(NM) -S $@ | awk '$$1 >= "0000000010000000" && NF == 4' | sha256sum | cut -c1-16; } >$@.state && \
    $(OBJCOPY) --add-section .state=$@.state $@ && rm $@.state

# service FOLDER NAME
SERVICE_LD := kernel/libservice/service.ld
define service
$(BUILD)/services/$(2): $(call objects,$(1)) \
    $(patsubst %,$(BUILD)/lib/%.a,$(notdir $(LIBS_$(2))) libservice) $(SERVICE_LD)
	$$(call quiet,LD)mkdir -p $$(@D) && $(CC) $(SERVICE_FLAGS) $(UNDO_FLAGS) $(SERVICE_LINK) -o $$@ $$(filter %.o,$$^) \
	    -Wl,--start-group $$(filter %.a,$$^) -lgcc -Wl,--end-group
	$(if $(STATE_$(2)),@$$(call add_state,$(STATE_$(2))))
$(BUILD)/boot/services/$(2).manifest: $(1)/$(2).manifest
	@mkdir -p $$(@D) && cp $$< $$@
endef
$(foreach s,$(SERVICES) $(ALTERNATIVES),$(eval $(call service,$s,$(notdir $s))))

SERVICE_NAMES := $(notdir $(SERVICES))
services: $(patsubst %,$(BUILD)/services/%,$(SERVICE_NAMES) $(notdir $(ALTERNATIVES)))

# What goes on the boot partition carries no symbols.
$(BUILD)/boot/services/%: $(BUILD)/services/%
	@mkdir -p $(@D) && $(OBJCOPY) --strip-all $< $@
$(BUILD)/boot/kernel.elf: $(BUILD)/kernel.elf
	@mkdir -p $(@D) && $(OBJCOPY) --strip-all $< $@

# ---- User programs ----

# Our own are plain musl programs like everyone's. The few that speak to the kernel find
# its public headers.
USER_FLAGS := -O2 -static $(WARNINGS) -I kernel/abi
FLAGS__cores := -g # gdb looks at what it leaves

# program OUTPUT NAME SOURCES
define program
$(1): $(3) Makefile
	$$(call quiet,MUSL)mkdir -p $$(@D) && $(MUSL_CC) $(USER_FLAGS) -MMD -MP -MF $$@.d -MT $$@ \
	    -o $$@ $$(filter-out Makefile,$$(filter %.c %.S,$$^)) $(FLAGS_$(2))
USER_DEPENDS += $(1).d
endef
$(foreach c,$(COMMANDS),$(eval $(call program,$(BUILD)/commands/$(basename $(notdir $c)),$(basename $(notdir $c)),\
    $(if $(filter %.c,$c),$c,$(call sources,$c)))))
$(foreach p,$(PROGRAMS),$(eval $(call program,$(BUILD)/programs/$(basename $(notdir $p)),$(basename $(notdir $p)),$p)))

COMMAND_NAMES := $(basename $(notdir $(COMMANDS)))
PROGRAM_NAMES := $(basename $(notdir $(PROGRAMS)))

# BusyBox and dash come from Debian's source packages. They do not depend on our code, so
# they are built once, and `make clean` leaves them.
USERLAND := build/userland

$(USERLAND)/busybox $(USERLAND)/busybox.links &: commands/busybox/config commands/busybox/build
	$(call quiet,BUSYBOX)mkdir -p $(USERLAND) && commands/busybox/build $(USERLAND)/busybox
$(USERLAND)/dash: commands/dash/build
	$(call quiet,DASH)mkdir -p $(USERLAND) && commands/dash/build $@

# ---- Image ----

include $(wildcard commands/ports.mk)
include disk.img.mk

# ---- Tests ----

UNIT_test_share := $(FAKE_SERVICE)
UNIT_TESTS := $(basename $(notdir $(wildcard tests/unit/test_*.c)))
UNIT_FLAGS := -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
    -fno-omit-frame-pointer -fms-extensions $(WARNINGS) -I kernel/abi \
    $(LIBRARIES:%=-iquote %) -iquote kernel

# unit NAME
define unit
$(BUILD)/unit/$(1): tests/unit/$(1).c $(UNIT_$(1)) Makefile
	$$(call quiet,UNIT)mkdir -p $$(@D) && $(HOST_CC) $(UNIT_FLAGS) -MMD -MP -MF $$@.d -MT $$@ \
	    -o $$@ tests/unit/$(1).c $(UNIT_$(1)) -lcmocka $(HOST_LIBS_$(1))
USER_DEPENDS += $(BUILD)/unit/$(1).d
endef
$(foreach u,$(UNIT_TESTS),$(eval $(call unit,$u)))

unit: $(UNIT_TESTS:%=$(BUILD)/unit/%)

test: image unit $(BUILD)/jobs/count.so
	@tests/run-tests $(TESTS)

test-fuzz: image
	@FUZZ_CALLS=$(or $(CALLS),10000000) tests/run-tests tests/test_fuzz.py

test-fault: image unit $(BUILD)/jobs/count.so
	@rm -f $(BUILD)/fault-figures.txt
	@FAULT=full tests/run-tests -m "long or fault" tests; status=$$?; tests/fault/figures $(BUILD)/fault-figures.txt; exit $$status

test-ports: image ports
	@PORTS=yes tests/run-tests tests/ports

# ---- Benchmarks ----

# A plugin of QEMU, and the first program of the Linux that stands beside Minnow.
$(BUILD)/jobs/count.so: tests/jobs/count.c
	$(call quiet,PLUGIN)mkdir -p $(@D) && $(HOST_CC) -O2 $(WARNINGS) -fvisibility=hidden -shared -fPIC -o $@ $<
$(BUILD)/jobs/linux-init: tests/jobs/linux-init.c
	$(call quiet,MUSL)mkdir -p $(@D) && $(MUSL_CC) $(USER_FLAGS) -o $@ $<

JOB_PORTS := lua sqlite3 tcc
bench: image $(BUILD)/jobs/linux-init $(BUILD)/jobs/count.so
	@/usr/bin/python3 tests/bench.py
bench-jobs: image $(BUILD)/jobs/linux-init $(BUILD)/jobs/count.so $(JOB_PORTS:%=$(USERLAND)/ports/%)
	@/usr/bin/python3 tests/bench_jobs.py $(NAMES)

# ---- Running ----

# Tests, labs and benchmarks use the pristine disk.img, whatever has been done to the one of `make run`.
$(BUILD)/run.img: $(BUILD)/disk.img
	@cp --sparse=always $< $@.new && mv $@.new $@

run: image $(BUILD)/run.img
	@tests/run --emu $(EMU) --mem $(MEM) $(DISK:%=--disk %) $(if $(VGA),--vga) \
	    --options '$(OPTIONS)' $(BUILD)/run.img
fresh:
	@rm -f $(BUILD)/run.img
debug: image $(BUILD)/run.img
	@tests/run --debug --mem $(MEM) $(DISK:%=--disk %) $(if $(VGA),--vga) \
	    --options '$(OPTIONS)' $(BUILD)/run.img

# ---- The rest ----

format:
	@tests/format
setup:
	@tests/setup
clean:
	rm -rf $(filter-out $(USERLAND) build/apt,$(wildcard $(BUILD)/*))
distclean:
	rm -rf $(BUILD)

-include $(KERNEL_OBJECTS:.o=.d) $(SERVICE_OBJECTS:.o=.d) $(USER_DEPENDS)
# A source that was removed since the last build is no error: what depended on it is built anew.
%.c: ;
