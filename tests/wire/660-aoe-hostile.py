#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""AoE, hostile frames of a known kind: cut short at each byte, counts that the frame does not hold,
responses and wrong versions sent to a target, group addresses as source, frames of another VLAN, and
the search for bytes of others in every reply.  Floods and noise have their own: 665.

Before each case secrets are sent that lie where the next frame will; every reply is searched for them."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import aoehostile as h      # noqa: E402
from aoehostile import *    # noqa: E402

# ---- cut short, byte for byte ----------------------------------------------------------------

EVIL = [bytes([2, 9, 9, 9, 9, i]) for i in range(5)]
KINDS = [
    ("read of the config string", CONFIG, config_arg(C_READ), 8),
    ("set of the config string", CONFIG, config_arg(C_FORCE, b"an honest string of 32 characters"), 0),
    ("test of the config string", CONFIG, config_arg(C_TEST, HELD), 8 + len(HELD)),
    ("read of the mask list", MASK, mask_arg(M_READ), 4),
    ("edit of the mask list", MASK, mask_arg(M_EDIT, [(D_ADD, mac) for mac in EVIL]), 0),
    ("read of the reserve list", RESERVE, reserve_arg(R_READ), 2),
    ("set of the reserve list", RESERVE, reserve_arg(R_FORCE, EVIL), 0),
    ("ATA read", ATA, ata_arg(READ_EXT, 0, 2), 12),
    ("ATA IDENTIFY", ATA, ata_arg(IDENTIFY, count=1), 12),
    ("ATA flush", ATA, ata_arg(FLUSH), 12),
    ("ATA write", ATA, ata_arg(WRITE_EXT, 0, 2, data=bytes(1024)), 0),
    ("trim", ATA, ata_arg(DSM, 0, 1, feature=1, data=struct.pack("<Q", 0 | 8 << 48) * 64), 0),
    ("SMART data", ATA, ata_arg(SMART, 0xc24f00, 1, feature=0xd0), 12),
]


@each("cut short at each byte: no answer or an error, nothing done", KINDS, limit=90,
      when=ours("takes what lay there before"))
def _(cmd, arg, enough):
    c = h.srv.client()
    whole = c.make(cmd, arg)
    enough += HEAD
    cuts = list(range(14, min(len(whole), 70))) + list(range(70, len(whole), 37)) + [len(whole) - 1]
    for n in cuts:
        # an ATA write or a set needs all of it, a question its head alone
        if n >= len(whole) or HEAD < enough <= n:
            continue
        plant(c)
        tag = c.new_tag()
        short = whole[:20] + struct.pack(">I", tag) + whole[24:]
        c.send(short[:n])
        r = c.wait(tag, 0.03 * slow()) if n >= HEAD else None
        if n < HEAD:
            c.silence(0.01, "no answer to %d bytes" % n)
        if r is not None:
            expect(r.failed or cmd == ATA and not ata_fine(r) or cmd == MASK and r.merror,
                   "%d of %d bytes were taken: %s", n, len(whole), r)
    unchanged(c)


# ---- counts, and what the frame holds ----------------------------------------------------------

@case("a config length beyond the frame: refused, and no byte of another frame becomes the string",
      when=ours("takes what lay there before"))
def _():
    c = h.srv.client()
    for ccmd in (C_SET, C_FORCE):
        for have in (0, 1, 10, 28, 40, 500):
            for said in (have + 1, have + 8, have + 32, 1024, 1025, 0x7fff, 0xffff):
                plant(c)
                r = c.wait(c.post(CONFIG, config_arg(ccmd, b"z" * have, length=said)), 0.02 * slow())
                if r is not None:
                    aoe_failed(r, E_ARG)
    unchanged(c)


@case("a test of bytes beyond the frame tells nothing of what lay there, or of the string")
def _():
    c = h.srv.client()
    for ccmd in (C_TEST, C_PREFIX):
        for have in range(0, len(HELD), 5):
            plant(c, HELD)          # the missing bytes lie just there
            r = c.wait(c.post(CONFIG, config_arg(ccmd, HELD[:have], length=len(HELD))), 0.03 * slow())
            if not PEER:
                expect(r is None or r.failed, "a test of bytes that were not sent was answered: %s", r)
    unchanged(c)


@case("a mask count beyond the frame: an error, no station is taken from another frame",
      when=ours("trusts the count"))
def _():
    c = h.srv.client()
    evil = [bytes([2, 0x66, 0, 0, 0, i]) for i in range(20)]
    for have in (0, 1, 3):
        for said in (have + 1, have + 5, 100, 255):
            # a test of a string that lies as directives do: one in the head, the others in the text
            text = bytes(4) + b"".join(struct.pack(">BB6s", 0, D_ADD, m) for m in evil)
            c.post(CONFIG, config_arg(C_TEST, text))
            c.post(MASK, mask_arg(M_READ, [(D_ADD, m) for m in evil]), flags=RSP)
            given = [(D_NONE, evil[i]) for i in range(have)]
            r = c.wait(c.post(MASK, mask_arg(M_EDIT, given, count=said)), 0.05 * slow())
            if r is not None and not r.failed:
                expect(r.merror, "%d directives said, %d there, and no error: %s", said, have, r)
    unchanged(c)


@case("a mask list cut inside its last directive: nothing of that one", when=ours("trusts the count"))
def _():
    c = h.srv.client()
    for cut in range(1, 8):
        arg = mask_arg(M_EDIT, [(D_NONE, bytes(6)), (D_ADD, b"\x02\x66\x66\x66\x66\x66")])
        r = c.wait(c.post(MASK, arg[:-cut]), 0.05 * slow())
        if r is not None and not r.failed:
            expect(r.merror, "a cut directive was taken: %s", r)
    unchanged(c)


@case("a reserve count beyond the frame: error 2 or no answer, the list stays")
def _():
    c = h.srv.client()
    for rcmd in (R_SET, R_FORCE):
        for have in (0, 1, 4):
            for said in (have + 1, 40, 248, 255):
                plant(c)
                macs = [bytes([2, 0x67, 0, 0, 0, i]) for i in range(have)]
                r = c.wait(c.post(RESERVE, reserve_arg(rcmd, macs, count=said)), 0.03 * slow())
                if r is not None:
                    aoe_failed(r, E_ARG)
    unchanged(c)


@case("a write with less data than its sectors: nothing is written, not even the part that is there")
def _():
    c = h.srv.client()
    for cmd in (WRITE, WRITE_EXT) if PEER else (WRITE, WRITE_EXT, WRITE_DMA, WRITE_DMA_EXT):
        for have in (0, 1, 24, 100, 511, 512, 513, 1023):
            plant(c)
            r = c.wait(c.post(ATA, ata_arg(cmd, 0, 2, data=b"W" * have)), 0.05 * slow())
            if r is not None:
                ata_failed(r, ABRT, aoe=(E_ARG,))
    unchanged(c)


@case("a write with more data than its sectors: those sectors alone, or an error")
def _():
    c = h.srv.client()
    for have in (513, 700, 1024):
        r = c.ata(WRITE_EXT, 500, 1, data=b"M" * have)
        if ata_fine(r):
            same_bytes(c.read(500), b"M" * 512)
        same_bytes(c.read(501), DATA[501 * 512:502 * 512], "the sector behind it")
        c.write(500, DATA[500 * 512:501 * 512])
    unchanged(c)


@case("more sectors than a frame takes: an error; never a frame that is too long, or more than one")
def _():
    c = h.srv.client()
    most = c.config().sectors
    for cmd in (READ, READ_EXT):
        for n in (most + 1, 17, 128, 254, 255):
            ata_failed(c.ata(cmd, 0, n), ABRT, aoe=(E_ARG,))
    for n in (most + 1, 255):
        ata_failed(c.ata(WRITE_EXT, 0, n, data=b"L" * (most * 512)), ABRT, aoe=(E_ARG,))
    c.silence()
    unchanged(c)


@case("a sector count of 0: 256 sectors fit in no frame; no data moves")
def _():
    c = h.srv.client()
    for cmd in (READ, READ_EXT, WRITE, WRITE_EXT):
        for data in (b"", bytes(512)):
            if data and cmd in (READ, READ_EXT):
                continue
            r = c.ata(cmd, 0, 0, data=data)
            expect(r.failed or not r.data, "data for a count of 0: %s", r)
    unchanged(c)


@case("the write flag against the command: a read is no write, a write without it is whole or nothing")
def _():
    c = h.srv.client()
    for aflags in (A_WRITE | A_EXT, A_WRITE | A_EXT | A_ASYNC):
        r = c.ata(READ_EXT, 0, 1, aflags=aflags)
        if ata_fine(r) and r.data:
            same_bytes(r.data, DATA[:512])
        c.ata(READ_EXT, 0, 1, data=b"R" * 512, aflags=aflags)
    plant(c)
    for have in (0, 512):
        r = c.ata(WRITE_EXT, 600, 1, data=b"N" * have, aflags=A_EXT)
        if ata_fine(r):
            same_bytes(c.read(600), b"N" * 512, "what it wrote")
        c.write(600, DATA[600 * 512:601 * 512])
    unchanged(c)


@case("every value of the ATA flags: no station is served what is not its own")
def _():
    c = h.srv.client()
    for aflags in range(256):
        r = c.wait(c.post(ATA, ata_arg(READ_EXT, 4, 1, aflags=aflags)), 0.3 * slow())
        if r is not None and ata_fine(r) and r.data:
            expect(r.data in DATA, "sectors from nowhere with flags %02x", aflags)
    unchanged(c)


# ---- what a target must not hear ---------------------------------------------------------------

@case("frames with the response flag: no answer, and nothing is done (2.3)")
def _():
    c = h.srv.client()
    for flags in (RSP, RSP | ERR, RSP | 1, 15):
        for cmd, arg in ((CONFIG, config_arg(C_READ)), (CONFIG, config_arg(C_FORCE, b"no")),
                         (MASK, mask_arg(M_EDIT, [(D_ADD, b"\x02\x09\x09\x09\x09\x09")])),
                         (RESERVE, reserve_arg(R_FORCE, [b"\x02\x08\x08\x08\x08\x08"])),
                         (ATA, ata_arg(WRITE_EXT, 0, 1, data=bytes(512))), (77, b"")):
            c.post(cmd, arg, flags=flags, error=1 if flags & ERR else 0)
    c.silence()
    unchanged(c)


@case("another version of AoE: error 5, and nothing is done (2.2, 2.4)", when=ours("does not look"))
def _():
    c = h.srv.client()
    for ver in (0, *range(2, 16)):
        for cmd, arg in ((CONFIG, config_arg(C_READ)), (CONFIG, config_arg(C_FORCE, b"no")),
                         (ATA, ata_arg(WRITE_EXT, 0, 1, data=bytes(512))), (77, b"")):
            aoe_failed(c.ask(cmd, arg, ver=ver, tries=2), E_VERSION)
    unchanged(c)


@case("unknown commands: error 1, and no more than a head (2.4)")
def _():
    c = h.srv.client()
    for cmd in (*range(4, 20), 0x7f, 0x80, 0xef, 0xf0, 0xfe, 0xff):
        for arg in (b"", b"?" * 20, b"?" * 1400):
            plant(c)
            aoe_failed(c.ask(cmd, arg, tries=2), E_COMMAND)
    unchanged(c)


@case("a group address as source, or the target's own: no answer goes to all", limit=60,
      when=ours("answers to the source, whoever that is"))
def _():
    c = h.srv.client()
    ear = Capture(h.srv.on[0][0])
    for src in (BROADCAST, b"\x01\x00\x5e\x00\x00\x01", b"\x33\x33\x00\x00\x00\x01", b"\x03\0\0\0\0\1"):
        for dst in (c.dst, BROADCAST):
            for cmd, arg in ((CONFIG, config_arg(C_READ)), (ATA, ata_arg(READ_EXT, 0, 2)), (77, b"")):
                c.post(cmd, arg, src=src, dst=dst)
                c.post(cmd, arg, src=src, dst=dst, shelf=ANY_SHELF, slot=ANY_SLOT)
    c.post(CONFIG, config_arg(C_READ), src=c.dst)
    ear.collect(0.5 * slow())
    expect(not [r for _, r in ear.seen if r.dst[0] & 1], "answers to a group: %s", ear.seen[:1])
    unchanged(c)


@case("a set or an edit from a group address is not done", when=ours("answers to the source"))
def _():
    c = h.srv.client()
    for src in (BROADCAST, b"\x01\x00\x5e\x00\x00\x01"):
        c.post(CONFIG, config_arg(C_FORCE, b"no"), src=src)
        c.post(MASK, mask_arg(M_EDIT, [(D_ADD, b"\x02\x09\x09\x09\x09\x09")]), src=src)
        c.post(RESERVE, reserve_arg(R_FORCE, [b"\x02\x08\x08\x08\x08\x08"]), src=src)
        c.post(ATA, ata_arg(WRITE_EXT, 0, 1, data=bytes(512)), src=src)
    time.sleep(0.1)
    unchanged(c)


@case("a frame that is tagged for a VLAN is not for the untagged interface", when=ours("takes it"))
def _():
    c = h.srv.client()
    for vlan in (5, 4094):
        for cmd, arg in ((CONFIG, config_arg(C_READ)), (ATA, ata_arg(WRITE_EXT, 0, 1, data=bytes(512)))):
            raw = c.make(cmd, arg)
            c.send(raw[:12] + struct.pack(">HH", 0x8100, vlan) + raw[12:])
            c.silence(0.1)
    unchanged(c)


@case("a frame with a priority tag (VLAN 0) is for it, or not heard; it stays well")
def _():
    c = h.srv.client()
    raw = c.make(CONFIG, config_arg(C_READ))
    c.send(raw[:12] + struct.pack(">HH", 0x8100, 5 << 13) + raw[12:])
    r = c.next(time.monotonic() + 0.2 * slow())
    expect(r is None or r.text == HELD, "answer %s", r)
    unchanged(c)


# ---- bytes of others ---------------------------------------------------------------------------

@case("every kind of short reply after a long secret frame: zeroes behind its end", limit=60,
      when=ours("answers in the request's own buffer"))
def _():
    c = h.srv.client()
    for cmd, arg in ((CONFIG, config_arg(C_READ)), (MASK, mask_arg(M_READ)), (RESERVE, reserve_arg(R_READ)),
                     (ATA, ata_arg(POWER)), (ATA, ata_arg(FLUSH)), (ATA, ata_arg(0xff)), (99, b""),
                     (ATA, ata_arg(READ_EXT, 1 << 40, 1)), (ATA, ata_arg(READ_EXT, 0, 255)),
                     (CONFIG, config_arg(9)), (MASK, mask_arg(9)), (RESERVE, reserve_arg(9)),
                     (ATA, ata_arg(WRITE_EXT, 0, 2, data=b"W" * 100)), (ATA, ata_arg(IDENTIFY, count=1))):
        for _ in range(8):
            plant(c)
            tag = c.post(cmd, arg)
            r = c.wait(tag, 0.3 * slow())
            expect(r is None or SECRET not in r.raw, "a secret in %s", r)
    unchanged(c)


@case("reserved bytes of requests, and bytes behind their end, are not sent back",
      when=ours("answers in the request's own buffer"))
def _():
    c = h.srv.client()
    for cmd, arg in ((ATA, ata_arg(POWER)[:10] + b"\xa5\x5a" + SECRET), (ATA, ata_arg(0xff) + SECRET * 20),
                     (MASK, b"\xa5" + mask_arg(M_READ)[1:] + SECRET * 4),
                     (CONFIG, config_arg(C_READ) + SECRET), (RESERVE, reserve_arg(R_READ) + SECRET),
                     (MASK, b"\xa5\x00\xa5\xff")):
        r = c.ask(cmd, arg, tries=2)
        expect(SECRET not in r.raw, "sent back: %s", r.raw.hex())
    unchanged(c)


main(h.setup, h.after, lambda: h.srv.check_stop(), limit=300)
