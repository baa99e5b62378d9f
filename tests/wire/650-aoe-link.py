#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""AoE, when the interface changes: down and up, carrier lost, removed and made again, another MTU or
MAC, a flapping link; and the announcements that a target sends unasked (a Query Config reply to all)."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aoetarget import *   # noqa: E402

DATA = pattern(1024, 650)
WIRE = link(0)
DIES = ours("ends when its socket errs")


def target(*images, **kw):
    return Target(*(images or ("a=memory:4M",)), on=[(WIRE, "7.3")], **kw)


def announced(found, address=(7, 3)):
    """One of these is a good announcement of that target; returns it."""
    mine = [r for r in found if (r.shelf, r.slot) == address]
    expect(mine, "no announcement of e%d.%d among %d", *address, len(found))
    r = mine[0]
    if STRICT:
        r.check(aoenet.mtu_of("ini0"))     # vblade announces version 0
    expect_eq((r.tag, r.error, r.src), (0, 0, WIRE.target_mac()), "tag, error, source")
    expect(r.sectors == (aoenet.mtu_of("tgt0") - 22) // 512 or PEER, "%d sectors", r.sectors)
    expect(len(mine) <= 10, "%d announcements of one event", len(mine))
    return r


def serves(s, c=None):
    c = c or s.client()
    c.write(10, DATA)
    same_bytes(c.read(10, 2), DATA)


@case("it announces itself when it comes up, by a Query Config reply to everybody (3.2)")
def _():
    ear = Capture(WIRE)
    with target("a=memory:4M", *(() if PEER else ("b=memory:4M",))):
        found = ear.announcements(2 * slow(), until=1 if PEER else 2)
        announced(found)
        if not PEER:
            announced(found, (7, 4))


@case("the announcement carries the config string", when=ours("forgets it"))
def _():
    state = tmpname(".state")
    path = make_file(4 * MiB)
    with target("a=" + path, state=state) as s:
        fine(s.client().config(C_SET, b"who I am"))
    ear = Capture(WIRE)
    with target("a=" + path, state=state):
        same_bytes(announced(ear.announcements(2 * slow(), until=1)).text, b"who I am")


@case("it is quiet when nothing happens: no announcement for 3 s")
def _():
    with target() as s:
        time.sleep(1)
        ear = Capture(WIRE)
        expect_eq(ear.announcements(3), [], "announcements")
        serves(s)


@each("and up again, it announces itself and serves on", [
    ("the interface goes down", "tgt"), ("the other end goes down, the carrier is lost", "ini")],
    when=DIES)
def _(side):
    with target() as s:
        serves(s)
        name = getattr(WIRE, side)
        WIRE.down(name)
        time.sleep(0.5)
        s.check_alive()
        ear = Capture(WIRE)
        WIRE.up(name)
        announced(ear.announcements(5 * slow(), until=1))
        serves(s)


@case("frames under way while it is down: sent again, and all gets there", limit=60, when=DIES)
def _():
    with target() as s:
        c = s.client(retry=0.1)
        data = pattern(2 * MiB, 651)
        blip = threading.Thread(target=lambda: [(time.sleep(0.1), WIRE.down(), time.sleep(0.4),
                                                 WIRE.up()) for _ in range(2)])
        blip.start()
        stats = c.write_all(0, data, 2, window=8)
        while blip.is_alive():
            stats = c.write_all(0, data, 2, window=8)
        blip.join()
        same_bytes(c.read_all(0, 4096, 2)[0], data, "read back")
        expect(stats is not None, "no statistics")


@case("a link that flaps 30 times: no descriptor is lost, few announcements", limit=60, when=DIES)
def _():
    with target() as s:
        serves(s)
        fds = s.fds()
        ear = Capture(WIRE)
        for _ in range(30):
            WIRE.down()
            WIRE.up()
        ear.announcements(3)
        expect(len(ear.seen) <= 60, "%d frames unasked", len(ear.seen))
        serves(s)
        s.settle(fds)


def create_heard(s):
    """The interface comes again, and somebody listens before it is up."""
    WIRE.create(up=False)
    ear = Capture(WIRE)
    WIRE.up()
    WIRE.up(WIRE.ini)
    announced(ear.announcements(5 * slow(), until=1))
    serves(s)


@case("the interface is removed and made again, with another index and MAC: it serves on", limit=60,
      when=DIES)
def _():
    with target() as s:
        serves(s)
        fds = s.fds()
        for turn in range(3):
            WIRE.remove()
            time.sleep(0.3)
            s.check_alive()
            create_heard(s)
        s.settle(fds)


@case("the same name comes back as a removed interface's, down at first", limit=60, when=DIES)
def _():
    with target() as s:
        WIRE.remove()
        time.sleep(0.3)
        WIRE.create()
        WIRE.down()
        time.sleep(0.3)
        WIRE.up()
        ear = Capture(WIRE)
        ear.collect(1.5 * slow())
        serves(s)


@case("one interface gone: the other one serves on", limit=60, when=lambda: PEER and "one interface")
def _():
    with Target("a=memory:4M", on=[(WIRE, "7.3"), (link(1), "7.3")]) as s:
        WIRE.remove()
        time.sleep(0.2)
        serves(s, s.client(on=1))
        create_heard(s)


@case("another MTU: Query Config and the frames follow it, both ways", limit=60)
def _():
    with target() as s:
        for mtu in (9000, 1500, 4096, 1500):
            link(0, mtu)
            time.sleep(0.3 * slow())
            c = s.client()
            n = c.config().sectors
            expect(22 + n * 512 <= mtu, "%d sectors at an MTU of %d", n, mtu)
            expect(n == (mtu - 22) // 512 or PEER, "%d sectors at an MTU of %d", n, mtu)
            data = pattern(n * 512, mtu)
            c.write(100, data)
            same_bytes(c.read(100, n), data)
            if mtu == 1500:
                r = c.ata(READ_EXT, 100, 17)
                ata_failed(r, ABRT, aoe=(E_ARG,))


@case("another MAC: it answers from that one, and hears frames to it")
def _():
    was = WIRE.target_mac()
    with target() as s:
        try:
            WIRE.address("02:77:77:77:77:77")
            time.sleep(0.3 * slow())
            c = s.client()
            found = c.discover()
            expect((7, 3) in found, "no answer")
            if not PEER:
                expect_eq(say(found[7, 3].src), "02:77:77:77:77:77", "source")
            serves(s)
        finally:
            WIRE.address(say(was))


@case("a file that grows: it says so unasked, and IDENTIFY tells the new size", limit=60, when=ours("no"))
def _():
    path = make_file(4 * MiB)
    with target("a=" + path) as s:
        c = s.client()
        expect_eq(capacity(c.identify()), 8192, "sectors")
        ear = Capture(WIRE)
        with open(path, "r+b") as f:
            f.truncate(8 * MiB)
        announced(ear.announcements(15 * slow(), until=1))
        expect_eq(capacity(c.identify()), 16384, "sectors after it")
        c.write(16000, DATA)
        same_bytes(c.read(16000, 2), DATA, "in the new half")


@case("SIGTERM while the link is down, or the interface gone: it ends, with 0", limit=60, when=DIES)
def _():
    with target():
        WIRE.down()
        time.sleep(0.2)
    WIRE.up()
    s = target()
    WIRE.remove()
    time.sleep(0.2)
    try:
        s.check_stop()
    finally:
        WIRE.create()


@case("started while the link is down: ready, and it announces itself when the link comes", when=DIES)
def _():
    WIRE.down()
    try:
        with target() as s:
            ear = Capture(WIRE)
            WIRE.up()
            announced(ear.announcements(5 * slow(), until=1))
            serves(s)
    finally:
        WIRE.up()


suite.AFTER_CASE.append(clean)
main(limit=240)
