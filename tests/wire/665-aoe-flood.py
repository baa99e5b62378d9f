#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""AoE, hostile numbers of frames: floods of broadcasts and of spoofed stations, more answers asked for
than a wire holds, noise; an honest station is served meanwhile and after, memory stays bounded."""
import os
import random
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import aoehostile as h      # noqa: E402
from aoehostile import *    # noqa: E402

N = 20000
def spoofed(rng):
    return bytes([2]) + rng.randbytes(5)


def flood(make, n=N, meanwhile=None):
    """Send n frames as fast as they go, and drain what comes; returns (answers, seconds)."""
    c = h.srv.client()
    ear = Capture(h.srv.on[0][0])
    rng = random.Random(n)
    began = time.monotonic()
    for i in range(n):
        c.send(make(c, i, rng))
        if i % 50 == 0:
            ear.collect(0)
        if meanwhile and i % (n // 10) == n // 20:
            meanwhile()
    ear.collect(0.3 * slow())
    return [r for _, r in ear.seen], time.monotonic() - began


def served(within):
    """An honest station's read, in time."""
    c = h.srv.client(retry=0.2)
    began = time.monotonic()
    same_bytes(c.read(0, 2), DATA[:1024], "an honest station's read")
    took = time.monotonic() - began
    expect(took < within * slow(), "an honest station waited %.1f s", took)
    c.close()


@case("broadcast discovery without end: answered at a bounded rate", limit=90, when=ours("answers all"))
def _():
    def ask(c, i, rng):
        return c.make(CONFIG, config_arg(C_READ), dst=BROADCAST, shelf=ANY_SHELF, slot=ANY_SLOT)
    answers, took = flood(ask)
    expect(answers, "no answer at all")
    expect(len(answers) < N // 4, "%d answers to %d broadcasts in %.1f s", len(answers), N, took)


@case("broadcasts of ever new stations: bounded too; and discovery works 3 s later", limit=90,
      when=ours("answers all"))
def _():
    def ask(c, i, rng):
        return c.make(CONFIG, config_arg(C_READ), dst=BROADCAST, src=spoofed(rng), shelf=ANY_SHELF,
                      slot=ANY_SLOT)
    answers, took = flood(ask)
    expect(len(answers) < N // 4, "%d answers to %d broadcasts in %.1f s", len(answers), N, took)
    time.sleep(3)
    expect_eq(sorted(h.srv.client().discover()), [(SHELF, SLOT)], "who answers")


@case("discovery of 20 stations that start together: each has its answer within 5 s", limit=60)
def _():
    clients = [h.srv.client() for _ in range(20)]
    end = time.monotonic() + 5 * slow()
    waiting = list(clients)
    while waiting and time.monotonic() < end:
        waiting = [c for c in waiting if not c.discover(0.05)]
    expect(not waiting, "%d of 20 have no answer", len(waiting))


@case("who asks by unicast, or reads, is served during a flood of broadcasts", limit=90)
def _():
    def ask(c, i, rng):
        return c.make(CONFIG, config_arg(C_READ), dst=BROADCAST, src=spoofed(rng), shelf=ANY_SHELF,
                      slot=ANY_SLOT)
    flood(ask, 10000, lambda: served(3))


@case("stations without number read, write, reserve and ask: memory stays bounded", limit=120)
def _():
    kinds = [(CONFIG, config_arg(C_READ)), (ATA, ata_arg(READ_EXT, 0, 2)), (ATA, ata_arg(FLUSH)),
             (ATA, ata_arg(WRITE_EXT, 9000, 2, data=bytes(1024))), (RESERVE, reserve_arg(R_READ)),
             (MASK, mask_arg(M_READ)), (CONFIG, config_arg(C_TEST, b"x")), (77, b"")]

    def ask(c, i, rng):
        return c.make(*kinds[i % len(kinds)], src=spoofed(rng), tag=i)
    flood(ask, meanwhile=lambda: served(3))
    served(3)


@case("one station that reads and never listens: others are served", limit=60)
def _():
    silent = h.srv.client()
    for i in range(N):
        silent.post(ATA, ata_arg(READ_EXT, i % 1000, 2))
        if i % 4000 == 0:
            served(3)
    served(3)


@case("thousands of sets of the config string: the last is there, and files do not grow without end",
      limit=120)
def _():
    c = h.srv.client()
    for i in range(2000):
        c.post(CONFIG, config_arg(C_FORCE, b"%d" % i))
    time.sleep(0.5)
    fine(c.config(C_FORCE, HELD, tries=40))
    size = sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(h.srv.state) for f in fs)
    expect(size < 1 * MiB, "%d bytes of state", size)
    # sets that were still on their way came before it
    time.sleep(0.2)
    same_bytes(c.config().text, HELD, "the string")


@case("short frames of all lengths from 0 to 80, with noise in them: alive", limit=60)
def _():
    rng = random.Random(665)
    c = h.srv.client()
    for n in range(0, 67):
        for _ in range(20):
            c.send(c.dst + c.mac + b"\x88\xa2" + rng.randbytes(n))
        c.send(c.dst + c.mac + b"\x88\xa2" + bytes(n))
        c.send(c.dst + c.mac + b"\x88\xa2" + b"\xff" * n)


@case("5000 frames with some bits turned, on an image that is read only: alive, and the image untouched",
      limit=120)
def _():
    path = make_file(MiB)
    with open(path, "r+b") as f:
        f.write(DATA)
    rng = random.Random(666)
    with Target("ro=" + path, on=[(link(1), "1.1")], read_only=True) as s:
        c = s.client()
        c.strict = STRICT
        kinds = [(CONFIG, config_arg(C_READ)), (CONFIG, config_arg(C_FORCE, b"text" * 8)),
                 (ATA, ata_arg(READ_EXT, 0, 2)), (ATA, ata_arg(WRITE_EXT, 0, 2, data=bytes(1024))),
                 (RESERVE, reserve_arg(R_SET, [c.mac])), (RESERVE, reserve_arg(R_FORCE, [])),
                 (ATA, ata_arg(DSM, 0, 1, feature=1, data=bytes(512))), (ATA, ata_arg(IDENTIFY, count=1)),
                 (ATA, ata_arg(SMART, 0xc24f00, 1, feature=0xd0)), (MASK, mask_arg(M_READ))]
        for i in range(5000):
            raw = bytearray(c.make(*rng.choice(kinds)))
            for _ in range(rng.randint(1, 4)):
                # the addresses and the type stay, so that it is heard; a mask edit would shut us out
                at = rng.choice((rng.randrange(14, 24), rng.randrange(14, min(len(raw), 48))))
                if not PEER or at not in (19, 25):
                    raw[at] ^= 1 << rng.randrange(8)
            if raw[19] == MASK and raw[25:26] != bytes([M_READ]):
                continue
            c.send(bytes(raw[:rng.randint(20, len(raw))] if rng.random() < 0.2 else raw))
            if i % 20 == 0:
                c.next(time.monotonic())
                s.check_alive()
        while c.next(time.monotonic() + 0.2 * slow()):
            pass
        c.reserve(R_FORCE)
        same_bytes(c.read(0, 2), DATA[:1024])
    with open(path, "rb") as f:
        same_bytes(f.read(), DATA, "the image")


main(h.setup, h.after, lambda: h.srv.check_stop(), limit=400)
