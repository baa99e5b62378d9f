# The gateway proper.
noinst_LIBRARIES += %reldir%/libgw_core.a
%canon_reldir%_libgw_core_a_SOURCES = $(core_sources)
core_sources = \
	%reldir%/access.c \
	%reldir%/admin.h \
	%reldir%/core.h \
	%reldir%/drain.c \
	%reldir%/event.c \
	%reldir%/fallback.c \
	%reldir%/fence.c \
	%reldir%/flush.c \
	%reldir%/front.c \
	%reldir%/gateway.c \
	%reldir%/identity.c \
	%reldir%/identity.h \
	%reldir%/inbox.c \
	%reldir%/keep.c \
	%reldir%/kept.c \
	%reldir%/lend.c \
	%reldir%/list.c \
	%reldir%/mem.c \
	%reldir%/nexus.c \
	%reldir%/order.c \
	%reldir%/plant.c \
	%reldir%/plant.h \
	%reldir%/pool.c \
	%reldir%/pool.h \
	%reldir%/registry.c \
	%reldir%/registry.h \
	%reldir%/req.c \
	%reldir%/req_pool.c \
	%reldir%/reset.c \
	%reldir%/rsv.c \
	%reldir%/status.c \
	%reldir%/store_call.c \
	%reldir%/visit.c \
	%reldir%/volume.c \
	%reldir%/volume_life.c
