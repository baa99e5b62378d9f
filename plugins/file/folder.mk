# plugins/file: regular files and block devices; two stores over one st_file_io.

noinst_LIBRARIES += %reldir%/libst_file.a
%canon_reldir%_libst_file_a_SOURCES = \
	%reldir%/st_block.c \
	%reldir%/st_file.c \
	%reldir%/st_file_io.c \
	%reldir%/st_file_io.h

ST_FILE_LIBS = %reldir%/libst_file.a
ST_BLOCK_LIBS = $(ST_FILE_LIBS)
