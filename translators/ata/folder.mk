# translators/ata: the ATA command set of a disk (ACS-3), for AoE.

noinst_LIBRARIES += %reldir%/libtr_ata.a
%canon_reldir%_libtr_ata_a_SOURCES = \
	%reldir%/ata.h \
	%reldir%/ata_cmds.tbl \
	%reldir%/ata_control.c \
	%reldir%/ata_dispatch.c \
	%reldir%/ata_dispatch.h \
	%reldir%/ata_handlers.h \
	%reldir%/ata_identify.c \
	%reldir%/ata_identify.tbl \
	%reldir%/ata_page.c \
	%reldir%/ata_page.h \
	%reldir%/ata_row.h \
	%reldir%/ata_rw.c \
	%reldir%/ata_smart.c \
	%reldir%/ata_status.tbl \
	%reldir%/ata_terms.c \
	%reldir%/ata_terms.h \
	%reldir%/ata_trim.c \
	%reldir%/ata_trim.h \
	%reldir%/ata_words.h
