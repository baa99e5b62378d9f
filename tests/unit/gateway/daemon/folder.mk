# tests/unit/gateway/daemon: the daemon's files, and the daemon as a whole.

if HAVE_CMOCKA
GW_DAEMON_TESTS = \
	%reldir%/image_test \
	%reldir%/life_test \
	%reldir%/options_test \
	%reldir%/serve_test \
	%reldir%/state_test \
	%reldir%/watch_test
check_PROGRAMS += $(GW_DAEMON_TESTS)
TESTS += $(GW_DAEMON_TESTS)
endif

# These link no front end and no store, so builtins.o must stay away.
GW_DAEMON_TEST_LIBS = $(GW_DAEMON_LIBS) gateway/core/libgw_core.a $(GW_LOOP_LIBS) \
	$(CMOCKA_LIBS)

%canon_reldir%_image_test_LDADD = $(GW_DAEMON_TEST_LIBS)
%canon_reldir%_life_test_LDADD = $(GW_DAEMON_TEST_LIBS)
%canon_reldir%_options_test_SOURCES = %reldir%/options_test.c %reldir%/front.h
%canon_reldir%_options_test_LDADD = $(GW_DAEMON_TEST_LIBS)
%canon_reldir%_serve_test_SOURCES = %reldir%/serve_test.c %reldir%/front.h
%canon_reldir%_serve_test_LDADD = $(GW_DAEMON_TEST_LIBS)
%canon_reldir%_state_test_LDADD = $(GW_DAEMON_TEST_LIBS)
%canon_reldir%_watch_test_LDADD = $(GW_DAEMON_LIBS) $(CORE_RIG_LIBS)

TESTS += %reldir%/main_test.sh
EXTRA_DIST += %reldir%/main_test.sh
