# tests/lint: the rules of HACKING that a machine can hold.  `make lint` runs
# them all and shows what they say; `make check` counts them as tests.

LINT_TESTS = \
	%reldir%/check-dist \
	%reldir%/check-forbidden \
	%reldir%/check-foreign \
	%reldir%/check-format \
	%reldir%/check-headers \
	%reldir%/check-heads \
	%reldir%/check-layers \
	%reldir%/check-length \
	%reldir%/check-links \
	%reldir%/check-numbers \
	%reldir%/check-prefix

LINT_ALL = $(LINT_TESTS) %reldir%/selftest.py
TESTS += $(LINT_ALL)
EXTRA_DIST += \
	$(LINT_TESTS) \
	%reldir%/selftest.py \
	%reldir%/data-path.txt \
	%reldir%/forbidden.txt \
	%reldir%/foreign.txt \
	%reldir%/layers.txt \
	%reldir%/lint.py \
	%reldir%/long-functions.txt \
	%reldir%/prefixes.txt

CLEANFILES += headers-passed lint.out

lint: $(noinst_LIBRARIES)
	@$(AM_TESTS_ENVIRONMENT) bad=0; \
	for t in $(LINT_TESTS); do \
		$(PYTHON) $(srcdir)/$$t > lint.out || bad=1; \
		sed -n -e "s|^# ||p" -e "s|^not ok 1 - |NOT SO: |p" -e "s|^ok 1 - |holds: |p" \
			-e "s|^1\.\.0 # SKIP |left out: $$t: |p" lint.out; \
	done; rm -f lint.out; exit $$bad

# Lays all C out as check-format wants it.
format:
	cd $(srcdir) && find gateway translators protocols plugins tests -name '*.[ch]' \
		-exec clang-format -i --style=file {} +

# What the tarball would hold, for check-dist.
print-dist:
	@for f in check $(DISTFILES); do echo $$f; done

.PHONY: lint format print-dist
