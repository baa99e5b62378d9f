# gateway/loop: threads, rings, timers, sockets, files.  Built with or without
# liburing and libaio; a driver without its library refuses to be made.
# GW_LOOP_LIBS is what a program links for it.

AM_CPPFLAGS += $(LIBURING_CFLAGS)

noinst_LIBRARIES += %reldir%/libgw_loop.a
%canon_reldir%_libgw_loop_a_SOURCES = \
	%reldir%/drv.h \
	%reldir%/drv_aio.c \
	%reldir%/drv_copy.c \
	%reldir%/drv_copy.h \
	%reldir%/drv_dev.c \
	%reldir%/drv_dev.h \
	%reldir%/drv_file.c \
	%reldir%/drv_file.h \
	%reldir%/drv_folio.c \
	%reldir%/drv_folio.h \
	%reldir%/drv_fs.h \
	%reldir%/drv_holder.c \
	%reldir%/drv_holder.h \
	%reldir%/drv_host.c \
	%reldir%/drv_host.h \
	%reldir%/drv_host_fs.c \
	%reldir%/drv_host_fs.h \
	%reldir%/drv_host_link.c \
	%reldir%/drv_host_link.h \
	%reldir%/drv_lend.c \
	%reldir%/drv_lend.h \
	%reldir%/drv_libaio.c \
	%reldir%/drv_libaio.h \
	%reldir%/drv_link.h \
	%reldir%/drv_lock.c \
	%reldir%/drv_lock.h \
	%reldir%/drv_op.c \
	%reldir%/drv_op.h \
	%reldir%/drv_ring.h \
	%reldir%/drv_sock.c \
	%reldir%/drv_sock.h \
	%reldir%/drv_splice.c \
	%reldir%/drv_splice.h \
	%reldir%/drv_uring.c \
	%reldir%/drv_zero.c \
	%reldir%/drv_zero.h \
	%reldir%/loop.h \
	%reldir%/loop_addr.c \
	%reldir%/loop_door.c \
	%reldir%/loop_door.h \
	%reldir%/loop_doors.c \
	%reldir%/loop_doors.h \
	%reldir%/loop_link.c \
	%reldir%/loop_link.h \
	%reldir%/loop_link_counts.tbl \
	%reldir%/loop_mail.c \
	%reldir%/loop_mail.h \
	%reldir%/loop_own.h \
	%reldir%/loop_pool.c \
	%reldir%/loop_pool.h \
	%reldir%/loop_set.c \
	%reldir%/loop_set.h \
	%reldir%/loop_stream.c \
	%reldir%/loop_stream.h \
	%reldir%/loop_thread.c \
	%reldir%/loop_thread.h \
	%reldir%/loop_timer.c \
	%reldir%/loop_timer.h \
	%reldir%/loop_turn.c \
	%reldir%/loop_wait.c \
	%reldir%/loop_wait.h

if HAVE_LIBURING
%canon_reldir%_libgw_loop_a_SOURCES += %reldir%/drv_ring.c
endif

GW_LOOP_LIBS = %reldir%/libgw_loop.a $(GW_BASE_LIBS) $(LIBURING_LIBS) $(LIBAIO_LIBS) \
	-lpthread
