# SPDX-License-Identifier: BSD-3-Clause
"""The target of the iSCSI wire tests: our daemon, or a peer to try the tests themselves; and what
their cases say often.

Environment, beside suite.py's:
  ISCSIWIRE_LENIENT what a peer sends against RFC 7143 is noted, and is no failure
  ISCSIWIRE_PEER    tgt, or iscsi://HOST:PORT/TARGET/LUN: that target instead of our daemon
"""
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time

import suite
suite.PEER = os.environ.get("ISCSIWIRE_PEER", "")
import iscsiwire                    # noqa: E402
import scsicdb as cdb               # noqa: E402,F401
from iscsiwire import *             # noqa: E402,F401,F403
from iscsiwire import Conn, Fail, Pdu, close_all, expect, expect_eq     # noqa: E402
from suite import *                 # noqa: E402,F401,F403
from suite import (PEER, KiB, MiB, Server, Skip, case, diag, make_file, parse_size, popen,   # noqa
                   run, same_bytes, slow, tmpdir, tmpname)

__all__ = [n for n in dir() if not n.startswith("__")]
BLOCK = 512
# LIO wants every key proposed
ALL_KEYS = {
    "HeaderDigest": "None", "DataDigest": "None", "InitialR2T": "Yes", "ImmediateData": "Yes",
    "MaxBurstLength": "262144", "FirstBurstLength": "65536", "MaxOutstandingR2T": "1",
    "DefaultTime2Wait": "2", "DefaultTime2Retain": "20", "DataPDUInOrder": "Yes",
    "DataSequenceInOrder": "Yes", "ErrorRecoveryLevel": "0", "MaxConnections": "1",
    "MaxRecvDataSegmentLength": "8192"}
TGT_KEYS = {"InitialR2T": "No", "MaxOutstandingR2T": "8", "DataPDUInOrder": "No", "DataSequenceInOrder": "No",
            "MaxBurstLength": "16776192", "FirstBurstLength": "262144"}
suite.AFTER_CASE.append(close_all)
suite.HELPERS += ["iscsipdu.py", "iscsiwire.py", "iscsitarget.py"]
_port = [0]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Target(Server):
    """One `sluice serve` with an iSCSI listener, started and ready; nbd: with a Unix socket too."""

    def __init__(self, *images, nbd=False, args=(), listen_iscsi="127.0.0.1:0", **kw):
        images = images or ("wire=memory:16M",)
        self.lun = 0
        self.target = None
        self.ready_once = False
        self.portal = None
        if listen_iscsi:
            args = ["--iscsi", listen_iscsi, *args]
        nbd_path = tmpname(".sock") if nbd else False
        os.environ["TGT_IPC_SOCKET"] = os.path.join(tmpdir(), "tgt")
        if PEER and (nbd or len(images) != 1):
            raise Skip("a peer serves one image, over iSCSI alone")
        Server.__init__(self, *images, unix=nbd_path, tcp=False, listen=nbd, args=args, **kw)

    # -- peers --

    def _peer_argv(self, images, unix, tcp, read_only):
        self.images = images
        if PEER.startswith("iscsi://"):
            m = re.match(r"iscsi://([^/:]+):(\d+)/([^/]+)/(\d+)", PEER)
            self.portal, self.target = (m.group(1), int(m.group(2))), m.group(3)
            self.lun = int(m.group(4))
            return ["sleep", "infinity"]
        if PEER != "tgt":
            raise Skip("no such peer: " + PEER)
        image = images[0].rpartition("=")[2]
        if image.startswith("memory:"):
            image = make_file(parse_size(image.split(":")[1]))
        self.backing, self.lun = os.path.abspath(image), 1
        self.portal = ("127.0.0.1", free_port())
        self.target = "iqn.2026-11.org.sluice:" + self.name()
        self.control_port = self.portal[1] % 30000
        return ["tgtd", "-f", "-C", str(self.control_port), "--iscsi",
                "portal=127.0.0.1:%d" % self.portal[1]]

    def _tgtadm(self, *words):
        return subprocess.call(["tgtadm", "-C", str(self.control_port), "--lld", "iscsi", *words],
                               stderr=subprocess.DEVNULL)

    def wait_ready(self, timeout=20):
        if not PEER:
            Server.wait_ready(self, timeout)
            return self
        if PEER == "tgt":
            end = time.monotonic() + timeout
            while self._tgtadm("--mode", "target", "--op", "new", "--tid", "1", "-T", self.target):
                if time.monotonic() > end:
                    raise Fail("tgtd is not ready:\n" + self.stderr())
                time.sleep(0.1)
            for words in (["--mode", "logicalunit", "--op", "new", "--tid", "1", "--lun", "1", "-b",
                           self.backing],
                          ["--mode", "logicalunit", "--op", "update", "--tid", "1", "--lun", "1",
                           "--params", "thin_provisioning=1"],
                          *(["--mode", "target", "--op", "update", "--tid", "1", "--name", k, "--value", v]
                            for k, v in TGT_KEYS.items()),
                          ["--mode", "target", "--op", "bind", "--tid", "1", "-I", "ALL"]):
                if self._tgtadm(*words):
                    raise Fail("tgtadm %r\n%s" % (words, self.stderr()))
        return self

    def stop(self, sig=None, timeout=15):
        if PEER:
            self.kill()         # tgtd does not end of SIGTERM
            return 0
        return Server.stop(self, signal.SIGTERM if sig is None else sig, timeout)

    # -- ours --

    def _find_addr(self):
        """From the export lines: portal and target's name."""
        text = "\n".join(self.lines)
        m = re.search(r"iscsi://(\[[^\]]+\]|[^/\s:\[]+):(\d+)/([^/\s'\"]+)", text)
        if not m:
            raise Fail("no iscsi:// address in the lines before `ready`:\n" + text)
        self.portal = (m.group(1).strip("[]"), int(m.group(2)))
        self.target = m.group(3)
        self.addr = ("unix", self.unix_path) if self.unix_path else ("tcp",) + self.portal

    # -- clients --

    def connect(self, timeout=10, rcvbuf=None):
        c = Conn(self.portal, timeout * slow(), rcvbuf)
        c.lun = self.lun
        return c

    def login(self, keys=None, timeout=10, session=None, rcvbuf=None, **kw):
        """An initiator in full feature phase, its unit attentions of the beginning taken."""
        c = self.connect(timeout, rcvbuf)
        if session:
            c.s = session
        if PEER.startswith("iscsi:") and not kw.get("discovery"):
            keys = dict(ALL_KEYS, **(keys or {}))
        c.login(self.target, keys, **kw)
        if not kw.get("discovery"):
            settle_attention(c)
        return c

    def settle(self, *args, **kw):
        if not PEER:
            Server.settle(self, *args, **kw)


def small_pool():
    """Not the default's memory: fewer sessions find room."""
    return "--pool" in os.environ.get("SLUICE_SERVE_ARGS", "")


def settle_attention(c):
    """TEST UNIT READY until no unit attention is left."""
    for _ in range(8):
        t = c.scsi(cdb.tur())
        if t.status != cdb.CHECK or t.sense[0] != cdb.ATTENTION:
            break


def ok(t):
    """This command must have ended GOOD."""
    if t.response or t.status:
        raise Fail("want GOOD: %s" % t)
    return t


def fails(t, *senses):
    """This command must have ended with CHECK CONDITION, and one of these senses."""
    if t.response or t.status != cdb.CHECK or senses and t.sense not in senses:
        raise Fail("want CHECK CONDITION %s: %s" % (senses, t))
    return t


def read(c, lba, n, **kw):
    return ok(c.scsi(cdb.read16(lba, n), read=n * BLOCK, **kw)).data


def write(c, lba, data, **kw):
    return ok(c.scsi(cdb.write16(lba, len(data) // BLOCK), data, **kw))


def capacity(c):
    d = ok(c.scsi(cdb.read_capacity16(), read=32)).data
    return struct.unpack(">QI", d[:12])


_rand = {}


def pattern(n, seed=1):
    """n bytes that look random, the same each time."""
    if seed not in _rand or len(_rand[seed]) < n:
        import random
        _rand[seed] = random.Random(seed).randbytes(max(n, 64 * KiB))
    return _rand[seed][:n]


def good_client(server, lba=0, want=None, keys=None):
    """Another, honest initiator: reads what must be there, writes and reads again."""
    c = server.login(keys)
    if want is not None:
        same_bytes(bytes(read(c, lba, len(want) // BLOCK)), want, "a good client's read")
    at = (capacity(c)[0] + 1) * 3 // 4
    data = pattern(4096, os.getpid() + int(time.monotonic() * 1000) % 1000)
    write(c, at, data)
    same_bytes(bytes(read(c, at, 8)), data, "a good client's own write")
    expect_eq(c.logout(), 0, "response to a good client's logout")


def ended(c, *reasons, within=None, codes=(), of=None):
    """The offence must be answered by the end of the connection, at once or after a Reject of these
    reasons; returns the Reject or None.  What was on its way may still come."""
    c.want_reject, got, c.sock_end = True, None, True
    end = time.monotonic() + (within or c.timeout)
    try:
        while time.monotonic() < end:
            c.pump()
            if c.rejects:
                got = c.rejects.pop(0)
                if reasons:
                    expect_in(got["reason"], reasons, "reason of the Reject")
    except Closed:
        return got
    finally:
        c.want_reject = False
    raise Fail("the connection is still there")


def rejected(c, *reasons, of=None, closed=True):
    """A Reject of these reasons must come, or (closed) the connection must end.  Returns what came:
    a Reject, or None where the connection ended; if it goes on it must still answer."""
    try:
        p = c.expect_reject(*reasons, of=of)
    except Closed:
        if closed:
            return None
        raise
    try:
        expect_eq(c.ping(b"after the reject", immediate=True).data, b"after the reject", "ping data")
    except Closed:
        if not closed:
            raise
    return p


def refused(c, *codes):
    """The login must be refused with one of these codes (default: any of the initiator's errors), or
    by the end of the connection."""
    try:
        c.stage = None
        p = c.login_rsp(ok=False)
    except Closed:
        return None
    expect(p["cls"], "the login goes on: %s", p)
    if codes:
        expect("%04x" % p["code"] in codes, "login status %04x, want %s", p["code"], codes)
    else:
        expect_eq(p["cls"], 2, "status class")
    c.expect_closed()
    return p["code"]


def each(title, table, limit=30, when=None):
    """Decorator: one case for each row of a table; the row's first item is its name."""
    def take(fn):
        for row in table:
            case("%s: %s" % (title, row[0]), limit, when)(lambda row=row: fn(*row[1:]))
        return fn
    return take


__all__ += ["Target", "small_pool", "settle_attention", "ok", "fails", "read", "write", "capacity", "pattern",
            "good_client", "ended", "rejected", "refused", "each", "BLOCK", "ALL_KEYS", "cdb", "free_port"]
