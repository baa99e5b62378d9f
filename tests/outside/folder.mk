# tests/outside: the daemon as the world meets it: other people's clients, signals, kills.

# the longest first
OUTSIDE_TESTS = \
	%reldir%/stall.py \
	%reldir%/kill9.py \
	%reldir%/restart.py \
	%reldir%/filesystem.py \
	%reldir%/lend.py \
	%reldir%/serve.py \
	%reldir%/libnbd.py \
	%reldir%/qemu.py \
	%reldir%/nbdkit.py \
	%reldir%/fio.py \
	%reldir%/sessions.py \
	%reldir%/status.py
TESTS += $(OUTSIDE_TESTS)

# ISCSI_URL names another target.
OUTSIDE_ISCSI_TESTS = %reldir%/libiscsi.py
TESTS += $(OUTSIDE_ISCSI_TESTS)
CHECK_TSAN += %reldir%/libnbd.py %reldir%/sessions.py %reldir%/status.py

EXTRA_DIST += \
	$(OUTSIDE_TESTS) \
	$(OUTSIDE_ISCSI_TESTS) \
	%reldir%/stallfs.py
