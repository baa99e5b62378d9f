# translators/nbd: the command set of NBD.

noinst_LIBRARIES += %reldir%/libtr_nbd.a
%canon_reldir%_libtr_nbd_a_SOURCES = \
	%reldir%/nbdx.c \
	%reldir%/nbdx.h \
	%reldir%/nbdx_cmds.tbl \
	%reldir%/nbdx_errors.tbl \
	%reldir%/nbdx_refusals.tbl \
	%reldir%/nbdx_status.tbl
