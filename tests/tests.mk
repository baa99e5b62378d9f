# Lists and targets of the tests.  A folder's tests are added in its folder.mk.

# A test's log depends on its program; the programs of other tests are not built.
only_needed = check_PROGRAMS= check_LIBRARIES=

# Tests that the TSan build of ./check runs: those with more than one loop.  A
# folder.mk adds its own, each word as it stands in TESTS.
CHECK_TSAN =
check-tsan: all
	@if test -z "$(strip $(CHECK_TSAN))"; then echo "CHECK_TSAN is empty"; \
	else setarch -R true 2>/dev/null && fixed="setarch -R"; \
		$$fixed $(MAKE) $(AM_MAKEFLAGS) check-TESTS $(only_needed) \
			TESTS='$(CHECK_TSAN)'; fi

# The unit tests alone.
check-unit:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(filter tests/unit/%,$(TESTS))'

# The daemon as clients see it; SLUICE_SERVE_ARGS says how it is to serve.
check-clients: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS $(only_needed) \
		TESTS='$(filter tests/wire/% tests/outside/%,$(TESTS))'

.PHONY: check-tsan check-unit check-clients
