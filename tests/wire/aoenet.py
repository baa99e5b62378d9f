# SPDX-License-Identifier: BSD-3-Clause
"""A network of the test's own: the script runs again in a new network namespace (in a user namespace
too where it is not root), with veth pairs in it.  Everything dies with the last process in there.

    tgt0, tgt1 ...  the ends on which the target listens       ini0, ini1 ...  the ends of the clients
"""
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

from suite import Fail, Skip, run

SIOCGIFFLAGS, SIOCGIFMTU, SIOCGIFHWADDR = 0x8913, 0x8921, 0x8927
INSIDE = "AOEWIRE_NAMESPACE"
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def enter():
    """Run this script again in a namespace of its own; returns when it is there.  To be called
    before anything is printed or started."""
    own = os.readlink("/proc/self/ns/net")
    if os.environ.get(INSIDE) not in (None, own):
        return
    unshare, ip = (shutil.which(p, path=PATH) for p in ("unshare", "ip"))
    why = "unshare (util-linux) and ip (iproute2) are needed"
    if unshare and ip:
        for flags in (["-n"] if os.geteuid() == 0 else []), ["-Urn"]:
            if flags and subprocess.call([unshare, *flags, ip, "link", "add", "tgt0", "type", "veth"],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0:
                os.environ[INSIDE] = own
                os.execv(unshare, [unshare, *flags, sys.executable, *sys.argv])
        why = "no network namespace with a veth pair: not root, and user namespaces not allowed"
    print("1..0 # SKIP " + why)
    sys.exit(0)


def ip(*words, check=True):
    return run([shutil.which("ip", path=PATH), *words], timeout=20, check=check)


def _ioctl(request, name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        return fcntl.ioctl(s, request, struct.pack("16s240x", name.encode()))


def mac_of(name):
    return _ioctl(SIOCGIFHWADDR, name)[18:24]


def mtu_of(name):
    return struct.unpack_from("i", _ioctl(SIOCGIFMTU, name), 16)[0]


class Link:
    """A veth pair: tgtN for the target, iniN for the clients."""

    def __init__(self, number=0, mtu=1500):
        self.tgt, self.ini = "tgt%d" % number, "ini%d" % number
        self.create(mtu)

    def create(self, mtu=1500, mac=None, up=True):
        words = ["address", mac] if mac else []
        ip("link", "add", self.tgt, *words, "type", "veth", "peer", "name", self.ini)
        self.mtu(mtu)
        if up:
            self.up(self.tgt)
            self.up(self.ini)

    def there(self):
        try:
            return mtu_of(self.tgt) > 0
        except OSError:
            return False

    def remove(self):
        ip("link", "del", self.tgt)

    def mtu(self, mtu, sides=None):
        for side in sides or (self.tgt, self.ini):
            ip("link", "set", side, "mtu", str(mtu))

    def up(self, side=None):
        ip("link", "set", side or self.tgt, "up")

    def down(self, side=None):
        ip("link", "set", side or self.tgt, "down")

    def address(self, mac):
        """Give the target's end another MAC."""
        ip("link", "set", self.tgt, "address", mac)

    def target_mac(self):
        return mac_of(self.tgt)

    def vlan(self, number):
        """VLAN interfaces on both ends; returns a Link-like pair."""
        pair = object.__new__(Link)
        pair.tgt, pair.ini = "%s.%d" % (self.tgt, number), "%s.%d" % (self.ini, number)
        for under, name in ((self.tgt, pair.tgt), (self.ini, pair.ini)):
            if ip("link", "add", "link", under, "name", name, "type", "vlan", "id", str(number),
                  check=False).returncode:
                raise Skip("this kernel has no VLAN interfaces (8021q)")
            pair.up(name)
        return pair


def need_netem(name, loss):
    """Lose so many per cent of what leaves this interface, by netem; Skip where there is none."""
    tc = shutil.which("tc", path=PATH)
    if not tc:
        raise Skip("tc is not installed")
    try:
        run([tc, "qdisc", "add", "dev", name, "root", "netem", "loss", "%d%%" % loss])
    except Fail:
        raise Skip("this kernel has no netem")
