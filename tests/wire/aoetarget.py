# SPDX-License-Identifier: BSD-3-Clause
"""The target of the AoE wire tests: our daemon, or a peer to try the tests themselves; and what their
cases say often.  The client is aoewire.py, the network aoenet.py.

Environment, beside suite.py's:
  SLUICE_AOE_PEER    vblade: that target instead of our daemon; what it is known to lack is skipped
  SLUICE_AOE_ALL     skip nothing that the peer is known to fail
  SLUICE_AOE_STRICT  hold every reply of the peer against the text too, as ours are
"""
import os
import re
import struct
import subprocess
import time

import suite
suite.PEER = os.environ.get("SLUICE_AOE_PEER", "")
import aoenet                       # noqa: E402
aoenet.enter()
import aoewire                      # noqa: E402
from aoewire import *               # noqa: E402,F401,F403
from aoewire import (ATA, BROADCAST, IDENTIFY, STRICT, Capture, Client, ata_fine,   # noqa: E402
                     close_all)
from suite import *                 # noqa: E402,F401,F403
from suite import (PEER, MiB, Fail, Server, Skip, expect, expect_eq, make_file, parse_size,     # noqa: E402
                   same_bytes, slow, tmpname)

suite.AFTER_CASE.append(close_all)
suite.HELPERS += ["aoewire.py", "aoenet.py", "aoetarget.py"]
SHELF, SLOT = 7, 3              # of the targets here, where a case does not say otherwise
STATE = "--state"               # the folder of what must survive, if `serve` has a word for it

_links = {}


def link(number=0, mtu=1500):
    """The veth pair of that number, made or brought back to its first state."""
    if number not in _links:
        _links[number] = aoenet.Link(number, mtu)
    it = _links[number]
    if not it.there():
        it.create(mtu)
    if aoenet.mtu_of(it.tgt) != mtu or aoenet.mtu_of(it.ini) != mtu:
        it.mtu(mtu)
    return it


def clean():
    """After a case that has targets of its own: what one that failed left behind is gone."""
    for s in list(suite.SERVERS):
        s.kill()
    for it in _links.values():
        if not it.there():
            it.create()
        it.up(it.tgt)
        it.up(it.ini)


def serve_help():
    return subprocess.run([suite.SLUICE, "serve", "--help"], capture_output=True, text=True).stdout


class Target(Server):
    """One `sluice serve` that listens for AoE, started and ready.  on: [(Link, "SHELF.SLOT" or "")]"""

    def __init__(self, *images, on=None, write_back=False, nbd=False, args=(), state=None, mtu=1500, **kw):
        self.on = on or [(link(0, mtu), "%d.%d" % (SHELF, SLOT))]
        self.shelf, self.slot = [int(n) for n in (self.on[0][1] or "0.0").split(".")]
        words = []
        for where, address in self.on:
            words += ["--aoe", where.tgt + (":" + address if address else "")]
        if write_back:
            words.append("--aoe-write-back")
        self.state = state or tmpname(".state")
        os.makedirs(self.state, exist_ok=True)
        if not PEER and STATE in serve_help():
            words += [STATE, self.state]
        env = {"STATE_DIRECTORY": self.state, "XDG_STATE_HOME": self.state}
        if PEER and (nbd or write_back or len(self.on) != 1):
            raise Skip("a peer serves one image, over AoE alone")
        Server.__init__(self, *(images or ("wire=memory:16M",)), unix=tmpname(".sock") if nbd else False,
                        tcp=False, listen=nbd, args=[*words, *args], env=dict(env, **kw.pop("env", {})), **kw)

    def _peer_argv(self, images, unix, tcp, read_only):
        if PEER != "vblade":
            raise Skip("no such peer: " + PEER)
        if len(images) != 1:
            raise Skip("a peer serves one image")
        image = images[0].rpartition("=")[2]
        if image.startswith(("memory:", "null:")):
            image = make_file(parse_size(image.split(":")[1]))
        return [suite.need("vblade"), *(["-r"] if read_only else []), str(self.shelf), str(self.slot),
                self.on[0][0].tgt, os.path.abspath(image)]

    def wait_ready(self, timeout=20):
        if not PEER:
            return Server.wait_ready(self, timeout)
        end = time.monotonic() + timeout
        while "sectors" not in self.stdout():
            if not self.alive() or time.monotonic() > end:
                suite.SERVERS.remove(self)
                raise Fail("vblade does not start: " + self.stderr())
            time.sleep(0.01)
        return self

    def _find_addr(self):
        """The lines before `ready` name each address: e7.3 and so on."""
        text = "\n".join(self.lines)
        self.addresses = [(int(a), int(b)) for a, b in re.findall(r"\be(\d+)\.(\d+)\b", text)]
        if not self.addresses:
            raise Fail("no address like e0.0 in the lines before `ready`:\n" + text)
        self.addr = ("unix", self.unix_path) if self.unix_path else None

    def check_stop(self):
        if PEER:
            self.check_alive()
            self.kill()         # it does not end of SIGTERM with a code of its own
        else:
            Server.check_stop(self)

    def client(self, number=0, on=0, **kw):
        """A station that speaks to the image of that number."""
        return Client(self.on[on][0], shelf=self.shelf, slot=self.slot + number, **kw)

    def client_nbd(self):
        """Another protocol's client of the same volume; with nbd=True."""
        import nbdwire
        return nbdwire.Server.client(self, "structured")


# ---- what cases say often ----------------------------------------------------------------

def ours(why):
    """For `when`: a peer is known to fail this."""
    return lambda: PEER and not os.environ.get("SLUICE_AOE_ALL") and "%s: %s" % (PEER, why)


def ata_failed(r, bits=0, aoe=()):
    """The ATA command must have failed: error register (some of bits) and ERR, or one of these AoE
    errors; and moved no data."""
    if r.failed:
        expect(r.error in aoe, "want an ATA error: %s", r)
    else:
        expect(r.status & aoewire.S_ERR, "want ERR in the status: %s", r)
        expect(not bits or r.err & bits, "want one of %02x in the error register: %s", bits, r)
        expect(not r.status & (aoewire.BSY | aoewire.DRQ), "BSY or DRQ after the end: %s", r)
    expect(not getattr(r, "data", b""), "data with an error: %s", r)
    return r


def aoe_failed(r, *errors):
    expect(r.failed and r.error in errors, "want AoE error %s: %s", errors, r)
    return r


def fine(r):
    if r.failed or r.cmd == ATA and not ata_fine(r):
        raise Fail("want success: %s" % r)
    return r


_rand = {}


def pattern(n, seed=1):
    """n bytes that look random, the same each time."""
    if seed not in _rand or len(_rand[seed]) < n:
        import random
        _rand[seed] = random.Random(seed).randbytes(max(n, 65536))
    return _rand[seed][:n]


def capacity(words):
    """Sectors, as an initiator finds them (ATA-6: word 83 bit 10, words 100 to 103; else 60, 61)."""
    if words[83] & 1 << 10:
        return sum(words[100 + i] << 16 * i for i in range(4))
    return words[60] | words[61] << 16


def text_of(words, first, count):
    """An ATA string: two characters a word, the first in the high byte."""
    return struct.pack(">%dH" % count, *words[first:first + count]).decode("ascii")


def good_client(server, lba=0, want=None, **kw):
    """Another, honest station: finds the target, reads what must be there, writes and reads again."""
    c = server.client(**kw)
    n = capacity(c.identify())
    if want is not None:
        got = b"".join(c.read(lba + i, 2) for i in range(0, len(want) // 512, 2))
        same_bytes(got, want, "a good client's read")
    data = pattern(1024, int(time.monotonic() * 1000) % 1000)
    c.write(n - 64, data)
    same_bytes(c.read(n - 64, 2), data, "a good client's own write")
    c.close()


def reset(server, number=0):
    """No config string, no mask, no reservation."""
    c = server.client(number)
    if c.reserve().macs:
        fine(c.reserve(aoewire.R_FORCE))
    fine(c.config(aoewire.C_FORCE))
    masks = c.mask().macs
    if masks:
        # this station itself last, or it is not heard any more
        order = [m for m in masks if m != c.mac] + [m for m in masks if m == c.mac]
        for i in range(0, len(order), 100):
            c.mask(aoewire.M_EDIT, [(aoewire.D_DELETE, m) for m in order[i:i + 100]])
    c.close()


def each(title, table, limit=30, when=None):
    """Decorator: one case for each row of a table; the row's first item is its name."""
    def take(fn):
        for row in table:
            suite.case("%s: %s" % (title, row[0]), limit, when)(lambda row=row: fn(*row[1:]))
        return fn
    return take


__all__ = [n for n in dir() if not n.startswith("__")]
