# SPDX-License-Identifier: BSD-3-Clause
"""A client that speaks NBD over a plain socket, for the wire tests.

The codec is written from NBD's doc/proto.md (and its branch extension-ext-header) alone and
shares nothing with the daemon.  It is strict: what the text forbids a server to send is a
ProtocolError, whatever the case was about.  Cases, TAP and the daemon's life: suite.py.
"""
import os
import socket
import struct
import time

import suite
from suite import *     # noqa: F401,F403 - a case says `from nbdwire import *` and has both
from suite import PEER, Fail, KiB, MiB, Server, Skip, expect_eq, same_bytes, slow


class ProtocolError(Fail):
    """The server sent what proto.md forbids."""


class Closed(Fail):
    """The server closed the connection."""


# ---- the numbers of proto.md -------------------------------------------------------------

NBDMAGIC = 0x4e42444d41474943
IHAVEOPT = 0x49484156454F5054
REP_MAGIC = 0x0003e889045565a9
REQUEST_MAGIC = 0x25609513
EXT_REQUEST_MAGIC = 0x21e41c71
SIMPLE_REPLY_MAGIC = 0x67446698
STRUCTURED_REPLY_MAGIC = 0x668e33ef
EXT_REPLY_MAGIC = 0x6e8a278c

FLAG_FIXED_NEWSTYLE, FLAG_NO_ZEROES = 1, 2

OPT_EXPORT_NAME, OPT_ABORT, OPT_LIST, OPT_PEEK_EXPORT, OPT_STARTTLS = 1, 2, 3, 4, 5
OPT_INFO, OPT_GO, OPT_STRUCTURED_REPLY = 6, 7, 8
OPT_LIST_META_CONTEXT, OPT_SET_META_CONTEXT, OPT_EXTENDED_HEADERS = 9, 10, 11

REP_ACK, REP_SERVER, REP_INFO, REP_META_CONTEXT = 1, 2, 3, 4
REP_ERR = 1 << 31
ERR_UNSUP, ERR_POLICY, ERR_INVALID, ERR_PLATFORM = [REP_ERR + i for i in range(1, 5)]
ERR_TLS_REQD, ERR_UNKNOWN, ERR_SHUTDOWN, ERR_BLOCK_SIZE_REQD = [REP_ERR + i for i in range(5, 9)]
ERR_TOO_BIG, ERR_EXT_HEADER_REQD = REP_ERR + 9, REP_ERR + 10

INFO_EXPORT, INFO_NAME, INFO_DESCRIPTION, INFO_BLOCK_SIZE = 0, 1, 2, 3

T_HAS_FLAGS, T_READ_ONLY, T_FLUSH, T_FUA, T_ROTATIONAL, T_TRIM, T_ZEROES, T_DF = [
    1 << i for i in range(8)]
T_MULTI_CONN, T_RESIZE, T_CACHE, T_FAST_ZERO, T_STATUS_PAYLOAD = [1 << i for i in range(8, 13)]

CMD_READ, CMD_WRITE, CMD_DISC, CMD_FLUSH, CMD_TRIM = 0, 1, 2, 3, 4
CMD_CACHE, CMD_WRITE_ZEROES, CMD_BLOCK_STATUS, CMD_RESIZE = 5, 6, 7, 8
CMD_NAMES = {0: "READ", 1: "WRITE", 2: "DISC", 3: "FLUSH", 4: "TRIM", 5: "CACHE",
             6: "WRITE_ZEROES", 7: "BLOCK_STATUS", 8: "RESIZE"}

F_FUA, F_NO_HOLE, F_DF, F_REQ_ONE, F_FAST_ZERO, F_PAYLOAD_LEN = [1 << i for i in range(6)]
FLAG_NAMES = {1: "FUA", 2: "NO_HOLE", 4: "DF", 8: "REQ_ONE", 16: "FAST_ZERO", 32: "PAYLOAD_LEN"}

REPLY_DONE = 1
CHUNK_NONE, CHUNK_DATA, CHUNK_HOLE, CHUNK_STATUS, CHUNK_STATUS_EXT = 0, 1, 2, 5, 6
CHUNK_ERROR, CHUNK_ERROR_OFFSET = 0x8001, 0x8002

STATE_HOLE, STATE_ZERO = 1, 2

EPERM, EIO, ENOMEM, EINVAL, ENOSPC, EOVERFLOW, ENOTSUP, ESHUTDOWN = 1, 5, 12, 22, 28, 75, 95, 108
ERRORS = {1: "EPERM", 5: "EIO", 12: "ENOMEM", 22: "EINVAL", 28: "ENOSPC", 75: "EOVERFLOW",
          95: "ENOTSUP", 108: "ESHUTDOWN"}

MAX_STRING = 4096
DEFAULT_PAYLOAD = 32 * MiB


def errname(e):
    return "success" if e == 0 else ERRORS.get(e, "error %d" % e)


# ---- the client --------------------------------------------------------------------------

def connect_addr(addr, timeout, rcvbuf=None):
    if addr[0] == "unix":
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        dest = addr[1]
    else:
        v6 = ":" in addr[1]
        s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        dest = (addr[1], addr[2])
    if rcvbuf:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    s.settimeout(timeout)
    end = time.monotonic() + timeout
    while True:
        try:
            s.connect(dest)
            return s
        except BlockingIOError:         # a Unix listener whose queue is full
            if time.monotonic() > end:
                s.close()
                raise
            time.sleep(0.002)
        except BaseException:
            s.close()
            raise


_open_conns = []


def close_all():
    """Close what a case left open, so that the next one begins clean."""
    for c in list(_open_conns):
        c.close()


class Reply:
    """The answer to one request: simple, or all its chunks together."""

    def __init__(self, cookie, cmd, flags, offset, length, want_data):
        self.cookie, self.cmd, self.flags = cookie, cmd, flags
        self.offset, self.length = offset, length
        self.want_data = want_data
        self.error = 0
        self.message = None
        self.error_offset = None
        self.simple = False
        self.done = False
        self.chunks = []        # (type, offset, length) in the order in which they came
        self.spans = []         # content, for overlap and coverage
        self.data = bytearray()
        self.extents = {}       # context id -> [(length, flags)]

    def holes(self):
        return [c for c in self.chunks if c[0] == CHUNK_HOLE]

    def __str__(self):
        return "%s%s %d+%d -> %s%s" % (
            CMD_NAMES.get(self.cmd, "command %d" % self.cmd),
            "".join(" " + n for b, n in FLAG_NAMES.items() if self.flags & b),
            self.offset, self.length, errname(self.error),
            " (%s)" % self.message if self.message else "")


class Conn:
    """One connection; the raw steps are methods too, for the cases that do them wrong."""

    def __init__(self, addr, timeout=10, rcvbuf=None):
        self.timeout = timeout
        self.sock = connect_addr(addr, timeout, rcvbuf)
        self.mode = None
        self.size = None
        self.tflags = None
        self.infos = {}
        self.contexts = {}      # id -> name
        self.pending = {}
        self.next_cookie = 0x5157000000000001
        self.block_min, self.block_pref, self.max_payload = 1, 4096, DEFAULT_PAYLOAD
        _open_conns.append(self)

    # -- bytes --

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Closed("the server closed while we sent: %s" % e)

    def recv(self, n):
        buf = bytearray(n)
        self.recv_into(memoryview(buf))
        return bytes(buf)

    def recv_into(self, view):
        got = 0
        while got < len(view):
            try:
                k = self.sock.recv_into(view[got:])
            except socket.timeout:
                raise Fail("no answer for %.0f s (%d of %d bytes had come)" %
                           (self.timeout, got, len(view)))
            except ConnectionResetError:
                k = 0
            if k == 0:
                raise Closed("the server closed (%d of %d bytes had come)" % (got, len(view)))
            got += k

    def expect_closed(self, within=None, drain=0):
        """The server must close, having sent at most `drain` more bytes."""
        within = (within or self.timeout)
        end = time.monotonic() + within
        extra = bytearray()
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise Fail("the server has not closed after %.0f s" % within)
            self.sock.settimeout(left)
            try:
                b = self.sock.recv(65536)
            except socket.timeout:
                continue
            except (ConnectionResetError, BrokenPipeError):
                b = b""
            finally:
                self.sock.settimeout(self.timeout)
            if not b:
                return bytes(extra)
            extra += b
            if len(extra) > drain:
                raise Fail("want the end of the connection, got %d bytes: %s" %
                           (len(extra), bytes(extra[:64]).hex()))

    def is_closed(self, within):
        try:
            self.expect_closed(within, drain=1 << 40)
            return True
        except Fail:
            return False

    def close(self):
        if self in _open_conns:
            _open_conns.remove(self)
        self.sock.close()

    def reset(self):
        """Vanish with an RST (TCP; on a Unix socket the same as close)."""
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # -- handshake --

    def greeting(self):
        m1, m2, flags = struct.unpack(">QQH", self.recv(18))
        expect_eq(hex(m1), hex(NBDMAGIC), "first magic")
        expect_eq(hex(m2), hex(IHAVEOPT), "second magic")
        self.hflags = flags
        return flags

    def hello(self, flags=FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES):
        self.greeting()
        self.cflags = flags
        self.send(struct.pack(">I", flags))
        return self

    def opt(self, option, data=b"", length=None, magic=IHAVEOPT):
        self.send(struct.pack(">QII", magic, option, len(data) if length is None else length)
                  + data)

    def opt_reply(self, option):
        magic, opt, kind, length = struct.unpack(">QIII", self.recv(20))
        expect_eq(hex(magic), hex(REP_MAGIC), "magic of an option reply")
        expect_eq(opt, option, "option in the reply")
        if length > 64 * KiB:
            raise ProtocolError("option reply of %d bytes" % length)
        data = self.recv(length)
        if kind == REP_ACK and length:
            raise ProtocolError("an ACK with %d bytes of data" % length)
        if kind & REP_ERR:
            self._string(data, "error text")
        return kind, data

    def _string(self, data, what):
        if len(data) > MAX_STRING:
            raise ProtocolError("%s of %d bytes, the limit is %d" % (what, len(data), MAX_STRING))
        if b"\0" in data:
            raise ProtocolError("%s holds a NUL: %r" % (what, data[:80]))
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise ProtocolError("%s is not UTF-8: %r" % (what, data[:80]))

    def opt_all(self, option, data=b"", **kw):
        """Send an option; returns (last reply type, [data of the replies before it], error text)."""
        self.opt(option, data, **kw)
        return self.opt_answer(option)

    def opt_answer(self, option):
        items = []
        while True:
            kind, body = self.opt_reply(option)
            if kind == REP_ACK:
                return kind, items, ""
            if kind & REP_ERR:
                return kind, items, body.decode()
            want = {OPT_LIST: REP_SERVER, OPT_INFO: REP_INFO, OPT_GO: REP_INFO,
                    OPT_LIST_META_CONTEXT: REP_META_CONTEXT,
                    OPT_SET_META_CONTEXT: REP_META_CONTEXT}.get(option)
            if kind != want:
                raise ProtocolError("reply type %#x to option %d" % (kind, option))
            items.append(body)
            if len(items) > 10000:
                raise ProtocolError("more than 10000 replies to one option")

    @staticmethod
    def info_data(name, infos=(), name_len=None, count=None):
        name = name.encode() if isinstance(name, str) else name
        return (struct.pack(">I", len(name) if name_len is None else name_len) + name +
                struct.pack(">H", len(infos) if count is None else count) +
                b"".join(struct.pack(">H", i) for i in infos))

    @staticmethod
    def meta_data(name, queries=(), count=None):
        name = name.encode() if isinstance(name, str) else name
        qs = [q.encode() if isinstance(q, str) else q for q in queries]
        return (struct.pack(">I", len(name)) + name +
                struct.pack(">I", len(qs) if count is None else count) +
                b"".join(struct.pack(">I", len(q)) + q for q in qs))

    def info(self, name, infos=(), option=OPT_INFO):
        """INFO or GO; returns (reply type, {info type: payload})."""
        kind, items, self.text = self.opt_all(option, self.info_data(name, infos))
        got = {}
        for body in items:
            if len(body) < 2:
                raise ProtocolError("NBD_REP_INFO of %d bytes" % len(body))
            t = struct.unpack(">H", body[:2])[0]
            if t in got:
                raise ProtocolError("information type %d twice" % t)
            want = {INFO_EXPORT: 12, INFO_BLOCK_SIZE: 14}.get(t)
            if want and len(body) != want:
                raise ProtocolError("information type %d of %d bytes" % (t, len(body)))
            got[t] = body[2:]
            if t in (INFO_NAME, INFO_DESCRIPTION):
                self._string(body[2:], "information string")
        if kind == REP_ACK:
            if INFO_EXPORT not in got:
                raise ProtocolError("ACK without NBD_INFO_EXPORT")
            self.size, self.tflags = struct.unpack(">QH", got[INFO_EXPORT])
            if not self.tflags & T_HAS_FLAGS:
                raise ProtocolError("NBD_FLAG_HAS_FLAGS is clear")
            if self.tflags & T_DF and self.mode not in ("structured", "extended"):
                raise ProtocolError("NBD_FLAG_SEND_DF without structured replies")
            if self.tflags & T_STATUS_PAYLOAD and self.mode != "extended":
                raise ProtocolError("NBD_FLAG_BLOCK_STATUS_PAYLOAD without extended headers")
            if self.tflags & T_FAST_ZERO and not self.tflags & T_ZEROES:
                raise ProtocolError("NBD_FLAG_SEND_FAST_ZERO without SEND_WRITE_ZEROES")
            if INFO_BLOCK_SIZE in got:
                lo, pref, hi = struct.unpack(">III", got[INFO_BLOCK_SIZE])
                if lo & (lo - 1) or not 1 <= lo <= 65536:
                    raise ProtocolError("minimum block size %d" % lo)
                if pref & (pref - 1) or pref < max(lo, 512):
                    raise ProtocolError("preferred block size %d with minimum %d" % (pref, lo))
                if hi < pref:
                    raise ProtocolError("maximum payload %d below the preferred size" % hi)
                self.block_min, self.block_pref, self.max_payload = lo, pref, hi
        self.infos = got
        return kind, got

    def set_mode(self, mode):
        """Negotiate simple (nothing), structured or extended."""
        if mode == "structured":
            kind, _, text = self.opt_all(OPT_STRUCTURED_REPLY)
            if kind != REP_ACK:
                raise Fail("STRUCTURED_REPLY: %#x %s" % (kind, text))
        elif mode == "extended":
            kind, _, text = self.opt_all(OPT_EXTENDED_HEADERS)
            if kind != REP_ACK:
                if PEER:
                    raise Skip("no extended headers in " + PEER)
                raise Fail("EXTENDED_HEADERS: %#x %s" % (kind, text))
        self.mode = mode

    def meta(self, option, name, queries=(), **kw):
        """LIST/SET_META_CONTEXT; returns (reply type, {id or index: context})."""
        kind, items, self.text = self.opt_all(option, self.meta_data(name, queries, **kw))
        got = {}
        for n, body in enumerate(items):
            if len(body) < 5:
                raise ProtocolError("NBD_REP_META_CONTEXT of %d bytes" % len(body))
            ident = struct.unpack(">I", body[:4])[0]
            key = n if option == OPT_LIST_META_CONTEXT else ident
            if key in got:
                raise ProtocolError("context id %d twice" % key)
            got[key] = self._string(body[4:], "context name")
        if option == OPT_SET_META_CONTEXT:
            self.contexts = dict(got) if kind == REP_ACK else {}
        return kind, got

    def go(self, name, infos=()):
        kind, got = self.info(name, infos, OPT_GO)
        if kind != REP_ACK:
            raise Fail("GO %r: %#x %s" % (name, kind, self.text))
        if self.mode is None:
            self.mode = "simple"
        return got

    def export_name(self, name):
        """NBD_OPT_EXPORT_NAME; the answer has no header."""
        name = name.encode() if isinstance(name, str) else name
        self.opt(OPT_EXPORT_NAME, name)
        self.size, self.tflags = struct.unpack(">QH", self.recv(10))
        if not (self.cflags & FLAG_NO_ZEROES and self.hflags & FLAG_NO_ZEROES):
            expect_eq(self.recv(124), bytes(124), "124 reserved bytes")
        if self.mode is None:
            self.mode = "simple"

    def enter(self, mode, name, meta=False, infos=()):
        self.hello()
        self.set_mode(mode)
        if meta:
            kind, got = self.meta(OPT_SET_META_CONTEXT, name, ["base:allocation"])
            if kind != REP_ACK or "base:allocation" not in got.values():
                raise Fail("SET_META_CONTEXT base:allocation: %#x %r" % (kind, got))
        self.go(name, infos)
        return self

    # -- requests --

    def header(self, cmd, flags, cookie, offset, length, magic=None):
        if self.mode == "extended":
            return struct.pack(">IHHQQQ", EXT_REQUEST_MAGIC if magic is None else magic,
                               flags, cmd, cookie, offset, length)
        return struct.pack(">IHHQQI", REQUEST_MAGIC if magic is None else magic,
                           flags, cmd, cookie, offset, length)

    def post(self, cmd, offset=0, length=0, data=None, flags=0, cookie=None, send=True,
             effect=None):
        """Send one request without waiting; returns its Reply, to be filled later.
        data is the payload; effect the effect length where the header holds the payload's."""
        if data is not None:
            length = len(data)
            if self.mode == "extended" and cmd == CMD_WRITE:
                flags |= F_PAYLOAD_LEN
        if cookie is None:
            cookie = self.next_cookie
            self.next_cookie += 1
        r = Reply(cookie, cmd, flags, offset, length if effect is None else effect,
                  cmd == CMD_READ)
        if cookie in self.pending:
            raise Fail("cookie %#x is in flight" % cookie)
        self.pending[cookie] = r
        raw = self.header(cmd, flags, cookie, offset, length)
        if data:
            raw += data
        if not send:
            return raw
        self.send(raw)
        return r

    def do(self, cmd, offset=0, length=0, data=None, flags=0, **kw):
        return self.wait(self.post(cmd, offset, length, data, flags, **kw))

    def read(self, offset, length, flags=0):
        return self.do(CMD_READ, offset, length, flags=flags)

    def write(self, offset, data, flags=0):
        return self.do(CMD_WRITE, offset, data=data, flags=flags)

    def flush(self, flags=0):
        return self.do(CMD_FLUSH, flags=flags)

    def trim(self, offset, length, flags=0):
        return self.do(CMD_TRIM, offset, length, flags=flags)

    def zero(self, offset, length, flags=0):
        return self.do(CMD_WRITE_ZEROES, offset, length, flags=flags)

    def cache(self, offset, length, flags=0):
        return self.do(CMD_CACHE, offset, length, flags=flags)

    def status(self, offset, length, flags=0):
        return self.do(CMD_BLOCK_STATUS, offset, length, flags=flags)

    def disc(self):
        self.send(self.header(CMD_DISC, 0, 0, 0, 0))

    # -- replies --

    def wait(self, r):
        while not r.done:
            self.take()
        return r

    def wait_all(self):
        while self.pending:
            self.take()

    def take(self):
        """Receive one message of the server; returns the Reply that it belongs to."""
        magic = struct.unpack(">I", self.recv(4))[0]
        if magic == SIMPLE_REPLY_MAGIC:
            return self._simple()
        if magic == STRUCTURED_REPLY_MAGIC:
            if self.mode != "structured":
                raise ProtocolError("a structured reply in %s mode" % self.mode)
            flags, kind, cookie, length = struct.unpack(">HHQI", self.recv(16))
            return self._chunk(flags, kind, cookie, length)
        if magic == EXT_REPLY_MAGIC:
            if self.mode != "extended":
                raise ProtocolError("an extended reply in %s mode" % self.mode)
            flags, kind, cookie, offset, length = struct.unpack(">HHQQQ", self.recv(28))
            r = self._find(cookie)
            if offset != r.offset:
                raise ProtocolError("offset %#x in the reply to %s" % (offset, r))
            return self._chunk(flags, kind, cookie, length)
        raise ProtocolError("reply magic %#x" % magic)

    def _find(self, cookie):
        r = self.pending.get(cookie)
        if r is None:
            raise ProtocolError("a reply with the cookie %#x, which is not in flight" % cookie)
        return r

    def _error(self, r, error):
        if error not in ERRORS:
            raise ProtocolError("error value %d" % error)
        if error == ENOTSUP and not r.flags & F_FAST_ZERO:
            raise ProtocolError("ENOTSUP without FAST_ZERO: %s" % r)
        r.error = r.error or error

    def _finish(self, r):
        r.done = True
        del self.pending[r.cookie]

    def _simple(self):
        error, cookie = struct.unpack(">IQ", self.recv(12))
        r = self._find(cookie)
        if self.mode == "extended":
            raise ProtocolError("a simple reply with extended headers: %s" % r)
        if self.mode == "structured" and r.want_data:
            raise ProtocolError("a simple reply to READ with structured replies")
        if r.chunks:
            raise ProtocolError("a simple reply after chunks of the same request")
        r.simple = True
        if error:
            self._error(r, error)
        elif r.want_data:
            r.data = bytearray(r.length)
            self.recv_into(memoryview(r.data))
        self._finish(r)
        return r

    def _chunk(self, flags, kind, cookie, length):
        r = self._find(cookie)
        if flags & ~REPLY_DONE:
            raise ProtocolError("reply flags %#x" % flags)
        if length > 64 * MiB:
            raise ProtocolError("a chunk of %d bytes" % length)
        if kind == CHUNK_NONE:
            if length or not flags & REPLY_DONE:
                raise ProtocolError("NONE chunk with length %d, flags %d" % (length, flags))
            r.chunks.append((kind, 0, 0))
        elif kind == CHUNK_DATA:
            self._data(r, length)
        elif kind == CHUNK_HOLE:
            if length != 12:
                raise ProtocolError("OFFSET_HOLE of %d bytes" % length)
            off, n = struct.unpack(">QI", self.recv(12))
            if n == 0:
                raise ProtocolError("OFFSET_HOLE of size 0")
            self._content(r, kind, off, n)
        elif kind in (CHUNK_STATUS, CHUNK_STATUS_EXT):
            self._status(r, kind, self.recv(length))
        elif kind in (CHUNK_ERROR, CHUNK_ERROR_OFFSET) or kind & 0x8000:
            self._error_chunk(r, kind, self.recv(length))
        else:
            raise ProtocolError("chunk type %d" % kind)
        if flags & REPLY_DONE:
            self._complete(r)
            self._finish(r)
        return r

    def _content(self, r, kind, off, n):
        if r.cmd != CMD_READ:
            raise ProtocolError("content in the reply to %s" % r)
        if off < r.offset or off + n > r.offset + r.length:
            raise ProtocolError("content %d+%d outside of %s" % (off, n, r))
        if r.flags & F_DF and r.spans:
            raise ProtocolError("a second content chunk in spite of DF")
        for o, k in r.spans:
            if off < o + k and o < off + n:
                raise ProtocolError("content %d+%d overlaps %d+%d" % (off, n, o, k))
        if not r.data:
            r.data = bytearray(r.length)
        r.spans.append((off, n))
        r.chunks.append((kind, off, n))

    def _data(self, r, length):
        if length < 9:
            raise ProtocolError("OFFSET_DATA of %d bytes" % length)
        off = struct.unpack(">Q", self.recv(8))[0]
        n = length - 8
        self._content(r, CHUNK_DATA, off, n)
        at = off - r.offset
        self.recv_into(memoryview(r.data)[at:at + n])

    def _status(self, r, kind, body):
        if r.cmd != CMD_BLOCK_STATUS:
            raise ProtocolError("block status in the reply to %s" % r)
        if (kind == CHUNK_STATUS_EXT) != (self.mode == "extended"):
            raise ProtocolError("status chunk type %d in %s mode" % (kind, self.mode))
        if kind == CHUNK_STATUS:
            if len(body) < 12 or (len(body) - 4) % 8:
                raise ProtocolError("BLOCK_STATUS of %d bytes" % len(body))
            ident = struct.unpack(">I", body[:4])[0]
            ext = list(struct.iter_unpack(">II", body[4:]))
        else:
            if len(body) < 24 or (len(body) - 8) % 16:
                raise ProtocolError("BLOCK_STATUS_EXT of %d bytes" % len(body))
            ident, count = struct.unpack(">II", body[:8])
            ext = list(struct.iter_unpack(">QQ", body[8:]))
            if count != len(ext):
                raise ProtocolError("descriptor count %d, but %d came" % (count, len(ext)))
            if any(f >> 32 for _, f in ext):
                raise ProtocolError("more than 32 bits of status from base:allocation")
        if ident not in self.contexts:
            raise ProtocolError("status for the context %d, which was not selected" % ident)
        if ident in r.extents:
            raise ProtocolError("two status chunks for the context %d" % ident)
        if any(n == 0 for n, _ in ext):
            raise ProtocolError("an extent of length 0")
        if len(ext) > 1 << 20:
            raise ProtocolError("%d extents in a chunk" % len(ext))
        total = sum(n for n, _ in ext)
        if r.flags & F_REQ_ONE and (len(ext) != 1 or total > r.length):
            raise ProtocolError("REQ_ONE for %d bytes: extents %r" % (r.length, ext[:4]))
        if total - ext[-1][0] >= r.length:
            raise ProtocolError("extents after the requested length: %r" % ext[:4])
        if r.offset + total > self.size:
            raise ProtocolError("extents end at %d, the export at %d" %
                                (r.offset + total, self.size))
        r.extents[ident] = ext
        r.chunks.append((kind, ident, len(ext)))

    def _error_chunk(self, r, kind, body):
        least = 14 if kind == CHUNK_ERROR_OFFSET else 6
        if len(body) < least:
            raise ProtocolError("error chunk %#x of %d bytes" % (kind, len(body)))
        error, mlen = struct.unpack(">IH", body[:6])
        if mlen > len(body) - least or mlen > MAX_STRING:
            raise ProtocolError("message length %d in an error chunk of %d" % (mlen, len(body)))
        if error == 0:
            raise ProtocolError("an error chunk without an error")
        r.message = self._string(body[6:6 + mlen], "error message")
        if kind == CHUNK_ERROR_OFFSET:
            if len(body) != 14 + mlen:
                raise ProtocolError("ERROR_OFFSET of %d bytes, message %d" % (len(body), mlen))
            off = struct.unpack(">Q", body[6 + mlen:14 + mlen])[0]
            if not r.offset <= off < max(r.offset + r.length, r.offset + 1):
                raise ProtocolError("error offset %d outside of %s" % (off, r))
            r.error_offset = off
        self._error(r, error)
        r.chunks.append((kind, 0, len(body)))

    def _complete(self, r):
        if r.error:
            return
        if r.cmd == CMD_READ:
            have = sum(n for _, n in r.spans)
            if have != r.length:
                raise ProtocolError("success with %d of %d bytes" % (have, r.length))
        if r.cmd == CMD_BLOCK_STATUS and r.length and not r.extents:
            raise ProtocolError("block status succeeded without a status chunk")


def _connect(self, timeout=10, rcvbuf=None):
    return Conn(self.addr, timeout * slow(), rcvbuf)


def _client(self, mode="simple", name=None, meta=False, infos=(INFO_BLOCK_SIZE,), timeout=10,
            rcvbuf=None):
    """A client in the transmission phase; it knows the block sizes (block_min)."""
    c = self.connect(timeout, rcvbuf)
    c.enter(mode, self.name() if name is None else name, meta, infos)
    return c


Server.connect = _connect
Server.client = _client
suite.AFTER_CASE.append(close_all)

# ---- what cases say often ----------------------------------------------------------------

def ok(r):
    """This request must have succeeded."""
    if r.error:
        raise Fail("want success: %s" % r)
    return r


def fails(r, *errors):
    """This request must have failed, with one of these errors."""
    if r.error not in errors:
        raise Fail("want %s: %s" % (" or ".join(errname(e) for e in errors), r))
    return r


def grid(c, off, n):
    """The nearest range on the export's grid: cases are for any minimum block size."""
    b = c.block_min
    lo = off // b * b
    return lo, min(max(b, (off + n - lo + b - 1) // b * b), c.size - lo)


_rand = {}


def pattern(n, seed=1):
    """n bytes that look random, the same each time."""
    key = seed
    if key not in _rand or len(_rand[key]) < n:
        import random
        _rand[key] = random.Random(seed).randbytes(max(n, 64 * KiB))
    return _rand[key][:n]


def good_client(server, offset=0, want=None, name=None, mode="structured"):
    """Another, honest client: reads what must be there, writes and reads again."""
    with server.client(mode, name=name) as c:
        if want is not None:
            same_bytes(bytes(ok(c.read(offset, len(want))).data), want, "a good client's read")
        if not c.tflags & T_READ_ONLY:
            at = c.size * 3 // 4 // 4096 * 4096
            data = pattern(4096, os.getpid() + int(time.monotonic() * 1000) % 1000)
            ok(c.write(at, data, F_FUA if c.tflags & T_FUA else 0))
            same_bytes(bytes(ok(c.read(at, 4096)).data), data, "a good client's own write")
        c.disc()
        c.expect_closed(5 * slow())
