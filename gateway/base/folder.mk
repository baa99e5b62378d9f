# gateway/base: the ground.  GW_BASE_LIBS is what a program links for it.

noinst_LIBRARIES += %reldir%/libgw_base.a
%canon_reldir%_libgw_base_a_SOURCES = \
	%reldir%/bytes.h \
	%reldir%/check.c \
	%reldir%/check.h \
	%reldir%/clock.h \
	%reldir%/counter.c \
	%reldir%/counter.h \
	%reldir%/crc32c.c \
	%reldir%/crc32c.h \
	%reldir%/err.c \
	%reldir%/err.h \
	%reldir%/huge.c \
	%reldir%/huge.h \
	%reldir%/line.h \
	%reldir%/log.c \
	%reldir%/log.h \
	%reldir%/log_areas.tbl \
	%reldir%/num.h \
	%reldir%/scope.h \
	%reldir%/stow.c \
	%reldir%/stow.h \
	%reldir%/str.c \
	%reldir%/str.h \
	%reldir%/table.h

GW_BASE_LIBS = %reldir%/libgw_base.a $(ISAL_LIBS)
