#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The checker of 750-coherence.py (stamps.py), tried on made-up histories: each kind of damage is
found and told by its name, and nothing is said of what a true disk may do."""
import os
import random
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from suite import *     # noqa: E402
import stamps           # noqa: E402
from stamps import BLANK, FOREIGN, NEVER, TORN, History     # noqa: E402

A, B, C, D = (stamps.ident(1, w, 1) for w in range(4))
NAMES = ("a", "b", "c", "d")


def verdict(*events, was=None):
    """events: ("w", stamp, began, ended), ("r", stamp, ...), ("s", stamp, ..., the stamp before), of
    sector 7."""
    h = History()
    for kind, stamp, began, ended, *old in events:
        if kind == "w":
            h.write(stamp, 7, 1, began, ended)
        elif kind == "r":
            h.read("reader", 7, began, ended, [stamp])
        else:
            h.swap("swapper", stamp, 7, began, ended, old)
    return stamps.check(h, was, NAMES)


def fine(*events, **kw):
    v = verdict(*events, **kw)
    expect(not v.problems, "of what may be: %s", "\n".join(v.problems))
    return v


def found(word, *events, **kw):
    v = verdict(*events, **kw)
    expect(v.problems, "nothing is found, want: %s", word)
    expect(any(word in p for p in v.problems), "want %r in:\n%s", word, "\n".join(v.problems))


@case("a stamp is found where it was made, and nowhere else")
def _():
    raw = stamps.make(A, 40, 3)
    expect_eq(len(raw), 3 * 512, "bytes")
    expect_eq(stamps.find_all(raw, 40), [A, A, A], "stamps")
    expect_eq(stamps.find_all(raw, 41), [FOREIGN] * 3, "one sector off")
    expect_eq(stamps.find_all(bytes(1024), 9), [BLANK, BLANK], "of zeroes")


@case("a sector of two writers is torn, wherever the seam is; so is one with a byte changed")
def _():
    one, two = stamps.make(A, 5, 1), stamps.make(B, 5, 1)
    for at in range(1, 512):
        mix = one[:at] + two[at:]
        if mix not in (one, two):
            expect_eq(stamps.find(mix, 5), TORN, "seam at %d" % at)
    for at in range(512):
        bad = bytearray(one)
        bad[at] ^= 1
        expect_eq(stamps.find(bytes(bad), 5), TORN, "byte %d" % at)
    bad = (one[:8] + bytes(24)) * 16
    expect_eq(stamps.find(bad, 5), TORN, "the same damage in each copy")
    expect_eq(stamps.find(bytes(511) + b"x", 5), TORN, "almost zeroes")


@case("what a disk may do: either of two writers at once, a read beside them either, or torn")
def _():
    fine(("r", BLANK, 1, 2))
    fine(("w", A, 1, 2), ("r", A, 3, 4))
    fine(("w", A, 1, 9), ("r", BLANK, 2, 3), ("r", A, 4, 5))
    for last in (A, B):
        fine(("w", A, 1, 5), ("w", B, 2, 4), ("r", last, 6, 7), ("r", last, 8, 9))
    v = fine(("w", A, 1, 5), ("r", TORN, 2, 3), ("r", A, 6, 7))
    expect_eq(v.excused, 1, "torn reads that are excused")
    fine(("w", A, 1, NEVER), ("r", BLANK, 5, 6), ("r", A, 7, 8))
    fine(("w", A, 1, 5), ("w", B, 2, 4), ("r", B, 2, 3), ("r", A, 6, 7))
    fine(("w", B, 3, 4), ("r", B, 5, 6), was={7: A})
    expect_eq(fine(("w", A, 1, 2), ("w", B, 3, 4), ("r", B, 5, 6)).final, {7: B}, "final")


@case("a lost write: acknowledged, and the one before it is found afterwards")
def _():
    found("is lost", ("w", A, 1, 2), ("w", B, 3, 4), ("r", A, 5, 6))
    found("is lost", ("w", A, 1, 2), ("r", BLANK, 3, 4))
    found("is lost", ("w", A, 3, 4), ("r", B, 5, 6), was={7: B})
    found("is lost", ("w", A, 1, 6), ("r", A, 2, 3), ("w", B, 4, 5), ("r", A, 7, 8))


@case("a torn sector: after quiet, and in a read beside which nobody wrote")
def _():
    found("torn", ("w", A, 1, 3), ("w", B, 2, 4), ("r", TORN, 5, 6))
    found("torn", ("w", A, 1, 2), ("r", TORN, 3, 4), ("w", B, 5, 6))
    found("torn", ("r", TORN, 1, 2))


@case("an old write that overtakes: the newer one was found, then the older one again")
def _():
    found("overtook", ("w", A, 1, 2), ("w", B, 3, 4), ("r", B, 5, 6), ("r", A, 7, 8))
    found("overtook", ("w", A, 1, 5), ("w", B, 2, 4), ("r", A, 6, 7), ("r", B, 8, 9), ("r", A, 10, 11))
    found("is lost", ("w", A, 1, 20), ("w", B, 2, 20), ("r", A, 3, 4), ("r", B, 5, 6), ("r", A, 7, 8))


@case("what nobody wrote, what was not written yet, what belongs elsewhere")
def _():
    found("nobody wrote", ("w", A, 1, 2), ("r", C, 3, 4))
    found("before it began", ("r", A, 1, 2), ("w", A, 3, 4))
    found("another sector", ("r", FOREIGN, 1, 2))


@case("COMPARE AND WRITE: nothing between what it found and what it left, and one winner")
def _():
    fine(("w", A, 1, 2), ("s", B, 3, 4, A), ("r", B, 5, 6))
    fine(("w", A, 1, 2), ("w", C, 3, 9), ("s", B, 4, 8, A), ("r", C, 10, 11))
    fine(("w", A, 1, 2), ("s", B, 3, 7, A), ("s", C, 4, 8, B), ("r", C, 10, 11))
    found("two winners", ("w", A, 1, 2), ("s", B, 3, 7, A), ("s", C, 4, 8, A), ("r", C, 10, 11))
    # C came after A was there and before B was found last: B put it out without having looked
    found("is lost", ("w", A, 1, 2), ("w", C, 3, 5), ("s", B, 4, 8, A), ("r", B, 10, 11))
    found("is lost", ("w", A, 1, 2), ("w", C, 3, 4), ("s", B, 5, 8, A), ("r", B, 10, 11))


class Disk:
    """A true disk of one sector, with made-up times: each operation takes effect at one instant between
    its beginning and its end.  damage: what is done wrong, once, at the end."""

    def __init__(self, seed, damage=None, length=120):
        self.rnd, self.h, self.events = random.Random(seed), History(), []
        self.value = BLANK
        points = sorted(self.rnd.random() * length for _ in range(length))
        for i, at in enumerate(points):
            self.step(i, at - self.rnd.expovariate(0.3), at + self.rnd.expovariate(0.3))
        if damage:
            self.harm(damage, 1000)     # alone in time, so that nothing else explains it
        self.h.read("quiet", 7, 2000, 2001, [self.value])

    def step(self, i, began, ended):
        stamp = stamps.ident(1, i % 4, i)
        kind = self.rnd.choice("wwrrs")
        if kind == "r":
            self.h.read("reader", 7, began, ended, [self.value])
        elif kind == "w":
            self.h.write(stamp, 7, 1, began, ended)
        else:
            self.h.swap("swapper", stamp, 7, began, ended, [self.value])
        if kind != "r":
            self.value = stamp

    def harm(self, damage, t):
        one, two, last, four, five = (stamps.ident(2, n, 1) for n in range(5))
        for n, stamp in enumerate((one, two, last)):
            self.h.write(stamp, 7, 1, t + 2 * n, t + 2 * n + 1)
        if damage == "overtaken":
            self.h.read("reader", 7, t + 10, t + 11, [last])
        if damage == "winners":
            for stamp in (four, five):
                self.h.swap("swapper", stamp, 7, t + 10, t + 15, [last])
        self.value = {"lost": two, "torn": TORN, "overtaken": one, "winners": five}[damage]


@case("500 histories of a true disk: nothing to say", limit=60)
def _():
    for seed in range(500):
        v = stamps.check(Disk(seed).h, None, NAMES)
        expect(not v.problems, "seed %d: %s", seed, "\n".join(v.problems))


@case("200 of each damage: always found", limit=60)
def _():
    for wrong, word in (("lost", "is lost"), ("torn", "torn"), ("overtaken", "overtook"),
                        ("winners", "two winners")):
        for seed in range(200):
            v = stamps.check(Disk(seed, wrong).h, None, NAMES)
            expect(any(word in p for p in v.problems), "%s, seed %d: %r", wrong, seed, v.problems)


main(limit=120)
