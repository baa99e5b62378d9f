# protocols/iscsi: the iSCSI target.

noinst_LIBRARIES += %reldir%/libpr_iscsi.a
%canon_reldir%_libpr_iscsi_a_SOURCES = \
	%reldir%/iscsi.h \
	%reldir%/iscsi_conn.c \
	%reldir%/iscsi_conn.h \
	%reldir%/iscsi_conn_fsm.h \
	%reldir%/iscsi_counters.tbl \
	%reldir%/iscsi_datain.c \
	%reldir%/iscsi_datain.h \
	%reldir%/iscsi_dataout.c \
	%reldir%/iscsi_dataout.h \
	%reldir%/iscsi_doom.h \
	%reldir%/iscsi_faults.tbl \
	%reldir%/iscsi_ffp.c \
	%reldir%/iscsi_ffp.h \
	%reldir%/iscsi_front.c \
	%reldir%/iscsi_front.h \
	%reldir%/iscsi_greet.c \
	%reldir%/iscsi_greet.h \
	%reldir%/iscsi_keys.c \
	%reldir%/iscsi_keys.h \
	%reldir%/iscsi_keys.tbl \
	%reldir%/iscsi_login.h \
	%reldir%/iscsi_names.c \
	%reldir%/iscsi_names.h \
	%reldir%/iscsi_neg_faults.tbl \
	%reldir%/iscsi_opcodes.tbl \
	%reldir%/iscsi_out.c \
	%reldir%/iscsi_out.h \
	%reldir%/iscsi_pdu.c \
	%reldir%/iscsi_pdu.h \
	%reldir%/iscsi_pool.c \
	%reldir%/iscsi_pool.h \
	%reldir%/iscsi_refusals.tbl \
	%reldir%/iscsi_reg.c \
	%reldir%/iscsi_reg.h \
	%reldir%/iscsi_rx.c \
	%reldir%/iscsi_rx.h \
	%reldir%/iscsi_scsi.c \
	%reldir%/iscsi_scsi.h \
	%reldir%/iscsi_sess.c \
	%reldir%/iscsi_sess.h \
	%reldir%/iscsi_sess_fsm.h \
	%reldir%/iscsi_sn.h \
	%reldir%/iscsi_state.h \
	%reldir%/iscsi_talk.c \
	%reldir%/iscsi_talk.h \
	%reldir%/iscsi_task.c \
	%reldir%/iscsi_task.h \
	%reldir%/iscsi_tcp.c \
	%reldir%/iscsi_tcp.h \
	%reldir%/iscsi_text.c \
	%reldir%/iscsi_text.h \
	%reldir%/iscsi_tmf.c \
	%reldir%/iscsi_tmf.h \
	%reldir%/iscsi_window.h
