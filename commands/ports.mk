# Other people's programs (commands/ports): a few on the system's own disk (STANDARD_PORTS), for
# disk.img.mk, and all on a disk of their own, an ext2 file system
# without a partition table. The running system has it at /ports, and room to work in /ports/work.
#
# A port does not depend on our code, so it is built once, and `make clean` leaves it. One that
# cannot be fetched is missing from the disk (status 3 of build-port); its test says so.

# those that take longest are begun first, so that none is left alone at the end
STANDARD_PORTS := nano strace sqlite3 file make less lua tcc tree
PORTS := $(filter-out README build,$(basename $(notdir $(wildcard commands/ports/*))))
PORT_TREES := $(PORTS:%=$(USERLAND)/ports/%)
# A multiple of a cylinder, as Bochs wants it.
PORTS_CYLINDERS := 2800

$(PORT_TREES): $(USERLAND)/ports/%: commands/ports/% commands/build-port
	$(call quiet,PORT)mkdir -p $(@D) && { commands/build-port $* $@ && touch $@ || [ $$? = 3 ]; }
$(USERLAND)/ports/less $(USERLAND)/ports/nano: $(USERLAND)/ports/ncurses
$(USERLAND)/ports/git: $(USERLAND)/ports/zlib

$(BUILD)/ports.img: $(PORT_TREES) commands/ports.mk
	$(call quiet,PORTS)rm -rf $@ $(BUILD)/ports && mkdir -p $(BUILD)/ports/work
	@for tree in $(PORT_TREES); do \
	    [ ! -d $$tree ] || cp -a --reflink=auto $$tree/. $(BUILD)/ports/ || exit; done
	@truncate -s $$(($(PORTS_CYLINDERS) * $(CYLINDER) * 512)) $@ && \
	    mke2fs -q -t ext2 -b 4096 -I 256 -N 65536 -m 0 -L minnow-ports \
	        -O ^resize_inode,^dir_index,^ext_attr -d $(BUILD)/ports -E root_owner=0:0 $@
