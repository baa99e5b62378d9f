# plugins/memory: a sparse RAM disk.

noinst_LIBRARIES += %reldir%/libst_memory.a
%canon_reldir%_libst_memory_a_SOURCES = \
	%reldir%/st_memory.c \
	%reldir%/st_memory_epoch.c \
	%reldir%/st_memory_epoch.h \
	%reldir%/st_memory_slab.c \
	%reldir%/st_memory_slab.h \
	%reldir%/st_memory_table.c \
	%reldir%/st_memory_table.h

ST_MEMORY_LIBS = %reldir%/libst_memory.a
