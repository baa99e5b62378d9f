#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads that are lent: a cached file's pages are sent from where they stand.  The bytes are right
whatever happens to the file and to the page cache meanwhile; what cannot be sent ends a connection
and never the daemon; and an idle daemon holds nothing."""
import ctypes
import mmap
import os
import random
import sys
import threading
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
from iscsitarget import *   # noqa: E402
from iscsitarget import read as iscsi_read, write as iscsi_write    # noqa: E402
import nbdwire              # noqa: E402
from nbdwire import Closed, fails, good_client, ok, pattern     # noqa: E402,F401

SIZE = 16 * MiB
DATA = pattern(SIZE, 77)
SECTOR, PAGE = 512, 4096
IDLE_RSS = 24 * MiB


def setup():
    if PEER:
        raise Skip("about our own daemon")
    if not is_cached(make_cached(4 * MiB)):
        raise Skip("nothing stays in the page cache here")


def make_cached(size=SIZE, data=None):
    """An image of these bytes, all in the page cache, and on the disk."""
    path = tmpname(".img")
    with open(path, "wb") as f:
        f.write((data or DATA * (1 + size // SIZE))[:size])
        f.flush()
        os.fsync(f.fileno())
    with open(path, "rb") as f:
        f.read()
    return path


def is_cached(path):
    """Whether its first page is.  To look does not bring it in: a read with RWF_NOWAIT does."""
    vec = (ctypes.c_ubyte * 1)()
    with open(path, "rb") as f, mmap.mmap(f.fileno(), PAGE, access=mmap.ACCESS_COPY) as m:
        at = ctypes.c_char.from_buffer(m)
        rc = suite._libc.mincore(ctypes.c_void_p(ctypes.addressof(at)), ctypes.c_size_t(PAGE), vec)
        del at
        expect(rc == 0, "mincore: %s", os.strerror(ctypes.get_errno()))
        return bool(vec[0] & 1)


def lent(s):
    return sum(v["lent"] for v in s.status()["volumes"])


def major_faults(s):
    """How often a thread of the daemon waited for a page that it had mapped.  Where others take the
    processor, turns are slow; this they do not make.  (Who splices a page waits
    without a fault: so what is lent is counted, too.)"""
    with open("/proc/%d/stat" % s.pid) as f:
        return int(f.read().rpartition(")")[2].split()[9])


def read_randomly(c, n, rnd, want=DATA, depth=16, most=256 * KiB):
    """n reads of a simple client, several at a time, each compared."""
    live = []
    while n or live:
        while n and len(live) < depth:
            length = rnd.choice((SECTOR, PAGE, PAGE, 5 * PAGE, rnd.randrange(1, most // SECTOR) * SECTOR))
            at = rnd.randrange((len(want) - length) // SECTOR + 1) * SECTOR
            live.append((c.post(nbdwire.CMD_READ, at, length), at, length))
            n -= 1
        r, at, length = live.pop(rnd.randrange(len(live)))
        same_bytes(bytes(ok(c.wait(r)).data), want[at:at + length], "%d bytes at %d" % (length, at))


class Helpers:
    """Threads that go on until the end, and whose first failure is the case's."""

    def __init__(self):
        self.threads, self.failed, self.over = [], [], False

    def start(self, fn, *args):
        def body():
            try:
                fn(self, *args)
            except Exception as e:      # noqa: B902
                self.failed.append(e)
        self.threads.append(threading.Thread(target=body, daemon=True))
        self.threads[-1].start()

    def check(self):
        if self.failed:
            raise self.failed[0]

    def sleep(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.check()
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.over = True
        for t in self.threads:
            t.join(20 * slow())
        if exc[0] is None:
            self.check()


# ---- what is lent ----

@case("a cached file is lent to who takes simple replies")
def _():
    for args in ([], ["--engine", "aio"], ["--read-only"]):
        with Server("a=" + make_cached(), args=args) as s, s.client("simple", name="a") as c:
            read_randomly(c, 500, random.Random(1))
            got = lent(s)
            expect(got > 400, "%d of 500 reads were lent (%r)", got, args)
            for at in (0, SIZE - SECTOR, SIZE - MiB):
                same_bytes(bytes(ok(c.read(at, min(MiB, SIZE - at))).data), DATA[at:at + MiB])
            same_bytes(bytes(ok(c.read(0, SIZE)).data), DATA, "all in one reply")


@case("memory is lent a page at a time")
def _():
    with Server("m=memory:%d" % SIZE) as s, s.client("simple", name="m") as c:
        for at in range(0, SIZE, MiB):
            ok(c.write(at, DATA[at:at + MiB]))
        read_randomly(c, 200, random.Random(3))
        before = lent(s)
        for at in range(0, SIZE, SIZE // 100 // PAGE * PAGE):
            same_bytes(bytes(ok(c.read(at, PAGE)).data), DATA[at:at + PAGE])
        expect(lent(s) - before >= 100, "%d of 100 reads were lent", lent(s) - before)


@case("to who is told of zeroes: only what is large and looks like data, not past the page cache")
def _():
    with Server("a=" + make_cached(), "m=memory:16M") as s:
        for mode, name in (("structured", "a"), ("extended", "a"), ("structured", "m")):
            with s.client(mode, name=name) as c:
                for at in range(0, MiB, 64 * KiB):
                    ok(c.read(at, PAGE))
                    ok(c.read(at, 7 * PAGE))
        expect_eq(lent(s), 0, "reads lent")
        for mode in ("structured", "extended") if os.uname().machine == "x86_64" else ():   # drv_copy.h
            with s.client(mode, name="a") as c:
                before = lent(s)
                for at in range(0, 8 * MiB, 64 * KiB):
                    same_bytes(bytes(ok(c.read(at, 64 * KiB)).data), DATA[at:at + 64 * KiB])
                expect(lent(s) - before > 100, "%d of 128 large reads were lent", lent(s) - before)
                same_bytes(bytes(ok(c.read(0, SIZE)).data), DATA, "all at once")
                ok(c.write(MiB, bytes(MiB)))
                before = lent(s)
                r = ok(c.read(MiB, MiB))
                expect(r.holes, "a MiB of zeroes came as data")
                r = ok(c.read(MiB - 64 * KiB, 128 * KiB))
                same_bytes(bytes(r.data), DATA[MiB - 64 * KiB:MiB] + bytes(64 * KiB))
                expect_eq(lent(s), before, "reads of zeroes lent")
                ok(c.write(MiB, DATA[MiB:2 * MiB]))
    with Server("a=" + make_cached(), args=["--direct"]) as s, s.client("simple", name="a") as c:
        for i in range(50):
            at = i * c.block_min * 100
            same_bytes(bytes(ok(c.read(at, 64 * KiB)).data), DATA[at:at + 64 * KiB])
        expect_eq(lent(s), 0, "reads lent with --direct")


@case("a file that --size has made is lent once there is something to lend")
def _():
    path = tmpname(".img")
    with Server("a=" + path, args=["--size", "16M"]) as s, s.client("simple", name="a") as c:
        for at in range(0, SIZE, MiB):
            ok(c.write(at, DATA[at:at + MiB]))
        read_randomly(c, 200, random.Random(2))
        expect(lent(s) > 100, "%d of 200 reads were lent", lent(s))


@case("iSCSI: lent without a data digest, and read with one")
def _():
    with Target(make_cached()) as s:
        for digest in ("None", "CRC32C"):
            before = lent(s)
            with s.login({"DataDigest": digest}) as c:
                for i in range(100):
                    lba, n = (i * 331) % (SIZE // BLOCK - 600), 1 + (i * 37) % 600
                    same_bytes(bytes(iscsi_read(c, lba, n)), DATA[lba * BLOCK:(lba + n) * BLOCK])
            got = lent(s) - before
            expect(got > 80 if digest == "None" else not got, "%d reads lent, DataDigest=%s", got, digest)


def ordered_behind(s, n, old, new):
    """READ, an ORDERED WRITE over it and READ at once; much is sent before we read any of it."""
    keys = {"InitialR2T": "No", "ImmediateData": "Yes", "MaxRecvDataSegmentLength": "262144",
            "MaxBurstLength": "1048576"}
    with s.login(keys) as c:
        iscsi_write(c, 0, old)
        iscsi_read(c, 0, n)
        t, one = c.command(cdb.read16(0, n), read=n * BLOCK)
        u, two = c.command(cdb.write16(0, n), new, attr=iscsiwire.ORDERED)
        v, three = c.command(cdb.read16(0, n), read=n * BLOCK)
        c.send(*one, *two, *three)
        time.sleep(0.02)
        c.wait(t, u, v)
        same_bytes(bytes(t.data), old, "the read before, of %d blocks" % n)
        same_bytes(bytes(v.data), new, "the read behind, of %d blocks" % n)
        return c.pings


@case("iSCSI: what a read was lent is not what an ORDERED write behind it writes", limit=60)
def _():
    asked = {1: 0, 8: 0, 64: 0, 512: 0, 2048: 0}
    with Target(make_cached()) as s:
        for i in range(100):
            n = list(asked)[i % len(asked)]
            asked[n] += ordered_behind(s, n, *(bytes([k % 251]) * (n * BLOCK) for k in (i, i + 1)))
        expect(lent(s) > 150, "%d reads were lent", lent(s))
    # who takes it is asked where it went by reference, and not where it was copied
    expect_eq([n for n in asked if asked[n]], [64, 512, 2048], "%r" % asked)


@case("iSCSI: where the initiator has told that it took the read, nobody asks")
def _():
    want = DATA[:512 * BLOCK]
    with Target(make_cached()) as s, s.login({"MaxRecvDataSegmentLength": "262144"}) as c:
        for i in range(20):
            same_bytes(bytes(iscsi_read(c, 0, 512)), want)
            want = bytes([i]) * len(want)
            iscsi_write(c, 0, want, attr=iscsiwire.ORDERED)
        expect_eq(c.pings, 0, "NOP-Ins")
        expect(lent(s) >= 20, "%d reads were lent", lent(s))


# ---- writers beside ----

@case("what is written is read at once, over every client and size")
def _():
    rnd = random.Random(3)
    want = bytearray(DATA)
    with Server("a=" + make_cached()) as s, s.client("simple", name="a") as a, \
            s.client("simple", name="a") as b, s.client("structured", name="a") as w:
        for _ in range(400):
            n = rnd.choice((1, 1, 8, 9, 300)) * SECTOR
            at = rnd.randrange((SIZE - n) // SECTOR) * SECTOR
            data = rnd.randbytes(n)
            ok(rnd.choice((a, b, w)).write(at, data))
            want[at:at + n] = data
            for c in (a, b):
                lo, hi = max(0, at - PAGE), min(SIZE, at + n + PAGE)
                same_bytes(bytes(ok(c.read(lo, hi - lo)).data), bytes(want[lo:hi]))
        expect(lent(s) > 600, "%d of 800 reads were lent", lent(s))
        ok(w.zero(MiB, MiB))
        ok(w.trim(3 * MiB, MiB))
        want[MiB:2 * MiB] = bytes(MiB)
        same_bytes(bytes(ok(a.read(0, 3 * MiB)).data), bytes(want[:3 * MiB]), "beside zeroes")
        expect_eq(bytes(ok(a.read(3 * MiB, MiB)).data), bytes(MiB), "what was trimmed")


def write_odd(h, s, seed):
    """Writes and reads back in every second MiB."""
    rnd = random.Random(seed)
    with s.client("simple", name="a") as c:
        while not h.over:
            n = rnd.randrange(1, 64) * PAGE
            at = (2 * rnd.randrange(SIZE // (2 * MiB)) + 1) * MiB + rnd.randrange((MiB - n) // PAGE) * PAGE
            data = rnd.randbytes(n)
            ok(c.write(at, data))
            same_bytes(bytes(ok(c.read(at, n)).data), data, "what the writer wrote")


@case("the bytes beside a busy writer are right", limit=60)
def _():
    for args in ([], ["--engine", "aio"]):
        with Server("a=" + make_cached(), args=args) as s, Helpers() as h:
            h.start(write_odd, s, 5)
            rnd = random.Random(6)
            with s.client("simple", name="a", rcvbuf=32 * KiB) as c:
                end = time.monotonic() + 2
                while time.monotonic() < end:
                    at = 2 * rnd.randrange(SIZE // (2 * MiB)) * MiB
                    rs = [c.post(nbdwire.CMD_READ, at + i * 64 * KiB, 64 * KiB) for i in range(16)]
                    for i, r in enumerate(rs):
                        lo = at + i * 64 * KiB
                        same_bytes(bytes(ok(c.wait(r)).data), DATA[lo:lo + 64 * KiB])
                    h.check()
            expect(lent(s) > 100, "%d reads were lent", lent(s))


# ---- the file is cut ----

class Cutting:
    """Readers of a file that is cut and grows again."""

    def __init__(self):
        self.reads = self.low = self.errors = self.ends = self.zeroes = 0


def read_cut(h, s, t, keep, seed):
    rnd = random.Random(seed)
    mode = "structured" if seed >= 2 else "simple"      # copied, on each loop, or lent
    while not h.over:
        try:
            with s.client(mode, name="a") as c:
                while not h.over:
                    length = rnd.choice((PAGE, 16 * PAGE, 64 * PAGE))
                    at = rnd.randrange((SIZE - length) // PAGE + 1) * PAGE
                    r = c.read(at, length)
                    t.reads += 1
                    if r.error:
                        t.errors += 1
                        expect(at + length > keep, "an error (%s) where nothing was cut", r)
                        continue
                    t.low += at + length <= keep
                    got = bytes(r.data)
                    for i in range(0, length, PAGE):
                        page = got[i:i + PAGE]
                        if page == DATA[at + i:at + i + PAGE]:
                            continue
                        expect(at + i >= keep and is_mix(page, DATA[at + i:at + i + PAGE]),
                               "page at %d is neither the file's nor of a hole", at + i)
                        t.zeroes += 1
        except (Closed, OSError):
            t.ends += 1
            s.check_alive()
            time.sleep(0.01)


def is_mix(got, want):
    """Each byte the file's or zero: it was cut, or grew again, while it was sent."""
    return all(a == b or a == 0 for a, b in zip(got, want))


def cut(args, keep):
    path = make_cached()
    t = Cutting()
    with Server("a=" + path, args=args) as s, Helpers() as h:
        for seed in range(5):
            h.start(read_cut, s, t, keep, seed)
        h.sleep(1)
        expect(lent(s) > 100, "%d reads were lent before", lent(s))
        expect_eq((t.errors, t.ends, t.zeroes), (0, 0, 0), "trouble before")
        os.truncate(path, keep)
        h.sleep(2)
        s.check_alive()
        expect(t.errors > t.ends, "%d errors were told, and %d connections ended", t.errors, t.ends)
        with s.client("simple", name="a") as c:     # what is left is served
            if keep:
                same_bytes(bytes(ok(c.read(0, keep)).data), DATA[:keep])
        low = t.low
        h.sleep(0.5)
        expect(not keep or t.low > low, "what is left is not served to the others")
        diag("cut to %d: %d reads, %d errors, %d connections ended" % (keep, t.reads, t.errors, t.ends))
        os.truncate(path, SIZE)
        with open(path, "r+b") as f:
            f.seek(keep)
            f.write(DATA[keep:])
        # the daemon looks at the size every 5 s, and has lent nothing for as long
        h.sleep(12)
        before, errors, ends = lent(s), t.errors, t.ends
        with s.client("simple", name="a") as c:
            same_bytes(bytes(ok(c.read(0, SIZE)).data), DATA, "the whole again")
        h.sleep(1)
        expect_eq((t.errors, t.ends), (errors, ends), "errors and ends when it was whole again")
        expect(lent(s) > before + 100, "%d reads were lent after", lent(s) - before)


@case("the file is cut under traffic: the daemon lives, serves what is left, and recovers", limit=90)
def _():
    cut([], 4 * MiB)


@case("the same with the other engine, and nothing left", limit=90)
def _():
    cut(["--engine", "aio", "--threads", "1"], 0)


@case("iSCSI: the file is cut under a read", limit=60)
def _():
    path = make_cached()
    with Target(path) as s:
        with s.login() as c:
            iscsi_read(c, 0, 8)
            same_bytes(bytes(iscsi_read(c, SIZE // BLOCK // 2, 8)), DATA[SIZE // 2:SIZE // 2 + 8 * BLOCK])
        expect(lent(s), "nothing was lent")
        os.truncate(path, MiB)
        for _ in range(5):
            went = None
            try:
                with s.login() as c:
                    went = iscsi_read(c, SIZE // BLOCK // 2, 8)
            except (Fail, OSError):     # sense, or the end of the connection
                pass
            expect(went is None, "a read of what was cut went well")
            s.check_alive()
        with s.login() as c:
            same_bytes(bytes(iscsi_read(c, 0, 2048)), DATA[:MiB])


# ---- the page cache ----

DROP = """
import os, sys, time
fd = os.open(sys.argv[1], os.O_RDONLY)
while True:
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    print(flush=True)
    time.sleep(0.02)
"""


def read_for(s, seconds, want, seed, each=None):
    """Reads for so long; how many there were, how many lent, and how many pages were waited for."""
    n, rnd = 0, random.Random(seed)
    before, faults_before = lent(s), major_faults(s)
    with s.client("simple", name="a") as c:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            read_randomly(c, 100, rnd, want)
            n += 100
            if each:
                each()
    return n, lent(s) - before, major_faults(s) - faults_before


@case("the file is dropped from the page cache under traffic", limit=60)
def _():
    path, want = make_cached(64 * MiB), DATA * 4
    p = popen([sys.executable, "-c", DROP, path], stdout=subprocess.PIPE)
    try:
        p.stdout.readline()
        expect(not is_cached(path), "it is cached after it was dropped")
        with Server("a=" + path) as s:
            n, got, waits = read_for(s, 4, want, 8)
            diag("while it is dropped: %d reads, %d of them lent, %d waited for" % (n, got, waits))
            expect(waits <= 3, "%d pages were waited for", waits)
            expect(got < n // 4, "%d of %d reads were lent without a page cache", got, n)
            p.kill()
            p.wait()
            with s.client("simple", name="a") as c:
                same_bytes(bytes(ok(c.read(0, 32 * MiB)).data), want[:32 * MiB])
                same_bytes(bytes(ok(c.read(32 * MiB, 32 * MiB)).data), want[:32 * MiB])
            time.sleep(1.1)
            n, got, waits = read_for(s, 2, want, 9)
            diag("afterwards: %d reads, %d of them lent, %d waited for" % (n, got, waits))
            expect(got > n // 2, "%d of %d reads were lent when all was there again", got, n)
    finally:
        p.kill()
        p.wait()
        p.stdout.close()


def throw_out(s, path):
    """The kernel is asked to let what the daemon has mapped of this file leave the memory, once:
    process_madvise(MADV_PAGEOUT)."""
    pidfd = os.pidfd_open(s.pid)
    try:
        for line in open("/proc/%d/maps" % s.pid):
            if not line.rstrip().endswith(path):
                continue
            lo, hi = (int(x, 16) for x in line.split()[0].split("-"))
            vec = (ctypes.c_size_t * 2)(lo, hi - lo)
            if suite._libc.syscall(ctypes.c_long(440), ctypes.c_long(pidfd), vec, ctypes.c_long(1),
                                   ctypes.c_long(21), ctypes.c_long(0)) < 0:
                raise Skip("process_madvise: %s" % os.strerror(ctypes.get_errno()))
    finally:
        os.close(pidfd)


def throw_out_for_sure(s, path):
    """Again until it is so: the kernel passes over a page that is just being looked at."""
    asked, deadline = 0, time.monotonic() + 10
    while is_cached(path):
        expect(time.monotonic() < deadline, "it is cached after it was thrown out %d times", asked)
        throw_out(s, path)
        asked += 1
    diag("thrown out when asked %d times" % asked)


@case("the kernel throws out what was trusted: it is noticed, and nobody waits for long", limit=60)
def _():
    path, want = make_cached(64 * MiB), DATA * 4
    with Server("a=" + path, args=["--threads", "1"]) as s:
        n, got, waits = read_for(s, 1, want, 11)
        expect(got > n // 2, "%d of %d reads were lent before", got, n)
        throw_out_for_sure(s, path)
        n, got, waits = read_for(s, 2, want, 12)
        diag("just after: %d reads, %d of them lent, %d waited for" % (n, got, waits))
        expect(got < n // 4, "%d of %d reads were lent without trust", got, n)
        expect(waits <= 8, "%d pages were waited for", waits)
        time.sleep(5)
        with s.client("simple", name="a") as c:
            ok(c.read(0, 32 * MiB))
            ok(c.read(32 * MiB, 32 * MiB))
        time.sleep(1.1)
        n, got, waits = read_for(s, 1, want, 13)
        expect(got > n // 2, "%d of %d reads were lent when all was there again", got, n)
        # and again and again
        n, got, waits = read_for(s, 3, want, 14, lambda: throw_out(s, path))
        diag("under pressure: %d reads, %d of them lent, %d waited for" % (n, got, waits))
        expect(waits <= 16, "%d pages were waited for", waits)


@case("what a file's pages took of our address space is given back when it is idle", limit=60)
def _():
    big = 96 * MiB
    path = make_cached(big)
    with Server("a=" + path, "b=memory:1M") as s:
        fds, first = s.fds(), s.rss()
        with s.client("simple", name="a") as c:
            for _ in range(3):
                for at in range(0, big, MiB):
                    ok(c.read(at, MiB))
            during = s.rss()
        expect(lent(s) > 100, "%d reads were lent", lent(s))
        expect(during > big // 2, "%d KiB resident under traffic: was it lent?", during // KiB)
        began = time.monotonic()
        s.settle(fds, IDLE_RSS if slow() == 1 else first + 8 * MiB, 15)
        diag("resident: %d KiB at first, %d under traffic, %d after %.1f s" %
             (first // KiB, during // KiB, s.rss() // KiB, time.monotonic() - began))
        with s.client("simple", name="a") as c:
            read_randomly(c, 200, random.Random(9))
        expect(s.rss() > first, "nothing is lent after the rest")


# ---- the end ----

@case("a client that never reads what was lent to it cannot hold up the end", limit=40)
def _():
    s = Server("a=" + make_cached(64 * MiB), tcp=True)
    with s.client("simple", name="a") as c:
        read_randomly(c, 300, random.Random(10))
    for _ in range(4):
        c = s.client("simple", name="a", rcvbuf=4096)
        for i in range(60):
            c.post(nbdwire.CMD_READ, i * MiB, MiB)
    time.sleep(0.3)
    began = time.monotonic()
    expect_eq(s.stop(timeout=15), 0, "exit code")
    took = time.monotonic() - began
    expect(took < 8 * slow(), "it took %.1f s", took)


main(setup, limit=600)
