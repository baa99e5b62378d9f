# protocols/iscsi: the iSCSI target.

noinst_LIBRARIES += %reldir%/libpr_iscsi.a
%canon_reldir%_libpr_iscsi_a_SOURCES = \
	%reldir%/iscsi.h \
	%reldir%/iscsi_conn_fsm.c \
	%reldir%/iscsi_conn_fsm.h \
	%reldir%/iscsi_faults.tbl \
	%reldir%/iscsi_keys.c \
	%reldir%/iscsi_keys.h \
	%reldir%/iscsi_keys.tbl \
	%reldir%/iscsi_login.c \
	%reldir%/iscsi_login.h \
	%reldir%/iscsi_neg_faults.tbl \
	%reldir%/iscsi_opcodes.tbl \
	%reldir%/iscsi_pdu.c \
	%reldir%/iscsi_pdu.h \
	%reldir%/iscsi_refusals.tbl \
	%reldir%/iscsi_rx.c \
	%reldir%/iscsi_rx.h \
	%reldir%/iscsi_sess_fsm.c \
	%reldir%/iscsi_sess_fsm.h \
	%reldir%/iscsi_sn.h \
	%reldir%/iscsi_text.c \
	%reldir%/iscsi_text.h \
	%reldir%/iscsi_window.c \
	%reldir%/iscsi_window.h
