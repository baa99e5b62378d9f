# tests/unit/plugins: each store by itself, and all of them by the same cases.
# gateway/core/status.c is all of the core that a store needs to link; the rig
# stands in for the rest.  st_file_io_test brings its own loop.

if HAVE_CMOCKA
check_LIBRARIES += %reldir%/libstore_rig.a
PLUGIN_TESTS = \
	%reldir%/file/st_block_test \
	%reldir%/file/st_file_io_test \
	%reldir%/file/st_file_test \
	%reldir%/memory/st_memory_epoch_test \
	%reldir%/memory/st_memory_slab_test \
	%reldir%/memory/st_memory_table_test \
	%reldir%/memory/st_memory_test \
	%reldir%/null/st_null_test \
	%reldir%/store_model_test \
	%reldir%/store_race_test
check_PROGRAMS += $(PLUGIN_TESTS)
TESTS += $(PLUGIN_TESTS)
CHECK_TSAN += %reldir%/store_race_test
endif

%canon_reldir%_libstore_rig_a_SOURCES = \
	%reldir%/loop_device.c \
	%reldir%/loop_device.h \
	%reldir%/store_model.c \
	%reldir%/store_model.h \
	%reldir%/store_rig.c \
	%reldir%/store_rig.h \
	gateway/core/status.c

PLUGIN_TEST_LIBS = $(ST_NULL_LIBS) $(ST_MEMORY_LIBS) $(ST_FILE_LIBS) \
	%reldir%/libstore_rig.a $(GW_LOOP_LIBS) $(CMOCKA_LIBS)

%canon_reldir%_file_st_block_test_LDADD = $(PLUGIN_TEST_LIBS)
%canon_reldir%_file_st_file_io_test_SOURCES = \
	%reldir%/file/st_file_io_test.c \
	gateway/core/status.c
%canon_reldir%_file_st_file_io_test_LDADD = $(ST_FILE_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_file_st_file_test_LDADD = $(PLUGIN_TEST_LIBS)
%canon_reldir%_memory_st_memory_epoch_test_LDADD = $(ST_MEMORY_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_memory_st_memory_slab_test_LDADD = $(ST_MEMORY_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_memory_st_memory_table_test_LDADD = $(ST_MEMORY_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_memory_st_memory_test_LDADD = $(PLUGIN_TEST_LIBS)
%canon_reldir%_null_st_null_test_LDADD = $(PLUGIN_TEST_LIBS)
%canon_reldir%_store_model_test_LDADD = $(PLUGIN_TEST_LIBS)
%canon_reldir%_store_race_test_LDADD = $(PLUGIN_TEST_LIBS)
