SERVICES += drivers/console
LIBS_console := libtty
UNIT_test_vt := drivers/console/vt.c drivers/console/vt_csi.c drivers/console/vt_state.c \
    drivers/console/screen.c drivers/console/glyphs.c $(FAKE_SERVICE)
UNIT_test_keyboard := drivers/console/keyboard.c
