# SPDX-License-Identifier: BSD-3-Clause
"""A client that speaks AoE over packet sockets, for the wire tests.

The codec is written from AoEr11 (Hopkins & Coile, February 2009) and what its peers do (Linux's
drivers/block/aoe, vblade); it shares nothing with the daemon.  It is strict: whatever a case is
about, a reply that the text forbids, or one with a byte in it that belongs to nobody, is a
ProtocolError.  The namespace and its links: aoenet.py; the target: aoetarget.py.

Who gets which address, as these tests want it of `sluice serve --aoe IFACE[:SHELF.SLOT] IMAGE...`:
the first image is SHELF.SLOT (default 0.0), each further one the next slot of that shelf, in the
order of the images; the same on every interface that names the same SHELF.SLOT.  Shelf 65535 and
slot 255 mean "all" on the wire (AoEr11 2.5), so they, and more images than slots, are refused.
"""
import os
import random
import select
import socket
import struct
import time

import aoenet
import suite
from suite import Fail, expect, slow

AOE = 0x88a2
BROADCAST = b"\xff" * 6
ANY_SHELF, ANY_SLOT = 0xffff, 0xff
RSP, ERR = 8, 4                                     # 2.3
ATA, CONFIG, MASK, RESERVE = 0, 1, 2, 3             # 2.6
E_COMMAND, E_ARG, E_DEVICE, E_CONFIG, E_VERSION, E_RESERVED = 1, 2, 3, 4, 5, 6     # 2.4
C_READ, C_TEST, C_PREFIX, C_SET, C_FORCE = range(5)         # 3.2
M_READ, M_EDIT = 0, 1                               # 3.3
D_NONE, D_ADD, D_DELETE = 0, 1, 2
ME_UNSPECIFIED, ME_COMMAND, ME_FULL = 1, 2, 3
R_READ, R_SET, R_FORCE = 0, 1, 2                    # 3.4
A_WRITE, A_ASYNC, A_DEVICE, A_EXT = 1, 2, 0x10, 0x40        # 3.1
HEAD, ATA_HEAD, CONFIG_HEAD, MASK_HEAD, RESERVE_HEAD = 24, 36, 32, 28, 26
LEAST = 60                                          # a frame on a real wire, less its checksum
CONFIG_MOST = 1024
SECTOR = 512
TOP28 = 0x0fffffff

# ATA: status, error, commands (ACS-3)
BSY, DRDY, DF, DRQ, S_ERR = 0x80, 0x40, 0x20, 0x08, 0x01
UNC, IDNF, ABRT = 0x40, 0x10, 0x04
READ, READ_EXT, READ_DMA, READ_DMA_EXT = 0x20, 0x24, 0xc8, 0x25
WRITE, WRITE_EXT, WRITE_DMA, WRITE_DMA_EXT = 0x30, 0x34, 0xca, 0x35
READ_MULTIPLE, READ_MULTIPLE_EXT, WRITE_MULTIPLE, WRITE_MULTIPLE_EXT = 0xc4, 0x29, 0xc5, 0x39
WRITE_DMA_FUA_EXT, WRITE_MULTIPLE_FUA_EXT = 0x3d, 0xce
VERIFY, VERIFY_EXT, FLUSH, FLUSH_EXT, POWER = 0x40, 0x42, 0xe7, 0xea, 0xe5
IDENTIFY, DSM, SMART = 0xec, 0x06, 0xb0
EXT = {READ_EXT, READ_DMA_EXT, WRITE_EXT, WRITE_DMA_EXT, READ_MULTIPLE_EXT, WRITE_MULTIPLE_EXT,
       WRITE_DMA_FUA_EXT, WRITE_MULTIPLE_FUA_EXT, VERIFY_EXT, FLUSH_EXT, DSM}
OUT = {WRITE, WRITE_EXT, WRITE_DMA, WRITE_DMA_EXT, WRITE_MULTIPLE, WRITE_MULTIPLE_EXT,
       WRITE_DMA_FUA_EXT, WRITE_MULTIPLE_FUA_EXT, DSM}

STRICT = not suite.PEER or bool(os.environ.get("SLUICE_AOE_STRICT"))


class ProtocolError(Fail):
    """The target sent what AoEr11 forbids."""


class Silent(Fail):
    """No answer, although sent again and again."""


def say(mac):
    return mac.hex(":")


# ---- frames ------------------------------------------------------------------------------

def frame(cmd, arg=b"", *, dst, src, shelf, slot, tag=0, ver=1, flags=0, error=0):
    return dst + src + struct.pack(">HBBHBBI", AOE, ver << 4 | flags, error, shelf, slot, cmd, tag) + arg


def ata_arg(cmd, lba=0, count=0, feature=0, data=b"", aflags=None, device=0xe0):
    """An ATA command's registers (3.1); aflags None: what the command needs."""
    if aflags is None:
        aflags = (A_EXT if cmd in EXT else 0) | (A_WRITE if cmd in OUT else 0)
    if not aflags & A_EXT:
        lba = lba & TOP28 | device << 24
    return struct.pack("<BBBBQ", aflags, feature, count, cmd, lba & (1 << 48) - 1) + data


def config_arg(ccmd, text=b"", length=None, ver=0):
    return struct.pack(">HHBBH", 0, 0, 0, ver << 4 | ccmd, len(text) if length is None else length) + text


def mask_arg(mcmd, directives=(), count=None):
    body = b"".join(struct.pack(">BB6s", 0, d, mac) for d, mac in directives)
    return struct.pack(">BBBB", 0, mcmd, 0, len(directives) if count is None else count) + body


def reserve_arg(rcmd, macs=(), count=None):
    return struct.pack(">BB", rcmd, len(macs) if count is None else count) + b"".join(macs)


class Reply:
    """A frame of the target, taken apart; check() holds it against the text."""

    def __init__(self, raw):
        self.raw = raw
        if len(raw) < HEAD:
            raise ProtocolError("%d bytes are no AoE frame: %s" % (len(raw), raw.hex()))
        self.dst, self.src = raw[:6], raw[6:12]
        (kind, verflags, self.error, self.shelf, self.slot, self.cmd,
         self.tag) = struct.unpack(">HBBHBBI", raw[12:HEAD])
        self.ver, self.flags = verflags >> 4, verflags & 15
        self.failed = bool(self.flags & ERR)
        self.arg = raw[HEAD:]
        self.end = HEAD                 # where what belongs to somebody ends
        self.short = False
        head, take = {ATA: (ATA_HEAD, self._ata), CONFIG: (CONFIG_HEAD, self._config),
                      MASK: (MASK_HEAD, self._mask),
                      RESERVE: (RESERVE_HEAD, self._reserve)}.get(self.cmd, (HEAD, None))
        try:
            if take:
                take()
        except struct.error:
            self.short = True
        except ProtocolError:
            if not self.failed:
                raise
            self.end = head             # an error need not bring the list that belongs to it

    def _ata(self):
        self.aflags, self.err, self.count, self.status, lba, self.zero = struct.unpack("<BBBB6sH",
                                                                                   self.arg[:12])
        self.lba = int.from_bytes(lba, "little")
        # a frame of the least length has no data: no sector is that small
        self.data = self.arg[12:] if len(self.raw) > LEAST and not self.failed else b""
        self.end = ATA_HEAD + len(self.data)

    def _config(self):
        self.buffers, self.firmware, self.sectors, vc, n = struct.unpack(">HHBBH", self.arg[:8])
        self.aoe, self.ccmd = vc >> 4, vc & 15
        self.text = self.arg[8:8 + n]
        if len(self.text) != n:
            raise ProtocolError("a config string of %d bytes, %d said" % (len(self.text), n))
        self.end = CONFIG_HEAD + n

    def _mask(self):
        self.zero, self.mcmd, self.merror, self.count = struct.unpack(">BBBB", self.arg[:4])
        n = 0 if self.merror else self.count
        body = self.arg[4:4 + 8 * n]
        if len(body) != 8 * n:
            raise ProtocolError("%d bytes of directives, %d of them said" % (len(body), n))
        self.macs = [body[i + 2:i + 8] for i in range(0, len(body), 8)]
        if any(body[i] or body[i + 1] for i in range(0, len(body), 8)):
            raise ProtocolError("reserved bytes in the mask list: " + body.hex())
        self.end = MASK_HEAD + 8 * n

    def _reserve(self):
        self.rcmd, n = struct.unpack(">BB", self.arg[:2])
        body = self.arg[2:2 + 6 * n]
        if len(body) != 6 * n:
            raise ProtocolError("%d bytes of addresses, %d addresses said" % (len(body), n))
        self.macs = [body[i:i + 6] for i in range(0, len(body), 6)]
        self.end = RESERVE_HEAD + 6 * n

    def __str__(self):
        what = {ATA: "ATA", CONFIG: "config", MASK: "mask", RESERVE: "reserve"}.get(self.cmd, self.cmd)
        regs = " status %02x error %02x count %d" % (self.status, self.err, self.count) \
            if self.cmd == ATA and not self.short else ""
        return "%s reply of e%d.%d, %d bytes, flags %x error %d tag %08x%s" % (
            what, self.shelf, self.slot, len(self.raw), self.flags, self.error, self.tag, regs)

    # -- what every reply must be, whatever the case is about --

    def check(self, mtu):
        def must(cond, text):
            if not cond:
                raise ProtocolError("%s: %s\n%s" % (text, self, self.raw[:96].hex()))
        must(self.ver == 1, "version %d (2.2)" % self.ver)
        must(not self.flags & 3, "reserved flags (2.3, 1)")
        must(self.failed == (self.error != 0), "error code without the flag, or the flag without (2.4)")
        must(self.error <= E_RESERVED, "unknown error code (2.4)")
        must(not self.src[0] & 1, "the source is a group address")
        must(self.shelf != ANY_SHELF and self.slot != ANY_SLOT, "the address of all (2.5)")
        must(len(self.raw) <= 14 + mtu, "longer than the MTU of %d" % mtu)
        must(not self.short or self.failed, "too short for what it is")
        if self.failed:
            pass        # it says no more than the registers or the list that belong to it: below
        elif self.cmd == ATA:
            must(len(self.data) % SECTOR == 0, "%d bytes of data" % len(self.data))
            must(self.zero == 0, "reserved bytes after the LBA (3.1, 1)")
            must(not self.data or not self.status & S_ERR, "data with an ATA error")
        elif self.cmd == CONFIG:
            must(self.aoe == 1, "AoE version %d in the argument (3.2)" % self.aoe)
            must(len(self.text) <= CONFIG_MOST, "config string of %d bytes (3.2)" % len(self.text))
            must(self.buffers > 0, "buffer count 0: nobody may send anything (3.2)")
        elif self.cmd == MASK:
            must(self.zero == 0, "reserved byte (3.3, 1)")
            must(self.merror <= ME_FULL, "mask error %d (3.3)" % self.merror)
        rest = self.raw[self.end:]
        must(not rest or len(self.raw) <= LEAST, "%d bytes after its end" % len(rest))
        must(not any(rest), "stale bytes after its end: " + rest.hex())


def ata_fine(r):
    """As Linux looks at a status: none of ERR, DF, DRQ, BSY (aoecmd.c)."""
    return not r.failed and not r.status & (S_ERR | DF | DRQ | BSY)


# ---- sockets -----------------------------------------------------------------------------

_open = []


class Port:
    """A packet socket on one interface; sees all AoE frames that arrive there."""

    def __init__(self, name):
        self.name = name
        self.sock = None
        self.rebind()
        _open.append(self)

    def rebind(self):
        """The interface was removed and made again."""
        self.close()
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(AOE))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        self.sock.bind((self.name, AOE))

    def send(self, raw):
        """False: the link is down, or its queue full; on a wire that is a lost frame."""
        try:
            self.sock.send(raw)
            return True
        except OSError as e:
            if isinstance(e, socket.timeout) or e.errno in (100, 6, 19, 105, 11):   # ENETDOWN ENXIO ENODEV
                return False                                                        # ENOBUFS EAGAIN
            raise

    def recv(self, until):
        """The next frame, or None when that instant (time.monotonic) is past."""
        while True:
            left = until - time.monotonic()
            if not select.select([self.sock], [], [], max(left, 0))[0]:
                return None
            try:
                return self.sock.recv(1 << 16, socket.MSG_DONTWAIT)
            except OSError as e:
                if e.errno not in (100, 19, 11):
                    raise

    def close(self):
        if self.sock:
            self.sock.close()
            self.sock = None


def close_all():
    while _open:
        _open.pop().close()


class Capture(Port):
    """Everything that the target sends, whoever it is for: (instant, Reply)."""

    def __init__(self, link):
        Port.__init__(self, link.ini)
        self.seen = []

    def collect(self, seconds):
        until = time.monotonic() + seconds
        while True:
            raw = self.recv(until)
            if raw is None:
                return self.seen
            self.seen.append((time.monotonic(), Reply(raw)))

    def announcements(self, seconds=0.0, until=0):
        """Unasked Query Config replies to everybody (3.2); waits until there are so many."""
        end = time.monotonic() + seconds
        while True:
            self.collect(0.05 if until else seconds)
            found = [r for _, r in self.seen
                     if r.dst == BROADCAST and r.cmd == CONFIG and r.flags & RSP]
            if until and len(found) >= until or time.monotonic() >= end:
                return found


# ---- the client --------------------------------------------------------------------------

class Stats:
    sent = resent = lost = unexpected = 0


class Client(Port):
    """One station with a MAC of its own.  Requests go to one shelf and slot at one MAC; what is
    not answered is sent again with a new tag, as Linux does."""

    count = 0

    def __init__(self, link, mac=None, shelf=0, slot=0, dst=None, retry=0.5):
        Client.count += 1
        Port.__init__(self, link.ini)
        self.link = link
        self.mac = mac or bytes([0x02, 0xc1, 0, 0, Client.count >> 8, Client.count & 255])
        self.shelf, self.slot = shelf, slot
        self.dst = dst or link.target_mac()
        self.retry = retry * slow()
        self.tag = random.Random(Client.count).getrandbits(30)
        self.mtu = None                 # None: the interface's
        self.strict = STRICT

    def new_tag(self):
        self.tag = self.tag + 1 & 0x7fffffff
        return self.tag

    def make(self, cmd, arg=b"", **kw):
        given = {"dst": self.dst, "src": self.mac, "shelf": self.shelf, "slot": self.slot}
        given.update(kw)
        if "tag" not in given:
            given["tag"] = self.new_tag()
        return frame(cmd, arg, **given)

    def post(self, cmd, arg=b"", **kw):
        """Send, and do not wait; returns the tag."""
        kw.setdefault("tag", self.new_tag())
        self.send(self.make(cmd, arg, **kw))
        return kw["tag"]

    def next(self, until):
        """The next reply to this station, checked; None when time is up."""
        while True:
            raw = self.recv(until)
            if raw is None:
                return None
            if raw[:6] != self.mac:
                continue
            r = Reply(raw)
            if not r.flags & RSP:
                raise ProtocolError("a request of the target: %s" % r)
            if self.strict:
                r.check(self.mtu or aoenet.mtu_of(self.link.ini))
            return r

    def wait(self, tag, seconds):
        """The reply with this tag; None when it does not come."""
        until = time.monotonic() + seconds
        while True:
            r = self.next(until)
            if r is None or r.tag == tag:
                return r

    def ask(self, cmd, arg=b"", tries=6, **kw):
        """A request and its reply."""
        for _ in range(tries):
            fields = dict(kw)
            tag = self.post(cmd, arg, **fields)
            r = self.wait(tag, self.retry)
            if r is not None:
                if r.cmd != cmd:
                    raise ProtocolError("want a reply to command %d: %s" % (cmd, r))
                return r
        raise Silent("no answer to command %d, sent %d times: %s" % (cmd, tries, arg[:40].hex()))

    def silence(self, seconds=0.25, why="silence"):
        """Nothing may come to this station for a while."""
        r = self.next(time.monotonic() + seconds * slow())
        expect(r is None, "want %s: %s", why, r)

    def unanswered(self, cmd, arg=b"", **kw):
        self.post(cmd, arg, **kw)
        self.silence(why="no answer to command %d" % cmd)

    # -- the commands --

    def config(self, ccmd=C_READ, text=b"", length=None, ver=0, **kw):
        return self.ask(CONFIG, config_arg(ccmd, text, length, ver), **kw)

    def mask(self, mcmd=M_READ, directives=(), count=None, **kw):
        return self.ask(MASK, mask_arg(mcmd, directives, count), **kw)

    def reserve(self, rcmd=R_READ, macs=(), count=None, **kw):
        return self.ask(RESERVE, reserve_arg(rcmd, macs, count), **kw)

    def ata(self, cmd, lba=0, count=0, feature=0, data=b"", aflags=None, device=0xe0, **kw):
        return self.ask(ATA, ata_arg(cmd, lba, count, feature, data, aflags, device), **kw)

    def read(self, lba, n=1, cmd=READ_EXT):
        r = self.ata(cmd, lba, n)
        if not ata_fine(r) or len(r.data) != n * SECTOR:
            raise Fail("want %d sectors of %d: %s" % (n, lba, r))
        return r.data

    def write(self, lba, data, cmd=WRITE_EXT):
        r = self.ata(cmd, lba, len(data) // SECTOR, data=data)
        if not ata_fine(r) or r.data:
            raise Fail("want %d written: %s" % (lba, r))
        return r

    def identify(self):
        """The 256 words."""
        r = self.ata(IDENTIFY, count=1, device=0xa0)
        if not ata_fine(r) or len(r.data) != SECTOR:
            raise Fail("want IDENTIFY's words: %s" % r)
        return struct.unpack("<256H", r.data)

    def discover(self, seconds=0.5):
        """{(shelf, slot): Reply} of all who answer a broadcast."""
        tag = self.post(CONFIG, config_arg(C_READ), dst=BROADCAST, shelf=ANY_SHELF, slot=ANY_SLOT)
        until, found = time.monotonic() + seconds * slow(), {}
        while True:
            r = self.next(until)
            if r is None:
                return found
            if r.tag == tag and r.cmd == CONFIG:
                found[r.shelf, r.slot] = r

    # -- many at once --

    def io(self, ops, window=8, lose=0.0, seed=1, tries=60):
        """Run [(lba, data or number of sectors)] with so many frames under way; lose: this share of
        the frames of either direction.  Returns ([data or None in the order of ops], Stats)."""
        rng, stats = random.Random(seed), Stats()
        results, todo, out = [None] * len(ops), list(range(len(ops)))[::-1], {}

        def launch(i, n):
            lba, what = ops[i]
            tag = self.new_tag()
            out[tag] = (i, time.monotonic() + self.retry, n)
            stats.sent += 1
            if n >= tries:
                raise Silent("no answer to %s, sent %d times" % (ops[i][:1], n))
            if rng.random() < lose:
                stats.lost += 1
            elif isinstance(what, int):
                self.send(self.make(ATA, ata_arg(READ_EXT, lba, what), tag=tag))
            else:
                arg = ata_arg(WRITE_EXT, lba, len(what) // SECTOR, data=what)
                self.send(self.make(ATA, arg, tag=tag))
        while todo or out:
            while todo and len(out) < window:
                launch(todo.pop(), 0)
            r = self.next(min(end for _, end, _ in out.values()))
            if r is None:
                for tag, (i, end, n) in list(out.items()):
                    if end <= time.monotonic():
                        del out[tag]
                        stats.resent += 1
                        launch(i, n + 1)
            elif rng.random() < lose:
                stats.lost += 1
            elif r.tag not in out or r.cmd != ATA:
                stats.unexpected += 1
            else:
                i, _, _ = out.pop(r.tag)
                want = ops[i][1] * SECTOR if isinstance(ops[i][1], int) else 0
                if not ata_fine(r) or len(r.data) != want:
                    raise Fail("%s: %s" % (ops[i][:1], r))
                results[i] = r.data
        return results, stats

    def write_all(self, lba, data, sectors, **kw):
        step = sectors * SECTOR
        ops = [(lba + at // SECTOR, data[at:at + step]) for at in range(0, len(data), step)]
        return self.io(ops, **kw)[1]

    def read_all(self, lba, count, sectors, **kw):
        ops = [(lba + at, min(sectors, count - at)) for at in range(0, count, sectors)]
        found, stats = self.io(ops, **kw)
        return b"".join(found), stats
