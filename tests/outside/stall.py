#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Stores that stall, err and vanish under a running daemon: the file lies in a file system of
our own (stallfs.py), whose every request can be held, refused, or let go.

The case that all is about: a write stalls for a minute, its client goes away, comes back and
writes the same place again: the old write never wins.  STALL_SECONDS (default 60) is how long."""
import errno
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nbdwire import *   # noqa: E402
import stallfs          # noqa: E402

SECONDS = float(os.environ.get("STALL_SECONDS", "60"))
SIZE = 16 * MiB
OLD, NEW, OTHER = b"\x0d" * 4096, b"\x4e" * 4096, b"\x77" * 4096
problem = None
try:
    stallfs.own_namespace()
except stallfs.NotHere as e:
    problem = str(e)
ENGINES = [("uring", []), ("aio", ["--engine", "aio"]), ("one loop", ["--threads", "1"])]
if "--engine" in os.environ.get("SLUICE_SERVE_ARGS", ""):
    ENGINES = [("as told", [])]     # the others would be the same again
made = []


def setup():
    if PEER:
        raise Skip("about the daemon itself")
    if problem:
        raise Skip(problem)
    try:
        stallfs.StallFs(os.path.join(tmpdir(), "probe"), SIZE).close()
    except stallfs.NotHere as e:
        raise Skip(str(e))


class Place:
    """A stall file system, and a daemon that serves its file beside a memory volume."""

    def __init__(self, args, **kw):
        self.fs = stallfs.StallFs(tmpname(".mnt"), SIZE)
        made.append(self)
        self.s = Server("slow=" + self.fs.path, "quick=memory:16M", "plain=" + make_file(SIZE), tcp=True,
                        args=args, **kw)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        made.remove(self)
        try:
            self.fs.clear()
            self.s.__exit__(*exc)
        finally:
            self.fs.close()


def after():
    for p in list(made):
        p.fs.close()
        made.remove(p)


@atexit.register
def _unhold():
    # before children are waited for: one that sits in a held request cannot die
    for p in list(made):
        p.fs.close()


def each(title, limit=60, engines=ENGINES):
    def take(fn):
        for name, args in engines:
            def body(args=args):
                with Place(args) as p:
                    fn(p.fs, p.s)
            case("%s: %s" % (name, title), limit)(body)
        return fn
    return take


def others_go_on(s, seconds=1.0):
    """The other volumes (memory, a file elsewhere) answer, and so do new connections to them."""
    worst = 0.0
    end = time.monotonic() + seconds
    with s.client("structured", name="quick") as c, s.client("structured", name="plain") as f:
        while time.monotonic() < end:
            began = time.monotonic()
            for k in (c, f):
                ok(k.write(4096, OTHER))
                same_bytes(bytes(ok(k.read(4096, 4096)).data), OTHER)
                ok(k.flush())
            with s.client("simple", name="quick") as d:
                ok(d.read(0, 512))
            worst = max(worst, time.monotonic() - began)
    expect(worst < 2.0 * slow(), "the other volumes took %.1f s while a store stalls", worst)


def held(gate, what="the request"):
    expect(gate.arrived.wait(10 * slow()), "%s never reached the store", what)


@each("a plain life: write, read, flush, trim, zero, extents")
def _(fs, s):
    with s.client("structured", name="slow", meta=True) as c:
        d = pattern(1 * MiB, 70)
        ok(c.write(1 * MiB, d))
        ok(c.flush())
        same_bytes(bytes(fs.data[1 * MiB:2 * MiB]), d, "in the store")
        same_bytes(bytes(ok(c.read(1 * MiB, 1 * MiB)).data), d)
        ok(c.zero(1 * MiB, 65536))
        ok(c.trim(1 * MiB + 65536, 65536))
        ok(c.zero(1 * MiB + 131072, 65536, F_NO_HOLE))
        same_bytes(bytes(ok(c.read(1 * MiB, 65536)).data), bytes(65536))
        ok(c.status(0, SIZE))
        ok(c.write(0, OLD, F_FUA))


def never_wins(args, seconds):
    """Write OLD and stall it; leave in several ways; come back and write NEW; then let go."""
    with Place(args) as p:
        fs, s = p.fs, p.s
        fds = s.fds()
        ways = ("reset", "close", "disc", "stay", "half request", "no wait")
        gates, news, stay = {}, {}, None
        for i, way in enumerate(ways):
            at = i * MiB
            gates[way] = fs.gate("write", offset=at, length=4096, hold=True, times=1)
            a = s.client("structured", name="slow")
            a.post(CMD_WRITE, at, data=OLD)
            held(gates[way], "the old write")
            if way == "half request":
                a.sock.sendall(a.header(CMD_WRITE, 0, 99, at, 4096) + b"x" * 100)
            if way == "disc":
                a.disc()
            if way == "reset":
                a.reset()
            elif way == "stay":
                stay = a
            elif way == "disc":
                pass                # the server may close only when the write is done
            else:
                a.close()
        began = time.monotonic()
        for i, way in enumerate(ways):
            b = s.client(("simple", "structured", "extended")[i % 3], name="slow", timeout=seconds + 60)
            news[way] = (b, b.post(CMD_WRITE, i * MiB, data=NEW))
        # what has nothing to do with the stalled places goes on
        with s.client("structured", name="slow") as c:
            for k in range(5):
                t = time.monotonic()
                ok(c.write(10 * MiB + k * 4096, OTHER))
                same_bytes(bytes(ok(c.read(10 * MiB + k * 4096, 4096)).data), OTHER)
                expect(time.monotonic() - t < 5 * slow(), "another place of the same store took %.1f s",
                       time.monotonic() - t)
        others_go_on(s)
        # A flush behind it must not pretend that the new write is durable before it is.  Only
        # now: in the kernel fuse_fsync() holds the inode, and with it every later write.
        for i, way in enumerate(ways):
            if i % 2:
                news[way][0].post(CMD_FLUSH)
        for way, (b, r) in news.items():
            while select.select([b.sock], [], [], 0)[0]:
                t = b.take()
                diag("%s: answered while the old write is held: %s" % (way, t))
        while time.monotonic() - began < seconds:
            others_go_on(s, min(2.0, max(0.2, seconds / 5)))
            time.sleep(min(2.0, max(0.0, seconds - (time.monotonic() - began))))
        for g in gates.values():
            g.release()
        for i, way in enumerate(ways):
            b, r = news[way]
            b.wait(r)
            diag("%s: the new write: %s" % (way, r))
            ok(r)
            b.wait_all()
            same_bytes(bytes(ok(b.read(i * MiB, 4096)).data), NEW, "%s: read after the new write" % way)
        if stay:
            stay.wait_all()
        time.sleep(1)
        with s.client("structured", name="slow") as c:
            ok(c.flush())
            for i, way in enumerate(ways):
                same_bytes(bytes(ok(c.read(i * MiB, 4096)).data), NEW, "%s: a second later" % way)
                same_bytes(bytes(fs.data[i * MiB:i * MiB + 4096]), NEW, "%s: in the store" % way)
        writes = [off // MiB for kind, off, n in fs.log
                  if kind == "write" and off % MiB == 0 and off < 6 * MiB]
        expect(all(writes.count(i) <= 2 for i in range(6)), "writes in the store: %r", fs.log[-20:])
        close_all()
        s.settle(fds, timeout=15)


for _name, _args in ENGINES:
    def _body(args=_args, name=_name):
        never_wins(args, SECONDS if not args else min(SECONDS, 8))
    case("%s: a write stalled while its client reconnects and rewrites never wins" % _name,
         limit=SECONDS + 60)(_body)


@each("the newer of two rewrites wins, and a read between waits or sees a whole block", 60)
def _(fs, s):
    g = fs.gate("write", offset=0, length=4096, hold=True, times=1)
    a = s.client("simple", name="slow")
    a.post(CMD_WRITE, 0, data=OLD)
    held(g)
    a.reset()
    b, c = s.client("structured", name="slow"), s.client("structured", name="slow")
    r1 = b.post(CMD_WRITE, 0, data=NEW)
    time.sleep(0.3)
    rd = c.post(CMD_READ, 0, 4096)
    time.sleep(0.3)
    g.release()
    ok(b.wait(r1))
    ok(b.write(0, OTHER))
    ok(c.wait(rd))
    expect(bytes(rd.data) in (bytes(4096), OLD, NEW, OTHER), "a torn block: %s", bytes(rd.data[:16]).hex())
    time.sleep(0.3)
    same_bytes(bytes(fs.data[:4096]), OTHER, "in the store")


@each("overlapping in part: the stalled 64 KiB does not come back over the newer 4 KiB", 60)
def _(fs, s):
    g = fs.gate("write", offset=0, length=65536, hold=True, times=1)
    a = s.client("simple", name="slow")
    a.post(CMD_WRITE, 0, data=OLD * 16)
    held(g)
    a.close()
    b = s.client("structured", name="slow", timeout=30)
    rs = [b.post(CMD_WRITE, k * 4096, data=NEW) for k in (0, 7, 15)]
    rs.append(b.post(CMD_WRITE_ZEROES, 5 * 4096, 4096))
    time.sleep(1)
    g.release()
    for r in rs:
        ok(b.wait(r))
    time.sleep(0.5)
    got = bytes(ok(b.read(0, 65536)).data)
    for k in (0, 7, 15):
        same_bytes(got[k * 4096:(k + 1) * 4096], NEW, "block %d" % k)
    same_bytes(got[5 * 4096:6 * 4096], bytes(4096), "the zeroed block")
    same_bytes(bytes(fs.data[:65536]), got, "in the store")


@each("stalled reads whose clients vanish: others go on, nothing is sent to the wrong one", 60)
def _(fs, s):
    fs.data[:8 * MiB] = pattern(8 * MiB, 71)
    gates = [fs.gate("read", offset=k * MiB, length=MiB, hold=True) for k in range(4)]
    lost = []
    for k in range(4):
        c = s.client("structured", name="slow")
        for i in range(8):
            c.post(CMD_READ, k * MiB + i * 65536, 65536)
        lost.append(c)
    for g in gates:
        held(g)
    for c in lost:
        c.reset()
    others_go_on(s)
    with s.client("structured", name="slow") as c:
        for i in range(64):
            off = 4 * MiB + i * 65536
            same_bytes(bytes(ok(c.read(off, 65536)).data), bytes(fs.data[off:off + 65536]), "another place")
        for g in gates:
            g.release()
        for i in range(64):
            same_bytes(bytes(ok(c.read(i * 65536, 65536)).data), bytes(fs.data[i * 65536:(i + 1) * 65536]))


@each("many stalled writes: the rest of the daemon is not starved", 60)
def _(fs, s):
    g = fs.gate("write", offset=0, length=8 * MiB, hold=True)
    cs = [s.client("simple", name="slow", timeout=40) for _ in range(8)]
    rs = []
    for k, c in enumerate(cs):
        for i in range(16):
            rs.append((c, c.post(CMD_WRITE, k * MiB + i * 65536, data=OLD)))
    held(g)
    others_go_on(s, 2)
    g.release()
    for c, r in rs:
        ok(c.wait(r))


@each("a stalled fsync holds up flushes, not reads, not the other volumes", 60)
def _(fs, s):
    g = fs.gate("fsync", hold=True)
    c = s.client("structured", name="slow", timeout=30)
    ok(c.write(0, NEW))
    f = c.post(CMD_FLUSH)
    held(g, "the flush")
    d = s.client("simple", name="slow")
    same_bytes(bytes(ok(d.read(0, 4096)).data), NEW)
    others_go_on(s)             # no write here: the kernel's FUSE lets none pass its fsync
    expect(not f.done and not select.select([c.sock], [], [], 0)[0],
           "the flush was answered before the store did it")
    g.release()
    ok(c.wait(f))


@each("FUA is not answered before the store has synced", 60)
def _(fs, s):
    g = fs.gate("fsync", hold=True)
    c = s.client("structured", name="slow", timeout=30)
    r = c.post(CMD_WRITE, 0, data=NEW, flags=F_FUA)
    held(g, "the sync")         # the core makes FUA of a flush, for every store
    expect(("write", 0, 4096) in fs.log, "synced before it was written: %r", fs.log)
    time.sleep(0.3)
    expect(not select.select([c.sock], [], [], 0)[0], "answered before the sync")
    g.release()
    ok(c.wait(r))


ERRS = ((errno.EIO, EIO), (errno.ENOSPC, ENOSPC), (errno.EDQUOT, ENOSPC), (errno.EFBIG, ENOSPC))


@each("errors of the store become NBD's errors, the connection lives, the rest is well", 60)
def _(fs, s):
    with s.client("structured", name="slow", meta=True) as c:
        for e, want in ERRS:
            g = fs.gate("write", offset=0, length=4096, error=e, times=1)
            fails(c.write(0, NEW), want)
            expect(g.hits, "the write did not reach the store")
            ok(c.write(0, NEW))
        g = fs.gate("read", offset=65536, length=4096, error=errno.EIO, times=1)
        r = fails(c.read(65536, 4096), EIO)
        if not r.simple:
            expect(r.message, "no text with the error: %s", r)
        ok(c.read(65536, 4096))
        r = c.read(0, 1 * MiB)
        ok(r)
        fs.gate("fallocate", error=errno.EIO, times=1)
        expect_in(c.zero(0, 65536).error, (0, EIO), "WRITE_ZEROES")
        others_go_on(s, 0.3)


@each("an error in the middle of a large read: no wrong data is passed as right", 60)
def _(fs, s):
    fs.data[:] = pattern(SIZE, 72)
    for mode in MODES3:
        with s.client(mode, name="slow") as c:
            g = fs.gate("read", offset=5 * MiB, length=4096, error=errno.EIO, times=1)
            r = c.post(CMD_READ, 0, 8 * MiB)
            try:
                c.wait(r)
            except Closed:
                if mode != "simple":
                    raise
                continue            # a simple reply whose header had gone out may only close
            fails(r, EIO)
            expect(g.hits, "the read did not reach the store")
            same_bytes(bytes(ok(c.read(0, 8 * MiB)).data), bytes(fs.data[:8 * MiB]))


MODES3 = ("simple", "structured", "extended")


@each("a flush that fails is told, to every connection that flushes", 60)
def _(fs, s):
    a, b = s.client("structured", name="slow"), s.client("simple", name="slow")
    ok(a.write(0, NEW))
    ok(b.write(4096, NEW))
    fs.gate("fsync", error=errno.EIO, times=1)
    fails(a.flush(), EIO)
    r = b.flush()
    # the page cache may have dropped b's write with that error: a success would be a lie
    fails(r, EIO)
    close_all()
    expect_eq(s.stop(), 1, "exit code")
    expect("slow" in s.log_tail(1), "the last words do not name the volume: %s", s.log_tail(1))


@each("the store vanishes: EIO for its clients, the other volume goes on, no end of the daemon", 60)
def _(fs, s):
    with s.client("structured", name="slow") as c:
        ok(c.write(0, NEW))
        g = fs.gate("write", offset=4096, length=4096, hold=True)
        r = c.post(CMD_WRITE, 4096, data=NEW)
        held(g)
        fs.abort()
        c.wait(r)
        fails(r, EIO)
        fails(c.read(0, 4096), EIO)
        fails(c.write(0, NEW), EIO)
        fails(c.flush(), EIO)
        others_go_on(s, 0.3)
    # its end cannot be clean: something acknowledged may be lost, and that is said
    code = s.stop(timeout=20)
    diag("exit code %d: %s" % (code, s.log_tail(3)))
    expect_in(code, (0, 1), "exit code")


@case("the smallest pool: clients who fill it at a stalled store and are cut off keep nobody out", limit=150)
def _():
    with Place(["--pool", "min", "--threads", "1"]) as p:
        g = p.fs.gate("write", hold=True)
        for i in range(40):
            try:
                c = p.s.client("structured", name="slow")
            except Fail:                # full: it has not seen the last ones go yet
                break
            c.sock.settimeout(0.3)
            try:
                for k in range(128):    # as many as are taken
                    c.post(CMD_WRITE, k * 65536, data=bytes(65536))
            except OSError:
                pass
            c.reset()
        held(g)
        end = time.monotonic() + 60
        while True:
            try:
                d = p.s.client("structured", name="quick", timeout=5)
                ok(d.write(0, NEW))
                break
            except Exception as e:  # noqa: B902 - whatever a full daemon says
                if time.monotonic() > end:
                    raise
                time.sleep(1)
        g.release()
        p.s.check_alive()


@case("SIGTERM while the store stalls: connections end within 5 seconds", limit=60)
def _():
    with Place([]) as p:
        g = p.fs.gate("write", offset=0, length=4096, hold=True)
        c = p.s.client("structured", name="slow")
        c.post(CMD_WRITE, 0, data=OLD)
        held(g)
        d = p.s.client("structured", name="quick")
        began = time.monotonic()
        p.s.proc.send_signal(signal.SIGTERM)
        for k in (d, c):
            expect(k.is_closed(8 * slow()), "still connected after 8 s")
        took = time.monotonic() - began
        diag("connections ended after %.1f s" % took)
        expect(took < 7 * slow(), "connections ended after %.1f s", took)
        time.sleep(0.5)
        g.release()
        code = p.s.stop(sig=0, timeout=20)
        diag("exit code %d: %s" % (code, p.s.log_tail(3)))
        expect_in(code, (0, 1), "exit code")


@case("a last flush that takes long: what is left is told again and again, and it ends well", limit=60)
def _():
    for n in (2 * MiB, 8192):       # little is told, too, once it takes long
        with Place([]) as p:
            g = p.fs.gate("fsync", hold=True)
            c = p.s.client("structured", name="slow")
            for at in range(0, n, n // 2):
                ok(c.write(at, bytes(n // 2)))
            p.s.proc.send_signal(signal.SIGTERM)
            held(g, "the last flush")
            told, end = [], time.monotonic() + 10 * slow()
            while len(told) < 2 and time.monotonic() < end:
                time.sleep(0.1)
                told = [l for l in p.s.stdout().splitlines() if "flushing slow" in l]
            expect(len(told) >= 2, "%d bytes left, told %d times: %r", n, len(told), told)
            p.s.check_alive()
            g.release()
            expect_eq(p.s.stop(sig=0, timeout=10), 0, "exit code")


@case("a second signal while the store stalls ends at once", limit=60)
def _():
    with Place([]) as p:
        g = p.fs.gate("fsync", hold=True)
        c = p.s.client("structured", name="slow")
        ok(c.write(0, NEW))
        p.s.proc.send_signal(signal.SIGTERM)
        held(g, "the last flush")
        time.sleep(0.2)
        p.s.proc.send_signal(signal.SIGTERM)
        # a thread inside the held call cannot die before the kernel lets go: abort it, as a
        # network file system's timeout would
        time.sleep(0.5)
        p.fs.abort()
        code = p.s.stop(sig=0, timeout=10)
        diag("exit code %d" % code)
        expect(code != 0, "exit 0, although the last flush was not done")


main(setup, after, limit=SECONDS + 500)
