#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NBD, option haggling: each option, right and wrong, its replies, and that the next is understood."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nbdwire import *   # noqa: E402

srv = None
two = None
ONE = REP_ACK


def setup():
    global srv, two
    srv = Server("wire=memory:16M")
    if not PEER:
        two = Server("first=memory:4M", "second.disk=null:1G", make_file(1 * MiB, "Ab_c d.9.raw"))


def teardown():
    srv.check_stop()
    if two:
        two.check_stop()


def hello(s=None):
    return (s or srv).connect().hello()


def still_talks(c, s=None):
    """The option before this one has left the connection usable."""
    kind, got = c.info((s or srv).name(), [])
    expect_eq(hex(kind), hex(REP_ACK), "INFO after it")


def no_peer(why="for the daemon only"):
    return (lambda: PEER and why)


def names(c):
    kind, items, _ = c.opt_all(OPT_LIST)
    expect_eq(kind, REP_ACK, "LIST")
    out = []
    for body in items:
        expect(len(body) >= 4, "REP_SERVER of %d bytes", len(body))
        n = struct.unpack(">I", body[:4])[0]
        expect(n <= len(body) - 4, "name length %d in %d bytes", n, len(body))
        out.append(body[4:4 + n].decode())
    return out


# ---- LIST, ABORT ----

@case("LIST names the export, then ACK")
def _():
    c = hello()
    expect(names(c) == [srv.name()] or PEER, "names")
    still_talks(c)


@case("LIST of several images, names made as the contract says", when=no_peer())
def _():
    c = hello(two)
    expect_eq(sorted(names(c)), ["ab-c-d.9", "first", "second.disk"], "names")
    kind, _ = c.info("", [])
    expect_eq(hex(kind), hex(ERR_UNKNOWN), "the empty name with three images")
    for name, size in (("first", 4 * MiB), ("second.disk", 1 * GiB), ("ab-c-d.9", 1 * MiB)):
        kind, _ = c.info(name, [])
        expect_eq(kind, REP_ACK, name)
        expect_eq(c.size, size, "size of " + name)


@case("LIST with data: ERR_INVALID, and the data is skipped")
def _():
    c = hello()
    for n in (1, 4, 1000):
        kind, items, _ = c.opt_all(OPT_LIST, b"\x55" * n)
        expect_eq(hex(kind), hex(ERR_INVALID), "reply")
        expect_eq(items, [], "items")
    still_talks(c)


@case("ABORT: ACK, then the end")
def _():
    c = hello()
    expect_eq(c.opt_all(OPT_ABORT)[0], REP_ACK, "ABORT")
    c.sock.shutdown(socket.SHUT_WR)
    c.expect_closed()


@case("ABORT with data: the data is ignored, ACK")
def _():
    c = hello()
    expect_eq(c.opt_all(OPT_ABORT, b"goodbye")[0], REP_ACK, "ABORT")
    c.sock.shutdown(socket.SHUT_WR)
    c.expect_closed()


@case("ABORT by a client that does not wait for the reply")
def _():
    for _ in range(50):
        c = hello()
        c.opt(OPT_ABORT)
        c.reset()


# ---- INFO and GO ----

@case("INFO without requests: NBD_INFO_EXPORT, ACK; and options go on")
def _():
    c = hello()
    for _ in range(3):
        kind, got = c.info(srv.name())
        expect_eq(kind, REP_ACK, "INFO")
        expect_eq(c.size, 16 * MiB, "size")
    want = T_FLUSH | T_FUA | T_TRIM | T_ZEROES | T_MULTI_CONN | T_CACHE
    if not PEER:
        want |= T_FAST_ZERO
        expect(not c.tflags & (T_READ_ONLY | T_DF | T_RESIZE | T_STATUS_PAYLOAD),
               "transmission flags %#x", c.tflags)
        expect(c.tflags & want == want, "transmission flags %#x, want %#x", c.tflags, want)


@case("INFO: name, description and block size where asked")
def _():
    c = hello()
    kind, got = c.info(srv.name(), [INFO_NAME, INFO_DESCRIPTION, INFO_BLOCK_SIZE, INFO_EXPORT])
    expect_eq(kind, REP_ACK, "INFO")
    expect(INFO_BLOCK_SIZE in got, "no block size")
    if not PEER:
        expect_eq(got.get(INFO_NAME), srv.name().encode(), "NBD_INFO_NAME")
        expect(got.get(INFO_DESCRIPTION), "no description: %r", got)
    expect(c.max_payload >= DEFAULT_PAYLOAD, "maximum payload %d", c.max_payload)
    expect(c.size % c.block_min == 0, "size %d, minimum block %d", c.size, c.block_min)


@case("INFO of the empty name tells the canonical name", when=no_peer())
def _():
    c = hello()
    kind, got = c.info("", [INFO_NAME])
    expect_eq(kind, REP_ACK, "INFO")
    expect_eq(got.get(INFO_NAME), b"wire", "NBD_INFO_NAME")


@case("unknown information requests are ignored, in any number and order")
def _():
    c = hello()
    for infos in ([4], [0xffff], [77, INFO_BLOCK_SIZE, 0x8000], list(range(100, 400))):
        kind, got = c.info(srv.name(), infos)
        expect_eq(hex(kind), hex(REP_ACK), "INFO %r" % infos[:4])
        expect((INFO_BLOCK_SIZE in got) >= (INFO_BLOCK_SIZE in infos), "block size left out")


@case("the same information requested twice: answered once, or ERR_INVALID")
def _():
    c = hello()
    kind, got = c.info(srv.name(), [INFO_BLOCK_SIZE, INFO_BLOCK_SIZE, INFO_EXPORT, INFO_EXPORT])
    expect_in(kind, (REP_ACK, ERR_INVALID), "INFO")
    still_talks(c)


@case("INFO and GO of an unknown export: ERR_UNKNOWN without information, with a text",
      when=lambda: PEER == "nbdkit" and "nbdkit serves every name")
def _():
    c = hello()
    for opt in (OPT_INFO, OPT_GO):
        for name in ("nonesuch", srv.name() + "x", "x" * 300, "\u00fc\u4e2d", srv.name() + "/"):
            kind, got = c.info(name, [INFO_BLOCK_SIZE], opt)
            expect_eq(hex(kind), hex(ERR_UNKNOWN), "reply to %d, %r" % (opt, name[:20]))
            expect_eq(got, {}, "information")
            expect(c.text, "no text with the error")
    still_talks(c)


@case("INFO then GO with the same parameters: the same information")
def _():
    for infos in ([], [INFO_BLOCK_SIZE], [INFO_NAME, INFO_DESCRIPTION, INFO_BLOCK_SIZE]):
        for mode in ("simple", "structured"):
            c = hello()
            c.set_mode(mode)
            kind, a = c.info(srv.name(), infos)
            expect_eq(kind, REP_ACK, "INFO")
            b = c.go(srv.name(), infos)
            expect_eq(b, a, "information of GO")
            ok(c.read(0, 512))


@case("GO never sends the 124 zeroes, with or without NO_ZEROES")
def _():
    for flags in (FLAG_FIXED_NEWSTYLE, FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES):
        with srv.connect() as c:
            c.hello(flags)
            c.go(srv.name())
            ok(c.read(0, 512))


def wrong_lengths(opt):
    """(what, data) of malformed INFO and GO."""
    name = srv.name().encode()
    n = len(name)
    good = Conn.info_data(name, [INFO_BLOCK_SIZE])
    return [
        ("no data", b""),
        ("1 byte", b"\0"),
        ("3 bytes of the name length", b"\0\0\0"),
        ("a name length alone", struct.pack(">I", 0)),
        ("5 bytes", b"\0" * 5),
        ("name length one too large", struct.pack(">I", n + 1) + good[4:]),
        ("name length = option length", struct.pack(">I", len(good)) + good[4:]),
        ("name length 0x7fffffff", struct.pack(">I", 0x7fffffff) + good[4:]),
        ("name length 0x80000000", struct.pack(">I", 0x80000000) + good[4:]),
        ("name length 0xffffffff", struct.pack(">I", 0xffffffff) + good[4:]),
        ("name length 0xfffffffc", struct.pack(">I", 0xfffffffc) + good[4:]),
        ("name length 0xfffffffa", struct.pack(">I", 0xfffffffa) + good[4:]),
        ("one request counted, none there", Conn.info_data(name, [], count=1)),
        ("65535 requests counted, one there", Conn.info_data(name, [3], count=65535)),
        ("one request counted, two there", Conn.info_data(name, [3, 0], count=1)),
        ("none counted, one there", Conn.info_data(name, [3], count=0)),
        ("one byte more", good + b"\0"),
        ("one byte less", good[:-1]),
    ]


@case("INFO and GO with lengths that do not fit: ERR_INVALID, each")
def _():
    c = hello()
    for opt in (OPT_INFO, OPT_GO):
        for what, data in wrong_lengths(opt):
            kind, items, _ = c.opt_all(opt, data)
            expect_eq(hex(kind), hex(ERR_INVALID), "option %d, %s" % (opt, what))
            expect_eq(items, [], "information")
    still_talks(c)


@case("names that are no strings: NUL, not UTF-8: an error and the connection lives",
      when=lambda: PEER == "nbdkit" and "nbdkit serves every name")
def _():
    c = hello()
    for name in (b"a\0b", b"\0", srv.name().encode() + b"\0", b"\xff\xff", b"\xc3\x28", b"\xed\xa0\x80"):
        kind, items, _ = c.opt_all(OPT_INFO, Conn.info_data(name))
        expect_in(kind, (ERR_UNKNOWN, ERR_INVALID), "reply to %r" % name)
    still_talks(c)


# ---- STRUCTURED_REPLY, STARTTLS, EXTENDED_HEADERS ----

@case("STRUCTURED_REPLY: ACK; a second one ACK or ERR_INVALID; READ is structured")
def _():
    c = hello()
    c.set_mode("structured")
    kind, _, _ = c.opt_all(OPT_STRUCTURED_REPLY)
    expect_in(kind, (REP_ACK, ERR_INVALID), "a second STRUCTURED_REPLY")
    c.go(srv.name())
    expect(c.tflags & T_DF, "SEND_DF is clear")
    expect(not ok(c.read(0, 4096)).simple, "a simple reply")


@case("STRUCTURED_REPLY with data: ERR_INVALID, and it is not in effect")
def _():
    c = hello()
    kind, _, _ = c.opt_all(OPT_STRUCTURED_REPLY, b"\0\0\0\0")
    expect_eq(hex(kind), hex(ERR_INVALID), "reply")
    c.go(srv.name())
    expect(not c.tflags & T_DF, "SEND_DF is set")
    ok(c.read(0, 4096))


@case("STRUCTURED_REPLY with EXPORT_NAME")
def _():
    c = hello()
    c.set_mode("structured")
    c.export_name(srv.name())
    expect(c.tflags & T_DF, "SEND_DF is clear")
    ok(c.read(0, 4096))


@case("STARTTLS where there is no TLS: ERR_UNSUP or ERR_POLICY, and plain text goes on")
def _():
    c = hello()
    kind, _, _ = c.opt_all(OPT_STARTTLS)
    expect_in(kind, (ERR_UNSUP, ERR_POLICY), "STARTTLS")
    kind, _, _ = c.opt_all(OPT_STARTTLS, b"data")
    expect_in(kind, (ERR_UNSUP, ERR_POLICY, ERR_INVALID), "STARTTLS with data")
    still_talks(c)


@case("a refused STARTTLS leaves what was negotiated")
def _():
    c = hello()
    c.set_mode("structured")
    c.opt_all(OPT_STARTTLS)
    c.go(srv.name())
    expect(c.tflags & T_DF, "SEND_DF is clear")


@case("EXTENDED_HEADERS alone: ACK, implies structured replies")
def _():
    c = hello()
    c.set_mode("extended")
    c.go(srv.name())
    expect(c.tflags & T_DF, "SEND_DF is clear")
    ok(c.read(0, 4096))


@case("EXTENDED_HEADERS after STRUCTURED_REPLY")
def _():
    c = hello()
    c.set_mode("structured")
    c.set_mode("extended")
    c.go(srv.name())
    ok(c.read(0, 4096))


@case("STRUCTURED_REPLY after EXTENDED_HEADERS: ERR_EXT_HEADER_REQD, extended stays")
def _():
    c = hello()
    c.set_mode("extended")
    kind, _, _ = c.opt_all(OPT_STRUCTURED_REPLY)
    expect_eq(hex(kind), hex(ERR_EXT_HEADER_REQD), "STRUCTURED_REPLY")
    c.go(srv.name())
    ok(c.read(0, 4096))


@case("EXTENDED_HEADERS twice: ACK or ERR_INVALID, extended stays")
def _():
    c = hello()
    c.set_mode("extended")
    kind, _, _ = c.opt_all(OPT_EXTENDED_HEADERS)
    expect_in(kind, (REP_ACK, ERR_INVALID), "a second EXTENDED_HEADERS")
    c.go(srv.name())
    ok(c.read(0, 4096))


@case("EXTENDED_HEADERS with data: ERR_INVALID, and it is not in effect", when=no_peer())
def _():
    c = hello()
    kind, _, _ = c.opt_all(OPT_EXTENDED_HEADERS, b"\1")
    expect_eq(hex(kind), hex(ERR_INVALID), "reply")
    c.go(srv.name())
    expect(not c.tflags & T_DF, "SEND_DF is set")
    ok(c.read(0, 4096))


@case("EXPORT_NAME after EXTENDED_HEADERS is forbidden: closed")
def _():
    c = hello()
    c.set_mode("extended")
    c.opt(OPT_EXPORT_NAME, srv.name().encode())
    c.expect_closed()


# ---- the unknown, and budgets ----

@case("unknown options: ERR_UNSUP, their data skipped, the next understood")
def _():
    c = hello()
    for opt in (0, OPT_PEEK_EXPORT, 12, 100, 0x7fffffff, 0x80000000, 0xffffffff):
        for n in (0, 1, 4096):
            kind, items, _ = c.opt_all(opt, b"\xa5" * n)
            expect_eq(hex(kind), hex(ERR_UNSUP), "option %#x with %d bytes" % (opt, n))
    still_talks(c)


@case("100 good options, then GO")
def _():
    c = hello()
    c.set_mode("structured")
    for _ in range(33):
        names(c)
        c.info(srv.name(), [INFO_BLOCK_SIZE])
        c.meta(OPT_SET_META_CONTEXT, srv.name(), ["base:allocation"])
    c.go(srv.name())
    ok(c.read(0, 4096))


@case("options are answered after a failed GO, and GO may be repeated",
      when=lambda: PEER == "nbdkit" and "nbdkit serves every name")
def _():
    c = hello()
    for _ in range(5):
        kind, _ = c.info("nonesuch", [], OPT_GO)
        expect_eq(hex(kind), hex(ERR_UNKNOWN), "GO")
    names(c)
    c.go(srv.name())
    ok(c.read(0, 4096))


@case("options and requests in one segment: GO with a READ behind it")
def _():
    c = hello()
    data = Conn.info_data(srv.name())
    c.mode = "simple"
    c.send(struct.pack(">QII", IHAVEOPT, OPT_GO, len(data)) + data +
           c.header(CMD_READ, 0, 99, 0, 512))
    kind, items, _ = c.opt_answer(OPT_GO)
    expect_eq(kind, REP_ACK, "GO")
    expect_eq(struct.unpack(">IIQ", c.recv(16)), (SIMPLE_REPLY_MAGIC, 0, 99), "reply")
    c.recv(512)


@case("connections of one server in different phases do not disturb each other")
def _():
    cs = [srv.connect() for _ in range(12)]
    for i, c in enumerate(cs):
        if i % 4 > 0:
            c.hello()
        if i % 4 > 1:
            c.set_mode("structured")
        if i % 4 > 2:
            c.go(srv.name())
    for i, c in reversed(list(enumerate(cs))):
        if i % 4 == 0:
            c.hello()
        if i % 4 < 3:
            c.go(srv.name())
        ok(c.read(i * 4096, 4096))


main(setup, lambda: srv.check_alive(), teardown, limit=120)
