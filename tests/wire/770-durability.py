#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A flush by one protocol covers what was acknowledged by the others: the file lies in a file system of
our own (tests/outside/stallfs.py) that knows which bytes a power cut would have left."""
import atexit
import os
import sys
import threading
import time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import trio                 # noqa: E402
import nbdwire              # noqa: E402
import scsicdb as cdb       # noqa: E402
import stallfs              # noqa: E402
import stamps               # noqa: E402
from aoetarget import fine  # noqa: E402
from aoewire import FLUSH_EXT, WRITE_DMA_FUA_EXT     # noqa: E402
from suite import *         # noqa: E402
from trio import SECTOR, Trio, good, put      # noqa: E402

SIZE = 4 * MiB
SECONDS = float(os.environ.get("COHERENCE_SECONDS", "0.5"))
made = []


def setup():
    try:
        stallfs.own_namespace()
        stallfs.StallFs(tmpname(".mnt"), SIZE).close()
    except stallfs.NotHere as e:
        raise Skip(str(e))


@atexit.register
def let_go():
    # before children are waited for: one that sits in a held request cannot die
    while made:
        made.pop().close()


class Place:
    """The file system, the daemon that serves its file, and a client of each protocol."""

    def __init__(self, *args, **kw):
        self.fs = stallfs.StallFs(tmpname(".mnt"), SIZE)
        made.append(self.fs)
        self.s = Trio("wire=" + self.fs.path, args=args, **kw)
        self.count = 0

    def __enter__(self):
        self.nbd, self.iscsi, self.aoe = self.s.nbd(), self.s.iscsi(), self.s.aoe()
        self.by = {"NBD": self.nbd, "iSCSI": self.iscsi, "AoE": self.aoe}
        return self

    def __exit__(self, *exc):
        made.remove(self.fs)
        try:
            self.fs.clear()
            for c in self.by.values():
                c.close()
            self.s.__exit__(*exc)
        finally:
            self.fs.close()

    def stamp(self):
        self.count += 1
        return stamps.ident(1, 0, self.count)

    def kept(self, sector):
        """The stamp that a power cut would leave there."""
        return stamps.find(self.fs.durable(sector * SECTOR, SECTOR), sector)


class Device(Place):
    """The same with a block device, whose cache the file below it is no part of."""

    def __init__(self, *args):
        self.path = make_file(SIZE)
        self.s = Trio("wire=" + trio.loop_device(SIZE, path=self.path), args=args, write_back=True)
        self.count = 0

    def __exit__(self, *exc):
        for c in self.by.values():
            c.close()
        self.s.__exit__(*exc)

    def kept(self, sector):
        with open(self.path, "rb") as f:
            f.seek(sector * SECTOR)
            return stamps.find(f.read(SECTOR), sector)


def flush(c):
    """By its own protocol."""
    if isinstance(c, nbdwire.Conn):
        nbdwire.ok(c.flush())
    elif isinstance(c, trio.aoewire.Client):
        fine(c.ata(FLUSH_EXT))
    else:
        good(c.scsi(cdb.sync_cache10()))


def fua_nbd(p, s, raw):
    nbdwire.ok(p.nbd.write(s * SECTOR, raw, nbdwire.F_FUA))


def fua_iscsi(p, s, raw):
    good(p.iscsi.scsi(cdb.write16(s, 1, 8), raw))


def fua_aoe(p, s, raw):
    fine(p.aoe.ata(WRITE_DMA_FUA_EXT, s, 1, data=raw))


FUA = {"NBD, FUA": fua_nbd, "iSCSI, FUA": fua_iscsi, "AoE, FUA": fua_aoe}


@case("the file system itself: what is written is lost, what is synced is kept, once the sync has ended")
def _():
    with Place(write_back=True) as p:
        stamp = p.stamp()
        put(p.nbd, 8, stamps.make(stamp, 8, 1))
        expect_eq(p.kept(8), stamps.BLANK, "before the flush")
        gate = p.fs.gate("fsync", hold=True)
        r = p.nbd.post(nbdwire.CMD_FLUSH)
        expect(gate.arrived.wait(10 * slow()), "no sync")
        expect_eq(p.kept(8), stamps.BLANK, "during the flush")
        gate.release()
        nbdwire.ok(p.nbd.wait(r))
        expect_eq(p.kept(8), stamp, "after the flush")


@case("each protocol's flush covers the writes of all three", limit=60)
def _():
    with Place(write_back=True) as p:
        for turn in range(4):
            for name, c in p.by.items():
                expected = {}
                for i, other in enumerate(p.by.values()):
                    sector, stamp = 16 * i + turn, p.stamp()
                    put(other, sector, stamps.make(stamp, sector, 1))
                    expect(p.kept(sector) != stamp, "it was durable already: nothing is shown")
                    expected[sector] = stamp
                flush(c)
                for sector, stamp in expected.items():
                    expect_eq(p.kept(sector), stamp, "after a flush by %s, in sector %d" % (name, sector))


@case("a block device: each protocol's flush and FUA reach what is below it", limit=60)
def _():
    for engine in ("uring", "aio"):
        with Device("--engine", engine) as p:
            for n, (name, c) in enumerate(p.by.items()):
                stamp = p.stamp()
                put(c, 8 * n, stamps.make(stamp, 8 * n, 1))
                expect(p.kept(8 * n) != stamp, "it was below already: nothing is shown")
                flush(c)
                expect_eq(p.kept(8 * n), stamp, "after a flush by " + name)
            for n, (name, write) in enumerate(FUA.items()):
                stamp = p.stamp()
                write(p, 64 + 8 * n, stamps.make(stamp, 64 + 8 * n, 1))
                expect_eq(p.kept(64 + 8 * n), stamp, "after a write by " + name)


@case("what is durable by itself: AoE's writes, FUA of all three, all with --write-through")
def _():
    def plain(name):
        return lambda p, s, raw: put(p.by[name], s, raw)
    for kw, args, ways in (
            ({}, (), {"AoE": plain("AoE"), **FUA}),
            ({"write_back": True}, (), FUA),
            ({}, ("--write-through",), {n: plain(n) for n in ("NBD", "iSCSI", "AoE")})):
        with Place(*args, **kw) as p:
            for n, (name, write) in enumerate(ways.items()):
                stamp = p.stamp()
                write(p, 9 * n, stamps.make(stamp, 9 * n, 1))
                expect_eq(p.kept(9 * n), stamp, "kept of a write by %s %r %r" % (name, kw, args))


@case("writers of all three without a pause: each flush covers all that was acknowledged before it",
      limit=60 + 4 * SECONDS)
def _():
    with Place(write_back=True) as p:
        done, wrong, stop = {}, [], []      # sector -> number of the last acknowledged write

        def writer(n, make):
            try:
                c, count = make(), 0
                while not stop:
                    sector = 32 * n + count % 32
                    count += 1
                    put(c, sector, stamps.make(stamps.ident(1, n, count), sector, 1))
                    done[sector] = count
                c.close()
            except Exception as e:
                wrong.append("writer %d: %r" % (n, e))
        makers = [p.s.nbd, p.s.iscsi, p.s.aoe, p.s.nbd]
        threads = [threading.Thread(target=writer, args=a, daemon=True) for a in enumerate(makers)]
        for t in threads:
            t.start()
        end, flushes, checked = time.monotonic() + SECONDS, 0, 0
        try:
            while not wrong and (time.monotonic() < end or flushes < 6):
                for name, c in p.by.items():
                    before = dict(done)
                    flush(c)
                    flushes += 1
                    for sector, count in before.items():
                        kept = p.kept(sector)
                        expect(kept > 0 and kept & 0xffffffff >= count,
                               "after a flush by %s sector %d would hold %s, and write %d was acknowledged "
                               "before it", name, sector, stamps.name(kept), count)
                        checked += 1
        finally:
            stop.append(1)
            for t in threads:
                t.join(20 * slow())
        expect(not wrong, "%s", wrong)
        expect(checked, "nothing was written before a flush")
    diag("%d flushes, %d sectors looked at, %d writes" % (flushes, checked, sum(done.values())))


main(setup, limit=240)
