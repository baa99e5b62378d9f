#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NBD, limits: out of range, read-only, block sizes, payloads that are too long, wrong magic."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nbdwire import *   # noqa: E402

SIZE = 64 * MiB
MODES = ("simple", "structured", "extended")
srv = None
DATA = pattern(1 * MiB, 506)
TOP = (1 << 64) - 1


def setup():
    global srv
    srv = Server(make_file(SIZE, "wire.img"))
    with srv.client() as c:
        ok(c.write(0, DATA))
        ok(c.write(SIZE - 1 * MiB, DATA))


def each(title, limit=30, modes=MODES):
    def take(fn):
        for mode in modes:
            def body(mode=mode):
                with srv.client(mode, meta=mode != "simple") as c:
                    fn(c)
                    same_bytes(bytes(ok(c.read(SIZE - 1 * MiB, 1 * MiB)).data), DATA, "the end")
                    same_bytes(bytes(ok(c.read(0, 1 * MiB)).data), DATA, "the beginning")
            case("%s headers: %s" % (mode, title), limit)(body)
        return fn
    return take


# offset, length: each beyond the end; none may be taken for something shorter
BEYOND = ((SIZE, 1), (SIZE, 512), (SIZE - 1, 2), (SIZE - 512, 513), (SIZE - 512, 1024), (0, SIZE + 1),
          (SIZE + 1, 1), (SIZE * 2, 4096), (1 << 32, 4096), (1 << 62, 4096), (1 << 63, 4096),
          ((1 << 63) - 1, 4096), ((1 << 63) - 4096, 4096), ((1 << 63) - 4096, 8192),
          (TOP, 1), (TOP, 2), (TOP - 4095, 4096), (TOP - 4095, 4097), (TOP - 511, 1024),
          (TOP - SIZE + 1, SIZE), (TOP - 65535, 131072))


def full(c, off, n):
    """What a write beyond the end may be answered; off the grid EINVAL is as right."""
    return (ENOSPC,) if (off | n) % c.block_min == 0 else (ENOSPC, EINVAL)


@each("READ out of range: EINVAL")
def _(c):
    for off, n in BEYOND:
        fails(c.read(off, n), EINVAL, *([EOVERFLOW] if n > c.max_payload else []))


@each("WRITE out of range: ENOSPC, and the payload is skipped")
def _(c):
    for off, n in BEYOND:
        if n <= DEFAULT_PAYLOAD:
            fails(c.write(off, b"\xbb" * n), *full(c, off, n))


@each("WRITE_ZEROES out of range: ENOSPC")
def _(c):
    for off, n in BEYOND:
        fails(c.zero(off, n), *full(c, off, n))


@each("TRIM, CACHE out of range: EINVAL")
def _(c):
    for off, n in BEYOND:
        fails(c.trim(off, n), EINVAL)
        fails(c.cache(off, n), EINVAL)


@each("BLOCK_STATUS out of range: EINVAL", modes=[m for m in MODES if m != "simple"])
def _(c):
    for off, n in BEYOND:
        fails(c.status(off, n), EINVAL)
        fails(c.status(off, n, F_REQ_ONE), EINVAL)


@each("READ of 32 MiB at once; of more: an error, or all of it", limit=60)
def _(c):
    r = ok(c.read(0, DEFAULT_PAYLOAD))
    same_bytes(bytes(r.data[:1 * MiB]), DATA)
    for n in (DEFAULT_PAYLOAD + 1, DEFAULT_PAYLOAD + 4096, SIZE):
        r = c.read(0, n)
        if r.error:
            fails(r, EINVAL, EOVERFLOW)
        else:
            same_bytes(bytes(r.data[:1 * MiB]), DATA)


@each("READ with a length near 2^32: an error, and the connection lives")
def _(c):
    for n in (0xffffffff, 0xfffffff8, 0x80000000, 0x7fffffff):
        fails(c.read(0, n), EINVAL, EOVERFLOW)


@each("WRITE of 32 MiB at once", limit=60)
def _(c):
    big = pattern(DEFAULT_PAYLOAD, 32)
    ok(c.write(16 * MiB, big))
    same_bytes(bytes(ok(c.read(16 * MiB, DEFAULT_PAYLOAD)).data), big)
    ok(c.zero(16 * MiB, DEFAULT_PAYLOAD))


def oversized(mode, n, in_range):
    """A WRITE longer than the limit: closed, or skipped whole and refused; never done."""
    c = srv.client(mode, infos=[INFO_BLOCK_SIZE])
    limit = c.max_payload
    n = max(n, limit + 1)
    if n > 0xffffffff:
        raise Skip("the server has no limit")
    c.sock.settimeout(20)
    flags = F_PAYLOAD_LEN if mode == "extended" else 0
    c.post(CMD_WRITE, 0 if in_range else SIZE, n, flags=flags)
    try:
        chunk = b"\xdd" * MiB
        left = n
        while left > 0 and n - left < 200 * MiB:
            c.send(chunk[:min(left, MiB)])
            left -= MiB
        if left > 0:
            c.close()
            return "sent 200 MiB of it"
        r = c.take()
        fails(r, EINVAL, ENOSPC, EOVERFLOW)
        same_bytes(bytes(ok(c.read(0, 1 * MiB)).data), DATA)
        return "skipped"
    except Closed:
        return "closed"


def make_oversized(mode):
    @case("%s headers: WRITE above the limit: closed, or skipped and refused" % mode, limit=60)
    def _():
        for n in (DEFAULT_PAYLOAD + 1, DEFAULT_PAYLOAD + 512, 48 * MiB, 0x80000000, 0xffffffff):
            diag("%d: %s" % (n, oversized(mode, n, True)))
        good_client(srv, 0, DATA)

    @case("%s headers: WRITE above the limit and out of range" % mode, limit=60)
    def _():
        for n in (DEFAULT_PAYLOAD + 1, 0xffffffff):
            oversized(mode, n, False)
        good_client(srv, 0, DATA)


for _m in MODES:
    make_oversized(_m)


@case("extended headers: payloads of 2^32 and more: closed soon, nothing done")
def _():
    for cmd in (CMD_WRITE, CMD_READ, CMD_BLOCK_STATUS, CMD_TRIM, 99):
        for n in (1 << 32, (1 << 32) + 512, 1 << 63, TOP):
            c = srv.client("extended", meta=True)
            c.post(cmd, 0, n, flags=F_PAYLOAD_LEN)
            try:
                c.send(bytes(65536))
            except Closed:
                pass
            c.expect_closed(10, drain=4096)
    good_client(srv, 0, DATA)


@each("requests with another magic: closed, nothing done")
def _(c):
    other = EXT_REQUEST_MAGIC if c.mode != "extended" else REQUEST_MAGIC
    for magic in (0, 0x12560953, 0x25609514, SIMPLE_REPLY_MAGIC, 0x13956025, other):
        d = srv.client(c.mode)
        d.sock.sendall(d.header(CMD_WRITE_ZEROES, 0, 1, 0, 4096, magic=magic))
        d.expect_closed()


# ---- read-only ----

def make_ro(mode):
    @case("read-only, %s headers: WRITE, TRIM, WRITE_ZEROES are EPERM, the rest works" % mode)
    def _():
        path = make_file(SIZE)
        with open(path, "r+b") as f:
            f.write(DATA)
        with Server("ro=" + path, read_only=True) as s:
            with s.client(mode, meta=mode != "simple", name="ro" if not PEER else s.name()) as c:
                expect(c.tflags & T_READ_ONLY, "READ_ONLY is clear")
                for flags in (0, F_FUA):
                    fails(c.write(0, b"x" * 4096, flags), EPERM)
                    fails(c.write(0, b"x" * MiB, flags), EPERM)
                    fails(c.zero(0, 4096, flags), EPERM)
                    fails(c.trim(0, 4096, flags), EPERM)
                fails(c.write(SIZE, b"x" * 512), EPERM, ENOSPC)
                fails(c.zero(0, 4096, F_NO_HOLE), EPERM)
                ok(c.flush())
                ok(c.cache(0, 4096))
                if mode != "simple":
                    ok(c.status(0, 4096))
                same_bytes(bytes(ok(c.read(0, 1 * MiB)).data), DATA)
                c.disc()
            with open(path, "rb") as f:
                same_bytes(f.read(1 * MiB), DATA, "the file")


for _m in MODES:
    make_ro(_m)


@case("read-only of a file that cannot be written", when=lambda: PEER and "contract")
def _():
    path = make_file(1 * MiB)
    os.chmod(path, 0o400)
    with Server("ro=" + path, read_only=True) as s:
        with s.client(name="ro") as c:
            fails(c.write(0, b"x" * 512), EPERM)
            ok(c.read(0, 4096))


# ---- block sizes ----

def block_case(store, bs, ask):
    image = "wire=memory:64M" if store == "memory" else "wire=" + make_file(SIZE)
    with Server(image, args=["--block-size", str(bs)]) as s:
        c = s.connect()
        c.hello()
        c.set_mode("structured")
        if ask is None:
            c.export_name("wire")
        else:
            c.go("wire", [INFO_BLOCK_SIZE] if ask else [])
        if ask:
            expect(INFO_BLOCK_SIZE in c.infos, "no block size")
            diag("minimum %d preferred %d maximum %d" % (c.block_min, c.block_pref, c.max_payload))
            expect(c.block_min in (1, bs), "minimum %d with --block-size %d", c.block_min, bs)
            expect(c.block_pref >= bs, "preferred %d with --block-size %d", c.block_pref, bs)
        model = bytearray(4 * bs)
        for off, n in ((0, 4 * bs), (bs, bs), (0, bs), (2 * bs, 2 * bs)):
            d = pattern(n, off + n)
            ok(c.write(off, d))
            model[off:off + n] = d
            same_bytes(bytes(ok(c.read(0, 4 * bs)).data), model)
        # off the grid: done exactly, or EINVAL and nothing changed
        for off, n in ((1, 1), (1, bs), (0, 1), (bs - 1, 2), (0, bs + 1), (bs + 1, bs - 1), (512, 512),
                       (bs // 2, bs), (bs - 512, 1024)):
            if off % bs == 0 and n % bs == 0:
                continue
            d = pattern(n, 1000 + off + n)
            for r in (c.write(off, d), c.zero(off, n), c.write(off, d), c.read(off, n),
                      c.zero(off, n, F_NO_HOLE), c.write(off, d)):
                if ask and c.block_min > 1:
                    fails(r, EINVAL)
                elif r.error:
                    fails(r, EINVAL)
                elif r.cmd == CMD_WRITE:
                    model[off:off + n] = d
                elif r.cmd == CMD_WRITE_ZEROES:
                    model[off:off + n] = bytes(n)
                else:
                    same_bytes(bytes(r.data), d, str(r))
            same_bytes(bytes(ok(c.read(0, 4 * bs)).data), model, "after %d+%d" % (off, n))
        expect_in(c.trim(1, bs).error, (0, EINVAL), "TRIM off the grid")


for _store in ("memory", "file"):
    for _bs in (512, 4096, 65536):
        for _ask, _how in ((True, "GO asks"), (False, "GO does not ask"), (None, "EXPORT_NAME")):
            def _body(store=_store, bs=_bs, ask=_ask):
                block_case(store, bs, ask)
            case("--block-size %d, %s, %s: aligned works, unaligned is exact or EINVAL" %
                 (_bs, _store, _how), when=lambda: PEER and "contract")(_body)


@case("a size that is no multiple of 512: the last bytes can be reached, or are not there",
      when=lambda: PEER == "qemu-nbd" and "rounds the size")
def _():
    path = make_file(0)
    with open(path, "wb") as f:
        f.write(DATA[:100001])
    with Server("odd=" + path) as s, s.client("structured", name="odd" if not PEER else s.name(),
                                              meta=True) as c:
        expect(c.size in (100001, 100001 // 512 * 512, 100001 // 4096 * 4096), "size %d", c.size)
        same_bytes(bytes(ok(c.read(0, c.size)).data), DATA[:c.size])
        ok(c.write(c.size - 512, b"e" * 512))
        fails(c.write(c.size - 512, b"e" * 1024), ENOSPC)
        fails(c.read(c.size, 1), EINVAL)
        ok(c.status(0, c.size))
    expect_eq(os.path.getsize(path), 100001, "the file's size")


@case("an empty image: every range is out of range, or it is refused", when=lambda: PEER and "contract")
def _():
    try:
        s = Server("empty=" + make_file(0))
    except Fail as e:
        expect("exit 1 before ready" in str(e), "%s", e)
        return
    with s, s.client("structured", name="empty", meta=True) as c:
        expect_eq(c.size, 0, "size")
        fails(c.read(0, 4096), EINVAL)
        fails(c.write(0, b"x" * 4096), ENOSPC)
        ok(c.flush())


main(setup, lambda: srv.check_alive(), lambda: srv.check_stop(), limit=300)
