# tests/unit/gateway/ctl: one program for each file of gateway/ctl.

if HAVE_CMOCKA
GW_CTL_TESTS = \
	%reldir%/conf_apply_test \
	%reldir%/conf_diff_test \
	%reldir%/conf_test \
	%reldir%/ctl_human_test \
	%reldir%/ctl_msg_test \
	%reldir%/ctl_out_test \
	%reldir%/ctl_path_test \
	%reldir%/ctl_server_test \
	%reldir%/ctl_verbs_test
check_PROGRAMS += $(GW_CTL_TESTS)
TESTS += $(GW_CTL_TESTS)
endif

# The two that take time stand on the real core and loop.
GW_CTL_WHOLE_LIBS = $(GW_CTL_LIBS) gateway/core/libgw_core.a $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_conf_apply_test_LDADD = $(GW_CTL_WHOLE_LIBS)
%canon_reldir%_ctl_server_test_LDADD = $(GW_CTL_WHOLE_LIBS)
%canon_reldir%_conf_diff_test_LDADD = $(GW_CTL_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_conf_test_LDADD = $(GW_CTL_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_ctl_human_test_LDADD = $(GW_CTL_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_ctl_msg_test_LDADD = $(GW_CTL_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_ctl_out_test_LDADD = $(GW_CTL_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_ctl_path_test_LDADD = $(GW_CTL_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_ctl_verbs_test_LDADD = $(GW_CTL_LIBS) $(GW_BASE_LIBS) $(CMOCKA_LIBS)
