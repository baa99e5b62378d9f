# protocols/aoe: the AoE target.

noinst_LIBRARIES += %reldir%/libpr_aoe.a
%canon_reldir%_libpr_aoe_a_SOURCES = \
	%reldir%/aoe.h \
	%reldir%/aoe_book.c \
	%reldir%/aoe_book.h \
	%reldir%/aoe_client.c \
	%reldir%/aoe_client.h \
	%reldir%/aoe_commands.tbl \
	%reldir%/aoe_counters.tbl \
	%reldir%/aoe_disk.c \
	%reldir%/aoe_disk.h \
	%reldir%/aoe_errors.tbl \
	%reldir%/aoe_front.c \
	%reldir%/aoe_front.h \
	%reldir%/aoe_name.c \
	%reldir%/aoe_name.h \
	%reldir%/aoe_order.c \
	%reldir%/aoe_order.h \
	%reldir%/aoe_pdu.c \
	%reldir%/aoe_pdu.h \
	%reldir%/aoe_port.c \
	%reldir%/aoe_port.h \
	%reldir%/aoe_rate.c \
	%reldir%/aoe_rate.h \
	%reldir%/aoe_refusals.tbl \
	%reldir%/aoe_shelf.c \
	%reldir%/aoe_shelf.h \
	%reldir%/aoe_slot.c \
	%reldir%/aoe_slot.h \
	%reldir%/aoe_state.h \
	%reldir%/aoe_talk.c \
	%reldir%/aoe_talk.h
