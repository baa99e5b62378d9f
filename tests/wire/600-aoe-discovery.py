#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""AoE, who is there: the header of a reply, addresses and broadcasts (AoEr11 2), what Query Config
tells of a target (3.2), several images and interfaces, what `--aoe` takes."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aoetarget import *   # noqa: E402

srv = None


def setup():
    global srv
    srv = Target(make_file(16 * MiB, "wire.img"))


def heard(tell, shelf, slot):
    return srv.client().ask(CONFIG, config_arg(C_READ), tries=2, dst=tell, shelf=shelf, slot=slot)


def unheard(tell, shelf, slot):
    srv.client().unanswered(CONFIG, config_arg(C_READ), dst=tell, shelf=shelf, slot=slot)


def mine():
    return srv.on[0][0].target_mac()


@case("a broadcast to all shelves and slots is answered by unicast from the interface (2.1, 2.5)")
def _():
    found = srv.client().discover()
    expect_eq(sorted(found), [(SHELF, SLOT)], "who answers")
    expect_eq(say(found[SHELF, SLOT].src), say(mine()), "source of the answer")


@case("its own shelf and slot, one of them \"all\", to everybody or to its MAC: answered (2.5)")
def _():
    for tell in (BROADCAST, mine()):
        for shelf, slot in ((SHELF, SLOT), (ANY_SHELF, SLOT), (SHELF, ANY_SLOT), (ANY_SHELF, ANY_SLOT)):
            r = heard(tell, shelf, slot)
            expect_eq((r.shelf, r.slot, r.src), (SHELF, SLOT, mine()), "who answers")


@case("another shelf or slot: silence, even at its MAC (2.5)", limit=60)
def _():
    for tell in (BROADCAST, mine()):
        for shelf, slot in ((SHELF + 1, SLOT), (SHELF, SLOT + 1), (0, 0), (SHELF << 8, SLOT),
                            (ANY_SHELF, SLOT - 1), (SHELF - 1, ANY_SLOT), (0xff, ANY_SLOT)):
            unheard(tell, shelf, slot)


@case("a frame for another station's MAC, which a switch has flooded: silence",
      when=ours("it answers for any MAC"))
def _():
    for tell in (b"\x02\x99\x99\x99\x99\x99", b"\x01\x00\x5e\x00\x00\x01"):
        unheard(tell, SHELF, SLOT)


@case("the tag comes back as it was, whatever it is (2.7)")
def _():
    c = srv.client()
    for tag in (0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x01020304):
        c.post(CONFIG, config_arg(C_READ), tag=tag)
        expect(c.wait(tag, 2 * slow()), "no answer with tag %08x", tag)


@case("reserved flags and an error code in a request are not copied into the reply (2.3, 2.4, 1)",
      when=ours("it answers in the request's own header"))
def _():
    c = srv.client()
    for flags, error in ((1, 0), (2, 0), (3, 0), (ERR, 6), (0, 1), (0, 0xff)):
        r = c.ask(CONFIG, config_arg(C_READ), tries=2, flags=flags, error=error)
        expect_eq((r.flags, r.error), (RSP, 0), "flags and error after %x, %d" % (flags, error))


@case("Query Config: sectors by the MTU, a buffer count, AoE version 1, no config string (3.2)")
def _():
    for mtu in (1500, 9000, 4200, 2100, 1500):
        link(0, mtu)
        c = srv.client()
        r = c.config()
        if PEER:
            continue            # vblade takes 36 bytes of head from the MTU, of which 14 are not in it
        expect_eq(r.sectors, (mtu - 22) // 512, "sectors a frame at an MTU of %d" % mtu)
        expect_eq((r.ccmd, r.aoe, r.text), (C_READ, 1, b""), "command, version, string")
        expect(r.buffers >= 8, "buffer count %d", r.buffers)


@case("an MTU that holds one sector, and one more byte for the next (3.2)",
      when=ours("takes the Ethernet head from the MTU"))
def _():
    for mtu, sectors in ((576, 1), (22 + 1024 - 1, 1), (22 + 1024, 2), (22 + 1536 - 1, 2), (22 + 1536, 3)):
        link(0, mtu)
        c = srv.client()
        expect_eq(c.config().sectors, sectors, "sectors at an MTU of %d" % mtu)
        expect_eq(len(c.read(0, sectors)), sectors * 512, "bytes in one frame")
    link(0)


@case("several images: the next slots, each on its own", limit=60)
def _():
    images = ["a=memory:1M", "b=memory:2M", "c=memory:3M"]
    with Target(*images, on=[(link(1), "12.200")]) as s:
        c = s.client()
        found = c.discover()
        expect_eq(sorted(found), [(12, 200), (12, 201), (12, 202)], "who answers")
        expect_eq(s.addresses and sorted(set(s.addresses)), [(12, 200), (12, 201), (12, 202)],
                  "addresses in the lines before `ready`")
        for i in range(3):
            d = s.client(i)
            expect_eq(capacity(d.identify()), (i + 1) * 2048, "sectors of image %d" % i)
            d.write(5, bytes([65 + i]) * 512)
        for i in range(3):
            expect_eq(s.client(i).read(5)[:1], bytes([65 + i]), "image %d" % i)


@case("serial numbers of several images differ (ACS-3 7.12.7.10)")
def _():
    with Target("a=memory:1M", "b=memory:1M", on=[(link(1), "1.0")]) as s:
        serials = [text_of(s.client(i).identify(), 10, 10).strip() for i in (0, 1)]
        expect(serials[0] and serials[0] != serials[1], "serial numbers %r", serials)


@case("without SHELF.SLOT the images are e0.0, e0.1 and so on", when=ours("needs both"))
def _():
    with Target("a=memory:1M", "b=memory:1M", on=[(link(1), "")]) as s:
        expect_eq(sorted(s.client().discover()), [(0, 0), (0, 1)], "who answers")


@case("two interfaces: the same images on both, each answers from its own MAC")
def _():
    with Target("a=memory:1M", on=[(link(0), "9.1"), (link(1), "9.1")]) as s:
        c, d = s.client(on=0), s.client(on=1)
        for who, number in ((c, 0), (d, 1)):
            found = who.discover()
            expect((9, 1) in found, "no answer on interface %d", number)
            expect_eq(say(found[9, 1].src), say(link(number).target_mac()), "source")
        c.write(7, b"one way " * 64)
        same_bytes(d.read(7), b"one way " * 64, "read by the other interface")


@case("a VLAN interface is served like any other, and its parent hears nothing of it",
      when=lambda: PEER and "one interface only")
def _():
    trunk = link(1)
    vlan = trunk.vlan(5)
    try:
        with Target("a=memory:1M", on=[(vlan, "4.4")]) as s:
            c = s.client()
            expect_eq(sorted(c.discover()), [(4, 4)], "who answers on the VLAN")
            c.write(0, b"v" * 512)
            same_bytes(c.read(0), b"v" * 512)
            other = Client(trunk, shelf=4, slot=4)
            expect_eq(other.discover(), {}, "who answers untagged")
    finally:
        aoenet.ip("link", "del", vlan.tgt)


@case("two hundred disks: every one answers a request for all, each time", limit=60,
      when=ours("serves one image"))
def _():
    quiet = link(3)
    with Target(*["n%d=null:1M" % i for i in range(200)], on=[(quiet, "9.5")]):
        c = Client(quiet)
        for _ in range(3):
            expect_eq(sorted(c.discover()), [(9, 5 + i) for i in range(200)], "who answers")


@case("sluice status and sessions go on while AoE is served", when=lambda: PEER and "our program")
def _():
    out = run([SLUICE, "status", "--control", srv.control]).stdout
    expect("wire" in out, "no volume in:\n%s", out)


def serve_fails(*words):
    r = run([SLUICE, "serve", *words, "a=memory:1M", "b=memory:1M"], timeout=10, check=False)
    expect(r.returncode not in (0, None) and r.returncode > 0, "exit %s of %s", r.returncode, words)
    expect("ready" not in r.stdout.split(), "ready, with %s", words)
    expect(r.stderr.strip(), "no word about %s", words)
    return r.stderr


@each("--aoe refuses, with a sentence", [
    (word or "an empty word", word) for word in (
        "", ":7.3", "tgt0:65535.0", "tgt0:0.255", "tgt0:65536.1", "tgt0:1.256", "tgt0:1", "tgt0:1.",
        "tgt0:.1", "tgt0:1.2.3", "tgt0:-1.2", "tgt0:1.2x", "tgt0:0x1.2", "tgt0: 1.2", "tgt0:1.254",
        "tgt0:99999999999999999999.0", "a-name-that-is-too-long:1.2", "nosuch9:1.2")],
    when=lambda: PEER and "our words")
def _(word):
    link(0)
    serve_fails("--aoe", word)


@case("the same interface and address twice is refused; two addresses that overlap are too",
      when=lambda: PEER and "our words")
def _():
    link(0)
    serve_fails("--aoe", "tgt0:1.0", "--aoe", "tgt0:1.0")
    serve_fails("--aoe", "tgt0:1.0", "--aoe", "tgt0:1.1")


@case("the write-back word alone, without AoE, is refused or does nothing", when=lambda: PEER and "our words")
def _():
    r = run(["timeout", "-s", "TERM", "2", SLUICE, "serve", "--aoe-write-back", "--nbd",
             "unix:" + tmpname(".sock"), "a=memory:1M"], timeout=10, check=False)
    expect("e0.0" not in r.stdout, "AoE, although not asked for:\n%s", r.stdout)


@case("AoE only when asked for: without --aoe nothing on any interface answers",
      when=lambda: PEER and "our words")
def _():
    quiet = link(2)
    c = Client(quiet)
    with Server("a=memory:1M"):
        expect_eq(c.discover(), {}, "who answers")


main(setup, lambda: srv.check_alive(), lambda: srv.check_stop(), limit=240)
