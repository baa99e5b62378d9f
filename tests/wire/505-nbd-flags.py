#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NBD, command flags: every command with every flag bit, alone and in pairs, each header style.

What proto.md allows is accepted, everything else is EINVAL, changes nothing and leaves the
connection in step (a WRITE's payload is skipped, another command has none)."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nbdwire import *   # noqa: E402

SIZE = 4 * MiB
srv = None
DATA = pattern(65536, 505)


def setup():
    global srv
    srv = Server("wire=memory:4M")
    with srv.client() as c:
        ok(c.write(0, DATA))


def allowed(c, cmd, structured):
    mask = F_FUA
    if cmd == CMD_READ and structured:
        mask |= F_DF
    if cmd == CMD_WRITE_ZEROES:
        mask |= F_NO_HOLE
        if c.tflags & T_FAST_ZERO:
            mask |= F_FAST_ZERO
    if cmd == CMD_BLOCK_STATUS:
        mask |= F_REQ_ONE
    return mask


COMMANDS = (CMD_READ, CMD_WRITE, CMD_FLUSH, CMD_TRIM, CMD_CACHE, CMD_WRITE_ZEROES, CMD_BLOCK_STATUS)


def one(c, cmd, flags):
    data = b"\xee" * 512 if cmd == CMD_WRITE else None
    if cmd == CMD_FLUSH:
        return c.do(cmd, 0, 0, flags=flags)
    return c.do(cmd, 131072, 512, data=data, flags=flags)


def sweep(mode, cmd, flagset):
    with srv.client(mode, meta=mode != "simple") as c:
        mask = allowed(c, cmd, mode != "simple")
        for flags in flagset:
            same = bytes(512)
            ok(c.zero(131072, 512, F_NO_HOLE))
            r = one(c, cmd, flags)
            good = not flags & ~mask
            if cmd == CMD_BLOCK_STATUS and mode == "simple":
                good = False            # needs structured replies
            if good:
                expect_in(r.error, (0, ENOTSUP) if flags & F_FAST_ZERO else (0,), str(r))
                if cmd == CMD_WRITE:
                    same = b"\xee" * 512
            else:
                fails(r, EINVAL)
            same_bytes(bytes(ok(c.read(131072, 512)).data), same, "after %s" % r)
        same_bytes(bytes(ok(c.read(0, 65536)).data), DATA, "elsewhere")


def make(mode, cmd):
    bits = [1 << i for i in range(16)]
    if mode == "extended":
        bits.remove(F_PAYLOAD_LEN)      # has cases of its own
    pairs = [a | b for a in bits for b in bits if a < b]

    @case("%s headers, %s: each flag alone" % (mode, CMD_NAMES[cmd]))
    def _():
        sweep(mode, cmd, [0] + bits)

    @case("%s headers, %s: each pair of flags, and all" % (mode, CMD_NAMES[cmd]))
    def _():
        sweep(mode, cmd, pairs + [sum(bits)])


for _mode in ("simple", "structured", "extended"):
    for _cmd in COMMANDS:
        make(_mode, _cmd)


@case("DF without structured replies: EINVAL")
def _():
    with srv.client("simple") as c:
        fails(c.read(0, 512, F_DF), EINVAL)


@case("compact headers: PAYLOAD_LEN has no payload but WRITE's own")
def _():
    for mode in ("simple", "structured"):
        with srv.client(mode) as c:
            for cmd in (CMD_READ, CMD_TRIM, CMD_FLUSH, CMD_CACHE, CMD_WRITE_ZEROES, 99):
                r = c.do(cmd, 0, 0 if cmd == CMD_FLUSH else 512, flags=F_PAYLOAD_LEN)
                fails(r, EINVAL)
            fails(c.write(131072, b"x" * 512, F_PAYLOAD_LEN), EINVAL)
            same_bytes(bytes(ok(c.read(0, 65536)).data), DATA)


@case("extended headers: PAYLOAD_LEN where there is no payload form: consumed, EINVAL")
def _():
    with srv.client("extended", meta=True) as c:
        for cmd in (CMD_READ, CMD_TRIM, CMD_FLUSH, CMD_CACHE, CMD_WRITE_ZEROES, CMD_RESIZE, 99):
            for n in (1, 8, 12, 512, 65536, 1 * MiB, 32 * MiB):
                r = c.do(cmd, 0, data=b"\x25" * n, flags=F_PAYLOAD_LEN, effect=0)
                fails(r, EINVAL)
        same_bytes(bytes(ok(c.read(0, 65536)).data), DATA)


@case("extended headers: the payload to skip looks like requests, and is skipped all the same")
def _():
    with srv.client("extended") as c:
        bad = c.header(CMD_WRITE_ZEROES, 0, 0xbad, 0, 65536)
        fails(c.do(CMD_CACHE, 0, data=bad * 100, flags=F_PAYLOAD_LEN, effect=0), EINVAL)
        same_bytes(bytes(ok(c.read(0, 65536)).data), DATA)


@case("extended headers: PAYLOAD_LEN with length 0: an error or nothing to do, and life goes on")
def _():
    with srv.client("extended", meta=True) as c:
        for cmd in (CMD_READ, CMD_TRIM, CMD_CACHE, CMD_WRITE_ZEROES, CMD_BLOCK_STATUS, 99):
            fails(c.do(cmd, 0, 0, flags=F_PAYLOAD_LEN), EINVAL)
        expect_in(c.do(CMD_WRITE, 0, 0, flags=F_PAYLOAD_LEN).error, (0, EINVAL), "WRITE of nothing")
        same_bytes(bytes(ok(c.read(0, 65536)).data), DATA)


@case("extended headers: WRITE without PAYLOAD_LEN has no payload: EINVAL")
def _():
    with srv.client("extended") as c:
        for n in (1, 512, 65536, 1 << 33):
            fails(c.do(CMD_WRITE, 0, n), EINVAL)
        same_bytes(bytes(ok(c.read(0, 65536)).data), DATA)


@case("extended headers: BLOCK_STATUS with a payload, context not selected: consumed, EINVAL")
def _():
    with srv.client("extended") as c:
        for ident in (0, 1, 2, 0xffffffff):
            r = c.do(CMD_BLOCK_STATUS, 0, data=struct.pack(">QI", 4096, ident), flags=F_PAYLOAD_LEN,
                     effect=4096)
            fails(r, EINVAL)
        same_bytes(bytes(ok(c.read(0, 65536)).data), DATA)


@case("FLUSH with an offset or a length: EINVAL or success, and life goes on")
def _():
    for mode in ("simple", "structured", "extended"):
        try:
            c = srv.client(mode)
        except Skip:
            continue
        for off, n in ((1, 0), (0, 1), (4096, 4096), (SIZE, 0), (1 << 63, 0xffffffff)):
            expect_in(c.do(CMD_FLUSH, off, n).error, (0, EINVAL), "FLUSH %d+%d" % (off, n))
        same_bytes(bytes(ok(c.read(0, 65536)).data), DATA)


main(setup, lambda: srv.check_alive(), lambda: srv.check_stop(), limit=240)
