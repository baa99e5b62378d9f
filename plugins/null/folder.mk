# plugins/null: swallows writes, reads zeroes; the template to copy.

noinst_LIBRARIES += %reldir%/libst_null.a
%canon_reldir%_libst_null_a_SOURCES = \
	%reldir%/st_null.c

ST_NULL_LIBS = %reldir%/libst_null.a
