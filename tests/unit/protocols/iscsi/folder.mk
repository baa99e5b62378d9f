# tests/unit/protocols/iscsi: one program for each pure file of protocols/iscsi, and
# some that run whole connections over the simulation (those with ini.c).

if HAVE_CMOCKA
PR_ISCSI_TESTS = \
	%reldir%/iscsi_conn_fsm_test \
	%reldir%/iscsi_conn_test \
	%reldir%/iscsi_datain_test \
	%reldir%/iscsi_dataout_test \
	%reldir%/iscsi_depth_test \
	%reldir%/iscsi_ffp_test \
	%reldir%/iscsi_keys_test \
	%reldir%/iscsi_loan_test \
	%reldir%/iscsi_login_test \
	%reldir%/iscsi_names_test \
	%reldir%/iscsi_pdu_test \
	%reldir%/iscsi_ripen_test \
	%reldir%/iscsi_rx_test \
	%reldir%/iscsi_sess_fsm_test \
	%reldir%/iscsi_sess_test \
	%reldir%/iscsi_sn_test \
	%reldir%/iscsi_talk_test \
	%reldir%/iscsi_tcp_test \
	%reldir%/iscsi_text_test \
	%reldir%/iscsi_tmf_test \
	%reldir%/iscsi_window_test
check_PROGRAMS += $(PR_ISCSI_TESTS)
TESTS += $(PR_ISCSI_TESTS)
endif

PR_ISCSI_PURE_LIBS = protocols/iscsi/libpr_iscsi.a $(GW_BASE_LIBS) $(CMOCKA_LIBS)

%canon_reldir%_iscsi_conn_fsm_test_LDADD = $(PR_ISCSI_PURE_LIBS)
%canon_reldir%_iscsi_keys_test_SOURCES = %reldir%/iscsi_keys_test.c %reldir%/talk.h
%canon_reldir%_iscsi_keys_test_LDADD = $(PR_ISCSI_PURE_LIBS)
%canon_reldir%_iscsi_login_test_SOURCES = %reldir%/iscsi_login_test.c %reldir%/login_rig.h
%canon_reldir%_iscsi_login_test_LDADD = $(PR_ISCSI_PURE_LIBS)
%canon_reldir%_iscsi_pdu_test_LDADD = $(PR_ISCSI_PURE_LIBS)
%canon_reldir%_iscsi_rx_test_LDADD = $(PR_ISCSI_PURE_LIBS)
%canon_reldir%_iscsi_sess_fsm_test_LDADD = $(PR_ISCSI_PURE_LIBS)
%canon_reldir%_iscsi_sn_test_LDADD = $(CMOCKA_LIBS)
%canon_reldir%_iscsi_text_test_LDADD = $(PR_ISCSI_PURE_LIBS)
%canon_reldir%_iscsi_window_test_LDADD = $(PR_ISCSI_PURE_LIBS)

ISCSI_INI = %reldir%/ini.c %reldir%/ini.h
ISCSI_INI_LIBS = $(fuzz_stack_libs) $(CMOCKA_LIBS)

%canon_reldir%_iscsi_dataout_test_SOURCES = %reldir%/iscsi_dataout_test.c $(ISCSI_INI)
%canon_reldir%_iscsi_dataout_test_LDADD = $(ISCSI_INI_LIBS)
%canon_reldir%_iscsi_depth_test_SOURCES = %reldir%/iscsi_depth_test.c $(ISCSI_INI)
%canon_reldir%_iscsi_depth_test_LDADD = $(ISCSI_INI_LIBS)
%canon_reldir%_iscsi_sess_test_SOURCES = %reldir%/iscsi_sess_test.c $(ISCSI_INI)
%canon_reldir%_iscsi_sess_test_LDADD = $(ISCSI_INI_LIBS)
%canon_reldir%_iscsi_tcp_test_SOURCES = %reldir%/iscsi_tcp_test.c $(ISCSI_INI)
%canon_reldir%_iscsi_tcp_test_LDADD = $(ISCSI_INI_LIBS)
%canon_reldir%_iscsi_ripen_test_SOURCES = %reldir%/iscsi_ripen_test.c $(ISCSI_INI)
%canon_reldir%_iscsi_ripen_test_LDADD = $(ISCSI_INI_LIBS)
%canon_reldir%_iscsi_tmf_test_SOURCES = %reldir%/iscsi_tmf_test.c $(ISCSI_INI)
%canon_reldir%_iscsi_tmf_test_LDADD = $(ISCSI_INI_LIBS)
%canon_reldir%_iscsi_talk_test_SOURCES = %reldir%/iscsi_talk_test.c $(ISCSI_INI)
%canon_reldir%_iscsi_talk_test_LDADD = $(ISCSI_INI_LIBS)
%canon_reldir%_iscsi_datain_test_SOURCES = %reldir%/iscsi_datain_test.c $(ISCSI_INI)
%canon_reldir%_iscsi_datain_test_LDADD = $(ISCSI_INI_LIBS)
%canon_reldir%_iscsi_loan_test_SOURCES = %reldir%/iscsi_loan_test.c $(ISCSI_INI)
%canon_reldir%_iscsi_loan_test_LDADD = $(ISCSI_INI_LIBS)
%canon_reldir%_iscsi_ffp_test_SOURCES = %reldir%/iscsi_ffp_test.c $(ISCSI_INI)
%canon_reldir%_iscsi_ffp_test_LDADD = $(ISCSI_INI_LIBS)
%canon_reldir%_iscsi_conn_test_SOURCES = %reldir%/iscsi_conn_test.c $(ISCSI_INI)
%canon_reldir%_iscsi_conn_test_LDADD = $(ISCSI_INI_LIBS)
%canon_reldir%_iscsi_names_test_LDADD = $(ISCSI_INI_LIBS)
