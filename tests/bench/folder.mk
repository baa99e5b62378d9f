# SPDX-License-Identifier: BSD-3-Clause
#
# tests/bench: the load client, what it is held against, and "make bench", which runs
# sluice and its peers under them.  Plain sockets: no library is needed.
# BENCH_FLAGS goes to bench.py, as in make bench BENCH_FLAGS=--quick

check_PROGRAMS += %reldir%/load %reldir%/bare %reldir%/floor %reldir%/frames

%canon_reldir%_load_SOURCES = \
	%reldir%/ether.c \
	%reldir%/ether.h \
	%reldir%/load.c \
	%reldir%/load_aoe.c \
	%reldir%/load_conn.c \
	%reldir%/load_conn.h \
	%reldir%/load_cpu.c \
	%reldir%/load_cpu.h \
	%reldir%/load_hist.c \
	%reldir%/load_hist.h \
	%reldir%/load_iscsi.c \
	%reldir%/load_iscsi.h \
	%reldir%/load_iscsi_login.c \
	%reldir%/load_nbd.c \
	%reldir%/load_run.c \
	%reldir%/load_run.h \
	%reldir%/load_stream.c \
	%reldir%/load_stream.h
%canon_reldir%_load_LDADD = $(GW_BASE_LIBS)
%canon_reldir%_bare_SOURCES = \
	%reldir%/bare.c \
	%reldir%/bare.h \
	%reldir%/bare_aoe.c \
	%reldir%/bare_iscsi.c \
	%reldir%/bare_nbd.c \
	%reldir%/ether.c \
	%reldir%/ether.h
%canon_reldir%_bare_LDADD = $(GW_BASE_LIBS)
%canon_reldir%_floor_SOURCES = %reldir%/floor.c %reldir%/load_hist.c %reldir%/load_hist.h
%canon_reldir%_frames_SOURCES = \
	%reldir%/ether.c \
	%reldir%/ether.h \
	%reldir%/frames.c \
	%reldir%/frames.h \
	%reldir%/frames_link.c \
	%reldir%/frames_ways.c
%canon_reldir%_frames_LDADD = $(GW_LOOP_LIBS)

TESTS += %reldir%/bench_smoke.sh %reldir%/bench_check.py
dist_check_SCRIPTS += %reldir%/bench_smoke.sh
EXTRA_DIST += \
	%reldir%/README \
	%reldir%/bench.py \
	%reldir%/bench_check.py \
	%reldir%/bench_check.txt \
	%reldir%/bench_device.py \
	%reldir%/bench_goals.py \
	%reldir%/bench_idle.py \
	%reldir%/bench_servers.py

.PHONY: bench bench-check
bench-check: all %reldir%/load$(EXEEXT)
	SRCDIR=$(srcdir) BUILDDIR=$(builddir) $(PYTHON) $(top_srcdir)/%reldir%/bench_check.py


bench: all %reldir%/load$(EXEEXT) %reldir%/bare$(EXEEXT) %reldir%/floor$(EXEEXT)
	BUILDDIR='$(abs_top_builddir)' $(PYTHON) \
		$(top_srcdir)/%reldir%/bench.py $(BENCH_FLAGS)
