# tests/unit/translators/ata: one program for each subject of translators/ata.

if HAVE_CMOCKA
TR_ATA_TESTS = \
	%reldir%/ata_control_test \
	%reldir%/ata_dispatch_test \
	%reldir%/ata_identify_test \
	%reldir%/ata_rw_test \
	%reldir%/ata_smart_test \
	%reldir%/ata_terms_test \
	%reldir%/ata_trim_test
check_PROGRAMS += $(TR_ATA_TESTS)
TESTS += $(TR_ATA_TESTS)
endif

TR_ATA_LIBS = translators/ata/libtr_ata.a gateway/core/libgw_core.a $(GW_BASE_LIBS) \
	$(CMOCKA_LIBS)
EXTRA_DIST += %reldir%/ata_rig.h
%canon_reldir%_ata_control_test_LDADD = $(TR_ATA_LIBS)
%canon_reldir%_ata_dispatch_test_LDADD = $(TR_ATA_LIBS)
%canon_reldir%_ata_identify_test_LDADD = $(TR_ATA_LIBS)
%canon_reldir%_ata_rw_test_LDADD = $(TR_ATA_LIBS)
%canon_reldir%_ata_smart_test_LDADD = $(TR_ATA_LIBS)
%canon_reldir%_ata_terms_test_LDADD = $(TR_ATA_LIBS)
%canon_reldir%_ata_trim_test_LDADD = $(TR_ATA_LIBS)
