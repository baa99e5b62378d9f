#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""AoE, what survives: config string, mask list and reserve list over a stop, a kill -9 right after the
answer, and each image's its own; and that an answered write is in the image."""
import os
import signal
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aoetarget import *   # noqa: E402

OTHERS = [bytes([2, 0xcc, 0, 0, 0, i]) for i in range(20)]
FORGETS = ours("forgets")
END = [("SIGTERM", signal.SIGTERM), ("kill -9", signal.SIGKILL)]


class Place:
    """An image, a folder for what must survive, one daemon after the other."""

    def __init__(self, images=1):
        self.state = tmpname(".state")
        self.images = ["i%d=%s" % (i, make_file(2 * MiB)) for i in range(images)]
        self.s = None

    def start(self):
        self.s = Target(*self.images, on=[(link(0), "7.3")], state=self.state)
        return self.s

    def end(self, sig):
        if sig == signal.SIGKILL:
            self.s.kill()
        else:
            self.s.check_stop()


def each_end(title, limit=60):
    return each(title, END, limit, FORGETS)


@each_end("the config string survives")
def _(sig):
    p = Place()
    for text in (b"first", b"", pattern(1024, 670), b"\0\xff" * 100):
        c = p.start().client()
        fine(c.config(C_FORCE, text))
        p.end(sig)
        same_bytes(p.start().client().config().text, text, "after it")
        p.end(sig)


@each_end("the mask list survives, and is obeyed from the first frame on")
def _(sig):
    p = Place()
    s = p.start()
    me, other = s.client(), s.client()
    fine(me.mask(M_EDIT, [(D_ADD, m) for m in [me.mac, *OTHERS]]))
    p.end(sig)
    s = p.start()
    other = s.client(mac=other.mac)
    other.unanswered(CONFIG, config_arg(C_READ))
    me = s.client(mac=me.mac)
    expect_eq(sorted(me.mask().macs), sorted([me.mac, *OTHERS]), "list after it")
    me.mask(M_EDIT, [(D_DELETE, m) for m in [*OTHERS, me.mac]])
    fine(other.config())
    p.end(sig)
    fine(p.start().client().config())
    p.end(sig)


@each_end("the reservation survives, and is obeyed from the first frame on")
def _(sig):
    p = Place()
    s = p.start()
    a, b = s.client(), s.client()
    fine(a.reserve(R_SET, [a.mac, *OTHERS]))
    p.end(sig)
    s = p.start()
    b = s.client(mac=b.mac)
    aoe_failed(b.ata(WRITE_EXT, 0, 1, data=bytes(512)), E_RESERVED)
    expect_eq(sorted(b.reserve().macs), sorted([a.mac, *OTHERS]), "list after it")
    a = s.client(mac=a.mac)
    a.write(0, pattern(512, 671))
    fine(a.reserve(R_SET))
    p.end(sig)
    b = p.start().client(mac=b.mac)
    same_bytes(b.read(0), pattern(512, 671), "what the holder wrote")
    expect_eq(b.reserve().macs, [], "list after the release")
    p.end(sig)


@each_end("all three of three images, each its own")
def _(sig):
    p = Place(3)
    s = p.start()
    macs = []
    for i in range(3):
        c = s.client(i)
        macs.append(c.mac)
        fine(c.config(C_SET, b"image %d" % i))
        fine(c.mask(M_EDIT, [(D_ADD, c.mac), (D_ADD, OTHERS[i])]))
        fine(c.reserve(R_SET, [c.mac, OTHERS[10 + i]]))
    p.end(sig)
    s = p.start()
    for i in range(3):
        c = s.client(i, mac=macs[i])
        expect_eq(c.config().text, b"image %d" % i, "string of image %d" % i)
        expect_eq(sorted(c.mask().macs), sorted([macs[i], OTHERS[i]]), "masks of image %d" % i)
        expect_eq(sorted(c.reserve().macs), sorted([macs[i], OTHERS[10 + i]]), "holders of image %d" % i)
    p.end(sig)


@case("killed in the middle of changes, 20 times: what was answered is there, or something newer", limit=120,
      when=FORGETS)
def _():
    p = Place()
    known = 0
    for turn in range(20):
        s = p.start()
        c = s.client()
        got = c.config().text
        expect(got == b"" and known == 0 or int(got) >= known, "string %r, %d was answered", got, known)
        known = int(got or 0)
        killer = threading.Timer(0.02 + 0.01 * turn, s.kill)
        killer.start()
        n = known
        while killer.is_alive():
            n += 1
            tag = c.post(CONFIG, config_arg(C_FORCE, b"%d" % n))
            r = c.wait(tag, 0.3)
            if r is None:
                break
            known = n
        killer.join()
    with p.start() as s:
        expect(int(s.client().config().text) >= known, "the last string")


@case("an answered write is in the image after kill -9", limit=60)
def _():
    p = Place()
    for turn in range(5):
        c = p.start().client()
        data = pattern(256 * KiB, 680 + turn)
        c.write_all(turn * 7, data, 2)
        p.end(signal.SIGKILL)
        with open(p.images[0].partition("=")[2], "rb") as f:
            f.seek(turn * 7 * 512)
            same_bytes(f.read(len(data)), data, "the image, turn %d" % turn)
    with p.start() as s:
        same_bytes(s.client().read_all(28, 512, 2)[0], pattern(256 * KiB, 684), "after the last start")


@case("a client sends on while the target is killed and started again: it all gets there", limit=60)
def _():
    p = Place()
    c = p.start().client(retry=0.1)
    data = pattern(1 * MiB, 690)

    errors, end = [], threading.Event()

    def life():
        try:
            while not end.is_set():
                c.write_all(0, data, 2, window=4)
        except Exception as e:
            errors.append(e)
    # the station is the thread: a daemon ends with the thread that has started it
    t = threading.Thread(target=life)
    t.start()
    for _ in range(3):
        time.sleep(0.2)
        p.s.kill()
        p.start()
    time.sleep(0.2)
    end.set()
    t.join()
    if errors:
        raise errors[0]
    same_bytes(c.read_all(0, 2048, 2)[0], data, "read back")
    p.end(signal.SIGTERM)


suite.AFTER_CASE.append(clean)
main(limit=300)
