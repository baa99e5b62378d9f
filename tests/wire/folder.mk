# tests/wire: small scripts that speak a protocol byte by byte, from simple to intricate.

WIRE_TESTS = \
	%reldir%/510-nbd-hostile.py \
	%reldir%/507-nbd-stream.py \
	%reldir%/500-nbd-greeting.py \
	%reldir%/501-nbd-options.py \
	%reldir%/502-nbd-meta.py \
	%reldir%/503-nbd-commands.py \
	%reldir%/504-nbd-chunks.py \
	%reldir%/505-nbd-flags.py \
	%reldir%/506-nbd-limits.py \
	%reldir%/511-nbd-hostile-data.py \
	%reldir%/520-nbd-vanish.py
TESTS += $(WIRE_TESTS)
# one loop per processor, and clients that come and go on all of them
CHECK_TSAN += \
	%reldir%/503-nbd-commands.py \
	%reldir%/504-nbd-chunks.py \
	%reldir%/507-nbd-stream.py \
	%reldir%/520-nbd-vanish.py

EXTRA_DIST += \
	$(WIRE_TESTS) \
	%reldir%/hostile.py \
	%reldir%/nbdwire.py \
	%reldir%/suite.py
