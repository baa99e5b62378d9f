#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NBD, the hostile client: every input that has broken an NBD server (CVE list), and its kin.

After each case the daemon is alive, an honest client finds the right data, and descriptors and
memory are back to where they were.  What the limits are (option bytes and counts, connections,
the time for a handshake) is not fixed here; that there is one, is."""
import os
import random
import resource
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nbdwire import *   # noqa: E402

SIZE = 64 * MiB
MODES = ("simple", "structured", "extended")
DATA = pattern(1 * MiB, 510)
TOP = (1 << 64) - 1
BIG = 0xffffffff
srv = None
base_fds = base_rss = 0
# seconds in which a silent client must be gone; the contract says "15 s or so"
HANDSHAKE = float(os.environ.get("NBDWIRE_HANDSHAKE", 20))


def setup():
    global srv, base_fds, base_rss
    srv = Server(make_file(SIZE, "wire.img"), tcp=True)
    with srv.client() as c:
        ok(c.write(0, DATA))
    warm()
    time.sleep(0.3)
    base_fds, base_rss = srv.fds(), srv.rss()


def warm():
    """Touch what pools there are, so that memory that only fills up once is not taken for a leak."""
    cs = [srv.client(m) for m in ("simple", "structured") for _ in range(4)]
    for c in cs:
        c.raws = b"".join(c.post(CMD_READ, 0, 1 * MiB, send=False) for _ in range(16))
        c.raws += b"".join(c.post(CMD_WRITE, 32 * MiB, data=DATA, send=False) for _ in range(8))
        threading.Thread(target=lambda c=c: c.sock.sendall(c.raws), daemon=True).start()
    for c in cs:
        c.wait_all()
        c.close()
    flood(60)


def flood(n):
    cs = []
    for _ in range(n):
        try:
            cs.append(srv.connect(5))
        except OSError:
            break
    for c in cs:
        c.close()


def after():
    close_all()
    srv.check_alive()
    good_client(srv, 0, DATA)
    good_client(srv, 0, DATA, mode="simple")
    srv.settle(base_fds, base_rss + 32 * MiB * slow())


def hello(flags=3):
    c = srv.connect()
    c.hello(flags)
    return c


def answered_or_closed(c, opt, *kinds):
    """The option gets an error of these kinds, or the connection ends."""
    try:
        kind, _, _ = c.opt_answer(opt)
    except Closed:
        return None
    expect(kind & REP_ERR, "option %d was accepted", opt)
    if kinds:
        expect_in(kind, kinds, "reply to option %d" % opt)
    return kind


# ---- lengths in options (CVE-2022-26495, CVE-2022-26496, CVE-2017-15118, CVE-2017-15119) ----

for _opt, _n in ((OPT_INFO, "INFO"), (OPT_GO, "GO"), (OPT_LIST_META_CONTEXT, "LIST_META_CONTEXT"),
                 (OPT_SET_META_CONTEXT, "SET_META_CONTEXT")):
    def _body(opt=_opt):
        for namelen in (BIG, BIG - 1, BIG - 3, BIG - 5, BIG - 6, BIG - 7, 0x80000000, 0x7fffffff, 0x10000000,
                        65536, 4097, 33):
            for body in (b"", b"\0\0", b"\0\0\0\0", b"wire\0\0", b"A" * 32):
                c = hello()
                if opt >= OPT_LIST_META_CONTEXT:
                    c.set_mode("structured")
                c.opt(opt, struct.pack(">I", namelen) + body)
                answered_or_closed(c, opt, ERR_INVALID, ERR_TOO_BIG)
                c.close()
    case("%s: inner name length up to 0xffffffff beyond the option" % _n)(_body)

    def _body(opt=_opt):
        for extra in (-1, 1, 2, 3, 4, 6, 100, 4096):
            c = hello()
            if opt >= OPT_LIST_META_CONTEXT:
                c.set_mode("structured")
                data = Conn.meta_data(srv.name(), ["base:allocation"])
            else:
                data = Conn.info_data(srv.name(), [INFO_BLOCK_SIZE])
            c.opt(opt, data + b"\0" * extra if extra > 0 else data[:extra])
            expect_eq(answered_or_closed(c, opt, ERR_INVALID), ERR_INVALID, "reply")
            c.close()
    case("%s: inner lengths do not add up to the outer" % _n)(_body)

    def _body(opt=_opt):
        for n in (4096, 4097, 5000, 30000, 60000):
            c = hello()
            if opt >= OPT_LIST_META_CONTEXT:
                c.set_mode("structured")
                c.opt(opt, Conn.meta_data("n" * n, ["base:allocation"]))
            else:
                c.opt(opt, Conn.info_data("n" * n))
            # the strict client checks that no error text is longer than 4096 bytes
            kind = answered_or_closed(c, opt, ERR_UNKNOWN, ERR_INVALID, ERR_TOO_BIG, ERR_POLICY)
            if n <= 4096:
                expect_eq(kind, ERR_UNKNOWN, "name of %d bytes" % n)
            c.close()
    case("%s: names of 4096, 4097 and more bytes, echoed or not" % _n,
         when=lambda: PEER == "nbdkit" and "nbdkit serves every name")(_body)


@case("names of format directives and control characters come back harmless, or not at all")
def _():
    for name in ("%s%s%s%n" * 50, "%999999d", "\r\n\x1b[2J\x07", "../../etc/passwd", "a/../b", "\u202e" * 100,
                 "'; rm -rf /", "wire\n", " ", "\x7f" * 256):
        c = hello()
        c.opt(OPT_GO, Conn.info_data(name))
        if PEER != "nbdkit":
            expect_eq(answered_or_closed(c, OPT_GO), ERR_UNKNOWN, "GO %r" % name[:20])
        c.close()


@case("a name cut in the middle of a character by the error text's limit is still UTF-8")
def _():
    for pad in range(4):
        for n in (200, 1000, 1365):
            c = hello()
            c.opt(OPT_INFO, Conn.info_data("x" * pad + "\u20ac" * n))
            if PEER != "nbdkit":
                kinds = (ERR_UNKNOWN,) if pad + 3 * n <= 4096 else (ERR_UNKNOWN, ERR_INVALID)
                expect_in(answered_or_closed(c, OPT_INFO), kinds, "INFO")
            c.close()


@case("EXPORT_NAME with a length of 0xffffffff, and less: closed, without reading it all", limit=60)
def _():
    for n in (BIG, BIG - 1, 0x80000000, 0x7fffffff, 1 << 24, 65537):
        c = hello()
        c.opt(OPT_EXPORT_NAME, b"A" * 4096, length=n)
        sent = feed(c, 64 * MiB)
        expect(sent < 64 * MiB or n > 64 * MiB and PEER, "the server took %d MiB of a name", sent // MiB)
        c.close()


def feed(c, most):
    """Send zeroes until the server closes; returns how many bytes it took."""
    junk = bytes(65536)
    sent = 0
    c.sock.settimeout(2)
    try:
        while sent < most:
            sent += c.sock.send(junk)
    except OSError:
        pass
    c.sock.settimeout(c.timeout)
    return sent


@case("option lengths up to 4 GiB are not read and thrown away", limit=120)
def _():
    for opt in (OPT_LIST, OPT_INFO, OPT_GO, OPT_STRUCTURED_REPLY, OPT_SET_META_CONTEXT, OPT_ABORT,
                OPT_STARTTLS, OPT_EXTENDED_HEADERS, 77, BIG):
        for n in (BIG, 0x80000000, 64 * MiB):
            c = hello()
            c.opt(opt, b"", length=n)
            sent = feed(c, 32 * MiB)
            if not PEER:
                expect(sent < 32 * MiB, "option %d of %d bytes: the server took %d MiB", opt, n, sent // MiB)
            c.close()


@case("an option that declares 4 GiB and sends nothing")
def _():
    cs = []
    for _ in range(20):
        c = hello()
        c.opt(OPT_GO, b"", length=BIG)
        cs.append(c)
    good_client(srv, 0, DATA)


def drain(c, stop=None):
    try:
        while c.sock.recv(1 << 20):
            pass
    except OSError:
        pass
    if stop is not None:
        stop.append(1)


@case("a budget of options: 100,000 of them do not go on for ever", limit=120)
def _():
    for opt, data in ((OPT_LIST, b""), (99, b"x" * 100), (OPT_INFO, Conn.info_data("wire"))):
        c = hello()
        one = struct.pack(">QII", IHAVEOPT, opt, len(data)) + data
        sent = 0
        stop = []
        t = threading.Thread(target=drain, args=(c, stop), daemon=True)
        t.start()
        try:
            for _ in range(1000):
                c.sock.sendall(one * 100)
                sent += 100
                if stop:
                    break
        except OSError:
            pass
        t.join(5)
        if not PEER:
            expect(stop, "%d options and still connected", sent)
        c.close()


@case("a budget of bytes: options of 60 KB without end", limit=60)
def _():
    c = hello()
    one = struct.pack(">QII", IHAVEOPT, 99, 60000) + bytes(60000)
    threading.Thread(target=drain, args=(c,), daemon=True).start()
    sent = 0
    try:
        for _ in range(2000):
            c.sock.sendall(one)
            sent += 1
    except OSError:
        pass
    if not PEER:
        expect(sent < 2000, "120 MB of options and still connected")
    c.close()


@case("65535 information requests; 16000 queries; a million counted")
def _():
    c = hello()
    c.set_mode("structured")
    c.opt(OPT_INFO, Conn.info_data(srv.name(), [3] * 30000))
    try:
        c.opt_answer(OPT_INFO)
        c.opt(OPT_LIST_META_CONTEXT, Conn.meta_data(srv.name(), [""] * 16000))
        c.opt_answer(OPT_LIST_META_CONTEXT)
        c.opt(OPT_LIST_META_CONTEXT, Conn.meta_data(srv.name(), ["base:"] * 7000))
        c.opt_answer(OPT_LIST_META_CONTEXT)
        c.opt(OPT_SET_META_CONTEXT, Conn.meta_data(srv.name(), ["x:"], count=1000000))
        answered_or_closed(c, OPT_SET_META_CONTEXT, ERR_INVALID, ERR_TOO_BIG)
    except Closed:
        pass


# ---- leaving at every byte (CVE-2013-7441, nbdkit 1.34) ----

def whole_talk(mode):
    """All bytes of a client's life, and those up to which nothing is written."""
    name = srv.name().encode()
    out = struct.pack(">I", 3)
    if mode == "structured":
        out += struct.pack(">QII", IHAVEOPT, OPT_STRUCTURED_REPLY, 0)
    if mode == "extended":
        out += struct.pack(">QII", IHAVEOPT, OPT_EXTENDED_HEADERS, 0)
    if mode != "simple":
        data = Conn.meta_data(name, ["base:allocation"])
        out += struct.pack(">QII", IHAVEOPT, OPT_SET_META_CONTEXT, len(data)) + data
    data = Conn.info_data(name, [INFO_BLOCK_SIZE, INFO_NAME])
    for opt in (OPT_INFO, OPT_GO):
        out += struct.pack(">QII", IHAVEOPT, opt, len(data)) + data
    c = Conn.__new__(Conn)
    c.mode = mode
    flags = F_PAYLOAD_LEN if mode == "extended" else 0
    out += c.header(CMD_READ, 0, 1, 0, 4096)
    out += c.header(CMD_WRITE, flags, 2, 48 * MiB, 64) + b"\x77" * 64
    out += c.header(CMD_FLUSH, 0, 3, 0, 0)
    if mode != "simple":
        out += c.header(CMD_BLOCK_STATUS, 0, 4, 0, 4096)
    return out + c.header(CMD_DISC, 0, 0, 0, 0)


def leave_at_every_byte(how, greet, mode):
    talk = whole_talk(mode)
    for cut in range(len(talk) + 1):
        c = srv.connect()
        if greet:
            c.greeting()
        try:
            c.sock.sendall(talk[:cut])
        except OSError:
            pass
        if how == "reset":
            c.reset()
        elif how == "close":
            c.close()
        else:
            end_of_sending(c)
            c.expect_closed(drain=1 << 20)
            c.close()


def end_of_sending(c):
    try:
        c.sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass            # the server was faster


for _mode in MODES:
    for _how in ("close", "reset", "half-close"):
        for _greet in (True, False):
            def _body(how=_how, greet=_greet, mode=_mode):
                leave_at_every_byte(how, greet, mode)
            case("%s after every byte of a whole life, %s headers%s" %
                 (_how, _mode, "" if _greet else ", greeting not read"), limit=90)(_body)


@case("half-close after every byte is answered by the end of the connection, at once")
def _():
    talk = whole_talk("simple")
    for cut in range(0, len(talk), 7):
        c = srv.connect()
        c.sock.sendall(talk[:cut])
        end_of_sending(c)
        began = time.monotonic()
        c.expect_closed(drain=1 << 20)
        expect(time.monotonic() - began < 3 * slow(), "only after %.1f s", time.monotonic() - began)
        c.close()


# ---- the silent and the slow (CVE-2017-9524, CVE-2024-7409) ----

@case("silent clients are sent away: nothing sent, half a flag, half an option, no option",
      limit=HANDSHAKE + 30)
def _():
    if PEER:
        raise Skip("no handshake deadline in " + PEER)
    makers = [b"", b"\0\0", struct.pack(">I", 3), struct.pack(">I", 3) + b"IHAVE",
              struct.pack(">IQI", 3, IHAVEOPT, OPT_GO),
              struct.pack(">IQII", 3, IHAVEOPT, OPT_GO, 100) + b"\0" * 50,
              struct.pack(">IQII", 3, IHAVEOPT, OPT_LIST, 0)]
    cs = []
    for m in makers:
        c = srv.connect()
        c.sock.sendall(m)
        cs.append(c)
    began = time.monotonic()
    for c, m in zip(cs, makers):
        left = HANDSHAKE + 5 - (time.monotonic() - began)
        try:
            c.expect_closed(max(left, 0.1), drain=10000)
        except Fail as e:
            raise Fail("%s, having sent %r" % (e, m))
    diag("all gone after %.1f s" % (time.monotonic() - began))


@case("a client that dribbles its handshake for ever is sent away", limit=HANDSHAKE + 40)
def _():
    if PEER:
        raise Skip("no handshake deadline in " + PEER)
    c = srv.connect()
    c.greeting()
    talk = struct.pack(">I", 3) + struct.pack(">QII", IHAVEOPT, 99, 60000) + bytes(60000)
    began = time.monotonic()
    try:
        for b in talk:
            c.sock.sendall(bytes([b]))
            time.sleep(0.5)
            if time.monotonic() - began > HANDSHAKE + 10:
                raise Fail("still connected after %d s" % (HANDSHAKE + 10))
    except OSError:
        pass


@case("a client that has done its handshake may be silent as long as it likes", limit=HANDSHAKE + 20)
def _():
    cs = [srv.client(m) for m in ("simple", "structured")]
    half = srv.client("simple")
    raw = half.post(CMD_READ, 0, 4096, send=False)
    time.sleep(2 if PEER else HANDSHAKE + 2)
    for c in cs:
        same_bytes(bytes(ok(c.read(0, 4096)).data), DATA[:4096])
    half.send(raw)
    half.wait_all()


def still_open(c):
    """Has the server closed this one?  (What it sent before is not read.)"""
    c.sock.setblocking(False)
    try:
        return c.sock.recv(65536) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))


@case("a flood of connections without a handshake: a cap, honest ones go on, and new ones come in", limit=90)
def _():
    many_files()
    honest = srv.client("structured")
    cs, refused = [], 0
    for i in range(600):
        try:
            c = srv.connect(2)
            c.sock.settimeout(1)
            c.greeting()
            cs.append(c)
        except (Closed, Fail, OSError):
            refused += 1
            if refused > 20:
                break
    time.sleep(0.2)
    left = sum(1 for c in cs if still_open(c))
    diag("%d connections taken, %d of them kept; %d refused or left waiting" % (len(cs), left, refused))
    if not PEER:
        expect(left < 500, "%d clients without a handshake are kept", left)
    same_bytes(bytes(ok(honest.read(0, 4096)).data), DATA[:4096])
    # the flood goes on standing there: an honest newcomer is served
    good_client(srv, 0, DATA)
    close_all()


@case("a flood of connections with a handshake: a cap, and the others go on", limit=120)
def _():
    many_files()
    cs, refused = [], 0
    for i in range(2000):
        try:
            c = srv.connect(2)
            c.enter("simple", srv.name())
            cs.append(c)
        except (Fail, OSError):
            refused += 1
            if refused > 5:
                break
    diag("%d connections taken, %d refused or left waiting" % (len(cs), refused))
    if not PEER:
        expect(len(cs) >= 64, "only %d connections", len(cs))
        expect(refused, "%d connections, and no cap", len(cs))
    for c in cs[::max(1, len(cs) // 50)]:
        same_bytes(bytes(ok(c.read(0, 4096)).data), DATA[:4096])
    close_all()


@case("a flood of connections, closed at once, 3000 times", limit=60)
def _():
    for i in range(3000):
        c = srv.connect()
        if i % 3 == 0:
            c.reset()
        else:
            c.close()


@case("connect and disconnect from 8 threads while others work", limit=60)
def _():
    stop = time.monotonic() + 3
    errors = []

    def churn(i):
        rnd = random.Random(i)
        while time.monotonic() < stop:
            try:
                c = srv.connect()
                k = rnd.randrange(4)
                if k > 0:
                    c.hello()
                if k > 1:
                    c.go(srv.name())
                if k > 2:
                    for _ in range(4):
                        c.post(CMD_READ, 0, 65536)
                c.reset() if rnd.random() < 0.5 else c.close()
            except (Closed, OSError):
                pass
            except Exception as e:
                errors.append(repr(e))
                return

    def work():
        try:
            with srv.client("structured") as c:
                while time.monotonic() < stop:
                    same_bytes(bytes(ok(c.read(0, 65536)).data), DATA[:65536])
        except Exception as e:
            errors.append("an honest client: %r" % e)

    ts = [threading.Thread(target=churn, args=(i,), daemon=True) for i in range(6)]
    ts += [threading.Thread(target=work, daemon=True) for i in range(2)]
    for t in ts:
        t.start()
    for t in ts:
        t.join(30)
    expect(not errors, "%s", "\n".join(errors))


# ---- data in the wrong state (CVE-2017-7539, CVE-2019-14851) ----

@case("requests in place of options, options in place of requests")
def _():
    for raw in (struct.pack(">IHHQQI", REQUEST_MAGIC, 0, 0, 1, 0, 4096) * 3,
                struct.pack(">IHHQQQ", EXT_REQUEST_MAGIC, 0, 0, 1, 0, 4096) * 3,
                struct.pack(">QII", REP_MAGIC, 1, 0) * 3, b"NBDMAGIC" * 10, b"GET / HTTP/1.1\r\n\r\n" * 4,
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 8, bytes(200), b"\xff" * 200):
        c = hello()
        c.sock.sendall(raw)
        c.expect_closed()
    for mode in MODES:
        c = srv.client(mode)
        c.sock.sendall(struct.pack(">QII", IHAVEOPT, OPT_LIST, 0) * 4)
        c.expect_closed()


@case("meta contexts, structured and extended in every order with GO and ABORT between", limit=90)
def _():
    rnd = random.Random(77)
    for _ in range(300):
        c = hello()
        try:
            for _ in range(12):
                k = rnd.randrange(9)
                if k == 0:
                    c.opt(OPT_STRUCTURED_REPLY)
                    c.opt_answer(OPT_STRUCTURED_REPLY)
                elif k == 1 and rnd.random() < 0.3:
                    c.opt(OPT_EXTENDED_HEADERS)
                    if c.opt_answer(OPT_EXTENDED_HEADERS)[0] == REP_ACK:
                        c.mode = "extended"
                elif k == 2:
                    c.opt(OPT_SET_META_CONTEXT, Conn.meta_data(rnd.choice(("wire", "x", "")),
                                                               rnd.choice(([], ["base:allocation"]))))
                    c.opt_answer(OPT_SET_META_CONTEXT)
                elif k == 3:
                    c.opt(OPT_LIST_META_CONTEXT, Conn.meta_data(srv.name(), ["base:"]))
                    c.opt_answer(OPT_LIST_META_CONTEXT)
                elif k == 4:
                    c.opt(OPT_STARTTLS)
                    c.opt_answer(OPT_STARTTLS)
                elif k == 5:
                    c.opt(OPT_INFO, Conn.info_data(rnd.choice((srv.name(), "x", ""))))
                    c.opt_answer(OPT_INFO)
                elif k == 6:
                    c.opt(OPT_GO, Conn.info_data("x"))
                    if c.opt_answer(OPT_GO)[0] == REP_ACK:
                        break
                elif k == 7 and rnd.random() < 0.1:
                    c.opt(OPT_ABORT)
                    c.opt_answer(OPT_ABORT)
                    break
                elif k == 8 and rnd.random() < 0.2:
                    c.opt(OPT_EXPORT_NAME, srv.name().encode())
                    break
        except Closed:
            pass
        c.close()


@case("options sent without waiting for replies, 500 at once")
def _():
    c = hello()
    c.sock.sendall(struct.pack(">QII", IHAVEOPT, OPT_LIST, 0) * 500)
    try:
        for _ in range(500):
            c.opt_answer(OPT_LIST)
    except Closed:
        pass


@case("options whose replies are not read", limit=60)
def _():
    cs = []
    for _ in range(10):
        c = srv.connect(rcvbuf=4096)
        c.hello()
        c.sock.setblocking(False)
        try:
            for _ in range(100):
                c.sock.send(struct.pack(">QII", IHAVEOPT, OPT_LIST, 0) * 10)
        except OSError:
            pass
        cs.append(c)
    good_client(srv, 0, DATA)


@case("random bytes at every stage", limit=60)
def _():
    rnd = random.Random(int(os.environ.get("NBDWIRE_SEED", 510)))
    for i in range(600):
        stage = i % 5
        c = srv.connect()
        try:
            if stage:
                c.hello()
            if stage >= 2:
                c.set_mode(("simple", "structured", "extended")[i % 3])
            if stage >= 3:
                c.go(srv.name())
            junk = bytearray(rnd.randbytes(rnd.randrange(1, 3000)))
            if stage in (1, 2) and rnd.random() < 0.8:
                junk[:16] = struct.pack(">QII", IHAVEOPT, rnd.randrange(13), rnd.choice(
                    (0, 4, 10, 100, len(junk), rnd.randrange(70000), BIG)))
            if stage >= 3 and rnd.random() < 0.8:
                # never WRITE, TRIM or zero what the honest client will read
                cmd = rnd.choice((0, 3, 5, 7, 8, 9, 200))
                junk = c.header(cmd, rnd.randrange(65536) & ~F_PAYLOAD_LEN, rnd.getrandbits(64),
                                rnd.getrandbits(rnd.choice((8, 26, 64))),
                                rnd.getrandbits(rnd.choice((8, 20, 32)))) * 5
            c.sock.sendall(junk)
            c.sock.settimeout(0.02)
            c.sock.recv(65536)
        except (Closed, Skip, OSError):
            pass
        except ProtocolError:
            pass
        c.reset() if i % 2 else c.close()


# ---- numbers at the edge (CVE-2025-47711, CVE-2025-47712, CVE-2011-0530) ----

def edge(mode):
    with srv.client(mode, meta=mode != "simple") as c:
        lens = [BIG, BIG - 1, BIG - 511, BIG - 4095, 0x80000000, 0x7fffffff, SIZE + 1]
        if mode == "extended":
            lens += [1 << 32, (1 << 32) + 1, (1 << 63) - 1, 1 << 63, TOP, TOP - 4095]
        offs = [0, 1, 512, 4095, SIZE - 1, SIZE, SIZE + 1, BIG, 1 << 32, (1 << 63) - 1, 1 << 63,
                TOP, TOP - 1, TOP - 511, TOP - 4095, TOP - SIZE, TOP - BIG, TOP - BIG + 1, TOP - BIG + 2]
        n = 0
        for off in offs:
            for length in lens:
                for cmd, flags in ((CMD_TRIM, 0), (CMD_WRITE_ZEROES, 0), (CMD_WRITE_ZEROES, F_NO_HOLE),
                                   (CMD_BLOCK_STATUS, 0), (CMD_BLOCK_STATUS, F_REQ_ONE), (CMD_CACHE, 0),
                                   (CMD_READ, 0)):
                    r = c.do(cmd, off, length, flags=flags)
                    fails(r, EINVAL, ENOSPC, EOVERFLOW)
                    n += 1
        for off in offs[4:]:
            r = c.write(off, b"\xcc" * 512)
            fails(r, ENOSPC, EINVAL)


for _mode in MODES:
    def _body(mode=_mode):
        edge(mode)
    case("%s headers: every offset and length whose sum is out of range or wraps" % _mode)(_body)


@case("extents and counts near 2^32 on an export that is larger", limit=90)
def _():
    for image in ("wire=null:16G", make_file(16 * GiB, "wide.img")):
        with Server(image) as s:
            for mode in ("structured", "extended"):
                try:
                    c = s.client(mode, meta=True, timeout=30)
                except Skip:
                    continue
                for off in (0, 1, 511, 512, 4095, 4096, 65536 - 1, 3 * GiB + 5, 8 * GiB - 1):
                    for n in (BIG, BIG - 1, BIG - 510, BIG - 511, BIG - 4094, BIG - 4095, BIG - 65535, 1 << 31):
                        for flags in (0, F_REQ_ONE):
                            r = c.status(off, n, flags)
                            if (off | n) % c.block_min:
                                fails(r, EINVAL)
                            elif not (PEER and r.error):
                                ok(r)
                    off, n = grid(c, off, BIG - 4096)
                    r = c.trim(off, n)
                    if not PEER:
                        ok(r)
                        ok(c.zero(off, n))
                ok(c.read(0, 4096))


@case("requests longer than any buffer: header only, then silence, then away")
def _():
    for mode in MODES:
        for n in (BIG, 0x80000000, 33 * MiB, 32 * MiB):
            try:
                c = srv.client(mode)
            except Skip:
                continue
            c.sock.sendall(c.header(CMD_WRITE, F_PAYLOAD_LEN if mode == "extended" else 0, 1, 0, n))
            time.sleep(0.05)
            c.reset()


@case("many writes of 32 MiB declared and never sent, from 40 connections", limit=60)
def _():
    before = srv.rss()
    cs = []
    for i in range(40):
        try:
            c = srv.client("simple")
        except (Fail, OSError):
            break
        c.sock.sendall(c.header(CMD_WRITE, 0, 1, 32 * MiB, 32 * MiB) + b"z")
        cs.append(c)
    time.sleep(0.3)
    grown = srv.rss() - before
    expect(grown < 256 * MiB, "%d MiB more for data that never came", grown // MiB)
    good_client(srv, 0, DATA)


@case("a READ of 32 MiB from each of 40 connections that do not read it", limit=60)
def _():
    before = srv.rss()
    for i in range(40):
        try:
            c = srv.client("simple", rcvbuf=4096)
        except (Fail, OSError):
            break
        for k in range(4):
            c.post(CMD_READ, 0, 32 * MiB)
    time.sleep(1)
    grown = srv.rss() - before
    if not PEER:
        expect(grown < 512 * MiB, "%d MiB more for replies that nobody reads", grown // MiB)
    good_client(srv, 0, DATA)


# ---- leaving while work is under way ----

@case("reset, close and half-close with every command in flight", limit=60)
def _():
    rnd = random.Random(5)
    for i in range(300):
        mode = MODES[i % 3]
        try:
            c = srv.client(mode, meta=mode != "simple")
        except Skip:
            continue
        for _ in range(rnd.randrange(1, 30)):
            k = rnd.randrange(7)
            at = 40 * MiB + rnd.randrange(4 * MiB)
            if k == 0:
                c.post(CMD_READ, 0, rnd.choice((512, 65536, 1 * MiB)))
            elif k == 1:
                c.post(CMD_WRITE, at, data=b"\xaa" * rnd.choice((512, 65536)))
            elif k == 2:
                c.post(CMD_FLUSH)
            elif k == 3:
                c.post(CMD_TRIM, at, 65536)
            elif k == 4:
                c.post(CMD_WRITE_ZEROES, at, 65536)
            elif k == 5:
                c.post(CMD_CACHE, 0, 65536)
            elif mode != "simple":
                c.post(CMD_BLOCK_STATUS, 0, SIZE)
        how = rnd.randrange(4)
        if how == 0:
            c.disc()
        elif how == 1:
            end_of_sending(c)
        c.close() if how < 2 else c.reset()


@case("the same cookie for many requests in flight: each is answered")
def _():
    with srv.client("simple") as c:
        c.sock.sendall(c.header(CMD_READ, 0, 42, 0, 512) * 100)
        for _ in range(100):
            expect_eq(struct.unpack(">IIQ", c.recv(16)), (SIMPLE_REPLY_MAGIC, 0, 42), "reply")
            same_bytes(c.recv(512), DATA[:512])


@case("data after NBD_CMD_DISC is not acted upon")
def _():
    for mode in MODES:
        try:
            c = srv.client(mode)
        except Skip:
            continue
        flags = F_PAYLOAD_LEN if mode == "extended" else 0
        c.sock.sendall(c.header(CMD_DISC, 0, 0, 0, 0) +
                       c.header(CMD_WRITE, flags, 1, 0, 512) + b"\x66" * 512)
        c.expect_closed()
    good_client(srv, 0, DATA)


@case("DISC with an offset, a length and flags: the end all the same, or EINVAL")
def _():
    for flags, off, n in ((0, 1, 0), (0, 0, 1), (F_FUA, 0, 0), (0x80, 7, 7)):
        c = srv.client("simple")
        c.sock.sendall(c.header(CMD_DISC, flags, 9, off, n))
        end_of_sending(c)
        c.expect_closed(drain=16)


# ---- ends during all that (CVE-2024-7409) ----

@case("SIGTERM while connections are in every state, and more come: exit 0 in time", limit=60)
def _():
    for rounds in range(3):
        s = Server("wire=memory:16M", tcp=True)
        cs = []
        for i in range(40):
            c = s.connect()
            if i % 4 >= 1:
                c.hello()
            if i % 4 >= 2:
                c.go(s.name())
            if i % 4 >= 3:
                for _ in range(8):
                    c.post(CMD_WRITE, i * 65536, data=bytes(65536))
            cs.append(c)
        stop = []

        def more(s=s, stop=stop):
            while not stop:
                try:
                    k = socket.create_connection(s.addr[1:], 1)
                    k.close()
                except OSError:
                    time.sleep(0.001)

        t = threading.Thread(target=more, daemon=True)
        t.start()
        began = time.monotonic()
        try:
            code = s.stop(timeout=12)
        finally:
            stop.append(1)
        if not PEER:
            expect_eq(code, 0, "exit code")
            expect(time.monotonic() - began < 8 * slow(), "%.1f s", time.monotonic() - began)
        t.join(5)
        close_all()


main(setup, after, lambda: srv.check_stop(), limit=900)
