SERVICES += pm/rs
UNIT_test_manifest := pm/rs/manifest.c
LIBS_rs := kernel/libchar
