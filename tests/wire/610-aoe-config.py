#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""AoE, Query Config Information (AoEr11 3.2): all its commands on a config string of 0 to 1024 bytes."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aoetarget import *   # noqa: E402

srv = None
LENGTHS = (0, 1, 2, 27, 28, 29, 31, 32, 33, 255, 256, 257, 1000, 1023, 1024)


def setup():
    global srv
    srv = Target()


suite.AFTER_CASE.append(lambda: srv in suite.SERVERS and reset(srv))


def holds(want, c=None):
    r = (c or srv.client()).config()
    same_bytes(r.text, want, "the config string")
    return r


@case("read: empty at first")
def _():
    holds(b"")


@case("set where there is none, read back by others; the answers carry the string")
def _():
    c = srv.client()
    r = fine(c.config(C_SET, b"a string"))
    expect_eq((r.ccmd, r.text), (C_SET, b"a string"), "command and string of the answer")
    holds(b"a string", srv.client())


@case("set where there is one: error 4, and the old one stays")
def _():
    c = srv.client()
    fine(c.config(C_SET, b"old"))
    for new in (b"new", b"olD", b"ol", b"old ", b""):
        aoe_failed(c.config(C_SET, new), E_CONFIG)
        holds(b"old")


@case("set again with the same string, the answer to the first lost: no error (1.1)")
def _():
    c = srv.client()
    for _ in range(3):
        fine(c.config(C_SET, b"unreliable"))
    holds(b"unreliable")


@case("force set: over an old one, longer, shorter, and empty")
def _():
    c = srv.client()
    for text in (b"first", b"a longer one", b"x", b"", b"again"):
        r = fine(c.config(C_FORCE, text))
        same_bytes(r.text, text, "string of the answer")
        holds(text)


@case("after force set with nothing, set is allowed again")
def _():
    c = srv.client()
    fine(c.config(C_SET, b"old"))
    fine(c.config(C_FORCE))
    fine(c.config(C_SET, b"new"))
    holds(b"new")


@case("test: answered where the whole string matches, else silence", limit=60)
def _():
    c = srv.client()
    fine(c.config(C_FORCE, b"exactly this"))
    r = c.config(C_TEST, b"exactly this")
    expect_eq((r.ccmd, r.text), (C_TEST, b"exactly this"), "command and string of the answer")
    for text in (b"", b"exactly", b"exactly this ", b"Exactly this", b"exactly thit", b"exactly this\0",
                 b"\0" * 12):
        c.unanswered(CONFIG, config_arg(C_TEST, text))


@case("test: the empty string matches the empty one alone")
def _():
    c = srv.client()
    c.config(C_TEST)
    c.unanswered(CONFIG, config_arg(C_TEST, b"\0"))
    fine(c.config(C_SET, b"x"))
    c.unanswered(CONFIG, config_arg(C_TEST))


@case("test prefix: answered by its beginnings, the empty one and the whole among them", limit=60)
def _():
    c = srv.client()
    fine(c.config(C_FORCE, b"rack4/disk7"))
    for text in (b"", b"r", b"rack4/", b"rack4/disk7"):
        r = c.config(C_PREFIX, text)
        expect_eq((r.ccmd, r.text), (C_PREFIX, b"rack4/disk7"), "command and string of the answer")
    for text in (b"rack5", b"ack4", b"rack4/disk7 ", b"\0", b"rack4/disk7\0"):
        c.unanswered(CONFIG, config_arg(C_PREFIX, text))


@case("lengths 0 to 1024, with any byte in them")
def _():
    c = srv.client()
    for n in LENGTHS:
        for text in (pattern(n, n), bytes(n), b"\xff" * n):
            fine(c.config(C_FORCE, text))
            holds(text)
            fine(c.config(C_TEST, text))


@case("1025 bytes and more: refused, nothing is changed")
def _():
    c = srv.client()
    fine(c.config(C_FORCE, b"stays"))
    for ccmd in (C_SET, C_FORCE, C_TEST, C_PREFIX):
        for n in (1025, 1100, 1400):
            tag = c.post(CONFIG, config_arg(ccmd, b"y" * n))
            r = c.wait(tag, 0.15 * slow())
            if r is not None:
                aoe_failed(r, E_ARG)
            holds(b"stays")


@case("commands 5 to 15 are unknown: error 2")
def _():
    c = srv.client()
    for ccmd in range(5, 16):
        aoe_failed(c.config(ccmd, b"x"), E_ARG)
    holds(b"")


@case("only so many bytes as the length says belong to the string; the rest of the frame does not")
def _():
    c = srv.client()
    for n in (0, 1, 5, 20):
        fine(c.config(C_FORCE, b"0123456789abcdefghij" + b"Z" * 300, length=n))
        holds(b"0123456789abcdefghij"[:n])


@case("read does not look at the length or the string")
def _():
    c = srv.client()
    fine(c.config(C_FORCE, b"the string"))
    for n in (0, 1, 10, 1024, 1025, 0xffff):
        same_bytes(c.config(C_READ, b"none", length=n).text, b"the string", "answer")


@case("the fields that a server fills (buffer count, firmware, sectors, version) are ignored in requests")
def _():
    c = srv.client()
    want = c.config()
    for head in (b"\xff" * 5, b"\x12\x34\x56\x78\x9a"):
        for ver in (0, 1, 2, 15):
            r = c.ask(CONFIG, head + bytes([ver << 4 | C_READ]) + b"\0\0")
            expect_eq((r.buffers, r.firmware, r.sectors, r.aoe),
                      (want.buffers, want.firmware, want.sectors, 1), "fields")


@case("broadcast: test by all finds the one that has the string", when=ours("serves one image"))
def _():
    with Target("a=memory:1M", "b=memory:1M", "c=memory:1M", on=[(link(1), "2.0")]) as s:
        for i, text in enumerate((b"one", b"two", b"twofold")):
            fine(s.client(i).config(C_SET, text))
        c = s.client()
        for ccmd, text, want in ((C_TEST, b"two", {(2, 1)}), (C_PREFIX, b"two", {(2, 1), (2, 2)}),
                                 (C_PREFIX, b"", {(2, 0), (2, 1), (2, 2)}), (C_TEST, b"three", set())):
            c.post(CONFIG, config_arg(ccmd, text), dst=BROADCAST, shelf=ANY_SHELF, slot=ANY_SLOT)
            found, until = set(), time.monotonic() + 0.4 * slow()
            while True:
                r = c.next(until)
                if r is None:
                    break
                found.add((r.shelf, r.slot))
            expect_eq(found, want, "who answers %r" % text)


@case("many stations set at once: one wins, the others have error 4, and all see the same")
def _():
    clients = [srv.client() for _ in range(16)]
    texts = {c.post(CONFIG, config_arg(C_SET, b"station %d" % i)): b"station %d" % i
             for i, c in enumerate(clients)}
    won = []
    for c, tag in zip(clients, texts):
        r = c.wait(tag, 2 * slow())
        expect(r, "station %r has no answer", texts[tag])
        if not r.failed:
            won.append(texts[tag])
        else:
            expect_eq(r.error, E_CONFIG, "error")
    expect_eq(len(won), 1, "stations that set it")
    holds(won[0])


main(setup, lambda: srv.check_alive(), lambda: srv.check_stop(), limit=180)
