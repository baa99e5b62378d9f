#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""libnbd's programs as clients: nbdinfo, nbdcopy, and its API for every command and flag.

(Debian 12's libnbd 1.14 has no extended headers; tests/wire has them.)"""
import json
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
from nbdwire import *   # noqa: E402

nbd = import_nbd()
SIZE = 32 * MiB
unix = tcp = ro = None
DATA = pattern(1 * MiB, 11)


def image(name):
    """Data at 0, 8 and 31 MiB, holes between."""
    path = make_file(SIZE, name)
    with open(path, "r+b") as f:
        for at in (0, 8 * MiB, 31 * MiB):
            f.seek(at)
            f.write(DATA)
    return path


def setup():
    global unix, tcp, ro
    need("nbdinfo", "nbdcopy")
    unix = Server(image("disk-u.img"))
    tcp = Server(image("disk-t.img"), tcp=True)
    ro = Server(image("disk-r.img"), read_only=True)


def teardown():
    for s in (unix, tcp, ro):
        s.check_stop()


def after():
    for s in (unix, tcp, ro):
        s.check_alive()


def info(s, name=None):
    out = json.loads(run(["nbdinfo", "--json", s.uri(name)]).stdout)
    return out, out["exports"][0]


# ---- nbdinfo ----

@case("nbdinfo --json: size, flags, block sizes, description, contexts")
def _():
    for s in (unix, tcp):
        top, e = info(s)
        expect_eq(top["protocol"], "newstyle-fixed", "protocol")
        expect_eq(top["structured"], True, "structured replies")
        expect_eq(e["export-size"], SIZE, "export-size")
        expect_eq(e["is_read_only"], False, "is_read_only")
        for flag in ("can_flush", "can_fua", "can_trim", "can_zero", "can_df", "can_multi_conn", "can_cache"):
            if not PEER:
                expect_eq(e[flag], True, flag)
        if not PEER:
            expect_eq(e["can_fast_zero"], True, "can_fast_zero")
            expect(e.get("description"), "no description")
            expect_eq(e["export-name"], s.name(), "export-name")
            expect_in(e["block_size_minimum"], (1, 512, 4096), "block_size_minimum")
            expect(e["block_size_preferred"] >= 512, "block_size_preferred %r", e)
            expect(e["block_size_maximum"] >= 32 * MiB, "block_size_maximum %r", e)
        expect("base:allocation" in e["contexts"], "contexts %r", e["contexts"])


@case("nbdinfo of a read-only export")
def _():
    _, e = info(ro)
    expect_eq(e["is_read_only"], True, "is_read_only")


@case("nbdinfo by the empty name", when=lambda: PEER == "qemu-nbd" and "no default export")
def _():
    _, e = info(unix, "")
    expect_eq(e["export-size"], SIZE, "export-size")


@case("nbdinfo of an unknown name fails with a message", when=lambda: PEER == "nbdkit" and "any name")
def _():
    p = run(["nbdinfo", unix.uri("nonesuch")], check=False)
    expect(p.returncode != 0, "exit 0")
    expect("nonesuch" in p.stderr or "export" in p.stderr.lower(), "message: %s", p.stderr)


@case("nbdinfo --list")
def _():
    out = json.loads(run(["nbdinfo", "--json", "--list", unix.uri("")]).stdout)
    names = [e["export-name"] for e in out["exports"]]
    expect(unix.name() in names or PEER, "exports %r", names)


@case("nbdinfo --list of three images", when=lambda: PEER and "one image")
def _():
    with Server("memory:4M", "null:1G", image("third.img")) as s:
        out = json.loads(run(["nbdinfo", "--json", "--list", s.uri("")]).stdout)
        got = {e["export-name"]: e["export-size"] for e in out["exports"]}
        expect_eq(got, {"memory": 4 * MiB, "null": 1 * GiB, "third": SIZE}, "exports")


@case("nbdinfo --map: data and holes where they are")
def _():
    for s in (unix, tcp, ro):
        out = json.loads(run(["nbdinfo", "--map", "--json", s.uri()]).stdout)
        at, zero = 0, 0
        for e in out:
            expect_eq(e["offset"], at, "offset of an extent")
            at += e["length"]
            if e["type"] & 2:
                zero += e["length"]
                for d in (0, 8 * MiB, 31 * MiB):
                    expect(e["offset"] + e["length"] <= d or e["offset"] >= d + 1 * MiB,
                           "the data at %d is said to be zero: %r", d, e)
        expect_eq(at, SIZE, "end of the map")
        expect(zero >= 28 * MiB, "only %d bytes are zero", zero)
    totals = run(["nbdinfo", "--map", "--totals", unix.uri()]).stdout
    expect("hole" in totals and "data" in totals, "totals: %s", totals)


@case("nbdinfo --size, --can, --is")
def _():
    expect_eq(run(["nbdinfo", "--size", tcp.uri()]).stdout.strip(), str(SIZE), "--size")
    for what in ("flush", "fua", "trim", "zero", "df", "multi-conn", "structured-reply"):
        run(["nbdinfo", "--can", what, tcp.uri()])
    run(["nbdinfo", "--is", "read-only", ro.uri()])
    expect(run(["nbdinfo", "--is", "read-only", tcp.uri()], check=False).returncode == 2, "--is read-only")


# ---- nbdcopy ----

def copies(s, *options):
    out = tmpname(".copy")
    run(["nbdcopy", *options, s.uri(), out])
    want = expected()
    with open(out, "rb") as f:
        same_bytes(f.read(), want, "the copy")
    src = tmpname(".src")
    new = pattern(2 * MiB, 12) + bytes(6 * MiB) + pattern(1 * MiB, 13) + bytes(SIZE - 9 * MiB)
    with open(src, "wb") as f:
        f.write(new)
    run(["nbdcopy", *options, "--flush", src, s.uri()])
    back = tmpname(".back")
    run(["nbdcopy", s.uri(), back])
    with open(back, "rb") as f:
        same_bytes(f.read(), new, "what was copied in, read back")
    with open(src, "wb") as f:
        f.write(want)
    run(["nbdcopy", *options, src, s.uri()])


def expected():
    want = bytearray(SIZE)
    for at in (0, 8 * MiB, 31 * MiB):
        want[at:at + 1 * MiB] = DATA
    return bytes(want)


for _opts in ((), ("--connections=4",), ("--synchronous",),
              ("--requests=64", "--connections=8", "--threads=4"),
              ("--request-size=32768",), ("--request-size=33554432",), ("--sparse=0",),
              ("--no-extents",), ("--allocated",), ("--destination-is-zero",)):
    def _body(opts=_opts):
        if opts == ("--destination-is-zero",):
            s = Server("fresh=memory:32M", tcp=True)
            src = tmpname(".src")
            with open(src, "wb") as f:
                f.write(expected())
            with s:
                run(["nbdcopy", *opts, src, s.uri()])
                back = tmpname(".back")
                run(["nbdcopy", s.uri(), back])
                with open(back, "rb") as f:
                    same_bytes(f.read(), expected(), "read back")
            return
        copies(tcp, *opts)
        copies(unix, *opts)
    case("nbdcopy out and in %s" % " ".join(_opts), limit=120)(_body)


@case("nbdcopy from one server to another", limit=60)
def _():
    with Server("dest=memory:32M") as d:
        run(["nbdcopy", "--connections=4", tcp.uri(), d.uri()])
        out = tmpname(".copy")
        run(["nbdcopy", d.uri(), out])
        with open(out, "rb") as f:
            same_bytes(f.read(), expected(), "the copy")


@case("nbdcopy into a read-only export fails with a message")
def _():
    p = run(["nbdcopy", "/dev/zero", ro.uri()], check=False)
    expect(p.returncode != 0, "exit 0")


# ---- libnbd's API: every command and flag ----

def handle(s=None, uri=None, meta=True):
    h = nbd.NBD()
    if meta:
        h.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
    h.set_strict_mode(0)        # let wrong requests through to the server
    h.connect_uri(uri or s.uri())
    return h


def errno_of(fn, *a, **k):
    try:
        fn(*a, **k)
    except nbd.Error as e:
        return e.errno
    return None


@case("pwrite, pread, with FUA, DF")
def _():
    h = handle(tcp)
    n = 299 * 1024 + 512
    d = pattern(n, 14)
    h.pwrite(d, 4 * MiB + 512)
    same_bytes(bytes(h.pread(n, 4 * MiB + 512)), d)
    h.pwrite(d, 5 * MiB, nbd.CMD_FLAG_FUA)
    same_bytes(bytes(h.pread(n, 5 * MiB, nbd.CMD_FLAG_DF)), d)
    h.zero(SIZE - 28 * MiB, 2 * MiB)
    h.zero(4 * MiB, 2 * MiB)
    h.flush()
    h.shutdown()


@case("pread_structured: holes come as holes")
def _():
    h = handle(tcp)
    seen = []

    def chunk(buf, off, status, err):
        seen.append((status, off, len(buf)))

    buf = h.pread_structured(4 * MiB, 6 * MiB, chunk)
    same_bytes(bytes(buf), bytes(2 * MiB) + DATA + bytes(1 * MiB))
    kinds = {k for k, _, _ in seen}
    if not PEER:
        expect(nbd.READ_HOLE in kinds and nbd.READ_DATA in kinds, "chunks %r", seen)
    seen.clear()
    h.pread_structured(65536, 8 * MiB - 4096, chunk, nbd.CMD_FLAG_DF)
    expect_eq(len(seen), 1, "chunks with DF")
    h.shutdown()


@case("zero with NO_HOLE, FAST_ZERO, FUA; trim with FUA; cache; flush")
def _():
    h = handle(unix)
    d = pattern(1 * MiB, 15)
    for flags in (0, nbd.CMD_FLAG_NO_HOLE, nbd.CMD_FLAG_FUA, nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FUA):
        h.pwrite(d, 16 * MiB)
        h.zero(1 * MiB - 1024, 16 * MiB + 512, flags)
        same_bytes(bytes(h.pread(1 * MiB, 16 * MiB)), d[:512] + bytes(1 * MiB - 1024) + d[-512:])
    if h.can_fast_zero():
        h.pwrite(d, 16 * MiB)
        e = errno_of(h.zero, 65536, 16 * MiB, nbd.CMD_FLAG_FAST_ZERO)
        expect_in(e, (None, "ENOTSUP", "EOPNOTSUPP"), "FAST_ZERO")
        same_bytes(bytes(h.pread(65536, 16 * MiB)), bytes(65536) if e is None else d[:65536])
    for flags in (0, nbd.CMD_FLAG_FUA):
        h.trim(1 * MiB, 16 * MiB, flags)
    if h.can_cache():
        h.cache(SIZE, 0)
    h.zero(1 * MiB, 16 * MiB)
    h.flush()
    h.shutdown()


@case("block_status, with REQ_ONE, over the whole")
def _():
    h = handle(tcp)
    got = []

    def ext(ctx, off, entries, err):
        expect_eq(ctx, "base:allocation", "context")
        got.append((off, list(entries)))

    at = 0
    while at < SIZE:
        got.clear()
        h.block_status(SIZE - at, at, ext, nbd.CMD_FLAG_REQ_ONE)
        off, e = got[0]
        expect_eq((off, len(e)), (at, 2), "extent")
        at += e[0]
    h.block_status(SIZE, 0, ext)
    h.shutdown()


@case("errors: out of range, unaligned, read-only")
def _():
    h = handle(tcp)
    expect_eq(errno_of(h.pread, 512, SIZE), "EINVAL", "read beyond")
    full = "EINVAL" if PEER == "qemu-nbd" else "ENOSPC"
    expect_eq(errno_of(h.pwrite, b"x" * 512, SIZE), full, "write beyond")
    expect_eq(errno_of(h.trim, 512, SIZE), "EINVAL", "trim beyond")
    expect_eq(errno_of(h.zero, 1024, SIZE - 512), full, "zero beyond")
    # off the grid: exact where the minimum block is 1, else EINVAL
    want = None if h.get_block_size(nbd.SIZE_MINIMUM) <= 1 else "EINVAL"
    for fn, args in ((h.pread, (1, SIZE - 1)), (h.zero, (5, 12 * MiB + 1)),
                     (h.pwrite, (b"abc", 12 * MiB + 7))):
        expect_eq(errno_of(fn, *args), want, fn.__name__)
    h.zero(4096, 12 * MiB)
    h.shutdown()
    h = handle(ro)
    for fn, args in ((h.pwrite, (b"x" * 512, 0)), (h.trim, (512, 0)), (h.zero, (512, 0))):
        expect_in(errno_of(fn, *args), ("EPERM",) if not PEER else ("EPERM", "EINVAL"), fn.__name__)
    same_bytes(bytes(h.pread(1 * MiB, 8 * MiB)), DATA)
    h.shutdown()


@case("aio: 64 in flight, mixed, checked", limit=60)
def _():
    h = handle(tcp)
    import random
    rnd = random.Random(16)
    base, n = 16 * MiB, 8 * MiB
    h.zero(n, base)
    model, live = bytearray(n), []
    slots = list(range(128))
    rnd.shuffle(slots)
    for slot in slots:
        off = slot * 65536
        d = pattern(rnd.choice((512, 4096, 65536)), slot)
        live.append(h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(d)), base + off))
        model[off:off + len(d)] = d
        while h.aio_in_flight() >= 64:
            h.poll(-1)
    while h.aio_in_flight():
        h.poll(-1)
    for c in live:
        expect(h.aio_command_completed(c), "a command did not complete")
    same_bytes(bytes(h.pread(n, base)), model)
    h.zero(n, base)
    h.shutdown()


@case("multi-conn: what a flush on one connection covers is there for all")
def _():
    hs = [handle(tcp) for _ in range(4)]
    expect(all(h.can_multi_conn() for h in hs), "no multi-conn")
    for i in range(40):
        d = pattern(4096, 200 + i)
        hs[i % 4].pwrite(d, 20 * MiB + i * 4096)
        hs[(i + 1) % 4].flush()
        same_bytes(bytes(hs[(i + 2) % 4].pread(4096, 20 * MiB + i * 4096)), d)
    hs[0].zero(1 * MiB, 20 * MiB)
    for h in hs:
        h.shutdown()


@case("opt mode: list, info, meta contexts, abort")
def _():
    h = nbd.NBD()
    h.set_opt_mode(True)
    h.add_meta_context("base:allocation")
    h.connect_uri(unix.uri())
    names = []
    h.opt_list(lambda n, d: names.append((n, d)))
    expect(unix.name() in [n for n, _ in names] or PEER, "names %r", names)
    ctxs = []
    h.opt_list_meta_context(lambda c: ctxs.append(c))
    expect("base:allocation" in ctxs, "contexts %r", ctxs)
    h.set_full_info(True)
    h.opt_info()
    expect_eq(h.get_size(), SIZE, "size")
    h.opt_abort()
    h = nbd.NBD()
    h.set_opt_mode(True)
    h.connect_uri(unix.uri())
    h.opt_go()
    same_bytes(bytes(h.pread(1 * MiB, 0)), DATA)
    h.shutdown()


@case("EXPORT_NAME and no structured replies: an old client")
def _():
    h = nbd.NBD()
    h.set_request_structured_replies(False)
    h.set_handshake_flags(0)
    h.set_request_meta_context(False) if hasattr(h, "set_request_meta_context") else None
    h.connect_uri(tcp.uri())
    same_bytes(bytes(h.pread(1 * MiB, 0)), DATA)
    h.shutdown()


@case("nbd-client -l lists the exports")
def _():
    prog = need("nbd-client")
    p = run([prog, "-l", tcp.addr[1], str(tcp.addr[2])], check=False)
    expect(p.returncode == 0 or PEER == "nbdkit", "exit %d: %s", p.returncode, p.stderr)
    expect(tcp.name() in p.stdout or PEER, "list: %s", p.stdout)


main(setup, after, teardown, limit=400)
