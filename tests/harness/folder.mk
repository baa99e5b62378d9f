# tests/harness: what every test stands on.

HARNESS_TESTS = \
	%reldir%/prepare_test.sh \
	%reldir%/tap_test.sh
TESTS += $(HARNESS_TESTS)

EXTRA_DIST += \
	$(HARNESS_TESTS) \
	%reldir%/harness.h \
	%reldir%/prepare.sh \
	%reldir%/tap.sh
