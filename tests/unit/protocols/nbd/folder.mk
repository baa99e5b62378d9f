# tests/unit/protocols/nbd: one program for each file of protocols/nbd that can be
# looked at alone; nbds_conn_test, nbds_greet_test and nbds_run_test run whole
# connections over the simulation, and so the files between them, too.

if HAVE_CMOCKA
PR_NBD_TESTS = \
	%reldir%/nbds_conn_test \
	%reldir%/nbds_greet_test \
	%reldir%/nbds_hs_test \
	%reldir%/nbds_meta_test \
	%reldir%/nbds_opts_test \
	%reldir%/nbds_out_test \
	%reldir%/nbds_pdu_test \
	%reldir%/nbds_run_test
check_PROGRAMS += $(PR_NBD_TESTS)
TESTS += $(PR_NBD_TESTS)
endif

PR_NBD_LIBS = protocols/nbd/libpr_nbd.a translators/nbd/libtr_nbd.a

%canon_reldir%_nbds_hs_test_LDADD = $(PR_NBD_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_nbds_meta_test_LDADD = $(PR_NBD_LIBS) gateway/core/libgw_core.a $(GW_BASE_LIBS) \
	$(CMOCKA_LIBS)
%canon_reldir%_nbds_opts_test_LDADD = $(PR_NBD_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_nbds_out_test_LDADD = $(PR_NBD_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_nbds_pdu_test_LDADD = $(PR_NBD_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)

%canon_reldir%_nbds_conn_test_SOURCES = \
	%reldir%/nbds_conn_test.c \
	%reldir%/peer.c \
	%reldir%/peer.h
%canon_reldir%_nbds_conn_test_LDADD = $(fuzz_stack_libs) $(CMOCKA_LIBS)
%canon_reldir%_nbds_run_test_SOURCES = \
	%reldir%/nbds_run_test.c \
	%reldir%/peer.c \
	%reldir%/peer.h
%canon_reldir%_nbds_run_test_LDADD = $(fuzz_stack_libs) $(CMOCKA_LIBS)
%canon_reldir%_nbds_greet_test_SOURCES = \
	%reldir%/nbds_greet_test.c \
	%reldir%/peer.c \
	%reldir%/peer.h
%canon_reldir%_nbds_greet_test_LDADD = $(fuzz_stack_libs) $(CMOCKA_LIBS)
