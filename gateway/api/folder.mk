# The promises: headers only (and the table of outcomes).
noinst_HEADERS += \
	%reldir%/access.h \
	%reldir%/buf.h \
	%reldir%/drain.h \
	%reldir%/event.h \
	%reldir%/fence.h \
	%reldir%/frontend.h \
	%reldir%/gateway.h \
	%reldir%/inbox.h \
	%reldir%/keep.h \
	%reldir%/kept.h \
	%reldir%/nexus.h \
	%reldir%/out.h \
	%reldir%/port.h \
	%reldir%/req.h \
	%reldir%/reset.h \
	%reldir%/rsv.h \
	%reldir%/share.h \
	%reldir%/status.h \
	%reldir%/status.tbl \
	%reldir%/store.h \
	%reldir%/visit.h \
	%reldir%/volume.h
