# gateway/cli: the client.  All but sluice.c is a library, for the tests.

noinst_LIBRARIES += %reldir%/libgw_cli.a
%canon_reldir%_libgw_cli_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
%canon_reldir%_libgw_cli_a_SOURCES = \
	%reldir%/cli_call.c \
	%reldir%/cli_call.h \
	%reldir%/cli_find.c \
	%reldir%/cli_find.h \
	%reldir%/cli_options.tbl \
	%reldir%/cli_out.h \
	%reldir%/cli_out_json.c \
	%reldir%/cli_out_text.c \
	%reldir%/cli_table.c \
	%reldir%/cli_table.h \
	%reldir%/cli_views.tbl \
	%reldir%/cli_words.c \
	%reldir%/cli_words.h

GW_CLI_LIBS = %reldir%/libgw_cli.a $(GW_CTL_LIBS) $(GW_BASE_LIBS)

bin_PROGRAMS += %reldir%/sluice
%canon_reldir%_sluice_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) -DSBINDIR='"$(sbindir)"'
%canon_reldir%_sluice_SOURCES = %reldir%/sluice.c
%canon_reldir%_sluice_LDADD = $(GW_CLI_LIBS)
