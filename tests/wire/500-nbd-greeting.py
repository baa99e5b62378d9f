#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NBD, the first bytes: greeting, client flags, NBD_OPT_EXPORT_NAME, over Unix and TCP."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nbdwire import *   # noqa: E402

srv = None
DATA = pattern(8192, 500)


def setup():
    global srv
    path = make_file(16 * MiB, "wire.img")
    with open(path, "r+b") as f:
        f.write(DATA)
    srv = Server(path)


@case("the greeting: both magics, FIXED_NEWSTYLE and NO_ZEROES and nothing else")
def _():
    with srv.connect() as c:
        expect_eq(c.greeting(), FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES, "handshake flags")


@case("the greeting comes in one piece and nothing follows it unasked")
def _():
    with srv.connect() as c:
        c.greeting()
        c.sock.settimeout(0.3)
        try:
            got = c.sock.recv(1)
        except socket.timeout:
            got = None
        expect_eq(got, None, "bytes after the greeting")


def export_name_case(cflags, zeroes):
    with srv.connect() as c:
        c.hello(cflags)
        c.opt(OPT_EXPORT_NAME, srv.name().encode())
        size, tflags = struct.unpack(">QH", c.recv(10))
        expect_eq(size, 16 * MiB, "size")
        expect(tflags & T_HAS_FLAGS, "NBD_FLAG_HAS_FLAGS is clear")
        expect(not tflags & T_DF, "SEND_DF without structured replies")
        if zeroes:
            expect_eq(c.recv(124), bytes(124), "the reserved bytes")
        c.mode, c.size = "simple", size
        same_bytes(bytes(ok(c.read(0, 8192)).data), DATA)
        c.disc()
        c.expect_closed()


@case("EXPORT_NAME, fixed newstyle, with 124 zeroes")
def _():
    export_name_case(FLAG_FIXED_NEWSTYLE, True)


@case("EXPORT_NAME, fixed newstyle, NO_ZEROES")
def _():
    export_name_case(FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES, False)


@case("EXPORT_NAME, client without fixed newstyle, with 124 zeroes")
def _():
    export_name_case(0, True)


@case("EXPORT_NAME, client without fixed newstyle, NO_ZEROES")
def _():
    export_name_case(FLAG_NO_ZEROES, False)


@case("EXPORT_NAME with the empty name is the only image")
def _():
    with srv.connect() as c:
        c.hello()
        c.export_name("")
        expect_eq(c.size, 16 * MiB, "size")
        same_bytes(bytes(ok(c.read(0, 8192)).data), DATA)


@case("EXPORT_NAME of an unknown export closes the connection",
      when=lambda: PEER == "nbdkit" and "nbdkit serves every name")
def _():
    for name in (b"nonesuch", srv.name().encode() + b"x", srv.name().encode()[:-1],
                 srv.name().upper().encode(), b"\xff\xfe", b"x" * 4096):
        with srv.connect() as c:
            c.hello()
            c.opt(OPT_EXPORT_NAME, name)
            c.expect_closed()


@case("a client without fixed newstyle that sends another option: answered or closed")
def _():
    with srv.connect() as c:
        c.hello(0)
        try:
            kind, _, _ = c.opt_all(OPT_LIST)
            expect(kind == REP_ACK or kind & REP_ERR, "reply type %#x", kind)
        except Closed:
            pass


@case("a client flag that is unknown, or was not offered: closed")
def _():
    for flags in (4, 5, 7, 8, 0x80000000, 0xffffffff, 0x00010000, 0x03000000):
        with srv.connect() as c:
            c.hello(flags)
            try:
                c.opt(OPT_ABORT)
            except Closed:
                pass
            c.expect_closed()


@case("an option with another magic: closed")
def _():
    for magic in (0, NBDMAGIC, REP_MAGIC, IHAVEOPT ^ 1, IHAVEOPT ^ (1 << 63)):
        with srv.connect() as c:
            c.hello()
            try:
                c.opt(OPT_LIST, magic=magic)
            except Closed:
                pass
            c.expect_closed()


@case("the flags and the first option in one segment")
def _():
    with srv.connect() as c:
        c.greeting()
        c.cflags, name = 3, srv.name().encode()
        c.send(struct.pack(">I", 3) + struct.pack(">QII", IHAVEOPT, OPT_EXPORT_NAME, len(name))
               + name)
        c.size, c.tflags = struct.unpack(">QH", c.recv(10))
        c.mode = "simple"
        same_bytes(bytes(ok(c.read(0, 8192)).data), DATA)


@case("all that a client will say in one segment, before the greeting is read")
def _():
    with srv.connect() as c:
        name = srv.name().encode()
        c.mode = "simple"
        c.sock.sendall(struct.pack(">I", 3) +
                       struct.pack(">QII", IHAVEOPT, OPT_EXPORT_NAME, len(name)) + name +
                       c.header(CMD_READ, 0, 7, 4096, 4096) + c.header(CMD_DISC, 0, 0, 0, 0))
        c.greeting()
        c.recv(10)
        expect_eq(struct.unpack(">IIQ", c.recv(16)), (SIMPLE_REPLY_MAGIC, 0, 7), "reply")
        same_bytes(c.recv(4096), DATA[4096:])
        c.expect_closed()


@case("the same over TCP, on a port of the system's choice, with TCP_NODELAY's speed")
def _():
    with Server("memory:4M", tcp=True) as s:
        expect_eq(s.addr[0], "tcp", "address")
        expect(s.addr[2] != 0, "the export line shows port 0")
        with s.connect() as c:
            c.hello()
            c.export_name(s.name())
            ok(c.write(0, DATA))
            began = time.monotonic()
            for i in range(50):
                same_bytes(bytes(ok(c.read(0, 8192)).data), DATA)
            took = time.monotonic() - began
            # with Nagle against delayed acknowledgements each would take 40 ms
            expect(took < 1.0 * slow(), "50 reads took %.2f s", took)


main(setup, lambda: srv.check_alive(), lambda: srv.check_stop(), limit=120)
