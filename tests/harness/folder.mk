# tests/harness: what every test stands on.

EXTRA_DIST += \
	%reldir%/harness.h \
	%reldir%/prepare.sh \
	%reldir%/tap.sh
