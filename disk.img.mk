# disk.img.mk: the one disk image, for both emulators, made without root.
#
#   sector    0            MBR: GRUB's boot.img and the partition table
#   sector    1 ...        GRUB's core.img, in the gap before the first partition
#   1 MiB   + 32 MiB       partition 1, FAT16, "MINNOW": kernel, services, GRUB's
#                          configuration; mounted at /boot by the running system
#   33 MiB  + 64 MiB       partition 2, ext2, the root
#
# The whole is a multiple of a cylinder of 16 heads of 63 sectors, as Bochs wants it.
# Host tools that know one partition only find it by its offset: for mtools
# `-i disk.img@@1M`, for e2fsprogs `disk.img?offset=34603008`.

FAT_START  := 2048
FAT_SIZE   := 65536
EXT2_START := 67584
EXT2_SIZE  := 131072
CYLINDER   := 1008
DISK_SIZE  := 199584

# All dates in the image are this one, so that equal sources make equal images.
EPOCH      := 1767225600

# ---- GRUB ----

# boot.img loads what stands at sector 1, and core.img loads the sectors behind its first:
# so written there in one piece they need no patching (grub-bios-setup does it for disks
# that are block devices). All modules that are ever used are inside.
GRUB_MODULES := biosdisk part_msdos fat multiboot2 normal configfile

$(BUILD)/grub/core.img: disk.img.mk
	$(call quiet,GRUB)mkdir -p $(@D) && $(or $(shell tests/setup --where grub-mkimage),grub-mkimage) -O i386-pc -o $@ -p '(,msdos1)/grub' $(GRUB_MODULES)

# The services that run from the start: first words of the lines of this list.
BOOT_LIST    := pm/rs/boot.services
BOOT_NAMES   := $(shell sed 's/\#.*//' $(BOOT_LIST) 2>/dev/null | awk 'NF { print $$1 }')
BOOT_MODULES := $(filter $(BOOT_NAMES),$(SERVICE_NAMES))
MISSING      := $(filter-out $(SERVICE_NAMES) $(notdir $(LAB_SERVERS)) $(WITHOUT),$(BOOT_NAMES))
ifneq ($(MISSING),)
$(warning $(BOOT_LIST) names what no build.mk builds: $(MISSING))
endif

# GRUB runs this file line by line and never gets to a menu.
$(BUILD)/boot/grub/grub.cfg: $(BOOT_LIST) disk.img.mk Makefile $(wildcard $(AREAS:%=%/build.mk) $(AREAS:%=%/*/build.mk))
	@mkdir -p $(@D) && { \
	    echo 'multiboot2 /kernel.elf'; \
	    echo 'module2 /services/rs rs'; \
	    echo 'module2 /services/boot.services boot.services'; \
	    for name in $(filter-out rs,$(BOOT_MODULES)); do \
	        echo "module2 /services/$$name $$name"; \
	        echo "module2 /services/$$name.manifest $$name.manifest"; \
	    done; \
	    echo boot; \
	} >$@

$(BUILD)/boot/services/boot.services: $(BOOT_LIST)
	@mkdir -p $(@D) && cp $< $@

# ---- Partition 1 ----

# What the kernel is configured with, where programs look for it.
CONFIG := config-$(shell sed -n 's/^\#define SYSTEM_RELEASE *"\(.*\)"/\1/p' kernel/abi/minnow/proc.h)

$(BUILD)/boot/$(CONFIG): posix/kernel_config posix/syscalls.def
	@mkdir -p $(@D) && posix/kernel_config >$@

BOOT_FILES := kernel.elf grub/grub.cfg services/boot.services $(CONFIG) \
    $(SERVICE_NAMES:%=services/%) $(SERVICE_NAMES:%=services/%.manifest)

$(BUILD)/fat.img: $(BOOT_FILES:%=$(BUILD)/boot/%) disk.img.mk
	$(call quiet,FAT)rm -f $@ && truncate -s $$(($(FAT_SIZE) * 512)) $@ && \
	    mkfs.fat -F 16 -s 8 -h $(FAT_START) -n MINNOW -i 4d494e4e --invariant $@ >/dev/null
	@export MTOOLS_SKIP_CHECK=1 SOURCE_DATE_EPOCH=$(EPOCH) && mmd -i $@ ::/grub ::/services && \
	    for file in $(BOOT_FILES); do mcopy -i $@ $(BUILD)/boot/$$file ::/$$file || exit; done

# ---- Partition 2 ----

# The tree of files is put together in build/root: what commands/root/ holds ready, empty
# mount points, BusyBox with a link for each applet, other people's programs, our commands, the
# tests' programs.
SBIN_COMMANDS := init
# musl itself: the interpreter that dynamic programs name.
MUSL_LIBC     ?= $(shell readlink -f /lib/ld-musl-x86_64.so.1)
ROOT_INPUTS   := $(shell find commands/root -type f 2>/dev/null) \
    $(COMMAND_NAMES:%=$(BUILD)/commands/%) $(PROGRAM_NAMES:%=$(BUILD)/programs/%) \
    $(PAGES) $(USERLAND)/busybox $(USERLAND)/busybox.links $(USERLAND)/dash $(STANDARD_PORTS:%=$(USERLAND)/ports/%)

$(BUILD)/root.stamp: $(ROOT_INPUTS) disk.img.mk $(wildcard $(AREAS:%=%/build.mk) $(AREAS:%=%/*/build.mk))
	$(call quiet,ROOT)rm -rf $(BUILD)/root && mkdir -p $(BUILD)/root && cd $(BUILD)/root && \
	    mkdir -p bin sbin dev proc tmp boot root mnt etc home/student run \
	        var/tmp var/log var/spool/cron/crontabs usr/bin usr/sbin usr/lib/minnow-tests usr/share/minnow && \
	    ln -s ../run var/run
	@cp -R commands/root/. $(BUILD)/root/ && cp $(PAGES) $(BUILD)/root/usr/share/minnow/
	@install -m 755 $(USERLAND)/busybox $(USERLAND)/dash $(BUILD)/root/bin/
	@while read -r link; do ln -sf /bin/busybox $(BUILD)/root$$link; done <$(USERLAND)/busybox.links
	@for port in $(STANDARD_PORTS); do \
	    [ ! -d $(USERLAND)/ports/$$port ] || \
	    cp -R --remove-destination $(USERLAND)/ports/$$port/. $(BUILD)/root/ || exit; done
	@$(foreach c,$(COMMAND_NAMES),rm -f $(BUILD)/root/bin/$c && install -m 755 -s $(BUILD)/commands/$c \
	    $(BUILD)/root/$(if $(filter $c,$(SBIN_COMMANDS)),sbin,bin)/$c && \
	    $(foreach l,$(LINKS_$c),ln -sf /$(if $(filter $c,$(SBIN_COMMANDS)),sbin,bin)/$c $(BUILD)/root/$l && )) :
	@mkdir -p $(BUILD)/root/lib && install -m 755 $(MUSL_LIBC) $(BUILD)/root/lib/ld-musl-x86_64.so.1 && \
	    ln -sf /lib/ld-musl-x86_64.so.1 $(BUILD)/root/usr/bin/ldd
	@$(if $(PROGRAM_NAMES),install -m 755 -s $(PROGRAM_NAMES:%=$(BUILD)/programs/%) $(BUILD)/root/usr/lib/minnow-tests/)
	@cd $(BUILD)/root && chmod -R u=rwX,go=rX . && chmod 1777 tmp var/tmp && chmod 700 root && chmod 600 etc/shadow
	@touch $@

# mke2fs copies the tree. Then debugfs gives the files to root (whoever built them) but
# for the student's home, and sets the dates.
ext2_fix_up = cd $(BUILD)/root && find . -printf '%P\n' | while read -r file; do \
    case $$file in home/student*) id=1000 ;; *) id=0 ;; esac; \
    printf 'sif "/%s" %s\n' "$$file" "uid $$id" "$$file" "gid $$id" \
        "$$file" "ctime @$(EPOCH)" "$$file" "atime @$(EPOCH)" "$$file" "mtime @$(EPOCH)"; \
    done

$(BUILD)/ext2.img: $(BUILD)/root.stamp
	$(call quiet,EXT2)rm -f $@ && truncate -s $$(($(EXT2_SIZE) * 512)) $@ && \
	    E2FSPROGS_FAKE_TIME=$(EPOCH) mke2fs -q -t ext2 -b 4096 -g 4096 -I 256 -N 16384 -m 5 -L minnow-root \
	        -O ^resize_inode,^dir_index,^ext_attr -d $(BUILD)/root \
	        -U 4d494e4e-4f57-4d49-4e4e-4f5700000001 -E root_owner=0:0,hash_seed=4d494e4e-4f57-4d49-4e4e-4f5700000002 $@
	@{ $(ext2_fix_up); } | E2FSPROGS_FAKE_TIME=$(EPOCH) debugfs -w -f - $@ >$(BUILD)/debugfs.log 2>&1
	@e2fsck -fn $@ >$(BUILD)/e2fsck.log 2>&1 || { cat $(BUILD)/e2fsck.log >&2; exit 1; }

# ---- The disk ----

define partition_table
label: dos
label-id: 0x4d494e4e
start=$(FAT_START), size=$(FAT_SIZE), type=0e, bootable
start=$(EXT2_START), size=$(EXT2_SIZE), type=83
endef
export partition_table

GRUB_FOLDER = $(dir $(shell tests/setup --where grub-modules))
put = dd if=$(1) of=$@.new bs=512 seek=$(2) conv=notrunc,sparse status=none

# sparse: where the source has zeros, the new image has holes, which read as zeros too.
$(BUILD)/disk.img: $(BUILD)/grub/core.img $(BUILD)/fat.img $(BUILD)/ext2.img
	$(call quiet,IMAGE)rm -f $@.new && truncate -s $$(($(DISK_SIZE) * 512)) $@.new
	@echo "$$partition_table" | sfdisk --quiet $@.new
	@dd if=$(GRUB_FOLDER)/boot.img of=$@.new bs=440 count=1 conv=notrunc status=none
	@$(call put,$(BUILD)/grub/core.img,1)
	@$(call put,$(BUILD)/fat.img,$(FAT_START))
	@$(call put,$(BUILD)/ext2.img,$(EXT2_START))
	@mv $@.new $@
