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

# A store for tests of what stands above one.
check_LIBRARIES += %reldir%/libfake_store.a
%canon_reldir%_libfake_store_a_SOURCES = \
	%reldir%/fake_store.c \
	%reldir%/fake_store.h
HARNESS_FAKE_LIBS = %reldir%/libfake_store.a
