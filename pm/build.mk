SERVICES += pm

# The vDSO is part of PM's program.
ifneq ($(wildcard posix/vdso/vdso.c),)
$(BUILD)/obj/pm/vdso.S.o: SERVICE_FLAGS += -DVDSO='"$(BUILD)/vdso.so"'
$(BUILD)/obj/pm/vdso.S.o: $(BUILD)/vdso.so
endif

UNIT_test_regions := pm/regions.c
UNIT_test_elf := pm/elf.c pm/stack.c
