# The grader builds a student's server by the rules of every service, in a copy of the tree
# (lab/grader/build.py):
#     make LAB_SERVERS=lab/01-ipc/names LIBS_names=vfs/libfs build/services/names
ALTERNATIVES += $(LAB_SERVERS)

# The programs that run inside the system for the labs: build/labs/labrun,
# build/labs/01-ipc/names ...
LAB_SOURCES  := $(wildcard lab/*/tests/*.c)
LAB_PROGRAMS := $(BUILD)/labs/labrun \
    $(foreach s,$(LAB_SOURCES),$(BUILD)/labs/$(word 2,$(subst /, ,$s))/$(basename $(notdir $s)))
lab_program   = $(call quiet,MUSL)mkdir -p $(@D) && $(MUSL_CC) -O2 -static $(WARNINGS) \
    -Ilab/grader/guest -Ikernel/abi -o $@ $<

$(BUILD)/labs/labrun: lab/grader/guest/labrun.c lab/build.mk
	$(lab_program)
define lab_rule
$(BUILD)/labs/$(word 2,$(subst /, ,$(1)))/$(basename $(notdir $(1))): $(1) \
    lab/grader/guest/labtest.h $(wildcard lab/*/*.h $(dir $(1))*.h) \
    $(wildcard kernel/abi/minnow/*.h kernel/abi/minnow/*.def) lab/build.mk
	$$(lab_program)
endef
$(foreach s,$(LAB_SOURCES),$(eval $(call lab_rule,$s)))

.PHONY: lab-programs grade test-labs
lab-programs: $(LAB_PROGRAMS)

# make grade LAB=01-ipc: everything visible of a lab, as it will be graded
grade: image lab-programs
	@lab/lab grade $(or $(LAB),$(error which? make grade LAB=01-ipc))

# make test-labs: every lab's reference, skeleton and mutants, and a class; LAB=01-ipc: of one.
# What cannot be installed for the class on a cluster leaves that one out, and says so.
test-labs: image lab-programs
	@$(if $(filter no,$(SETUP)),true,tests/setup --class || true)
	@lab/admin selftest -j $(JOBS) $(LAB)

# Every lab in short, under make test and make test-fault.
test test-fault: lab-programs
