# translators/scsi: the SCSI command set of a disk (SAM-5, SPC-4, SBC-3).

noinst_LIBRARIES += %reldir%/libtr_scsi.a
%canon_reldir%_libtr_scsi_a_SOURCES = \
	%reldir%/scsi.h \
	%reldir%/scsi_sense.c \
	%reldir%/scsi_sense.h \
	%reldir%/scsi_sense.tbl \
	%reldir%/scsi_task.h \
	%reldir%/scsi_tmf.h \
	%reldir%/scsi_unit.h
