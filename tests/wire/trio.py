# SPDX-License-Identifier: BSD-3-Clause
"""One daemon that serves its images over NBD, iSCSI and AoE at once, and a client of each: for the tests
of what all protocols see alike.  Of AoE there are two interfaces, and frames of 8 KiB."""
import os
import re
import struct
import subprocess
import sys

import aoetarget                        # enters the namespace
import aoenet
import aoewire
import iscsiwire
import nbdwire
import scsicdb as cdb
import suite
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "outside"))
import stallfs                          # noqa: E402
from suite import Fail, Skip, expect, make_file, run, slow      # noqa: E402

SECTOR = 512
suite.AFTER_CASE += [iscsiwire.close_all, nbdwire.close_all]
suite.HELPERS += ["iscsipdu.py", "iscsiwire.py", "trio.py", "racers.py", "stamps.py"]


class Trio(aoetarget.Target):
    """A daemon, started and ready, and its clients."""

    def __init__(self, *images, args=(), **kw):
        if suite.PEER:
            raise Skip("about our own daemon")
        aoenet.ip("link", "set", "lo", "up")
        on = [(aoetarget.link(n, 9000), "7.3") for n in (0, 1)]
        aoetarget.Target.__init__(self, *images, on=on, nbd=True,
                                  args=["--iscsi", "127.0.0.1:0", *args], **kw)

    def _find_addr(self):
        aoetarget.Target._find_addr(self)
        found = re.findall(r"iscsi://([^/\s:]+):(\d+)/([^/\s'\"]+)", "\n".join(self.lines))
        self.targets = list(dict.fromkeys(t for _, _, t in found))
        self.portal = (found[0][0], int(found[0][1]))

    def nbd(self, number=0, mode="structured", timeout=10):
        c = nbdwire.Conn(self.addr, timeout * slow())
        return c.enter(mode, self.name(number), mode != "simple", (nbdwire.INFO_BLOCK_SIZE,))

    def iscsi(self, number=0, keys=None, timeout=10):
        """An initiator whose unit attentions of the beginning are taken."""
        c = iscsiwire.Conn(self.portal, timeout * slow())
        c.login(self.targets[number], dict({"InitialR2T": "No", "ImmediateData": "Yes"}, **(keys or {})))
        for _ in range(8):
            t = c.scsi(cdb.tur())
            if t.status != cdb.CHECK or t.sense[0] != cdb.ATTENTION:
                break
        c.last, c.block = capacity(c)
        return c

    def aoe(self, number=0, on=0, **kw):
        return self.client(number, on, retry=2, **kw)


def good(t):
    """This SCSI command must have ended GOOD."""
    if t.response or t.status:
        raise Fail("want GOOD: %s" % t)
    return t


def sense(t, *senses):
    """This SCSI command must have ended with CHECK CONDITION, and one of these senses."""
    if t.response or t.status != cdb.CHECK or t.sense not in senses:
        raise Fail("want CHECK CONDITION %s: %s" % (senses, t))
    return t


def capacity(c):
    return struct.unpack(">QI", good(c.scsi(cdb.read_capacity16(), read=32)).data[:12])


# ---- one sector by name of its protocol: get(c, sector, count), put(c, sector, data) ---------------

def get(c, sector, count):
    if isinstance(c, nbdwire.Conn):
        return bytes(nbdwire.ok(c.read(sector * SECTOR, count * SECTOR)).data)
    if isinstance(c, aoewire.Client):
        return c.read(sector, count)
    per = c.block // SECTOR
    expect(sector % per == 0 and count % per == 0, "no whole blocks")
    return bytes(good(c.scsi(cdb.read16(sector // per, count // per), read=count * SECTOR)).data)


def put(c, sector, data):
    if isinstance(c, nbdwire.Conn):
        nbdwire.ok(c.write(sector * SECTOR, data))
    elif isinstance(c, aoewire.Client):
        c.write(sector, data)
    else:
        good(c.scsi(cdb.write16(sector * SECTOR // c.block, len(data) // c.block), data))


# ---- images ------------------------------------------------------------------------------

_held, _mounts = [], []
_alone = []


def give_back():
    """After a case: no daemon, no mount, no loop device is left of it."""
    for s in list(suite.SERVERS):
        s.kill()
    while _mounts:
        subprocess.call(["umount", "-l", _mounts.pop()])
    while _held:
        os.close(_held.pop())


suite.AFTER_CASE.append(give_back)


def loop_device(size, block=512, path=None):
    """A block device over a file; it is gone with the last who has it open, however we end."""
    losetup, blockdev = suite.need("losetup", "blockdev")
    if os.geteuid() != 0:
        raise Skip("loop devices need root")
    p = run([losetup, "-f", "--show", "-b", str(block), path or make_file(size)], check=False)
    if p.returncode:
        raise Skip("no loop device here: " + p.stderr.strip())
    name = p.stdout.strip()
    try:
        _held.append(os.open(name, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as e:
        raise Skip("%s: %s" % (name, e.strerror))
    finally:
        run([losetup, "-d", name])
    run([blockdev, "--setrw", name])    # or it is as its last user left it
    return name


def coarse_file(size):
    """A file on a file system that takes whole 4096-byte blocks only, past the page cache."""
    mkfs, mount = suite.need("mkfs.ext4", "mount")
    try:
        if not _alone:
            stallfs.own_namespace()
            _alone.append(True)
    except stallfs.NotHere as e:
        raise Skip(str(e))
    dev, where = loop_device(size + 16 * suite.MiB, 4096), suite.tmpname(".mnt")
    run([mkfs, "-q", "-F", "-b", "4096", dev])
    os.mkdir(where)
    p = run([mount, dev, where], check=False)
    if p.returncode:
        raise Skip("cannot mount here: " + p.stderr.strip())
    _mounts.append(where)
    path = os.path.join(where, "disk.img")
    with open(path, "wb") as f:
        f.truncate(size)
    return path
