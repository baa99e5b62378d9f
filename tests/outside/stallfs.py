# SPDX-License-Identifier: BSD-3-Clause
"""A file system of one file whose requests can be held, refused and let go: for stores that
stall, err and vanish, and for what a power cut would leave.

It speaks the kernel's FUSE protocol on /dev/fuse itself (no library), in a mount namespace of
this process (and a user namespace, if not root), so that nothing is left behind however the test
ends.  Reads and writes pass the page cache by: the kernel hands over each of them."""
import ctypes
import errno
import os
import struct
import threading

_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_PRIVATE, MNT_DETACH = 16384, 1 << 18, 2
PAGE = 4096
(LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, FLUSH, INIT, OPENDIR, READDIR,
 RELEASEDIR, ACCESS, INTERRUPT, DESTROY, BATCH_FORGET, FALLOCATE) = (
    1, 2, 3, 4, 14, 15, 16, 17, 18, 20, 25, 26, 27, 28, 29, 34, 36, 38, 42, 43)
NAMES = {READ: "read", WRITE: "write", FSYNC: "fsync", FALLOCATE: "fallocate"}


class NotHere(Exception):
    """No such mounts in this place; the reason is the text."""


def own_namespace():
    """Call before any thread is started."""
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNS if uid == 0 else CLONE_NEWNS | CLONE_NEWUSER
    if not os.path.exists("/dev/fuse"):
        raise NotHere("no /dev/fuse")
    if _libc.unshare(flags) != 0:
        raise NotHere("no namespace of our own: %s" % os.strerror(ctypes.get_errno()))
    if uid:
        try:
            for name, text in (("setgroups", "deny"), ("uid_map", "%d %d 1" % (uid, uid)),
                               ("gid_map", "%d %d 1" % (gid, gid))):
                with open("/proc/self/" + name, "w") as f:
                    f.write(text)
        except OSError as e:
            raise NotHere("no user namespace: %s" % e)
    if _libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        raise NotHere("cannot make the mounts private: %s" % os.strerror(ctypes.get_errno()))


class Gate:
    """A rule for requests that match: hold them, then let them go or refuse them."""

    def __init__(self, kind, offset=None, length=None, error=0, hold=False, times=None):
        self.kind, self.offset, self.length = kind, offset, length
        self.error = error
        self.event = threading.Event()
        if not hold:
            self.event.set()
        self.times = times
        self.hits = 0
        self.arrived = threading.Event()

    def matches(self, kind, off, n):
        if kind != self.kind or (self.times is not None and self.hits >= self.times):
            return False
        return self.offset is None or (off < self.offset + self.length and self.offset < off + n)

    def release(self, error=None):
        if error is not None:
            self.error = error
        self.event.set()


class StallFs:
    """Mounted at `where`; the file is where/NAME."""

    def __init__(self, where, size, name="store.img"):
        self.where, self.size, self.name = where, size, name
        self.data = bytearray(size)
        self.safe = bytearray(size)     # what was synced, as it was when its sync began
        self.dirty = set()              # pages that are not
        self.lock = threading.Lock()
        self.gates = []
        self.log = []           # (kind, offset, length) as they were done
        os.makedirs(where, exist_ok=True)
        try:
            self.fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        except OSError as e:
            raise NotHere("cannot open /dev/fuse: %s" % e.strerror)
        opts = "fd=%d,rootmode=40000,user_id=%d,group_id=%d,max_read=1048576" % (
            self.fd, os.getuid(), os.getgid())
        if _libc.mount(b"stallfs", where.encode(), b"fuse", 0, opts.encode()) != 0:
            e = ctypes.get_errno()
            os.close(self.fd)
            raise NotHere("cannot mount: %s" % os.strerror(e))
        threading.Thread(target=self._loop, daemon=True).start()

    @property
    def path(self):
        return os.path.join(self.where, self.name)

    def gate(self, kind, **kw):
        g = Gate(kind, **kw)
        with self.lock:
            self.gates.append(g)
        return g

    def clear(self):
        with self.lock:
            gates, self.gates = self.gates, []
        for g in gates:
            g.release()

    def durable(self, offset, length):
        """What a power cut would leave there: a sync covers what was done when it came, and when it
        has ended."""
        with self.lock:
            return bytes(self.safe[offset:offset + length])

    def _changed(self, offset, length):
        self.dirty.update(range(offset // PAGE, (offset + length + PAGE - 1) // PAGE))

    def _sync(self):
        with self.lock:
            held = {n: bytes(self.data[n * PAGE:(n + 1) * PAGE]) for n in self.dirty}
            self.dirty.clear()
        try:
            self._pass("fsync", 0, self.size)
        except OSError:
            with self.lock:
                self.dirty.update(held)
            raise
        with self.lock:
            self.log.append(("fsync", 0, 0))
            for n, page in held.items():
                self.safe[n * PAGE:(n + 1) * PAGE] = page

    def abort(self):
        """The store vanishes: everything in it fails from now on."""
        dev = os.stat(self.where).st_dev
        try:
            with open("/sys/fs/fuse/connections/%d/abort" % os.minor(dev), "w") as f:
                f.write("1")
        except OSError:
            _libc.umount2(self.where.encode(), 1)       # MNT_FORCE does the same

    def close(self):
        self.clear()
        _libc.umount2(self.where.encode(), MNT_DETACH)
        # the number stays taken: a thread of ours that is late would serve the next file system
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        os.dup2(null, self.fd, inheritable=False)
        os.close(null)

    # -- the protocol --

    def _loop(self):
        while True:
            try:
                req = os.read(self.fd, 2 << 20)
            except OSError as e:
                if e.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                return
            if not req:
                return
            op = struct.unpack_from("<I", req, 4)[0]
            if op in (READ, WRITE, FSYNC, FALLOCATE):
                threading.Thread(target=self._one, args=(req,), daemon=True).start()
            else:
                self._one(req)

    def _answer(self, unique, body=b"", error=0):
        if error:
            body = b""
        try:
            os.write(self.fd, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)
        except OSError:
            pass

    def _one(self, req):
        _, op, unique, node = struct.unpack_from("<IIQQ", req)
        if op in (FORGET, BATCH_FORGET, INTERRUPT):
            return
        try:
            body = self._do(op, node, memoryview(req)[40:])
            self._answer(unique, body)
        except OSError as e:
            self._answer(unique, error=e.errno)
        except Exception:
            self._answer(unique, error=errno.EIO)
            raise

    def _attr(self, node):
        mode, size, links = (0o40755, 0, 2) if node == 1 else (0o100600, self.size, 1)
        return struct.pack("<6Q10I", node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, links, os.getuid(),
                           os.getgid(), 0, 4096, 0)

    def _pass(self, kind, off, n):
        """Wait at the gates."""
        with self.lock:
            mine = [g for g in self.gates if g.matches(kind, off, n)]
            for g in mine:
                g.hits += 1
        for g in mine:
            g.arrived.set()
            g.event.wait()
            if g.error:
                raise OSError(g.error, "")

    def _do(self, op, node, body):
        if op == INIT:
            minor = struct.unpack_from("<II", body)[1]
            flags = 1 | 1 << 5 | 1 << 15 | 1 << 22      # async read, big writes, async dio, max pages
            return struct.pack("<IIIIHHIIHHI28x", 7, min(minor, 31), 65536, flags, 64, 48, 1 << 20, 1, 256,
                               0, 0)
        if op == LOOKUP:
            if bytes(body).rstrip(b"\0") != self.name.encode():
                raise OSError(errno.ENOENT, "")
            return struct.pack("<QQQQII", 2, 1, 60, 60, 0, 0) + self._attr(2)
        if op in (GETATTR, SETATTR):
            return struct.pack("<QII", 60, 0, 0) + self._attr(node)
        if op in (OPEN, OPENDIR):
            return struct.pack("<QII", 1, (1 | 1 << 6) if op == OPEN else 0, 0)     # direct, parallel writes
        if op == READDIR:
            return b""
        if op == STATFS:
            return struct.pack("<5Q4I24x", 1 << 20, 1 << 19, 1 << 19, 10, 5, 4096, 255, 4096, 0)
        if op == READ:
            off, n = struct.unpack_from("<QI", body, 8)
            self._pass("read", off, n)
            with self.lock:
                self.log.append(("read", off, n))
                return bytes(self.data[off:off + n])
        if op == WRITE:
            off, n = struct.unpack_from("<QI", body, 8)
            data = bytes(body[40:40 + n])
            self._pass("write", off, n)
            with self.lock:
                self.log.append(("write", off, n))
                self.data[off:off + n] = data
                del self.data[self.size:]
                self._changed(off, n)
            return struct.pack("<II", n, 0)
        if op == FSYNC:
            self._sync()
            return b""
        if op == FALLOCATE:
            _, off, n, mode = struct.unpack_from("<QQQI", body)
            if not mode & 0x12:         # punch hole, zero range; nothing else
                raise OSError(errno.EOPNOTSUPP, "")
            self._pass("fallocate", off, n)
            with self.lock:
                self.log.append(("fallocate", off, n))
                end = min(off + n, self.size)
                if off < end:
                    self.data[off:end] = bytes(end - off)
                    self._changed(off, end - off)
            return b""
        if op in (RELEASE, RELEASEDIR, FLUSH, ACCESS, DESTROY):
            return b""
        raise OSError(errno.ENOSYS, "")
