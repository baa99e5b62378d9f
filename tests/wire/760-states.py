#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of a volume, told by all protocols in their own words: write protection, a new size, a
store that is gone and comes back, one that is full or errs."""
import errno
import os
import sys
import time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import trio                 # noqa: E402
import aoewire              # noqa: E402
import nbdwire              # noqa: E402
import scsicdb as cdb       # noqa: E402
import stallfs              # noqa: E402
from aoetarget import aoe_failed, ata_failed, capacity as sectors_of      # noqa: E402
from aoewire import ABRT, DF, IDNF, READ_EXT, S_ERR, UNC, WRITE_EXT     # noqa: E402
from nbdwire import EINVAL, EIO, ENOSPC, EPERM, fails, ok               # noqa: E402
from suite import *         # noqa: E402
from trio import SECTOR, Trio, get, good, put, sense                    # noqa: E402

SIZE = 16 * MiB
SECTORS = SIZE // SECTOR
LOOKS = 5                   # seconds between two looks of the daemon at a store
CAPACITY_CHANGED, MODE_CHANGED, BECAME_READY = (6, 0x2a, 9), (6, 0x2a, 1), (6, 0x28, 0)
NOT_READY_YET = (2, 4, 1)
DATA = b"\x5a" * SECTOR


class Clients:
    """One of each, and what they are told from now on."""

    def __init__(self, srv):
        self.srv = srv
        self.nbd, self.iscsi, self.aoe = srv.nbd(), srv.iscsi(), srv.aoe()
        self.all = (self.nbd, self.iscsi, self.aoe)

    def read16(self, lba, n=1):
        return self.iscsi.scsi(cdb.read16(lba, n), read=n * SECTOR)

    def write16(self, lba):
        return self.iscsi.scsi(cdb.write16(lba, 1), DATA)

    def alike(self, sector, want=None):
        """All of them read the same there."""
        found = [get(c, sector, 1) for c in self.all]
        for got in found:
            same_bytes(got, want or found[0], "sector %d" % sector)

    def attention(self, *wanted):
        """These unit attentions come, in time, and no other one."""
        left, end = list(wanted), time.monotonic() + 3 * LOOKS * slow()
        while left:
            t = self.iscsi.scsi(cdb.tur())
            if t.status == 0 or t.sense == NOT_READY_YET:
                expect(time.monotonic() < end, "no unit attention %r", left)
                time.sleep(0.05)
                continue
            expect_in(t.sense, left, "sense of TEST UNIT READY")
            left.remove(t.sense)

    def close(self):
        for c in self.all:
            c.close()


def eventually(what, look):
    end = time.monotonic() + 3 * LOOKS * slow()
    while not look():
        expect(time.monotonic() < end, "%s: not in time", what)
        time.sleep(0.05)


# ---- write protection --------------------------------------------------------------------

def protected(k):
    """Nobody writes, everybody reads."""
    was = get(k.nbd, 8, 8)
    for r in (k.nbd.write(4096, DATA), k.nbd.zero(4096, 4096), k.nbd.trim(4096, 4096)):
        fails(r, EPERM)
    for c, out in ((cdb.write16(8, 1), DATA), (cdb.caw(8, 1), was[:SECTOR] + DATA),
                   (cdb.write_same16(8, 8), DATA)):
        sense(k.iscsi.scsi(c, out), cdb.WRITE_PROTECTED)
    # a unit that never was writable has no UNMAP
    sense(k.iscsi.scsi(cdb.unmap(24), cdb.unmap_list((8, 8))), cdb.WRITE_PROTECTED, cdb.INVALID_OPCODE)
    mode = good(k.iscsi.scsi(cdb.mode_sense6(0x3f), read=255)).data
    expect(mode[2] & 0x80, "WP is clear in MODE SENSE")
    for c in (WRITE_EXT, aoewire.WRITE_DMA_EXT):
        ata_failed(k.aoe.ata(c, 8, 1, data=DATA), ABRT)
    k.alike(8, was[:SECTOR])


@case("--read-only: EPERM, DATA PROTECT, ABRT; all read; the file keeps its bytes")
def _():
    path = make_file(SIZE)
    with open(path, "r+b") as f:
        f.write(os.urandom(64 * KiB))
    before = open(path, "rb").read()
    with Trio("wire=" + path, read_only=True) as s:
        k = Clients(s)
        expect(k.nbd.tflags & nbdwire.T_READ_ONLY, "NBD_FLAG_READ_ONLY is clear")
        protected(k)
        for n, sector in enumerate((0, 1, 127)):
            k.alike(sector, before[sector * SECTOR:][:SECTOR])
        k.close()
    same_bytes(open(path, "rb").read(), before, "the file")


# ---- another size ------------------------------------------------------------------------

def beyond(k, sector):
    """There is nothing at this sector."""
    fails(k.nbd.read(sector * SECTOR, SECTOR), EINVAL)
    fails(k.nbd.write(sector * SECTOR, DATA), ENOSPC, EINVAL)
    sense(k.read16(sector), cdb.OUT_OF_RANGE)
    sense(k.write16(sector), cdb.OUT_OF_RANGE)
    for r in (k.aoe.ata(READ_EXT, sector, 1), k.aoe.ata(WRITE_EXT, sector, 1, data=DATA)):
        ata_failed(r, IDNF | ABRT)


@case("a file that grows, and shrinks: all tell the new size, and obey it", limit=90)
def _():
    path = make_file(SIZE)
    with Trio("wire=" + path) as s:
        k = Clients(s)
        beyond(k, SECTORS)
        for size in (2 * SIZE, SIZE // 2):
            ears = [aoewire.Capture(link) for link, _ in s.on]
            with open(path, "r+b") as f:
                f.truncate(size)
            k.attention(CAPACITY_CHANGED)
            expect_eq(trio.capacity(k.iscsi), (size // SECTOR - 1, SECTOR), "READ CAPACITY")
            for ear in ears:
                expect(ear.announcements(5 * slow(), until=1), "AoE says nothing on %s", ear.name)
            expect_eq(sectors_of(k.aoe.identify()), size // SECTOR, "sectors in IDENTIFY")
            with s.nbd() as n:
                expect_eq(n.size, size, "size for a new NBD connection")
                put(n, size // SECTOR - 1, DATA)
                same_bytes(get(k.iscsi, size // SECTOR - 1, 1), DATA, "by iSCSI in the last sector")
                same_bytes(get(k.aoe, size // SECTOR - 1, 1), DATA, "by AoE in the last sector")
            k.alike(size // SECTOR - 1, DATA)       # NBD's first connection, too
            beyond(k, size // SECTOR)
            k.alike(0)
        k.close()
    expect_eq(os.path.getsize(path), SIZE // 2, "the file, which nobody may have made longer")


# ---- gone, and back ----------------------------------------------------------------------

def away(k):
    """The store is not there."""
    for r in (k.nbd.read(0, SECTOR), k.nbd.write(0, DATA)):
        fails(r, EIO, nbdwire.ESHUTDOWN)
    for c in (cdb.tur(), cdb.sync_cache10()):
        sense(k.iscsi.scsi(c), NOT_READY_YET)
    sense(k.read16(0), NOT_READY_YET)
    sense(k.write16(0), NOT_READY_YET)
    good(k.iscsi.scsi(cdb.inquiry(), read=255))
    for r in (k.aoe.ata(READ_EXT, 0, 1), k.aoe.ata(WRITE_EXT, 0, 1, data=DATA)):
        aoe_failed(r, aoewire.E_DEVICE)
    expect(not k.aoe.config().failed, "Query Config is refused, too")


@case("a device that loses its medium, has it again but write protected, and is writable at last", limit=90)
def _():
    blockdev, losetup = need("blockdev", "losetup")
    path = make_file(SIZE)
    dev = trio.loop_device(SIZE, path=path)
    with Trio("wire=" + dev) as s:
        k = Clients(s)
        put(k.aoe, 8, DATA)
        os.truncate(path, 0)
        run([losetup, "-c", dev])
        eventually("offline", lambda: k.iscsi.scsi(cdb.tur()).sense == NOT_READY_YET)
        away(k)
        os.truncate(path, SIZE)
        run([losetup, "-c", dev])
        run([blockdev, "--setro", dev])
        k.attention(BECAME_READY, MODE_CHANGED)
        protected(k)
        with s.nbd() as n:
            expect(n.tflags & nbdwire.T_READ_ONLY, "NBD_FLAG_READ_ONLY is clear on a new connection")
        run([blockdev, "--setrw", dev])
        k.attention(MODE_CHANGED)
        for i, c in enumerate((s.nbd(), k.iscsi, k.aoe)):
            put(c, 100 + i, bytes([i]) * SECTOR)
            k.alike(100 + i, bytes([i]) * SECTOR)
        k.close()


# ---- a store that errs -------------------------------------------------------------------

for name, number, nbd_error, write_sense in (
        ("EIO", errno.EIO, EIO, ((3, 0x0c, 0), (4, 0x44, 0))),
        ("ENOSPC", errno.ENOSPC, ENOSPC, ((7, 0x27, 7),))):
    @case("a store that answers %s: each protocol says so, and goes on afterwards" % name)
    def _(number=number, nbd_error=nbd_error, write_sense=write_sense):
        stall = stallfs.StallFs(tmpname(".mnt"), SIZE)
        try:
            with Trio("wire=" + stall.path) as s:
                k = Clients(s)
                stall.gate("write", offset=0, length=SIZE, error=number)
                stall.gate("read", offset=0, length=SIZE, error=errno.EIO)
                fails(k.nbd.write(0, DATA), nbd_error)
                fails(k.nbd.read(0, SECTOR), EIO)
                sense(k.write16(0), *write_sense)
                sense(k.read16(0), (3, 0x11, 0), (4, 0x44, 0))
                ata_failed_or_fault(k.aoe.ata(WRITE_EXT, 0, 1, data=DATA))
                ata_failed_or_fault(k.aoe.ata(READ_EXT, 0, 1), UNC | ABRT)
                stall.clear()
                for i, c in enumerate(k.all):
                    put(c, i, bytes([i]) * SECTOR)
                    k.alike(i, bytes([i]) * SECTOR)
                k.close()
        finally:
            stall.close()


def ata_failed_or_fault(r, bits=0):
    expect(not r.failed and r.status & (S_ERR | DF), "want ERR or DF: %s", r)
    expect(not bits or r.status & DF or r.err & bits, "want one of %02x in the error register: %s", bits, r)


def setup():
    try:
        stallfs.own_namespace()
        trio._alone.append(True)
        stallfs.StallFs(tmpname(".mnt"), SIZE).close()
    except stallfs.NotHere as e:
        raise Skip(str(e))


main(setup, limit=240)
