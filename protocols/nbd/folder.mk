# protocols/nbd: the NBD server.

noinst_LIBRARIES += %reldir%/libpr_nbd.a
%canon_reldir%_libpr_nbd_a_SOURCES = \
	%reldir%/nbds_cmd.c \
	%reldir%/nbds_cmd.h \
	%reldir%/nbds_conn.c \
	%reldir%/nbds_conn.h \
	%reldir%/nbds_counters.tbl \
	%reldir%/nbds_done.c \
	%reldir%/nbds_done.h \
	%reldir%/nbds_front.c \
	%reldir%/nbds_front.h \
	%reldir%/nbds_greet.c \
	%reldir%/nbds_greet.h \
	%reldir%/nbds_hs.c \
	%reldir%/nbds_hs.h \
	%reldir%/nbds_meta.c \
	%reldir%/nbds_meta.h \
	%reldir%/nbds_op.c \
	%reldir%/nbds_op.h \
	%reldir%/nbds_opts.c \
	%reldir%/nbds_opts.h \
	%reldir%/nbds_opts.tbl \
	%reldir%/nbds_out.c \
	%reldir%/nbds_out.h \
	%reldir%/nbds_pdu.c \
	%reldir%/nbds_pdu.h \
	%reldir%/nbds_reply.c \
	%reldir%/nbds_reply.h \
	%reldir%/nbds_run.c \
	%reldir%/nbds_run.h \
	%reldir%/nbds_state.h
