# tests/unit/protocols/aoe: one program for each pure file of protocols/aoe, and one
# that runs interfaces over the simulation (with sta.c).

if HAVE_CMOCKA
PR_AOE_TESTS = \
	%reldir%/aoe_book_test \
	%reldir%/aoe_name_test \
	%reldir%/aoe_order_test \
	%reldir%/aoe_pdu_test \
	%reldir%/aoe_port_test \
	%reldir%/aoe_rate_test \
	%reldir%/aoe_ways_test
check_PROGRAMS += $(PR_AOE_TESTS)
TESTS += $(PR_AOE_TESTS)
endif

PR_AOE_PURE_LIBS = protocols/aoe/libpr_aoe.a $(GW_BASE_LIBS) $(CMOCKA_LIBS)

%canon_reldir%_aoe_book_test_LDADD = $(PR_AOE_PURE_LIBS)
%canon_reldir%_aoe_name_test_LDADD = $(PR_AOE_PURE_LIBS)
%canon_reldir%_aoe_order_test_LDADD = $(PR_AOE_PURE_LIBS)
%canon_reldir%_aoe_pdu_test_LDADD = $(PR_AOE_PURE_LIBS)
%canon_reldir%_aoe_rate_test_LDADD = $(PR_AOE_PURE_LIBS)

%canon_reldir%_aoe_port_test_SOURCES = %reldir%/aoe_port_test.c %reldir%/sta.c %reldir%/sta.h
%canon_reldir%_aoe_port_test_LDADD = $(fuzz_stack_libs) $(CMOCKA_LIBS)
%canon_reldir%_aoe_ways_test_LDADD = protocols/aoe/libpr_aoe.a translators/ata/libtr_ata.a \
	$(fuzz_stack_libs) $(CMOCKA_LIBS)
