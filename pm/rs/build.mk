SERVICES += pm/rs
UNIT_test_manifest := pm/rs/manifest.c kernel/libservice/device_table.c
LIBS_rs := libchar
