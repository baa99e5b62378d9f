#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NBD, structured and extended replies: holes, DF, error chunks, block status."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nbdwire import *   # noqa: E402

SIZE = 64 * MiB
MODES = ("structured", "extended")
servers = {}
D = pattern(1 * MiB, 504)
# data at 0..1M, 8M..9M, 63M..64M and holes between
LAYOUT = ((0, 1 * MiB), (8 * MiB, 9 * MiB), (63 * MiB, 64 * MiB))


def setup():
    path = make_file(SIZE, "wire.img")
    with open(path, "r+b") as f:
        for a, _ in LAYOUT:
            f.seek(a)
            f.write(D)
        f.flush()
        os.fsync(f.fileno())
    servers["file"] = Server(path)
    servers["memory"] = Server("wire=memory:64M")
    with servers["memory"].client() as c:
        for a, _ in LAYOUT:
            ok(c.write(a, D))


def teardown():
    for s in servers.values():
        s.check_stop()


def after():
    for s in servers.values():
        s.check_alive()


def content(off, n):
    out = bytearray(n)
    for a, b in LAYOUT:
        lo, hi = max(a, off), min(b, off + n)
        if lo < hi:
            out[lo - off:hi - off] = D[lo - a:hi - a]
    return out


def each(title, limit=30, meta=True):
    def take(fn):
        for store in ("file", "memory"):
            for mode in MODES:
                def body(store=store, mode=mode):
                    with servers[store].client(mode, meta=meta) as c:
                        fn(c)
                case("%s, %s: %s" % (store, mode, title), limit)(body)
        return fn
    return take


@each("READ of a hole comes as OFFSET_HOLE, not as data")
def _(c):
    for off, n in ((2 * MiB, 4 * MiB), (2 * MiB, 65536), (16 * MiB, 16 * MiB)):
        r = ok(c.read(off, n))
        same_bytes(bytes(r.data), bytes(n), "a hole")
        if not PEER:
            expect(all(k in (CHUNK_HOLE, CHUNK_NONE) for k, _, _ in r.chunks),
                   "%s: chunks %r", r, r.chunks[:6])


@each("READ of data and holes together, any edge")
def _(c):
    for off, n in ((0, SIZE // 2), (512 * KiB, 1 * MiB), (1 * MiB - 1, 2), (1 * MiB - 512, 1024),
                   (7 * MiB + 1, 3 * MiB - 2), (62 * MiB + 77, 2 * MiB - 77), (8 * MiB - 1, 1),
                   (8 * MiB, 1), (9 * MiB - 1, 2), (32 * MiB, 32 * MiB)):
        off, n = grid(c, off, n)
        r = ok(c.read(off, n))
        same_bytes(bytes(r.data), content(off, n), str(r))


@each("READ with DF: one content chunk, the zeroes present")
def _(c):
    for off, n in ((1 * MiB - 4096, 8192), (1 * MiB - 32768, 65536), (8 * MiB - 1, 65536),
                   (0, 1), (2 * MiB, 65536), (9 * MiB - 3, 4096)):
        off, n = grid(c, off, n)
        r = ok(c.read(off, n, F_DF))
        same_bytes(bytes(r.data), content(off, n), str(r))
        kinds = [k for k, _, _ in r.chunks if k != CHUNK_NONE]
        expect_eq(len(kinds), 1, "content chunks")
        if content(off, n).strip(b"\0"):
            expect_eq(kinds, [CHUNK_DATA], "kind of chunk where there is data")


@each("READ with DF of much: one chunk, or EOVERFLOW and no content")
def _(c):
    for n in (1 * MiB, 4 * MiB, 32 * MiB):
        r = c.read(512 * KiB, n, F_DF)
        if r.error:
            fails(r, EOVERFLOW)
            expect_eq(r.spans, [], "content")
        else:
            same_bytes(bytes(r.data), content(512 * KiB, n), str(r))


@each("what is written into a hole is data then; zeroed with NO_HOLE it reads as zeroes")
def _(c):
    ok(c.write(40 * MiB, b"\1" * 4096))
    r = ok(c.read(40 * MiB - 65536, 131072))
    same_bytes(bytes(r.data), bytes(65536) + b"\1" * 4096 + bytes(61440))
    ok(c.zero(40 * MiB, 4096, F_NO_HOLE))
    same_bytes(bytes(ok(c.read(40 * MiB - 65536, 131072)).data), bytes(131072))
    ok(c.zero(40 * MiB - 1 * MiB, 2 * MiB))


@each("errors come as chunks with a text")
def _(c):
    for r in (c.read(SIZE, 4096), c.read(SIZE - 1, 2), c.write(SIZE, b"x" * 512), c.do(77),
              c.trim(SIZE, 1), c.zero(SIZE - 1, 2), c.status(SIZE, 1), c.cache(0, SIZE + 1),
              c.read(0, 4096, F_NO_HOLE), c.do(CMD_READ, 0, 512, flags=0x4000)):
        expect(r.error, "want an error: %s", r)
        if r.simple:
            expect(r.cmd != CMD_READ, "a simple reply to READ")
            continue
        expect(r.message or PEER == "nbdkit", "no text: %s", r)
        expect(r.message is None or len(r.message) < 300, "a long text: %s", r)
    ok(c.read(0, 4096))


def extents(c, off, n, flags=0):
    r = ok(c.status(off, n, flags))
    expect_eq(list(r.extents), list(c.contexts), "contexts in the reply")
    return list(r.extents.values())[0]


@each("BLOCK_STATUS tells data and holes")
def _(c):
    seen, off = [], 0
    while off < SIZE:
        for n, f in extents(c, off, SIZE - off):
            expect(f & ~3 == 0, "status flags %#x", f)
            if seen and seen[-1][1] == f:
                seen[-1][0] += n
            else:
                seen.append([n, f])
            off += n
    expect_eq(off, SIZE, "the extents' sum")
    at = 0
    for n, f in seen:
        if f & STATE_ZERO:
            same_bytes(bytes(content(at, n)), bytes(n), "what is said to read as zeroes at %d" % at)
        at += n
    zero = sum(n for n, f in seen if f & STATE_ZERO)
    hole = sum(n for n, f in seen if f == STATE_HOLE | STATE_ZERO)
    expect(zero >= 58 * MiB, "only %d bytes are said to be zero: %r", zero, seen)
    expect(hole >= 58 * MiB, "only %d bytes are said to be holes: %r", hole, seen)


@each("BLOCK_STATUS with REQ_ONE: one extent, not longer than asked")
def _(c):
    for off, n in ((0, SIZE), (0, 1), (512, 512), (1 * MiB - 1, 2), (2 * MiB, 4 * MiB), (SIZE - 1, 1),
                   (1 * MiB - 4096, 8192)):
        off, n = grid(c, off, n)
        e = extents(c, off, n, F_REQ_ONE)
        expect_eq(len(e), 1, "extents")
        expect(e[0][0] <= n, "%d bytes for %d", e[0][0], n)
    e = extents(c, 1 * MiB - 65536, 131072, F_REQ_ONE)
    expect_eq(e[0][0], 65536, "the extent before the hole")


@each("BLOCK_STATUS of small and odd pieces")
def _(c):
    for off in (0, 1, 511, 1 * MiB - 1, 1 * MiB, 1 * MiB + 1, 8 * MiB - 3, SIZE - 2):
        for n in (1, 2, 513):
            if off + n <= SIZE:
                e = extents(c, *grid(c, off, n))
                expect(sum(k for k, _ in e) >= 1, "extents %r", e)


@each("BLOCK_STATUS with FUA is accepted")
def _(c):
    extents(c, 0, 4096, F_FUA)
    extents(c, 0, 4096, F_FUA | F_REQ_ONE)


@each("BLOCK_STATUS after TRIM and WRITE_ZEROES never calls data zero")
def _(c):
    ok(c.write(20 * MiB, D))
    ok(c.trim(20 * MiB + 4096, 8192))
    ok(c.zero(20 * MiB + 65536, 65536))
    ok(c.zero(20 * MiB + 262144, 65536, F_NO_HOLE))
    data = bytes(ok(c.read(20 * MiB, 1 * MiB)).data)
    at = 20 * MiB
    while at < 21 * MiB:
        for n, f in extents(c, at, 21 * MiB - at):
            if f & STATE_ZERO:
                lo, hi = at - 20 * MiB, min(at + n, 21 * MiB) - 20 * MiB
                same_bytes(data[lo:hi], bytes(hi - lo), "what is said to be zero")
            at += n
    ok(c.zero(20 * MiB, 1 * MiB))


@each("a thousand extents, all of them told in the end", limit=60)
def _(c):
    for i in range(1000):
        c.post(CMD_WRITE, 24 * MiB + i * 8192, data=D[:4096])
        if i % 64 == 63:
            c.wait_all()
    c.wait_all()
    at, rounds, want = 24 * MiB, 0, 24 * MiB + 1000 * 8192
    while at < want:
        for n, f in extents(c, at, want - at):
            at += n
        rounds += 1
        expect(rounds <= 1000, "no end after %d rounds", rounds)
    ok(c.zero(24 * MiB, 1000 * 8192))


# ---- extended headers only ----

def extended(title, limit=30):
    def take(fn):
        for store in ("file", "memory"):
            def body(store=store):
                with servers[store].client("extended", meta=True) as c:
                    fn(c)
            case("%s, extended: %s" % (store, title), limit)(body)
        return fn
    return take


def payload_status(c, off, effect, ids, raw=None, flags=0):
    data = struct.pack(">Q", effect) + b"".join(struct.pack(">I", i) for i in ids)
    return c.do(CMD_BLOCK_STATUS, off, data=data if raw is None else raw,
                flags=F_PAYLOAD_LEN | flags, effect=effect)


@extended("BLOCK_STATUS with a payload that names the context")
def _(c):
    ident = list(c.contexts)[0]
    r = ok(payload_status(c, 0, SIZE, [ident]))
    expect_eq(list(r.extents), [ident], "contexts")
    a = r.extents[ident]
    expect_eq(a, list(ok(c.status(0, SIZE)).extents.values())[0], "the same without a payload")
    r = ok(payload_status(c, 0, SIZE, [ident], flags=F_REQ_ONE))
    expect_eq(len(r.extents[ident]), 1, "extents with REQ_ONE")


@extended("BLOCK_STATUS with a payload that is wrong: EINVAL, the payload is consumed")
def _(c):
    ident = list(c.contexts)[0]
    fails(payload_status(c, 0, 4096, [ident, ident]), EINVAL)
    fails(payload_status(c, 0, 4096, [ident + 1]), EINVAL)
    fails(payload_status(c, 0, 4096, [ident, ident ^ 0x80000000]), EINVAL)
    for raw in (b"\1", b"\0" * 7, b"\0" * 9, b"\0" * 11, struct.pack(">QI", 4096, ident) + b"\0",
                b"\xff" * 4096, struct.pack(">Q", 4096) + struct.pack(">I", ident) * 1000):
        fails(payload_status(c, 0, 4096, [], raw), EINVAL)
    expect_in(payload_status(c, 0, 4096, []).error, (0, EINVAL), "a payload without ids")
    fails(payload_status(c, SIZE, 4096, [ident]), EINVAL)
    fails(payload_status(c, 0, SIZE + 1, [ident]), EINVAL)
    fails(payload_status(c, 4096, (1 << 64) - 4096, [ident]), EINVAL)
    ok(c.status(0, 4096))


@extended("64-bit lengths: out of range is refused, whatever the low half says")
def _(c):
    for n in (1 << 32, (1 << 32) + 4096, 1 << 63, (1 << 64) - 4096, (1 << 64) - 1):
        full = (ENOSPC,) if n % c.block_min == 0 else (ENOSPC, EINVAL)
        fails(c.trim(0, n), EINVAL)
        fails(c.zero(0, n), *full)
        fails(c.cache(0, n), EINVAL)
        fails(c.status(0, n), EINVAL)
        fails(c.read(0, n), EINVAL, EOVERFLOW)
        fails(c.trim(4096, n), EINVAL)
        fails(c.zero(4096, n), *full)
    same_bytes(bytes(ok(c.read(0, 1 * MiB)).data), D, "the data afterwards")


@case("extended: 64-bit lengths that fit: TRIM, WRITE_ZEROES, CACHE, BLOCK_STATUS over 6 GiB",
      limit=60)
def _():
    for image in ("wire=null:8G", make_file(8 * GiB, "big.img")):
        with Server(image) as s, s.client("extended", meta=True, timeout=60) as c:
            n = 6 * GiB + 4096
            if image.endswith(".img"):
                ok(c.write(5 * GiB, D))
                ok(c.write(7 * GiB, D))
                total, at = 0, 0
                while at < n:
                    got = sum(k for k, _ in list(ok(c.status(at, n - at)).extents.values())[0])
                    at += got
            e = list(ok(c.status(0, n, F_REQ_ONE)).extents.values())[0]
            if image.endswith(".img"):
                expect_eq(e[0], (5 * GiB, 3), "the first extent is more than 32 bits long")
            ok(c.trim(0, n))
            ok(c.zero(0, n, F_FUA))
            r = c.zero(0, n, F_FAST_ZERO)
            expect_in(r.error, (0, ENOTSUP), str(r))
            expect_in(c.cache(0, 4 * GiB + 512).error, (0, EINVAL, EOVERFLOW), "CACHE of much")
            same_bytes(bytes(ok(c.read(5 * GiB, 4096)).data), bytes(4096))
            if image.endswith(".img"):
                same_bytes(bytes(ok(c.read(7 * GiB, 4096)).data), D[:4096], "beyond the zeroed")


@case("structured: lengths near 2^32 - 1: TRIM, WRITE_ZEROES, CACHE, BLOCK_STATUS", limit=60)
def _():
    for image in ("wire=null:8G", make_file(8 * GiB, "big2.img")):
        with Server(image) as s, s.client("structured", meta=True, timeout=60) as c:
            for off in (0, 1, 4096, 3 * GiB):
                for n in (0xffffffff, 0xfffffffe, 0xfffff000, 0xfffffe00, 0x80000000, 0x80000001):
                    if (off | n) % c.block_min:
                        fails(c.trim(off, n), EINVAL)
                        fails(c.zero(off, n), EINVAL)
                        fails(c.status(off, n), EINVAL)
                        continue
                    ok(c.trim(off, n))
                    ok(c.zero(off, n))
                    expect_in(c.cache(off, n).error, (0, EINVAL, EOVERFLOW), "CACHE of much")
                    e = list(ok(c.status(off, n)).extents.values())[0]
                    expect(sum(k for k, _ in e) > 0, "extents %r", e)


main(setup, after, teardown, limit=300)
