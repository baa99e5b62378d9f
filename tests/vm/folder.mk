# tests/vm: the kernel's own clients, in a virtual machine.  No part of `make check`: it takes
# minutes, and packages that nothing else needs.  See README.

VM_TESTS = \
	%reldir%/selftest.py \
	%reldir%/frames.py \
	%reldir%/nbd.py \
	%reldir%/iscsi.py \
	%reldir%/aoe.py \
	%reldir%/together.py
VM_TOOLS = %reldir%/churn %reldir%/pledge

EXTRA_PROGRAMS += $(VM_TOOLS)
%canon_reldir%_churn_SOURCES = %reldir%/churn.c
%canon_reldir%_pledge_SOURCES = %reldir%/pledge.c
CLEANFILES += $(VM_TOOLS) %reldir%/vmlinux-*

EXTRA_DIST += \
	$(VM_TESTS) \
	%reldir%/README \
	%reldir%/guest/aoe.sh \
	%reldir%/guest/attach.sh \
	%reldir%/guest/disk.sh \
	%reldir%/guest/frames.sh \
	%reldir%/guest/iscsi.sh \
	%reldir%/guest/nbd.sh \
	%reldir%/guest/nbdlink.py \
	%reldir%/guest/together.sh \
	%reldir%/guests.py \
	%reldir%/init \
	%reldir%/vm

if HAVE_CMOCKA
VM_UNITS = tests/unit/gateway/loop/loop_link_test$(EXEEXT)
endif

check-vm: all $(VM_TOOLS) $(VM_UNITS)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(VM_TESTS)'

.PHONY: check-vm
