#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NBD, each command done right: over simple, structured and extended headers; memory and file."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nbdwire import *   # noqa: E402

SIZE = 12 * MiB
MODES = ("simple", "structured", "extended")
servers = {}
now = None      # the server of the running case
model = {}


def setup():
    servers["memory"] = Server("wire=memory:12M")
    servers["file"] = Server(make_file(SIZE, "wire.img"))
    for s in servers.values():
        model[s] = bytearray(SIZE)


def teardown():
    for s in servers.values():
        s.check_stop()


def after():
    for s in servers.values():
        s.check_alive()


def each(title, limit=30):
    """A case for each store and each kind of header."""
    def take(fn):
        for store in ("memory", "file"):
            for mode in MODES:
                def body(store=store, mode=mode):
                    s = servers[store]
                    with s.client(mode, meta=mode != "simple") as c:
                        fn(c, model[s])
                        same_bytes(bytes(ok(c.read(0, SIZE)).data), model[s], "the whole, afterwards")
                case("%s, %s headers: %s" % (store, mode, title), limit)(body)
        return fn
    return take


@each("WRITE and READ back, sizes 1 to 1 MiB, any offset")
def _(c, m):
    at = 3
    for n in (1, 2, 3, 511, 512, 513, 4095, 4096, 4097, 65535, 65536, 65537, 131072, 1 * MiB - 1,
              1 * MiB, 1 * MiB + 1):
        at, n = grid(c, at, n)
        data = pattern(n, n)
        ok(c.write(at, data))
        m[at:at + n] = data
        same_bytes(bytes(ok(c.read(at, n)).data), data, "%d bytes at %d" % (n, at))
        lo, k = grid(c, max(0, at - 4096), n + 8192)
        same_bytes(bytes(ok(c.read(lo, k)).data), m[lo:lo + k], "with its neighbours")
        at += n + 777


@each("READ at the first and last byte, and of all")
def _(c, m):
    for off, n in ((0, 1), (SIZE - 1, 1), (SIZE - 512, 512), (0, SIZE), (1, SIZE - 1), (0, SIZE - 1)):
        off, n = grid(c, off, n)
        same_bytes(bytes(ok(c.read(off, n)).data), m[off:off + n], "%d+%d" % (off, n))


@each("a WRITE over another")
def _(c, m):
    for i in range(40):
        off, n = grid(c, 8192 + i * 300, 1000 + i)
        data = pattern(n, 40 + i)
        ok(c.write(off, data))
        m[off:off + len(data)] = data
    same_bytes(bytes(ok(c.read(0, 65536)).data), m[:65536])


@each("WRITE of 32 MiB at once where it fits, READ of it")
def _(c, m):
    data = pattern(SIZE, 99)
    ok(c.write(0, data))
    m[:] = data


@each("WRITE with FUA")
def _(c, m):
    for n in (512, 4096, 100000):
        off, n = grid(c, 1 * MiB + n, n)
        data = pattern(n, 3 * n)
        ok(c.write(off, data, F_FUA))
        m[off:off + n] = data


@each("FLUSH, many, between writes")
def _(c, m):
    for i in range(20):
        data = pattern(4096, 700 + i)
        ok(c.write(i * 4096, data))
        m[i * 4096:(i + 1) * 4096] = data
        ok(c.flush())
    rs = [c.post(CMD_FLUSH) for _ in range(50)]
    for r in rs:
        ok(c.wait(r))


@each("WRITE_ZEROES, each flag that is offered, any offset and length")
def _(c, m):
    data = pattern(2 * MiB, 5)
    ok(c.write(2 * MiB, data))
    m[2 * MiB:4 * MiB] = data
    at = 2 * MiB + 5
    flags = [0, F_NO_HOLE, F_FUA, F_FUA | F_NO_HOLE]
    for n in (1, 511, 512, 4096, 5000, 65536, 200001):
        for f in flags:
            at, n = grid(c, at, n)
            ok(c.zero(at, n, f))
            m[at:at + n] = bytes(n)
            at += n + 13
    same_bytes(bytes(ok(c.read(2 * MiB, 2 * MiB)).data), m[2 * MiB:4 * MiB])


@each("WRITE_ZEROES with FAST_ZERO: done, or ENOTSUP and nothing changed")
def _(c, m):
    if not c.tflags & T_FAST_ZERO:
        fails(c.zero(0, 4096, F_FAST_ZERO), EINVAL)
        return
    data = pattern(1 * MiB, 6)
    for f in (F_FAST_ZERO, F_FAST_ZERO | F_NO_HOLE, F_FAST_ZERO | F_FUA):
        for off, n in ((0, 1 * MiB), (4096, 4096), (1, 1000), (65536, 300000)):
            off, n = grid(c, off, n)
            ok(c.write(0, data))
            m[:1 * MiB] = data
            r = c.zero(off, n, f)
            if r.error:
                fails(r, ENOTSUP)
            else:
                m[off:off + n] = bytes(n)
            same_bytes(bytes(ok(c.read(0, 1 * MiB)).data), m[:1 * MiB], str(r))


@each("TRIM: success, what is outside stays, what is inside is the old, or zeroes")
def _(c, m):
    data = pattern(1 * MiB, 8)
    for f in (0, F_FUA):
        for off, n in ((0, 1 * MiB), (4096, 8192), (1, 511), (777, 77777), (512, 512)):
            off, n = grid(c, off, n)
            ok(c.write(4 * MiB, data))
            ok(c.trim(4 * MiB + off, n, f))
            got = bytes(ok(c.read(4 * MiB, 1 * MiB)).data)
            same_bytes(got[:off], data[:off], "before the trimmed")
            same_bytes(got[off + n:], data[off + n:], "behind the trimmed")
            for i in range(off, off + n):
                if got[i] != 0 and got[i] != data[i]:
                    raise Fail("byte %d is %#x, was %#x, after TRIM %d+%d" %
                               (i, got[i], data[i], off, n))
            again = bytes(ok(c.read(4 * MiB, 1 * MiB)).data)
            same_bytes(again, got, "a second read after TRIM")
            m[4 * MiB:5 * MiB] = got


@each("CACHE: success, and nothing changes")
def _(c, m):
    for off, n in ((0, 4096), (1, 1), (0, SIZE), (SIZE - 1, 1), (100, 1000000), (0, SIZE)):
        ok(c.cache(*grid(c, off, n)))


@each("zero-length commands: answered, the connection lives, nothing changes")
def _(c, m):
    for off in (0, 1, 4096, SIZE - 1, SIZE):
        for cmd in (CMD_READ, CMD_WRITE, CMD_TRIM, CMD_WRITE_ZEROES, CMD_CACHE, CMD_BLOCK_STATUS):
            r = c.do(cmd, off, 0, data=b"" if cmd == CMD_WRITE else None)
            expect_in(r.error, (0, EINVAL, ENOSPC), str(r))
            expect_eq(len(r.data), 0, "data")


@each("the same cookie again and again, and cookies of any value")
def _(c, m):
    for cookie in (0, 0, 0, 1, 1 << 63, (1 << 64) - 1, (1 << 64) - 1, 0x0102030405060708):
        same_bytes(bytes(ok(c.do(CMD_READ, 512, 512, cookie=cookie)).data), m[512:1024])


@each("unknown commands: EINVAL, and the connection lives")
def _(c, m):
    for cmd in (CMD_RESIZE, 9, 10, 100, 0x7fff, 0x8000, 0xffff):
        for off, n in ((0, 0), (0, 4096), (SIZE, 1), (12345, 0)):
            r = fails(c.do(cmd, off, n), EINVAL)
            if c.mode != "simple" and not r.simple and not PEER:
                expect(r.message, "no text in the error chunk: %s", r)


@each("NBD_CMD_DISC: what is in flight is done, then the end, without a reply")
def _(c, m):
    s = [s for s in servers.values() if model[s] is m][0]
    with s.client(c.mode) as d:
        data = pattern(65536, 77)
        rs = [d.post(CMD_WRITE, 10 * MiB + i * 65536, data=data) for i in range(16)]
        d.disc()
        for r in rs:
            ok(d.wait(r))
        d.expect_closed()
    for i in range(16):
        m[10 * MiB + i * 65536:10 * MiB + (i + 1) * 65536] = data


main(setup, after, teardown, limit=300)
