#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""AoE, the ATA commands (AoEr11 3.1, ACS-3): reads and writes of 28 and 48 bits, flush, power mode,
trim, SMART, and the errors that a disk's registers can tell.  IDENTIFY has its own: 625."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aoetarget import *   # noqa: E402

SIZE = 16 * MiB
SECTORS = SIZE // 512
DATA = pattern(64 * KiB, 620)
srv = None


def setup():
    global srv
    path = make_file(SIZE, "wire.img")
    with open(path, "r+b") as f:
        f.write(DATA)
    srv = Target(path)


def at(lba, n=1):
    return DATA[lba * 512:(lba + n) * 512]


def ready(r):
    """A command that has ended well: DRDY, and an error register of zeroes."""
    fine(r)
    expect(r.status & DRDY, "DRDY is clear: %s", r)
    expect_eq(r.err, 0, "error register")
    return r


# ---- reads and writes --------------------------------------------------------------------

PIO = [("READ SECTORS", READ, WRITE), ("READ SECTORS EXT", READ_EXT, WRITE_EXT)]
OTHERS = [("READ DMA", READ_DMA, WRITE_DMA), ("READ DMA EXT", READ_DMA_EXT, WRITE_DMA_EXT)]


def both_ways(read, write):
    c = srv.client()
    for lba in (0, 1, 63, 126):
        r = ready(c.ata(read, lba, 2))
        same_bytes(r.data, at(lba, 2), "sectors %d and next" % lba)
        same_bytes(ready(c.ata(read, lba, 1)).data, at(lba), "sector %d" % lba)
    for i, lba in enumerate((1000, SECTORS - 2, 0x4321)):
        new = pattern(1024, lba + read)
        ready(c.ata(write, lba, 2, data=new))
        same_bytes(ready(c.ata(READ_EXT, lba, 2)).data, new, "written by %02x" % write)
        ready(c.ata(write, lba + 1, 1, data=new[:512]))
        same_bytes(c.read(lba, 2), new[:512] * 2, "one sector by %02x" % write)


each("in PIO, both ways", PIO)(both_ways)
each("by DMA, both ways", OTHERS, when=ours("has PIO alone"))(both_ways)


@each("a command that need not be there works, or is aborted", [
    ("READ MULTIPLE", READ_MULTIPLE, None), ("READ MULTIPLE EXT", READ_MULTIPLE_EXT, None),
    ("WRITE MULTIPLE", WRITE_MULTIPLE, READ), ("WRITE MULTIPLE EXT", WRITE_MULTIPLE_EXT, READ),
    ("WRITE DMA FUA EXT", WRITE_DMA_FUA_EXT, READ), ("WRITE MULTIPLE FUA EXT", WRITE_MULTIPLE_FUA_EXT, READ),
    ("READ VERIFY SECTORS", VERIFY, 0), ("READ VERIFY SECTORS EXT", VERIFY_EXT, 0)])
def _(cmd, how):
    c = srv.client()
    new = pattern(1024, cmd)
    c.write(2000, bytes(1024))
    r = c.ata(cmd, 1 if how is None or how == 0 else 2000, 2, data=new if how == READ else b"")
    if not ata_fine(r):
        ata_failed(r, ABRT)
        same_bytes(c.read(2000, 2), bytes(1024), "after an aborted write")
    elif how is None:
        same_bytes(r.data, at(1, 2), "sectors")
    elif how == READ:
        same_bytes(c.read(2000, 2), new, "sectors")
    else:
        expect_eq(r.data, b"", "data of a verify")


@case("every sector count from 1 to the most that a frame takes, at 1500 and 9000")
def _():
    for mtu in (1500, 9000):
        link(0, mtu)
        c = srv.client()
        for n in range(1, c.config().sectors + 1):
            same_bytes(c.read(3, n), at(3, n), "%d sectors" % n)
            new = pattern(n * 512, mtu + n)
            c.write(5000, new)
            same_bytes(c.read(5000, n), new, "%d sectors written" % n)
    link(0)


@case("28 bit: the address is LBA bits 0 to 27, the upper half of its last byte is the device's (3.1)")
def _():
    c = srv.client()
    for device in (0, 0x40, 0xa0, 0xe0, 0xf0, 0x10):
        same_bytes(c.ata(READ, 5, 1, device=device).data, at(5), "with %02x there" % device)


@case("the last sector, and those beyond it: ID NOT FOUND, nothing is moved (ACS-3 6.3.3)")
def _():
    c = srv.client()
    for read, write in ((READ, WRITE), (READ_EXT, WRITE_EXT)):
        c.write(SECTORS - 1, DATA[:512], cmd=write)
        same_bytes(c.read(SECTORS - 1, 1, cmd=read), DATA[:512])
        for lba, n in ((SECTORS, 1), (SECTORS - 1, 2), (SECTORS + 1, 1), (TOP28 - 1, 2), (TOP28, 1)):
            ata_failed(c.ata(read, lba, n), IDNF | ABRT)
            ata_failed(c.ata(write, lba, n, data=DATA[512:512 + n * 512]), IDNF | ABRT)
        same_bytes(c.read(SECTORS - 1), DATA[:512], "the last sector after writes across the end")
    for lba in (1 << 28, 1 << 32, (1 << 32) + 5, 1 << 40, 1 << 47, (1 << 48) - 1, (1 << 48) - 2):
        ata_failed(c.ata(READ_EXT, lba, 1), IDNF | ABRT)
        ata_failed(c.ata(WRITE_EXT, lba, 1, data=bytes(512)), IDNF | ABRT)
        same_bytes(c.read(lba & 0x7f), at(lba & 0x7f), "the sector that its low bits name")


@case("a big one: addresses over 2^28 by 48 bits, and 28 bits reach the first 128 GiB")
def _():
    path = make_file(200 * GiB)
    with Target("big=" + path, on=[(link(1), "1.1")]) as s:
        c = s.client()
        total = 200 * GiB // 512
        expect_eq(capacity(c.identify()), total, "sectors")
        for lba in (TOP28 - 1, TOP28, TOP28 + 1, (1 << 28) + 12345, total - 1):
            data = pattern(512, lba & 0xff)
            c.write(lba, data)
            same_bytes(c.read(lba), data, "sector %d" % lba)
        same_bytes(c.read(TOP28 - 1, 1, cmd=READ), pattern(512, TOP28 - 1 & 0xff), "by 28 bits")
        same_bytes(c.read(12345), bytes(512), "the sector that the low 28 bits name")
        ata_failed(c.ata(READ_EXT, total, 1), IDNF | ABRT)


@case("an image that ends inside a sector: that last piece is not there")
def _():
    with Target("odd=" + make_file(MiB + 300), on=[(link(1), "1.1")]) as s:
        c = s.client()
        expect_eq(capacity(c.identify()), 2048, "sectors")
        c.read(2047)
        ata_failed(c.ata(READ_EXT, 2048, 1), IDNF | ABRT)
        ata_failed(c.ata(READ_EXT, 2047, 2), IDNF | ABRT)


@case("a volume of 4096-byte blocks: AoE's sectors are 512 bytes all the same")
def _():
    with Target("wide=memory:4M", on=[(link(1), "1.1")], args=[] if PEER else ["--block-size", "4096"]) as s:
        c = s.client()
        expect_eq(capacity(c.identify()), 4 * MiB // 512, "sectors")
        whole = pattern(8192, 4096)
        c.write_all(0, whole, 2)
        for lba, n in ((1, 1), (7, 2), (3, 1), (8, 1)):
            new = pattern(n * 512, lba + 50)
            c.write(lba, new)
            whole = whole[:lba * 512] + new + whole[(lba + n) * 512:]
        same_bytes(c.read_all(0, 16, 2)[0], whole, "after writes of parts of blocks")


@case("the asynchronous flag: the write is answered, and there (3.1)")
def _():
    c = srv.client()
    for i in range(20):
        ready(c.ata(WRITE_EXT, 300 + i, 1, data=pattern(512, i), aflags=A_EXT | A_WRITE | A_ASYNC))
        same_bytes(c.read(300 + i), pattern(512, i), "sector")


@case("a read-only image: reads go, writes and trim are aborted, nothing changes")
def _():
    path = make_file(MiB)
    with open(path, "r+b") as f:
        f.write(DATA)
    with Target("ro=" + path, on=[(link(1), "1.1")], read_only=True) as s:
        c = s.client()
        same_bytes(c.read(0, 2), at(0, 2))
        for cmd in (WRITE, WRITE_EXT) if PEER else (WRITE, WRITE_EXT, WRITE_DMA, WRITE_DMA_EXT):
            ata_failed(c.ata(cmd, 0, 1, data=bytes(512)), ABRT | 0x40)
        ata_failed(c.ata(DSM, 0, 1, feature=1, data=trim_list((0, 8))), ABRT | 0x40)
        same_bytes(c.read(0, 2), at(0, 2))
    with open(path, "rb") as f:
        same_bytes(f.read(len(DATA)), DATA, "the file")


# ---- what moves no data ------------------------------------------------------------------

@case("FLUSH CACHE and FLUSH CACHE EXT end well, ready", when=ours("status 0, and no EXT"))
def _():
    c = srv.client()
    for cmd in (FLUSH, FLUSH_EXT):
        c.write(10000, pattern(512, cmd))
        expect_eq(ready(c.ata(cmd)).data, b"", "data")


@case("CHECK POWER MODE: active (ff), in the sector count (ACS-3 7.3)")
def _():
    c = srv.client()
    expect_eq(ready(c.ata(POWER)).count, 0xff, "count")


@case("what nobody knows is aborted: ERR and ABRT, no data (ACS-3 6.2.10)")
def _():
    c = srv.client()
    for cmd in (0x01, 0x0e, 0x22, 0x2f, 0x5c, 0x60, 0x61, 0x70, 0x80, 0x92, 0x9a, 0xa0, 0xa1, 0xd0,
                0xf1, 0xf2, 0xf4, 0xf6, 0xfa, 0xff):
        expect(ata_failed(c.ata(cmd, 0, 1)).err & ABRT, "ABRT is clear for %02x", cmd)
    same_bytes(c.read(0, 2), at(0, 2))


@case("SECURITY ERASE, SANITIZE, FORMAT, DOWNLOAD MICROCODE, SET MAX destroy nothing, also with data")
def _():
    c = srv.client()
    for cmd, feature in ((0xf3, 0), (0xf4, 0), (0xb4, 0x12), (0xb4, 0x14), (0x50, 0), (0x92, 7), (0xf9, 0),
                         (0x37, 0), (0x45, 0x55), (0x78, 1), (0xb1, 0xc3)):
        for data in (b"", bytes(512)):
            ata_failed(c.ata(cmd, 0, 1, feature=feature, data=data,
                             aflags=A_WRITE if data else 0), ABRT, aoe=(E_ARG,))
    same_bytes(c.read(0, 2), at(0, 2))
    expect_eq(capacity(c.identify()), SECTORS, "sectors")


# ---- DATA SET MANAGEMENT -----------------------------------------------------------------

def trim_list(*ranges):
    entries = b"".join(struct.pack("<Q", lba | n << 48) for lba, n in ranges)
    return entries + bytes(-len(entries) % 512)


def fill(c, lba, n):
    data = pattern(n * 512, 77)
    c.write_all(lba, data, 2)
    return data


@case("TRIM of two ranges: zeroes there where IDENTIFY says so, all else untouched (ACS-3 7.5)",
      when=ours("no TRIM"))
def _():
    c = srv.client()
    words = c.identify()
    expect(words[169] & 1, "no TRIM in word 169")
    was = fill(c, 8192, 256)
    ready(c.ata(DSM, 0, 1, feature=1, data=trim_list((8200, 64), (8320, 32))))
    now = c.read_all(8192, 256, 2)[0]
    for first, n, trimmed in ((0, 8, 0), (8, 64, 1), (72, 56, 0), (128, 32, 1), (160, 96, 0)):
        part = now[first * 512:(first + n) * 512]
        if not trimmed:
            same_bytes(part, was[first * 512:(first + n) * 512], "sectors beside")
        elif words[69] & 1 << 14 and words[69] & 1 << 5:
            same_bytes(part, bytes(n * 512), "trimmed sectors")
    same_bytes(c.read_all(8192, 256, 2)[0], now, "read again: the same (DRAT)")


@case("TRIM: entries of no sectors are passed over, the list's other half too", when=ours("no TRIM"))
def _():
    c = srv.client()
    was = fill(c, 0x3000, 16)
    ready(c.ata(DSM, 0, 1, feature=1, data=trim_list((0x3000, 0), (0, 0), ((1 << 48) - 1, 0))))
    ready(c.ata(DSM, 0, 1, feature=1, data=bytes(512)))
    same_bytes(c.read_all(0x3000, 16, 2)[0], was)


@case("TRIM beyond the end, or across it: an error (ACS-3 7.5.2)", when=ours("no TRIM"))
def _():
    c = srv.client()
    for lba, n in ((SECTORS, 1), (SECTORS - 4, 8), (1 << 40, 1), ((1 << 48) - 1, 0xffff)):
        ata_failed(c.ata(DSM, 0, 1, feature=1, data=trim_list((lba, n))), IDNF | ABRT)


@case("DATA SET MANAGEMENT without the TRIM bit, or with more blocks than there are: aborted",
      when=ours("no TRIM"))
def _():
    c = srv.client()
    was = fill(c, 0x3000, 16)
    ata_failed(c.ata(DSM, 0, 1, feature=0, data=trim_list((0x3000, 16))), ABRT)
    ata_failed(c.ata(DSM, 0, 2, feature=1, data=trim_list((0x3000, 16))), ABRT, aoe=(E_ARG,))
    ata_failed(c.ata(DSM, 0, 1, feature=1, data=trim_list((0x3000, 16))[:504]), ABRT, aoe=(E_ARG,))
    same_bytes(c.read_all(0x3000, 16, 2)[0], was)


@case("TRIM with a full block of 64 ranges", when=ours("no TRIM"))
def _():
    c = srv.client()
    was = fill(c, 0x3800, 256)
    ready(c.ata(DSM, 0, 1, feature=1, data=trim_list(*[(0x3800 + 4 * i, 1) for i in range(64)])))
    now = c.read_all(0x3800, 256, 2)[0]
    for i in range(256):
        if i % 4:
            same_bytes(now[i * 512:i * 512 + 512], was[i * 512:i * 512 + 512], "sector %d" % i)


# ---- SMART (ACS-3 7.48, as ATA-8 has it) ---------------------------------------------------

MARK = 0xc24f00                 # LBA mid 4f, high c2
READ_DATA, ENABLE, DISABLE, RETURN_STATUS = 0xd0, 0xd8, 0xd9, 0xda


@case("SMART as far as initiators ask: enabled, healthy, a data block with its checksum",
      when=ours("no SMART"))
def _():
    c = srv.client()
    words = c.identify()
    expect(words[82] & 1, "no SMART in word 82")
    ready(c.ata(SMART, MARK, 0, feature=ENABLE))
    r = ready(c.ata(SMART, MARK, 0, feature=RETURN_STATUS))
    expect_eq(r.lba >> 8 & 0xffff, 0xc24f, "LBA mid and high: no threshold exceeded")
    r = ready(c.ata(SMART, MARK, 1, feature=READ_DATA))
    expect_eq((len(r.data), sum(r.data) & 0xff), (512, 0), "length and checksum of the data")
    expect(c.identify()[85] & 1, "SMART is not enabled in word 85")


@case("SMART without its signature in the LBA, or with an unknown subcommand: aborted")
def _():
    c = srv.client()
    for lba in (0, 0x4fc200, 0xc24f00 >> 8):
        ata_failed(c.ata(SMART, lba, 0, feature=RETURN_STATUS), ABRT)
    for feature in (0x00, 0xcf, 0xdf, 0xff):
        ata_failed(c.ata(SMART, MARK, 1, feature=feature), ABRT)


# ---- other protocols, other trouble --------------------------------------------------------

@case("what AoE writes NBD reads, and the other way round", when=lambda: PEER and "AoE alone")
def _():
    import nbdwire
    with Target("both=memory:4M", on=[(link(1), "1.1")], nbd=True) as s:
        c = s.client()
        with s.client_nbd() as n:
            c.write_all(64, DATA[:8192], 2)
            same_bytes(bytes(nbdwire.ok(n.read(64 * 512, 8192)).data), DATA[:8192], "NBD reads")
            nbdwire.ok(n.write(128 * 512, DATA[8192:16384]))
            same_bytes(c.read_all(128, 16, 2)[0], DATA[8192:16384], "AoE reads")


main(setup, lambda: srv.check_alive(), lambda: srv.check_stop(), limit=180)
