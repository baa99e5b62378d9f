# tests/unit/gateway/cli: the client's files, and the client as a whole.

if HAVE_CMOCKA
GW_CLI_TESTS = \
	%reldir%/cli_table_test \
	%reldir%/cli_words_test
check_PROGRAMS += $(GW_CLI_TESTS)
TESTS += $(GW_CLI_TESTS)
endif

%canon_reldir%_cli_table_test_LDADD = $(GW_CLI_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_cli_words_test_LDADD = $(GW_CLI_LIBS) $(CMOCKA_LIBS)

TESTS += %reldir%/sluice_test.sh
EXTRA_DIST += %reldir%/sluice_test.sh

# Two loops and more, by default.
CHECK_TSAN += %reldir%/sluice_test.sh
