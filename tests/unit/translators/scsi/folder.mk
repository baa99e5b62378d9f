# tests/unit/translators/scsi: the command set over the core, a fake store and a
# fake transport (scsi_rig.h); codecs alone.

if HAVE_CMOCKA
check_LIBRARIES += %reldir%/libscsi_rig.a
TR_SCSI_TESTS = \
	%reldir%/scsi_cap_test \
	%reldir%/scsi_caw_test \
	%reldir%/scsi_cmds_test \
	%reldir%/scsi_data_test \
	%reldir%/scsi_dispatch_test \
	%reldir%/scsi_gather_test \
	%reldir%/scsi_inquiry_test \
	%reldir%/scsi_limits_test \
	%reldir%/scsi_luns_test \
	%reldir%/scsi_mode_test \
	%reldir%/scsi_nexus_test \
	%reldir%/scsi_opcodes_test \
	%reldir%/scsi_order_test \
	%reldir%/scsi_reply_test \
	%reldir%/scsi_rw_test \
	%reldir%/scsi_same_test \
	%reldir%/scsi_sense_test \
	%reldir%/scsi_start_test \
	%reldir%/scsi_thin_test \
	%reldir%/scsi_tmf_test
check_PROGRAMS += $(TR_SCSI_TESTS)
TESTS += $(TR_SCSI_TESTS)
endif

%canon_reldir%_libscsi_rig_a_SOURCES = \
	%reldir%/scsi_rig.c \
	%reldir%/scsi_rig.h
TR_SCSI_LIBS = translators/scsi/libtr_scsi.a gateway/core/libgw_core.a $(GW_LOOP_LIBS) \
	$(CMOCKA_LIBS)
SCSI_RIG_LIBS = %reldir%/libscsi_rig.a translators/scsi/libtr_scsi.a $(CORE_RIG_LIBS)

%canon_reldir%_scsi_cap_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_caw_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_cmds_test_LDADD = $(TR_SCSI_LIBS)
%canon_reldir%_scsi_data_test_LDADD = $(TR_SCSI_LIBS)
%canon_reldir%_scsi_dispatch_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_gather_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_inquiry_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_limits_test_LDADD = $(TR_SCSI_LIBS)
%canon_reldir%_scsi_luns_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_mode_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_nexus_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_opcodes_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_order_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_reply_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_rw_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_same_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_sense_test_LDADD = $(TR_SCSI_LIBS)
%canon_reldir%_scsi_start_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_thin_test_LDADD = $(SCSI_RIG_LIBS)
%canon_reldir%_scsi_tmf_test_LDADD = $(SCSI_RIG_LIBS)
