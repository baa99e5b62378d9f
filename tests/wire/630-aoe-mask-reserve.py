#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""AoE, who is heard and who may use the disk: MAC Mask List (AoEr11 3.3) and Reserve/Release (3.4)."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aoetarget import *   # noqa: E402

srv = None
BROKEN = ours("counts stations as bytes in its list: wrong from the third on, and dies of a delete")
MACS = [bytes([2, 0xdd, 0, 0, i >> 8, i & 255]) for i in range(300)]
DATA = pattern(1024, 630)


def setup():
    global srv
    srv = Target()


def fresh():
    """A new one for each case: a mask list that a case leaves behind would shut out the next."""
    if srv not in suite.SERVERS:
        return                          # that was the end
    try:
        srv.check_stop()
    finally:
        srv.kill()
        setup()


suite.AFTER_CASE.append(fresh)


def stations(n):
    return [srv.client() for _ in range(n)]


def edit(c, *directives):
    """An edit that must succeed; returns the list."""
    r = c.mask(M_EDIT, directives)
    expect(not r.failed and not r.merror, "edit: %s, mask error %d", r, r.merror)
    expect_eq((r.mcmd, r.count), (M_EDIT, len(r.macs)), "command and count")
    return sorted(r.macs)


# ---- MAC Mask List -------------------------------------------------------------------------

@case("read: empty at first; everybody is heard")
def _():
    a, b = stations(2)
    r = fine(a.mask())
    expect_eq((r.mcmd, r.merror, r.count, r.macs), (M_READ, 0, 0, []), "answer")
    fine(b.config())


@case("once there is a list, who is not in it is not heard: no command, no broadcast is answered", limit=60)
def _():
    a, b = stations(2)
    b.write(100, DATA)
    expect_eq(edit(a, (D_ADD, a.mac)), [a.mac], "list")
    for cmd, arg in ((CONFIG, config_arg(C_READ)), (CONFIG, config_arg(C_FORCE, b"no")),
                     (MASK, mask_arg(M_READ)), (MASK, mask_arg(M_EDIT, [(D_ADD, b.mac)])),
                     (RESERVE, reserve_arg(R_READ)), (RESERVE, reserve_arg(R_FORCE, [b.mac])),
                     (ATA, ata_arg(IDENTIFY, count=1)), (ATA, ata_arg(READ_EXT, 100, 1)),
                     (ATA, ata_arg(WRITE_EXT, 100, 1, data=bytes(512))), (0x55, b"")):
        b.unanswered(cmd, arg)
    expect_eq(b.discover(), {}, "answers to a broadcast")
    expect_eq((a.mask().macs, a.config().text, a.reserve().macs), ([a.mac], b"", []), "state")
    same_bytes(a.read(100, 2), DATA, "sectors that the unheard one wanted to write")
    expect_eq(sorted(a.discover()), [(SHELF, SLOT)], "answers to the listed one's broadcast")


@case("add others, delete them, delete the last: everybody is heard again",
      when=BROKEN)
def _():
    a, b, c = stations(3)
    expect_eq(edit(a, (D_ADD, a.mac), (D_ADD, b.mac)), sorted([a.mac, b.mac]), "list")
    fine(b.config())
    c.unanswered(CONFIG, config_arg(C_READ))
    expect_eq(edit(b, (D_ADD, c.mac), (D_DELETE, a.mac)), sorted([b.mac, c.mac]), "list")
    fine(c.config())
    a.unanswered(CONFIG, config_arg(C_READ))
    expect_eq(edit(c, (D_DELETE, b.mac)), [c.mac], "list")
    expect_eq(edit(c, (D_DELETE, c.mac)), [], "list")
    for who in (a, b, c):
        fine(who.config())


@case("directive 0 does nothing; the same twice is in the list once; an unknown one deleted is no error",
      when=BROKEN)
def _():
    a, = stations(1)
    expect_eq(edit(a, (D_NONE, MACS[0]), (D_ADD, a.mac), (D_NONE, a.mac), (D_ADD, a.mac)), [a.mac], "list")
    expect_eq(edit(a, (D_ADD, a.mac), (D_ADD, MACS[1]), (D_ADD, MACS[1])), sorted([a.mac, MACS[1]]), "list")
    expect_eq(edit(a, (D_DELETE, MACS[7])), sorted([a.mac, MACS[1]]), "list")
    expect_eq(edit(a, (D_DELETE, MACS[1]), (D_DELETE, a.mac)), [], "list")


@case("directives are taken in their order",
      when=BROKEN)
def _():
    a, = stations(1)
    expect_eq(edit(a, (D_ADD, a.mac), (D_ADD, MACS[2]), (D_DELETE, MACS[2])), [a.mac], "list")
    expect_eq(edit(a, (D_DELETE, MACS[2]), (D_ADD, MACS[2])), sorted([a.mac, MACS[2]]), "list")


@case("an edit of no directives reads")
def _():
    a, = stations(1)
    expect_eq(edit(a), [], "list")
    edit(a, (D_ADD, a.mac))
    expect_eq(edit(a), [a.mac], "list")


@case("an edit sent again, the answer to the first lost: the same list (1.1)",
      when=BROKEN)
def _():
    a, = stations(1)
    for _ in range(3):
        expect_eq(edit(a, (D_ADD, a.mac), (D_ADD, MACS[3])), sorted([a.mac, MACS[3]]), "list")


@case("an unknown directive: mask error 2; none behind it is taken",
      when=BROKEN)
def _():
    a, = stations(1)
    edit(a, (D_ADD, a.mac))
    for bad in (3, 4, 0x80, 0xff):
        r = a.mask(M_EDIT, [(D_ADD, MACS[4]), (bad, MACS[5]), (D_ADD, MACS[6])])
        expect_eq(r.merror, ME_COMMAND, "mask error")
        now = sorted(a.mask().macs)
        expect(now in ([a.mac], sorted([a.mac, MACS[4]])), "list after it: %r", [say(m) for m in now])
        edit(a, (D_DELETE, MACS[4]))


@case("an unknown mask command: error 2")
def _():
    a, = stations(1)
    for mcmd in (2, 3, 0x7f, 0xff):
        aoe_failed(a.mask(mcmd, [(D_ADD, a.mac)]), E_ARG)
    expect_eq(a.mask().macs, [], "list")


@case("until it is full: mask error 3; what is in it stays, and one frame still tells it all",
      when=BROKEN)
def _():
    a, = stations(1)
    edit(a, (D_ADD, a.mac))
    full = None
    for mac in MACS:
        r = a.mask(M_EDIT, [(D_ADD, mac)])
        if r.merror:
            expect_eq(r.merror, ME_FULL, "mask error")
            full = mac
            break
    expect(full, "%d stations, and not full: one byte counts them", len(MACS))
    have = a.mask().macs
    expect_eq(len(set(have)), len(have), "different stations in the list")
    expect(a.mac in have and full not in have and len(have) >= 16, "a list of %d", len(have))
    expect_eq(edit(a, (D_ADD, MACS[0])), sorted(have), "list after one that it has already")
    edit(a, (D_DELETE, MACS[0]))
    expect(full in edit(a, (D_ADD, full)), "no room after a delete")


@case("many directives in one frame",
      when=BROKEN)
def _():
    a, = stations(1)
    some = MACS[:25]
    expect_eq(edit(a, (D_ADD, a.mac), *[(D_ADD, m) for m in some]), sorted([a.mac, *some]), "list")
    expect_eq(edit(a, *[(D_DELETE, m) for m in some]), [a.mac], "list")


@case("each image has its own list", when=lambda: PEER and "serves one image")
def _():
    with Target("a=memory:1M", "b=memory:1M", on=[(link(1), "3.0")]) as s:
        a, b = s.client(), s.client(1)
        a.mask(M_EDIT, [(D_ADD, a.mac)])
        fine(b.config())
        expect_eq(b.mask().macs, [], "the other's list")
        s.client(0).unanswered(CONFIG, config_arg(C_READ))


@case("a mask holds on both interfaces of an image", when=lambda: PEER and "one interface")
def _():
    with Target("a=memory:1M", on=[(link(0), "3.0"), (link(1), "3.0")]) as s:
        a, b = s.client(on=0), s.client(on=1)
        a.mask(M_EDIT, [(D_ADD, a.mac)])
        b.unanswered(CONFIG, config_arg(C_READ))
        expect_eq(s.client(on=1, mac=a.mac).mask().macs, [a.mac], "the list by the other interface")


# ---- Reserve/Release -----------------------------------------------------------------------

def reserves(c, rcmd, *macs):
    r = fine(c.reserve(rcmd, macs))
    expect_eq((r.rcmd, sorted(r.macs)), (rcmd, sorted(macs)), "command and list of the answer")


ALL_ATA = [ata_arg(READ, 100, 1), ata_arg(READ_EXT, 100, 1), ata_arg(READ_DMA, 100, 1),
           ata_arg(READ_DMA_EXT, 100, 1), ata_arg(WRITE, 100, 1, data=bytes(512)),
           ata_arg(WRITE_EXT, 100, 1, data=bytes(512)), ata_arg(WRITE_DMA, 100, 1, data=bytes(512)),
           ata_arg(WRITE_DMA_EXT, 100, 1, data=bytes(512)), ata_arg(FLUSH), ata_arg(FLUSH_EXT),
           ata_arg(POWER), ata_arg(SMART, 0xc24f00, feature=0xda), ata_arg(VERIFY, 100, 1), ata_arg(0xff),
           ata_arg(DSM, 0, 1, feature=1, data=struct.pack("<Q", 100 | 1 << 48) + bytes(504))]


def shut_out(c):
    for arg in ALL_ATA:
        aoe_failed(c.ask(ATA, arg), E_RESERVED)


def works(c):
    c.write(100, DATA)
    same_bytes(c.read(100, 2), DATA)
    fine(c.ata(POWER))


@case("read: nobody at first, and everybody may")
def _():
    a, b = stations(2)
    reserves(a, R_READ)
    works(a)
    works(b)


@case("set: the stations of the list may, all others have error 6 for every ATA command, and it is not done")
def _():
    a, b, c = stations(3)
    works(a)
    reserves(a, R_SET, a.mac, b.mac)
    works(a)
    works(b)
    shut_out(c)
    same_bytes(a.read(100, 2), DATA, "sectors after the other's writes and trim")


@case("IDENTIFY by one who is not in the list: error 6, or the whole truth; no third thing")
def _():
    a, c = stations(2)
    reserves(a, R_SET, a.mac)
    r = c.ata(IDENTIFY, count=1, device=0xa0)
    if not r.failed:
        expect_eq(struct.unpack("<256H", r.data), a.identify(), "its words, and those of the holder")
    else:
        aoe_failed(r, E_RESERVED)


@case("Query Config, the mask list and the reserve list can be read by those who are shut out")
def _():
    a, c = stations(2)
    reserves(a, R_SET, a.mac)
    fine(c.config())
    expect_eq(sorted(c.discover()), [(SHELF, SLOT)], "who answers")
    fine(c.mask())
    expect_eq(fine(c.reserve()).macs, [a.mac], "the list")


@case("set by one who is not in the list: error 6, the list stays; by one who is: done")
def _():
    a, b, c = stations(3)
    reserves(a, R_SET, a.mac, b.mac)
    for macs in ([c.mac], [], [a.mac, c.mac]):
        aoe_failed(c.reserve(R_SET, macs), E_RESERVED)
    expect_eq(sorted(a.reserve().macs), sorted([a.mac, b.mac]), "the list")
    reserves(b, R_SET, b.mac, c.mac)
    works(c)
    shut_out(a)


@case("release: set with nobody; then everybody may, and another may set")
def _():
    a, c = stations(2)
    reserves(a, R_SET, a.mac)
    shut_out(c)
    reserves(a, R_SET)
    works(c)
    reserves(c, R_SET, c.mac)
    shut_out(a)


@case("force set by anyone: the old holders are out at once")
def _():
    a, b, c = stations(3)
    reserves(a, R_SET, a.mac, b.mac)
    reserves(c, R_FORCE, c.mac)
    works(c)
    shut_out(a)
    shut_out(b)
    reserves(a, R_FORCE)
    works(b)


@case("one may reserve for others and not for itself")
def _():
    a, b = stations(2)
    reserves(a, R_SET, b.mac)
    shut_out(a)
    works(b)
    aoe_failed(a.reserve(R_SET, [a.mac]), E_RESERVED)


@case("a set sent again, the answer to the first lost: the same list (1.1)")
def _():
    a, b = stations(2)
    for _ in range(3):
        reserves(a, R_SET, a.mac, b.mac)
    reserves(a, R_SET)
    reserves(a, R_SET)


@case("unknown reserve commands: error 2, the list stays")
def _():
    a, = stations(1)
    reserves(a, R_SET, a.mac)
    for rcmd in (3, 4, 0x7f, 0xff):
        aoe_failed(a.reserve(rcmd, [MACS[0]]), E_ARG)
    expect_eq(a.reserve().macs, [a.mac], "the list")


@case("as many as a frame takes: 248 stations at an MTU of 1500; or error 2 and none at all")
def _():
    a, = stations(1)
    many = [a.mac, *MACS[:247]]
    r = a.reserve(R_SET, many)
    if r.failed:
        aoe_failed(r, E_ARG)
        expect_eq(a.reserve().macs, [], "the list")
        many = many[:32]
        fine(a.reserve(R_SET, many))
    expect_eq(sorted(a.reserve().macs), sorted(many), "the list")
    works(srv.client(mac=many[-1]))
    shut_out(srv.client())


@case("stations race for it with set: one has it, the others error 6")
def _():
    racers = stations(12)
    tags = [c.post(RESERVE, reserve_arg(R_SET, [c.mac])) for c in racers]
    answers = [c.wait(tag, 3 * slow()) for c, tag in zip(racers, tags)]
    expect(all(answers), "%d answers of %d", sum(map(bool, answers)), len(racers))
    won = [c for c, r in zip(racers, answers) if not r.failed]
    expect_eq(len(won), 1, "stations that have it")
    expect_eq(won[0].reserve().macs, [won[0].mac], "the list")


@case("each image has its own reservation; it holds on both interfaces",
      when=lambda: PEER and "one image, one interface")
def _():
    with Target("a=memory:1M", "b=memory:1M", on=[(link(0), "3.0"), (link(1), "3.0")]) as s:
        a, b = s.client(0), s.client(1)
        reserves(a, R_SET, a.mac)
        works(b)
        shut_out(s.client(0, on=1))
        works(s.client(0, on=1, mac=a.mac))


main(setup, lambda: srv.check_alive(), lambda: srv.check_stop(), limit=180)
