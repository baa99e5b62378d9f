#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 while several connections write; restart; what was acknowledged as durable is there.

Durable is: a write with FUA that was answered; a write that was answered before a FLUSH was sent
(on any connection, for the export says multi-conn) that was answered; with --write-through, every
write that was answered.  Each sector is stamped with its connection, place and number, so that
each is one that was sent to that place, whole, and not older than the durable one.

A kill -9 loses no page cache: this proves the daemon's own buffers and acknowledgements, not the
disk's.  Power cuts are the simulation's and the lab's matter."""
import os
import random
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
from nbdwire import *   # noqa: E402

ROUNDS = int(os.environ.get("KILL9_ROUNDS", "12"))
CONNS = 6
SLOTS = 256                     # places of one connection
SLOT = 65536                    # room of one place
SECTOR = 512
SIZE = CONNS * SLOTS * SLOT
MODES = ("simple", "structured", "extended")


def stamp(conn, slot, seq, nbytes):
    one = struct.pack(">IIQ", conn, slot, seq) * (SECTOR // 16)
    return one * (nbytes // SECTOR)


class Ledger:
    """What was sent and what must survive; shared by all connections."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}          # (conn, slot) -> {sector: last number sent}
        self.acked = {}         # (conn, slot) -> {sector: last number answered}
        self.durable = {}       # the same: must be there
        self.counts = [0, 0, 0]

    def on_ack(self, conn, slot, seq, sectors, durable):
        with self.lock:
            a = self.acked.setdefault((conn, slot), {})
            d = self.durable.setdefault((conn, slot), {})
            for k in range(sectors):
                a[k] = seq
                if durable:
                    d[k] = seq
            self.counts[0] += 1
            self.counts[1] += durable

    def snapshot(self):
        with self.lock:
            return {key: dict(v) for key, v in self.acked.items()}

    def on_flush(self, snap):
        with self.lock:
            for key, v in snap.items():
                d = self.durable.setdefault(key, {})
                for k, seq in v.items():
                    d[k] = max(d.get(k, 0), seq)
            self.counts[2] += 1


def writer(s, name, conn, ledger, first, through, stop, errors):
    rnd = random.Random(first * 31 + conn)
    seq = first
    mode = MODES[conn % (2 if PEER else 3)]
    try:
        c = s.client(mode, name=name)
    except (Closed, OSError, Fail) as e:
        errors.append("connect: %s" % e)
        return
    try:
        busy = {}
        live = []
        while not stop:
            slot = rnd.randrange(SLOTS)
            if slot in busy:
                take(c, live, busy, ledger, conn, through)
                continue
            seq += 1
            n = rnd.choice((512, 4096, 4096, 8192, 65536))
            fua = rnd.random() < 0.1
            with ledger.lock:
                sent = ledger.sent.setdefault((conn, slot), {})
                for k in range(n // SECTOR):
                    sent[k] = seq
            busy[slot] = 1
            r = c.post(CMD_WRITE, (conn * SLOTS + slot) * SLOT, data=stamp(conn, slot, seq, n),
                       flags=F_FUA if fua else 0)
            live.append((r, slot, seq, n // SECTOR, fua))
            while len(live) >= 24:
                take(c, live, busy, ledger, conn, through)
            if rnd.random() < 0.02:
                snap = ledger.snapshot()
                f = c.post(CMD_FLUSH)
                while not f.done:
                    c.take()
                if not f.error:
                    ledger.on_flush(snap)
    except (Closed, OSError):
        pass
    except Exception as e:
        errors.append("connection %d: %s: %s" % (conn, type(e).__name__, e))
    finally:
        # answers that came before the kill count as well
        try:
            c.sock.settimeout(0.5)
            while live:
                take(c, live, busy, ledger, conn, through)
        except (Fail, OSError):
            pass


def take(c, live, busy, ledger, conn, through):
    """Wait for one answer, and book all that have come."""
    if not any(e[0].done for e in live):
        c.take()
    for e in [e for e in live if e[0].done]:
        live.remove(e)
        r, slot, seq, sectors, fua = e
        busy.pop(slot, None)
        if r.error:
            raise Fail("want success: %s" % r)
        ledger.on_ack(conn, slot, seq, sectors, fua or through)


def verify(data_of, ledger):
    bad = []
    for (conn, slot), sent in ledger.sent.items():
        durable = ledger.durable.get((conn, slot), {})
        data = data_of((conn * SLOTS + slot) * SLOT, SLOT)
        for k, last in sent.items():
            b = data[k * SECTOR:(k + 1) * SECTOR]
            must = durable.get(k, 0)
            if b == bytes(SECTOR):
                if must:
                    bad.append("connection %d, place %d, sector %d: empty, number %d was durable" %
                               (conn, slot, k, must))
                continue
            got = struct.unpack(">IIQ", b[:16])
            if b != b[:16] * (SECTOR // 16) or got[:2] != (conn, slot):
                bad.append("connection %d, place %d, sector %d: %s..., no stamp of this place" %
                           (conn, slot, k, b[:24].hex()))
            elif not must <= got[2] <= last:
                bad.append("connection %d, place %d, sector %d: number %d, durable %d, sent %d" %
                           (conn, slot, k, got[2], must, last))
    expect(not bad, "%d sectors are wrong:\n%s", len(bad), "\n".join(bad[:8]))


def rounds(args, through):
    img = make_file(SIZE)
    ledger = Ledger()
    sock = tmpname(".sock")
    rnd = random.Random(9)
    name = "k"
    for i in range(ROUNDS):
        s = Server("k=" + img, unix=sock, args=args)
        if i:
            with s.client("structured", name=name if not PEER else s.name()) as c:
                verify(lambda off, n: bytes(ok(c.read(off, n)).data), ledger)
        stop, errors = [], []
        # numbers go up from round to round, so that an older round's cannot pass for new
        ts = [threading.Thread(target=writer, daemon=True,
                               args=(s, name if not PEER else s.name(), k, ledger, (i + 1) << 32, through,
                                     stop, errors))
              for k in range(CONNS)]
        for t in ts:
            t.start()
        time.sleep(rnd.uniform(0.2, 1.2))
        s.kill()
        stop.append(1)
        for t in ts:
            t.join(20)
            expect(not t.is_alive(), "a writer is stuck")
        expect(not errors, "%s", "\n".join(errors))
        close_all()
        if os.path.exists(sock) and PEER:
            os.unlink(sock)
    with open(img, "rb") as f:
        def from_file(off, n):
            f.seek(off)
            return f.read(n)
        verify(from_file, ledger)
    diag("%d rounds: %d writes answered, %d of them durable at once, %d flushes" %
         ((ROUNDS,) + tuple(ledger.counts)))
    expect(ledger.counts[0] > 20 * ROUNDS, "too few writes for a proof")
    expect(through or ledger.counts[2] > 0, "no flush was answered")


@case("kill -9, restart: FUA and flushed writes are there", limit=240)
def _():
    rounds([], False)


@case("--write-through, kill -9, restart: every answered write is there", limit=240,
      when=lambda: PEER and "for the daemon only")
def _():
    rounds(["--write-through"], True)


@case("--engine aio, kill -9, restart: FUA and flushed writes are there", limit=240,
      when=lambda: PEER and "for the daemon only")
def _():
    rounds(["--engine", "aio"], False)


@case("the smallest pool, kill -9, restart: FUA and flushed writes are there", limit=240,
      when=lambda: PEER and "for the daemon only")
def _():
    rounds(["--pool", "min", "--threads", "2"], False)


main(limit=900)
