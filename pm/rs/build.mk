SERVICES += pm/rs
UNIT_test_manifest := pm/rs/manifest.c kernel/libservice/device_table.c
UNIT_test_restarts := pm/rs/policy.c
LIBS_rs := libchar
