#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NBD, metadata contexts: LIST and SET, and when BLOCK_STATUS is in effect."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nbdwire import *   # noqa: E402

srv = None
two = None
ALLOC = "base:allocation"
LIST, SET = OPT_LIST_META_CONTEXT, OPT_SET_META_CONTEXT


def setup():
    global srv, two
    srv = Server("wire=memory:16M")
    if not PEER:
        two = Server("one=memory:4M", "other=memory:8M")


def teardown():
    srv.check_stop()
    if two:
        two.check_stop()


def hello(mode="structured", s=None):
    c = (s or srv).connect().hello()
    c.set_mode(mode)
    return c


def meta(c, opt, queries, name=None):
    kind, got = c.meta(opt, srv.name() if name is None else name, queries)
    return hex(kind), sorted(got.values())


ACK = hex(REP_ACK)


def no_status(c):
    fails(c.status(0, 4096), EINVAL)
    ok(c.read(0, 4096))


@case("LIST without queries: all contexts")
def _():
    kind, got = meta(hello(), LIST, [])
    expect_eq(kind, ACK, "LIST")
    expect(ALLOC in got, "contexts %r", got)


@case("LIST base:allocation, and base: as a wildcard")
def _():
    c = hello()
    expect_eq(meta(c, LIST, [ALLOC]), (ACK, [ALLOC]), "LIST")
    expect_eq(meta(c, LIST, ["base:"]), (ACK, [ALLOC]), "LIST base:")


@case("LIST of what matches twice names it once", when=lambda: PEER == "nbdkit" and "known")
def _():
    expect_eq(meta(hello(), LIST, ["base:", ALLOC, ALLOC]), (ACK, [ALLOC]), "LIST")


@case("LIST of unknown contexts and namespaces: nothing, ACK")
def _():
    c = hello()
    for q in ("base:nonesuch", "base:allocatio", "base:allocationx", "x-none:", "x-none:abc",
              "qemu-none:dirty", "BASE:allocation", "nbd-server:"):
        expect_eq(meta(c, LIST, [q]), (ACK, []), "LIST " + q)


@case("LIST before STRUCTURED_REPLY: answered, or ERR_INVALID")
def _():
    c = srv.connect().hello()
    kind, got = c.meta(LIST, srv.name(), [ALLOC])
    expect_in(kind, (REP_ACK, ERR_INVALID), "LIST")
    c.go(srv.name())


@case("SET base:allocation selects it, with an id of its own")
def _():
    for mode in ("structured", "extended"):
        try:
            c = hello(mode)
        except Skip:
            continue
        expect_eq(meta(c, SET, [ALLOC]), (ACK, [ALLOC]), "SET")
        c.go(srv.name())
        r = ok(c.status(0, 4096))
        expect_eq(len(r.extents), 1, "status chunks")


@case("SET base: selects nothing (it is a wildcard for LIST only)")
def _():
    c = hello()
    expect_eq(meta(c, SET, ["base:"]), (ACK, []), "SET base:")
    c.go(srv.name())
    no_status(c)


@case("SET without queries selects nothing")
def _():
    c = hello()
    expect_eq(meta(c, SET, []), (ACK, []), "SET")
    c.go(srv.name())
    no_status(c)


@case("SET of unknown contexts selects nothing; beside a known one, that one")
def _():
    c = hello()
    expect_eq(meta(c, SET, ["base:none", "x-a:b", "qemu:none"]), (ACK, []), "SET")
    expect_eq(meta(c, SET, ["base:none", ALLOC, "x-a:b"]), (ACK, [ALLOC]), "SET")
    c.go(srv.name())
    ok(c.status(0, 4096))


@case("SET of one context twice selects it once")
def _():
    c = hello()
    kind, got = c.meta(SET, srv.name(), [ALLOC, ALLOC])
    expect_eq(kind, REP_ACK, "SET")
    expect_eq(list(got.values()), [ALLOC], "contexts")
    c.go(srv.name())
    expect_eq(len(ok(c.status(0, 4096)).extents), 1, "status chunks")


@case("SET before STRUCTURED_REPLY: an error")
def _():
    c = srv.connect().hello()
    kind, _ = c.meta(SET, srv.name(), [ALLOC])
    expect_in(kind, (ERR_INVALID, ERR_EXT_HEADER_REQD), "SET")
    c.set_mode("structured")
    c.go(srv.name())
    no_status(c)


@case("a later SET replaces the one before: by nothing")
def _():
    c = hello()
    meta(c, SET, [ALLOC])
    expect_eq(meta(c, SET, []), (ACK, []), "SET")
    c.go(srv.name())
    no_status(c)


@case("a later SET replaces the one before: also when it fails")
def _():
    c = hello()
    meta(c, SET, [ALLOC])
    kind, _, _ = c.opt_all(SET, b"\0\0\0\7x")
    expect_eq(hex(kind), hex(ERR_INVALID), "a malformed SET")
    c.contexts = {}
    c.go(srv.name())
    no_status(c)


@case("SET for an unknown export: an error, nothing is selected",
      when=lambda: PEER == "nbdkit" and "nbdkit serves every name")
def _():
    c = hello()
    for opt in (LIST, SET):
        kind, _ = c.meta(opt, "nonesuch", [ALLOC])
        expect_eq(hex(kind), hex(ERR_UNKNOWN), "option %d" % opt)
    c.go(srv.name())
    no_status(c)


@case("SET for one export and GO to another: not in effect",
      when=lambda: PEER and "needs two exports")
def _():
    c = hello(s=two)
    expect_eq(meta(c, SET, [ALLOC], "one"), (ACK, [ALLOC]), "SET")
    c.go("other")
    c.contexts = {}
    no_status(c)


@case("SET for one, then the other, then GO to the other: in effect",
      when=lambda: PEER and "needs two exports")
def _():
    c = hello(s=two)
    meta(c, SET, [ALLOC], "one")
    meta(c, SET, [ALLOC], "other")
    c.go("other")
    ok(c.status(4 * MiB, 4096))


@case("INFO of another export between SET and GO does not matter",
      when=lambda: PEER and "needs two exports")
def _():
    c = hello(s=two)
    meta(c, SET, [ALLOC], "one")
    c.info("other")
    c.go("one")
    ok(c.status(0, 4096))


@case("SET and EXPORT_NAME: in effect")
def _():
    c = hello()
    meta(c, SET, [ALLOC])
    c.export_name(srv.name())
    ok(c.status(0, 4096))


@case("no SET: BLOCK_STATUS is EINVAL, in each mode, and the connection lives")
def _():
    for mode in ("simple", "structured", "extended"):
        try:
            c = hello(mode)
        except Skip:
            continue
        c.go(srv.name())
        no_status(c)


@case("many queries: answered or ERR_TOO_BIG, and the connection lives")
def _():
    c = hello()
    for opt in (LIST, SET):
        for n in (10, 100, 3000):
            kind, got = c.meta(opt, srv.name(), ["x-many:%d" % i for i in range(n - 1)] + [ALLOC])
            expect_in(kind, (REP_ACK, ERR_TOO_BIG), "%d queries" % n)
            if kind == REP_ACK:
                expect_eq(list(got.values()), [ALLOC], "contexts")
            elif n == 10:
                raise Fail("10 queries are not too many")
    expect_eq(meta(c, SET, [ALLOC]), (ACK, [ALLOC]), "SET")
    c.go(srv.name())
    ok(c.status(0, 4096))


@case("queries of 4096 bytes; of none")
def _():
    c = hello()
    for opt in (LIST, SET):
        kind, got = c.meta(opt, srv.name(), ["x-" + "n" * 4093 + ":", ALLOC])
        expect_eq((kind, list(got.values())), (REP_ACK, [ALLOC]), "4096 bytes")
        kind, got = c.meta(opt, srv.name(), ["", ALLOC])
        expect_in(kind, (REP_ACK, ERR_INVALID), "an empty query")
        kind, got = c.meta(opt, srv.name(), ["nocolon"])
        expect_in(kind, (REP_ACK, ERR_INVALID), "a query without a colon")
        expect_eq(got, {}, "contexts")


def malformed():
    name = srv.name().encode()
    nm = struct.pack(">I", len(name)) + name
    q = struct.pack(">I", len(ALLOC)) + ALLOC.encode()
    return [
        ("no data", b""),
        ("3 bytes", b"\0\0\0"),
        ("a name length alone", struct.pack(">I", 0)),
        ("name longer than the data", struct.pack(">I", len(name) + 1) + name),
        ("name length 0xffffffff", struct.pack(">I", 0xffffffff) + name + struct.pack(">I", 0)),
        ("name length 0xfffffff8", struct.pack(">I", 0xfffffff8) + name + struct.pack(">I", 0)),
        ("no count", nm),
        ("3 bytes of a count", nm + b"\0\0\0"),
        ("one counted, none there", nm + struct.pack(">I", 1)),
        ("one counted, half a length", nm + struct.pack(">I", 1) + b"\0\0"),
        ("two counted, one there", nm + struct.pack(">I", 2) + q),
        ("0xffffffff counted, one there", nm + struct.pack(">I", 0xffffffff) + q),
        ("0x20000000 counted, one there", nm + struct.pack(">I", 0x20000000) + q),
        ("one counted, two there", nm + struct.pack(">I", 1) + q + q),
        ("none counted, one there", nm + struct.pack(">I", 0) + q),
        ("a query longer than the data", nm + struct.pack(">I", 1) +
         struct.pack(">I", len(ALLOC) + 1) + ALLOC.encode()),
        ("query length 0xffffffff", nm + struct.pack(">III", 1, 0xffffffff, 0)),
        ("query length 0x80000000", nm + struct.pack(">III", 1, 0x80000000, 0)),
        ("query length 0xfffffffc", nm + struct.pack(">III", 1, 0xfffffffc, 0)),
        ("a byte too many", nm + struct.pack(">I", 1) + q + b"\0"),
    ]


@case("LIST and SET with lengths that do not fit: ERR_INVALID, each")
def _():
    c = hello()
    for opt in (LIST, SET):
        for what, data in malformed():
            if PEER and what == "none counted, one there":
                continue
            kind, items, _ = c.opt_all(opt, data)
            expect_eq(hex(kind), hex(ERR_INVALID), "option %d, %s" % (opt, what))
    expect_eq(meta(c, SET, [ALLOC]), (ACK, [ALLOC]), "SET")
    c.go(srv.name())
    ok(c.status(0, 4096))


@case("BLOCK_STATUS_PAYLOAD is offered with extended headers and a context",
      when=lambda: PEER and "no extended headers in the peers")
def _():
    c = hello("extended")
    meta(c, SET, [ALLOC])
    c.go(srv.name())
    expect(c.tflags & T_STATUS_PAYLOAD, "transmission flags %#x", c.tflags)


main(setup, lambda: srv.check_alive(), teardown, limit=120)
