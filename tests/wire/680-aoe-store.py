#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""AoE over a store that errs, stalls and syncs late: the file lies in a file system of our own
(tests/outside/stallfs.py).  ATA's error bits, the others served meanwhile, and a write that is durable
before its answer, for AoE's initiators never flush."""
import atexit
import errno
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "outside"))
from aoetarget import *   # noqa: E402
import stallfs            # noqa: E402

SIZE = 4 * MiB
NEW = pattern(1024, 681)
made = []


def setup():
    try:
        stallfs.own_namespace()
        os.mkdir(os.path.join(tmpdir(), "probe"))
        stallfs.StallFs(os.path.join(tmpdir(), "probe"), SIZE).close()
    except stallfs.NotHere as e:
        raise Skip(str(e))


@atexit.register
def let_go():
    # before children are waited for: one that sits in a held request cannot die
    while made:
        made.pop().close()


class Place:
    """A stall file system, and a target that serves its file (and ours a memory volume beside it)."""

    def __init__(self, code=0, **kw):
        self.code = code                # with which the target ends
        self.fs = stallfs.StallFs(tmpname(".mnt"), SIZE)
        made.append(self.fs)
        images = ["slow=" + self.fs.path] + ([] if PEER else ["quick=memory:4M"])
        self.s = Target(*images, on=[(link(0), "7.3")], **kw)

    def __enter__(self):
        return self.fs, self.s

    def __exit__(self, *exc):
        made.remove(self.fs)
        try:
            self.fs.clear()
            if self.code:
                expect_eq(self.s.stop(), self.code, "exit code")
            self.s.__exit__(*exc)
        finally:
            self.fs.close()


def held(gate):
    expect(gate.arrived.wait(10 * slow()), "nothing reached the store")


@case("a plain life over this file system")
def _():
    with Place() as (fs, s):
        c = s.client()
        c.write(100, NEW)
        same_bytes(bytes(fs.data[51200:51200 + 1024]), NEW, "in the store")
        same_bytes(c.read(100, 2), NEW)


@case("a read that the store refuses: ERR and UNC (or ABRT), no data; its neighbours are read", limit=60,
      when=ours("ABRT, and DRDY alone when the cache has it"))
def _():
    with Place() as (fs, s):
        c = s.client()
        gate = fs.gate("read", offset=0, length=SIZE, error=errno.EIO)
        r = ata_failed(c.ata(READ_EXT, 4000, 2), UNC | ABRT)
        expect(r.status & DRDY, "DRDY is clear: %s", r)
        expect(gate.hits, "the store was not asked")
        fs.clear()
        s.check_alive()
        expect_eq(len(c.read(4000, 2)), 1024, "bytes when the store is well again")


@each("a write that the store refuses: ERR or DF, and the next ones go", [
    ("EIO", errno.EIO), ("ENOSPC", errno.ENOSPC)], limit=60, when=ours("the page cache takes it"))
def _(error):
    with Place() as (fs, s):
        c = s.client()
        fs.gate("write", offset=0, length=SIZE, error=error)
        r = c.ata(WRITE_EXT, 200, 2, data=NEW)
        expect(not r.failed, "want an ATA error: %s", r)
        expect(r.status & (S_ERR | DF) and not r.status & (BSY | DRQ), "status: %s", r)
        fs.clear()
        s.check_alive()
        c.write(200, NEW)
        same_bytes(c.read(200, 2), NEW)


@case("a sync that fails: the write is not answered as done", limit=60, when=ours("does not sync"))
def _():
    with Place(code=1) as (fs, s):      # what could not be made durable is told at the end, too
        c = s.client()
        fs.gate("fsync", error=errno.EIO)
        r = c.ata(WRITE_EXT, 200, 2, data=NEW)
        expect(r.failed or r.status & (S_ERR | DF), "success, although the sync failed: %s", r)
        fs.clear()
        s.check_alive()


@case("a write is answered when it is durable, not before: the sync is held", limit=60,
      when=ours("does not sync"))
def _():
    with Place() as (fs, s):
        c = s.client()
        gate = fs.gate("fsync", hold=True)
        tag = c.post(ATA, ata_arg(WRITE_EXT, 300, 2, data=NEW))
        held(gate)
        expect(c.wait(tag, 0.5) is None, "the write is answered before its sync")
        same_bytes(bytes(fs.data[153600:153600 + 1024]), NEW, "in the store")
        gate.release()
        r = c.wait(tag, 5 * slow())
        expect(r, "no answer after the sync")
        fine(r)


@case("many writes: each answered only when its bytes are in the store and synced", limit=60,
      when=ours("does not sync"))
def _():
    with Place() as (fs, s):
        c = s.client()
        for i in range(20):
            gate = fs.gate("fsync", times=1)
            data = bytes([i + 1]) * 512
            c.write(400 + i, data)
            expect(gate.hits, "write %d was answered without a sync", i)
            same_bytes(bytes(fs.data[(400 + i) * 512:(401 + i) * 512]), data, "in the store")
            fs.clear()


@case("with --aoe-write-back a write does not wait for the sync, a flush does", limit=60,
      when=lambda: PEER and "our word")
def _():
    with Place(write_back=True) as (fs, s):
        c = s.client()
        gate = fs.gate("fsync", hold=True)
        c.write(300, NEW)
        tag = c.post(ATA, ata_arg(FLUSH_EXT))
        held(gate)
        expect(c.wait(tag, 0.5) is None, "the flush is answered before its sync")
        gate.release()
        fine(c.wait(tag, 5 * slow()))


@case("a store that stalls: the other image answers, and config too; the read comes when it may", limit=60,
      when=lambda: PEER and "one image, one thread")
def _():
    with Place() as (fs, s):
        slow_one, quick = s.client(0), s.client(1)
        gate = fs.gate("read", offset=1 * MiB, length=1 * MiB, hold=True)
        tag = slow_one.post(ATA, ata_arg(READ_EXT, 2048, 2))
        held(gate)
        for i in range(50):
            quick.write(i, NEW)
            same_bytes(quick.read(i, 2), NEW)
        fine(s.client(0).config())
        gate.release()
        r = slow_one.wait(tag, 5 * slow())
        expect(r, "no answer when the store goes on")
        expect_eq(len(fine(r).data), 1024, "bytes")


@case("a stalled write that is sent again and overtaken by a newer one: the newer one stays", limit=60,
      when=lambda: PEER and "one thread")
def _():
    with Place() as (fs, s):
        c = s.client()
        gate = fs.gate("write", offset=2 * MiB, length=4096, hold=True)
        old = ata_arg(WRITE_EXT, 4096, 1, data=b"old " * 128)
        c.post(ATA, old)
        held(gate)
        for _ in range(3):
            c.post(ATA, old)            # as Linux sends again: a new tag each time
        newer = c.post(ATA, ata_arg(WRITE_EXT, 4096, 1, data=b"new " * 128))
        time.sleep(0.3)
        gate.release()
        fs.clear()
        r = c.wait(newer, 5 * slow())
        expect(r is not None and ata_fine(r), "the newer write: %s", r)
        time.sleep(0.3)
        same_bytes(c.read(4096), b"new " * 128)


@case("a reservation taken while another's write stalls: no byte of it lands after the answer", limit=60,
      when=lambda: PEER and "one thread")
def _():
    with Place() as (fs, s):
        a, b = s.client(), s.client()
        gate = fs.gate("write", offset=2 * MiB, length=4096, hold=True)
        a.post(ATA, ata_arg(WRITE_EXT, 4096, 1, data=b"old " * 128))
        held(gate)
        tag = b.post(RESERVE, reserve_arg(R_SET, [b.mac]))
        early = b.wait(tag, 1.0)
        if early is not None and not early.failed:
            raise Fail("reserved, while an older write of another is still under way")
        gate.release()
        fs.clear()
        fine(b.reserve(R_SET, [b.mac]))
        b.write(4096, b"mine" * 128)
        time.sleep(0.3)
        same_bytes(b.read(4096), b"mine" * 128)


@case("SIGTERM while the store stalls and is then let go: it ends, with 0", limit=60,
      when=lambda: PEER and "does not end of it")
def _():
    with Place() as (fs, s):
        c = s.client()
        gate = fs.gate("read", offset=1 * MiB, length=1 * MiB, hold=True)
        c.post(ATA, ata_arg(READ_EXT, 2048, 2))
        held(gate)
        threading.Timer(1, gate.release).start()
        s.check_stop()


main(setup, limit=240)
