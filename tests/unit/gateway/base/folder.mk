# tests/unit/gateway/base: one program for each file of gateway/base.

if HAVE_CMOCKA
GW_BASE_TESTS = \
	%reldir%/bytes_test \
	%reldir%/check_test \
	%reldir%/clock_test \
	%reldir%/counter_test \
	%reldir%/crc32c_test \
	%reldir%/err_test \
	%reldir%/log_test \
	%reldir%/num_test \
	%reldir%/scope_test \
	%reldir%/stow_test \
	%reldir%/str_test \
	%reldir%/table_test
check_PROGRAMS += $(GW_BASE_TESTS)
TESTS += $(GW_BASE_TESTS)
endif

%canon_reldir%_bytes_test_LDADD = $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_check_test_LDADD = $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_clock_test_LDADD = $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_counter_test_LDADD = $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_crc32c_test_LDADD = $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_err_test_LDADD = $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_log_test_LDADD = $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_num_test_LDADD = $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_scope_test_LDADD = $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_stow_test_LDADD = $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_str_test_LDADD = $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_table_test_LDADD = $(GW_BASE_LIBS) $(CMOCKA_LIBS)
