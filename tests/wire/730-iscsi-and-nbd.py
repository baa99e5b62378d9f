#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""One volume over iSCSI and NBD at the same time: what one writes the other reads, flushes and holes
included, and COMPARE AND WRITE is atomic against both."""
import os
import random
import sys
import threading
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from iscsitarget import *   # noqa: E402
import nbdwire              # noqa: E402

SIZE = 32 * MiB
srv = None


def setup():
    global srv
    if PEER:
        raise Skip("about our own daemon")
    srv = Target(make_file(SIZE, "wire.img"), nbd=True)


def teardown():
    srv.check_stop()


def nbd():
    n = nbdwire.Conn(("unix", srv.unix_path), 10 * slow())
    n.enter("structured", srv.name(), False, (nbdwire.INFO_BLOCK_SIZE,))
    return n


def nbd_read(n, off, length):
    return bytes(nbdwire.ok(n.read(off, length)).data)


@case("both tell the same size")
def _():
    with srv.login() as c, nbd() as n:
        last, block = capacity(c)
        expect_eq((last + 1) * block, n.size, "size")


@case("what one has written the other reads at once, 500 times, at every size")
def _():
    rnd = random.Random(730)
    with srv.login({"InitialR2T": "No"}) as c, nbd() as n:
        for i in range(500):
            k = rnd.choice((1, 1, 2, 8, 9, 128, 300))
            lba = rnd.randrange(SIZE // BLOCK - k)
            data = rnd.randbytes(k * BLOCK)
            if i % 2:
                write(c, lba, data)
                same_bytes(nbd_read(n, lba * BLOCK, len(data)), data, "by NBD what iSCSI wrote")
            else:
                nbdwire.ok(n.write(lba * BLOCK, data))
                same_bytes(bytes(read(c, lba, k)), data, "by iSCSI what NBD wrote")


@case("NBD writes parts of a block: done or EINVAL, and iSCSI sees the whole of it: none of it is lost")
def _():
    with srv.login() as c, nbd() as n:
        was = pattern(4096, 733)
        write(c, 100, was)
        want = bytearray(was)
        for off in (1, 511, 513, 4000):
            r = n.write(100 * BLOCK + off, b"\x55")
            if n.block_min > 1:
                nbdwire.fails(r, nbdwire.EINVAL)
            else:
                nbdwire.ok(r)
                want[off] = 0x55
        same_bytes(bytes(read(c, 100, 8)), bytes(want))


@case("UNMAP and WRITE SAME by one are zeroes and data for the other; TRIM and WRITE_ZEROES likewise")
def _():
    with srv.login() as c, nbd() as n:
        write(c, 0, pattern(64 * KiB, 731))
        body = cdb.unmap_list((16, 32))
        ok(c.scsi(cdb.unmap(len(body)), body))
        same_bytes(nbd_read(n, 16 * BLOCK, 32 * BLOCK), bytes(read(c, 16, 32)), "after UNMAP")
        ok(c.scsi(cdb.write_same16(64, 32), pattern(BLOCK, 732)))
        same_bytes(nbd_read(n, 64 * BLOCK, 32 * BLOCK), pattern(BLOCK, 732) * 32, "after WRITE SAME")
        nbdwire.ok(n.zero(0, 4096))
        same_bytes(bytes(read(c, 0, 8)), bytes(4096), "after WRITE_ZEROES")


@case("a counter that both raise, iSCSI by COMPARE AND WRITE, beside NBD's writes next to it", limit=60)
def _():
    errors, stop = [], []
    with srv.login() as c:
        write(c, 0, bytes(4096))

    def neighbour():
        try:
            with nbd() as n:
                i = 0
                while not stop:
                    i += 1
                    data = struct.pack(">Q", i) * (BLOCK // 8)
                    nbdwire.ok(n.write(BLOCK, data))
                    same_bytes(nbd_read(n, BLOCK, BLOCK), data, "the neighbour's block")
        except Exception as e:
            errors.append("NBD: %r" % e)

    def count():
        try:
            with srv.login() as c:
                for _ in range(200):
                    while True:
                        old = bytes(read(c, 0, 1))
                        new = struct.pack(">Q", struct.unpack(">Q", old[:8])[0] + 1) + bytes(BLOCK - 8)
                        t = c.scsi(cdb.caw(0, 1), old + new)
                        if t.status == 0:
                            break
                        fails(t, cdb.MISCOMPARED)
        except Exception as e:
            errors.append("iSCSI: %r" % e)
    ts = [threading.Thread(target=count, daemon=True) for _ in range(3)]
    side = threading.Thread(target=neighbour, daemon=True)
    for t in ts + [side]:
        t.start()
    for t in ts:
        t.join(50)
    stop.append(1)
    side.join(10)
    expect(not errors, "%s", errors)
    with nbd() as n:
        expect_eq(struct.unpack(">Q", nbd_read(n, 0, BLOCK)[:8])[0], 600, "the counter, by NBD")


@case("writers on both sides to one block: a reader sees theirs, and after quiet one of them whole", limit=60)
def _():
    stop, errors = [], []

    def writer(make, stamp):
        def go():
            try:
                with make() as x:
                    data = bytes([stamp]) * 4096
                    while not stop:
                        if isinstance(x, Conn):
                            write(x, 2048, data)
                        else:
                            nbdwire.ok(x.write(2048 * BLOCK, data))
            except Exception as e:
                errors.append(repr(e))
        return threading.Thread(target=go, daemon=True)
    with srv.login() as c:
        write(c, 2048, bytes(4096))
        ts = [writer(srv.login, 1), writer(nbd, 2)]
        for t in ts:
            t.start()
        seen = set()
        for _ in range(500):
            # beside a write that is under way Linux shows part of it, seldom: nobody locks
            got = set(read(c, 2048, 1))
            expect(got <= {0, 1, 2}, "bytes that nobody wrote: %r", got)
            seen |= got
        stop.append(1)
        for t in ts:
            t.join(10)
        expect(not errors, "%s", errors)
        last = bytes(read(c, 2048, 8))
        expect(last in (bytes([1]) * 4096, bytes([2]) * 4096), "not of one writer: %r", set(last))
        with nbd() as n:
            same_bytes(nbd_read(n, 2048 * BLOCK, 4096), last, "by NBD")
    diag("seen: %r" % sorted(seen))


main(setup, lambda: srv.check_alive(), teardown, limit=200)
