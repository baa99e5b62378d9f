#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What an I/O costs may not grow: instructions (callgrind) and system calls (strace) per I/O,
held against bench_check.txt.  Both are steadier than seconds on a machine with other work.

  make bench-check                  all rows; also a part of make check
  bench_check.py --write            the figures of now, to be put into the table after a look
  BENCH_CHECK_ONLY='nbd-read*' ...  some rows

An I/O's cost is the difference of two runs, so that start and end fall out.  Instructions are
those of the whole process, on the epoll driver with one loop (valgrind knows no io_uring), a
memory volume, 4 KiB, random.  They are the compiler's too: the table is gcc's at -O2.
"""
import fnmatch
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SRC, BUILD = os.environ.get("SRCDIR", "."), os.environ.get("BUILDDIR", ".")
SLUICED = os.path.join(BUILD, "gateway/daemon/sluiced")
LOAD = os.path.join(BUILD, "tests/bench/load")
TABLE = os.path.join(SRC, "tests/bench/bench_check.txt")
MORE = 1.10             # what a figure may grow by
FEW, MANY = 4000, 20000
TARGET = "iqn.2026-11.org.sluice:memory"


class Broken(Exception):
    pass


def rows():
    """[(name, figure)] of the table."""
    out = []
    with open(TABLE) as f:
        for line in f:
            words = line.split("#")[0].split()
            if words:
                out.append((words[0], float(words[1])))
    return out


def parse(name):
    """protocol-op-depth-metric[-engine]"""
    words = name.split("-")
    return dict(proto=words[0], op=words[1], depth=words[2], metric=words[3],
                engine=words[4] if len(words) > 4 else "aio")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    """sluiced under `wrapper`, with a memory volume."""

    def __init__(self, wrapper, row, folder):
        self.port = free_port()
        self.row = row
        listen = "127.0.0.1:%d" % self.port
        argv = [*wrapper, SLUICED, "serve", "--engine", row["engine"], "--threads", "1",
                "--busy-poll", "0", "--control", os.path.join(folder, "ctl"),
                "--" + row["proto"], listen, "memory:64M"]
        self.log = open(os.path.join(folder, "log"), "w+")
        self.proc = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                     start_new_session=True)
        for line in self.proc.stdout:
            if line.strip() == "ready":
                return
        self.log.seek(0)
        raise Broken("not ready: " + self.log.read()[-500:])

    def load(self, op, ios, pattern="random"):
        argv = [LOAD, "--connect", "127.0.0.1:%d" % self.port, "--op", op, "--pattern", pattern,
                "--depth", self.row["depth"], "--ios", str(ios), "--seconds", "100",
                "--region", "4m"]
        if self.row["proto"] == "iscsi":
            argv += ["--proto", "iscsi", "--export", TARGET]
        r = subprocess.run(argv, capture_output=True, text=True, timeout=120)
        if r.returncode or " 0 errors" not in r.stdout:
            raise Broken("load: " + r.stdout + r.stderr)

    def end(self):
        """The whole group: a wrapper that hears SIGTERM might keep it from the daemon."""
        os.killpg(self.proc.pid, signal.SIGTERM)
        try:
            self.proc.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.proc.pid, signal.SIGKILL)
            self.proc.wait()
            raise Broken("it did not end")
        finally:
            self.log.close()


def total(row, ios, folder):
    """Of one run: the instructions, or the system calls, of all."""
    out = os.path.join(folder, "out")
    if row["metric"] == "instructions":
        wrapper = ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out, "--quiet"]
        pattern = r"^(?:summary|totals): (\d+)"
    else:
        wrapper = ["strace", "-f", "-c", "-o", out, "--"]
        pattern = r"^100\.00 .*? (\d+)(?: +\d+)? total$"
    daemon = Daemon(wrapper, row, folder)
    try:
        daemon.load("write", 1100, "seq")       # all of the region, so that no hole is read
        daemon.load(row["op"], ios)
    finally:
        daemon.end()
    with open(out) as f:
        found = re.search(pattern, f.read(), re.M)
    if not found:
        raise Broken("no figure from " + wrapper[0])
    return int(found.group(1))


def measure(name):
    row = parse(name)
    with tempfile.TemporaryDirectory() as folder:
        few = total(row, FEW, folder)
        many = total(row, MANY, folder)
    return (many - few) / (MANY - FEW)


def judged(name, limit):
    """The lowest of up to three: what disturbs only adds."""
    best = None
    for _ in range(3):
        figure = measure(name)
        best = figure if best is None else min(best, figure)
        if best <= limit * MORE:
            break
    return best


def why_not():
    with open(SLUICED, "rb") as f:
        code = f.read()
    if b"__asan_init" in code or b"__tsan_init" in code:
        return "a build with sanitizers"
    if b"GCC: (" not in code or b"clang version" in code:
        return "the figures are gcc's"
    for tool in ("valgrind", "strace"):
        if not shutil.which(tool):
            return "no " + tool
    return None


def main():
    table = [r for r in rows() if fnmatch.fnmatch(r[0], os.environ.get("BENCH_CHECK_ONLY", "*"))]
    write = "--write" in sys.argv
    reason = why_not()
    failed = 0
    if not write:
        print("1..%d" % len(table))
    for i, (name, limit) in enumerate(table, 1):
        if reason:
            print("ok %d - %s # SKIP %s" % (i, name, reason))
            continue
        began = time.monotonic()
        try:
            figure = measure(name) if write else judged(name, limit)
        except (Broken, OSError, subprocess.SubprocessError) as e:
            print("not ok %d - %s\n# %s" % (i, name, str(e).replace("\n", "\n# ")))
            failed += 1
            continue
        if write:
            print("%-36s %.4g" % (name, figure))
            continue
        good = figure <= limit * MORE
        failed += not good
        print("%sok %d - %s: %.4g an I/O, at most %.4g (%.0f s)" %
              ("" if good else "not ", i, name, figure, limit * MORE, time.monotonic() - began),
              flush=True)
    return 1 if failed else 0


sys.exit(main())
