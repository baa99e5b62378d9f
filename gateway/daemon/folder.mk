# gateway/daemon: sluiced.  All but main.c is a library, for the tests.  What
# fronts and stores there are, builtins.tbl says; GW_BUILTIN_LIBS holds them.

noinst_LIBRARIES += %reldir%/libgw_daemon.a
%canon_reldir%_libgw_daemon_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
%canon_reldir%_libgw_daemon_a_SOURCES = \
	%reldir%/banner.c \
	%reldir%/banner.h \
	%reldir%/builtins.c \
	%reldir%/builtins.h \
	%reldir%/builtins.tbl \
	%reldir%/image.c \
	%reldir%/image.h \
	%reldir%/life.c \
	%reldir%/life.h \
	%reldir%/options.c \
	%reldir%/options.h \
	%reldir%/options.tbl \
	%reldir%/process.c \
	%reldir%/process.h \
	%reldir%/refresh.c \
	%reldir%/refresh.h \
	%reldir%/serve.c \
	%reldir%/serve.h \
	%reldir%/state.c \
	%reldir%/state.h \
	%reldir%/watch.c \
	%reldir%/watch.h

GW_DAEMON_LIBS = %reldir%/libgw_daemon.a $(GW_CTL_LIBS) $(SYSTEMD_LIBS)
GW_BUILTIN_LIBS = protocols/nbd/libpr_nbd.a translators/nbd/libtr_nbd.a \
	protocols/iscsi/libpr_iscsi.a translators/scsi/libtr_scsi.a \
	protocols/aoe/libpr_aoe.a translators/ata/libtr_ata.a $(ST_FILE_LIBS) \
	$(ST_BLOCK_LIBS) $(ST_MEMORY_LIBS) $(ST_NULL_LIBS)

sbin_PROGRAMS += %reldir%/sluiced
%canon_reldir%_sluiced_SOURCES = %reldir%/main.c
%canon_reldir%_sluiced_LDADD = $(GW_DAEMON_LIBS) $(GW_BUILTIN_LIBS) \
	gateway/core/libgw_core.a $(GW_LOOP_LIBS)
