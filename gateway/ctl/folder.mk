# gateway/ctl: wanted state, control socket.  GW_CTL_LIBS is for its users.

noinst_LIBRARIES += %reldir%/libgw_ctl.a
%canon_reldir%_libgw_ctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_libgw_ctl_a_SOURCES = \
	%reldir%/conf.c \
	%reldir%/conf.h \
	%reldir%/conf_apply.c \
	%reldir%/conf_apply.h \
	%reldir%/conf_diff.c \
	%reldir%/conf_diff.h \
	%reldir%/ctl_cmds.c \
	%reldir%/ctl_cmds.h \
	%reldir%/ctl_cmds.tbl \
	%reldir%/ctl_human.c \
	%reldir%/ctl_human.h \
	%reldir%/ctl_msg.c \
	%reldir%/ctl_msg.h \
	%reldir%/ctl_out.c \
	%reldir%/ctl_out.h \
	%reldir%/ctl_path.c \
	%reldir%/ctl_path.h \
	%reldir%/ctl_server.c \
	%reldir%/ctl_server.h \
	%reldir%/ctl_stale.c \
	%reldir%/ctl_stale.h \
	%reldir%/ctl_verbs.c \
	%reldir%/ctl_verbs.h

GW_CTL_LIBS = %reldir%/libgw_ctl.a $(JANSSON_LIBS)
