SERVICES += drivers/mem
UNIT_test_chacha := drivers/mem/random.c
LIBS_mem := libchar
