# SPDX-License-Identifier: BSD-3-Clause
"""Clients that race: each a process of its own, with many requests under way over NBD, iSCSI or AoE,
that writes stamped sectors (stamps.py) and tells what it did and found.

The wire classes log in and check all they see; from there on these here send a whole batch with one
call and take its answers with as little work as Python lets them, so that requests meet in the daemon.
A batch is timed from before its sending to the arrival of each answer.
"""
import os
import pickle
import random
import select
import signal
import socket
import struct
import time
import traceback

import aoewire
import stamps
import suite
from suite import Fail, slow

SECTOR = 512
READ, WRITE, SWAP, FLUSH = range(4)     # SWAP: COMPARE AND WRITE, its data are what was and what shall be
DIFFERENT = 0x1d                        # a result of SWAP: MISCOMPARE
BATCH = 24
COPIES = 60                             # AoE frames that may come once more: fewer than aoe_order.h knows
AGAIN = 0.1                             # seconds until an AoE frame is sent again: see aoe_order.h


class Op:
    """One request: data of WRITE and SWAP; afterwards its answer."""
    __slots__ = ("kind", "sector", "count", "data", "result", "got", "began", "ended")

    def __init__(self, kind, sector=0, count=0, data=b""):
        self.kind, self.sector, self.count, self.data = kind, sector, count, data
        self.result, self.got, self.began, self.ended = None, b"", 0, 0


class Nbd:
    unit, swaps = 1, False

    def __init__(self, server, number=0):
        self.c = server.nbd(number, "simple")
        self.unit = max(1, self.c.block_min // SECTOR)
        self.buf = bytearray()

    def _take(self, n):
        while len(self.buf) < n:
            more = self.c.sock.recv(1 << 18)
            if not more:
                raise Fail("the connection ended")
            self.buf += more
        out = self.buf[:n]
        del self.buf[:n]
        return out

    def run(self, ops):
        out = []
        for i, op in enumerate(ops):
            out.append(struct.pack(">IHHQQI", 0x25609513, 0, (0, 1, None, 3)[op.kind], i,
                                   op.sector * SECTOR, op.count * SECTOR) + op.data)
        began = time.monotonic()
        self.c.sock.sendall(b"".join(out))
        for _ in ops:
            _, error, i = struct.unpack(">IIQ", self._take(16))
            op = ops[i]
            if op.kind == READ and not error:
                op.got = bytes(self._take(op.count * SECTOR))
            op.began, op.ended, op.result = began, time.monotonic(), error


class Iscsi:
    swaps = True

    def __init__(self, server, number=0):
        self.c = server.iscsi(number)
        self.unit = self.c.block // SECTOR

    def _pdu(self, i, op):
        s, unit = self.c.s, self.unit
        lba, n = op.sector // unit, op.count // unit
        cdb = (struct.pack(">BBQIBB", 0x88, 0, lba, n, 0, 0), struct.pack(">BBQIBB", 0x8a, 0, lba, n, 0, 0),
               struct.pack(">BBQ3xBBB", 0x89, 0, lba, n, 0, 0),
               struct.pack(">BBIBHB6x", 0x35, 0, 0, 0, 0, 0))[op.kind]
        flags = 0x80 | (0x40 if op.kind == READ else 0) | (0x20 if op.data else 0) | 1
        size = len(op.data) if op.data else op.count * SECTOR
        if len(op.data) > min(self.c.mrdsl, s.num("FirstBurstLength")):
            raise Fail("%d bytes do not go as immediate data" % len(op.data))
        head = struct.pack(">BB2xI8xIIII", 1, flags, len(op.data), i, size, s.cmdsn, self.c.expstatsn)
        s.cmdsn = s.cmdsn + 1 & 0xffffffff
        return head + cdb + op.data

    def room(self):
        """Commands that the target lets come."""
        s = self.c.s
        return (s.maxcmdsn - s.cmdsn + 1) & 0xffffffff

    def send(self, ops):
        """All at once; returns how many went, as many as the window lets come."""
        ops = ops[:self.room()]
        out, began = [self._pdu(i, op) for i, op in enumerate(ops)], time.monotonic()
        for op in ops:
            op.began, op.result, op.got = began, None, bytearray()
        self.c.sock.sendall(b"".join(out))
        return len(ops)

    def take(self, ops):
        """One PDU; True when it ended a command."""
        c = self.c
        head = c.recv(48)
        size = int.from_bytes(head[5:8], "big")
        data = c.recv(size + 3 & ~3)[:size] if size else b""
        itt, ttt, stat, exp, most = struct.unpack(">IIIII", head[16:36])
        c.s.expcmdsn, c.s.maxcmdsn = exp, most
        op = head[0] & 0x3f
        if op == 0x20 and itt == 0xffffffff:
            if ttt != 0xffffffff:
                c.send(struct.pack(">BB6x8xIIII16x", 0x40, 0x80, itt, ttt, c.s.cmdsn, c.expstatsn))
            return False
        if op == 0x25:
            ops[itt].got += data
            if not head[1] & 1:
                return False
        elif op != 0x21:
            raise Fail("a PDU with opcode %#x: %s" % (op, head.hex()))
        c.expstatsn = stat + 1 & 0xffffffff
        status = head[3] or head[2] * 256 * (op == 0x21)
        if status == 2 and len(data) > 15 and ops[itt].kind == SWAP and data[4] & 15 == 0xe:
            status = DIFFERENT
        elif status == 2:
            status = 0x200 | (data[4] & 15)
        ops[itt].result, ops[itt].ended = status, time.monotonic()
        return True

    def run(self, ops):
        while ops:
            n = self.send(ops)
            if not n:
                raise Fail("the window is closed")
            left = n
            while left:
                left -= self.take(ops)
            ops = ops[n:]


class Aoe:
    """Its network delivers some frames twice, of writes that are long done, too."""
    unit, swaps = 1, False

    def __init__(self, server, number=0, on=0):
        # of its own: to the target, two processes with one address were one client
        self.c = server.aoe(number, on, mac=b"\x02\xc2" + os.getpid().to_bytes(4, "big"))
        self.c.sock.setblocking(False)
        self.most = self.c.config().buffers
        self.rnd = random.Random(os.getpid())
        self.old = []                   # writes of before

    def _frame(self, tag, op):
        cmd = (aoewire.READ_EXT, aoewire.WRITE_EXT, None, aoewire.FLUSH_EXT)[op.kind]
        return self.c.make(aoewire.ATA, aoewire.ata_arg(cmd, op.sector, op.count, data=op.data), tag=tag)

    def _send(self, frame):
        while not self.c.send(frame):
            select.select([], [self.c.sock], [], 0.1)

    def run(self, ops):
        for at in range(0, len(ops), max(1, self.most // 4)):
            self._some(ops[at:at + max(1, self.most // 4)])

    def _some(self, ops):
        base = self.c.tag = self.c.tag + 1000 & 0x7fffffff
        frames = [self._frame(base + i, op) for i, op in enumerate(ops)]
        left, began = set(range(len(ops))), time.monotonic()
        for frame in frames:
            self._send(frame)
            if self.rnd.random() < 0.1:
                self._send(self.rnd.choice(self.old or [frame]))
        self.old = [frame for frame, op in zip(frames, ops) if op.kind == WRITE] + self.old[:COPIES]
        tries = 0
        while left:
            raw = self.c.recv(time.monotonic() + AGAIN)
            if raw is None:
                tries += 1
                if tries * AGAIN > 20 * slow():
                    raise Fail("no answer to %d frames of %d" % (len(left), len(ops)))
                for i in left:
                    self._send(frames[i])
                continue
            if raw[:6] != self.c.mac:
                continue
            i = struct.unpack(">I", raw[20:24])[0] - base
            if i not in left:
                continue
            left.discard(i)
            op, flags, status = ops[i], raw[16], raw[27]
            op.result = raw[17] if flags & 4 else status & (aoewire.S_ERR | aoewire.DF)
            op.began, op.ended = began, time.monotonic()
            if op.kind == READ and not op.result:
                op.got = raw[aoewire.ATA_HEAD:aoewire.ATA_HEAD + op.count * SECTOR]


# ---- what they do ------------------------------------------------------------------------

class Racer:
    """Stamps sectors of a range that all share, and of one of its own; reads both."""

    def __init__(self, number, client, turn, shared, own, seed):
        self.number, self.client, self.turn = number, client, turn
        self.shared, self.own = shared, own     # (first sector, sectors)
        self.rnd = random.Random(seed)
        self.h = stamps.History()
        self.count = 0
        self.seen = {}                          # sector of a block -> its bytes, when last read

    def stamp(self):
        self.count += 1
        return stamps.ident(self.turn, self.number, self.count)

    def place(self, most):
        first, size = self.own if self.rnd.random() < 0.2 else self.shared
        unit = self.client.unit
        n = self.rnd.randint(1, max(1, most // unit))
        return first + self.rnd.randint(0, size // unit - n) * unit, n * unit

    def make(self):
        x = self.rnd.random()
        if x < 0.02:
            return Op(FLUSH), None
        sector, n = self.place(8 if x < 0.9 else 16)
        if x < 0.35:
            return Op(READ, sector, n), None
        stamp = self.stamp()
        if self.client.swaps and self.seen and x < 0.5:
            sector = self.rnd.choice(list(self.seen))
            new = stamps.make(stamp, sector, self.client.unit)
            return Op(SWAP, sector, self.client.unit, self.seen.pop(sector) + new), stamp
        return Op(WRITE, sector, n, stamps.make(stamp, sector, n)), stamp

    def note(self, op, stamp):
        who = "racer %d" % self.number
        if op.result and not (op.kind == SWAP and op.result == DIFFERENT):
            raise Fail("%s: %s of %d+%d ended with %#x" % (
                who, ("read", "write", "swap", "flush")[op.kind], op.sector, op.count, op.result))
        if op.kind == WRITE:
            self.h.write(stamp, op.sector, op.count, op.began, op.ended)
        elif op.kind == READ:
            self.h.read(who, op.sector, op.began, op.ended, stamps.find_all(op.got, op.sector))
            unit = self.client.unit
            self.seen[op.sector] = bytes(op.got[:unit * SECTOR])
        elif op.kind == SWAP and not op.result:
            was = stamps.find_all(op.data[:op.count * SECTOR], op.sector)
            self.h.swap(who, stamp, op.sector, op.began, op.ended, was)

    def turn_until(self, end):
        while time.monotonic() < end:
            batch = [self.make() for _ in range(self.rnd.choice((1, 4, BATCH, BATCH)))]
            self.client.run([op for op, _ in batch])
            for op, stamp in batch:
                self.note(op, stamp)
        return self.h


# ---- processes ---------------------------------------------------------------------------

class Process:
    """A child that calls prepare(), waits for the others, calls what that returned, and tells the result."""

    def __init__(self, prepare):
        ours, theirs = socket.socketpair()
        self.sock = ours
        self.pid = os.fork()
        if self.pid:
            theirs.close()
            return
        code = 1
        try:
            suite.die_with_parent()
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            ours.close()
            theirs.sendall(self._child(prepare, theirs))
            code = 0
        finally:
            os._exit(code)

    @staticmethod
    def _child(prepare, sock):
        try:
            work = prepare()
            sock.sendall(b"r")
            if not sock.recv(1):
                os._exit(1)
            return pickle.dumps((None, work()))
        except BaseException:
            return pickle.dumps((traceback.format_exc(), None))

    def ready(self, seconds):
        """None, or what went wrong."""
        self.sock.settimeout(seconds)
        if self.sock.recv(1, socket.MSG_PEEK) == b"r":
            self.sock.recv(1)
            return
        self.result(seconds)

    def go(self):
        self.sock.sendall(b"g")

    def result(self, seconds):
        self.sock.settimeout(seconds)
        raw = []
        while True:
            more = self.sock.recv(1 << 20)
            if not more:
                break
            raw.append(more)
        if not raw:
            raise Fail("a client died without a word")
        wrong, value = pickle.loads(b"".join(raw))
        if wrong:
            raise Fail("a client failed:\n" + wrong)
        return value

    def end(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)
        self.sock.close()


def together(prepares, seconds):
    """Run these at once, each in a process of its own; the list of their results."""
    ps = []
    try:
        for prepare in prepares:
            ps.append(Process(prepare))
        for p in ps:
            p.ready(20 * slow())
        for p in ps:
            p.go()
        return [p.result(seconds + 30 * slow()) for p in ps]
    except socket.timeout:
        raise Fail("a client has not ended")
    finally:
        for p in ps:
            p.end()
