# tests/fuzz: a fuzz program per codec and for a whole connection.  `make check`
# replays the seeds; with --enable-fuzzers (clang) the same programs fuzz:
#
#	mkdir corpus && tests/fuzz/fuzz_nbds_conn -max_total_time=600 -max_len=20000 \
#		corpus $(srcdir)/tests/fuzz/seeds/nbds_conn

check_LIBRARIES += %reldir%/libfuzz_stack.a
%canon_reldir%_libfuzz_stack_a_SOURCES = \
	%reldir%/fuzz_stack.c \
	%reldir%/fuzz_stack.h
fuzz_stack_libs = %reldir%/libfuzz_stack.a $(GW_SIM_ABOVE) gateway/core/libgw_core.a \
	$(GW_LOOP_LIBS)

fuzz_programs = \
	%reldir%/fuzz_aoe_conn \
	%reldir%/fuzz_aoe_pdu \
	%reldir%/fuzz_ata \
	%reldir%/fuzz_ctl_msg \
	%reldir%/fuzz_iscsi_conn \
	%reldir%/fuzz_iscsi_login \
	%reldir%/fuzz_iscsi_pdu \
	%reldir%/fuzz_nbds_conn \
	%reldir%/fuzz_nbds_pdu \
	%reldir%/fuzz_nbdx
if HAVE_CMOCKA
fuzz_programs += %reldir%/fuzz_scsi_cmd
endif
check_PROGRAMS += $(fuzz_programs)
if FUZZERS
fuzz_main =
fuzz_ldflags = -fsanitize=fuzzer
else
TESTS += $(fuzz_programs)
fuzz_main = %reldir%/replay.c
fuzz_ldflags =
endif

%canon_reldir%_fuzz_aoe_conn_SOURCES = %reldir%/fuzz.h %reldir%/fuzz_aoe_conn.c $(fuzz_main)
%canon_reldir%_fuzz_aoe_conn_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
%canon_reldir%_fuzz_aoe_conn_LDADD = $(fuzz_stack_libs)
%canon_reldir%_fuzz_aoe_pdu_SOURCES = %reldir%/fuzz.h %reldir%/fuzz_aoe_pdu.c $(fuzz_main)
%canon_reldir%_fuzz_aoe_pdu_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
%canon_reldir%_fuzz_aoe_pdu_LDADD = protocols/aoe/libpr_aoe.a $(GW_BASE_LIBS)
%canon_reldir%_fuzz_ata_SOURCES = %reldir%/fuzz.h %reldir%/fuzz_ata.c $(fuzz_main)
%canon_reldir%_fuzz_ata_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
%canon_reldir%_fuzz_ata_LDADD = translators/ata/libtr_ata.a gateway/core/libgw_core.a \
	$(GW_BASE_LIBS)
%canon_reldir%_fuzz_ctl_msg_SOURCES = %reldir%/fuzz.h %reldir%/fuzz_ctl_msg.c $(fuzz_main)
%canon_reldir%_fuzz_ctl_msg_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_fuzz_ctl_msg_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
%canon_reldir%_fuzz_ctl_msg_LDADD = $(GW_CTL_LIBS) $(fuzz_stack_libs)
%canon_reldir%_fuzz_nbds_conn_SOURCES = %reldir%/fuzz.h %reldir%/fuzz_nbds_conn.c $(fuzz_main)
%canon_reldir%_fuzz_nbds_conn_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
%canon_reldir%_fuzz_nbds_conn_LDADD = $(fuzz_stack_libs)
%canon_reldir%_fuzz_nbds_pdu_SOURCES = %reldir%/fuzz.h %reldir%/fuzz_nbds_pdu.c $(fuzz_main)
%canon_reldir%_fuzz_nbds_pdu_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
%canon_reldir%_fuzz_nbds_pdu_LDADD = protocols/nbd/libpr_nbd.a translators/nbd/libtr_nbd.a \
	gateway/core/libgw_core.a $(GW_BASE_LIBS)
%canon_reldir%_fuzz_nbdx_SOURCES = %reldir%/fuzz.h %reldir%/fuzz_nbdx.c $(fuzz_main)
%canon_reldir%_fuzz_nbdx_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
%canon_reldir%_fuzz_nbdx_LDADD = translators/nbd/libtr_nbd.a gateway/core/libgw_core.a \
	$(GW_BASE_LIBS)
%canon_reldir%_fuzz_scsi_cmd_SOURCES = %reldir%/fuzz.h %reldir%/fuzz_scsi_cmd.c $(fuzz_main)
%canon_reldir%_fuzz_scsi_cmd_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
%canon_reldir%_fuzz_scsi_cmd_LDADD = $(SCSI_RIG_LIBS)

%canon_reldir%_fuzz_iscsi_conn_SOURCES = %reldir%/fuzz.h %reldir%/fuzz_iscsi_conn.c $(fuzz_main)
%canon_reldir%_fuzz_iscsi_conn_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
%canon_reldir%_fuzz_iscsi_conn_LDADD = $(fuzz_stack_libs)
%canon_reldir%_fuzz_iscsi_login_SOURCES = %reldir%/fuzz.h %reldir%/fuzz_iscsi_login.c $(fuzz_main)
%canon_reldir%_fuzz_iscsi_login_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
%canon_reldir%_fuzz_iscsi_login_LDADD = protocols/iscsi/libpr_iscsi.a $(GW_BASE_LIBS)
%canon_reldir%_fuzz_iscsi_pdu_SOURCES = %reldir%/fuzz.h %reldir%/fuzz_iscsi_pdu.c $(fuzz_main)
%canon_reldir%_fuzz_iscsi_pdu_LDFLAGS = $(AM_LDFLAGS) $(fuzz_ldflags)
%canon_reldir%_fuzz_iscsi_pdu_LDADD = protocols/iscsi/libpr_iscsi.a $(GW_BASE_LIBS)

EXTRA_DIST += \
	%reldir%/make_aoe_seeds.py \
	%reldir%/make_iscsi_seeds.py \
	%reldir%/make_seeds.py \
	%reldir%/replay.c \
	%reldir%/seeds
