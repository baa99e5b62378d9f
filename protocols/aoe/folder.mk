# protocols/aoe: the AoE target.  Its pure parts: frames, what a target keeps, and
# two guards; no file of these knows a socket or a loop.

noinst_LIBRARIES += %reldir%/libpr_aoe.a
%canon_reldir%_libpr_aoe_a_SOURCES = \
	%reldir%/aoe.h \
	%reldir%/aoe_book.c \
	%reldir%/aoe_book.h \
	%reldir%/aoe_commands.tbl \
	%reldir%/aoe_errors.tbl \
	%reldir%/aoe_order.c \
	%reldir%/aoe_order.h \
	%reldir%/aoe_pdu.c \
	%reldir%/aoe_pdu.h \
	%reldir%/aoe_rate.c \
	%reldir%/aoe_rate.h \
	%reldir%/aoe_refusals.tbl
