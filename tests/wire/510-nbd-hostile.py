#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NBD, the hostile client before it has an export: every input that has broken an NBD server's
handshake (CVE list), and its kin.

After each case the daemon is alive, an honest client finds the right data, and descriptors and
memory are back to where they were.  What the limits are (option bytes and counts, connections,
the time for a handshake) is not fixed here; that there is one, is."""
import os
import random
import resource
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hostile          # noqa: E402
from hostile import *   # noqa: E402

srv = None
# seconds in which a silent client must be gone; the contract says "15 s or so"
HANDSHAKE = float(os.environ.get("NBDWIRE_HANDSHAKE", 20))


def setup():
    global srv
    hostile.setup()
    srv = hostile.srv


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

def silent():
    """Nothing sent, half a flag, half an option, no option: each is sent away."""
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
    diag("the silent are gone after %.1f s" % (time.monotonic() - began))


def dribbling():
    """A handshake byte by byte, for ever: is sent away, too."""
    c = srv.connect()
    c.greeting()
    talk = struct.pack(">I", 3) + struct.pack(">QII", IHAVEOPT, 99, 60000) + bytes(60000)
    began = time.monotonic()
    try:
        for b in talk:
            c.sock.sendall(bytes([b]))
            time.sleep(0.5)
            if time.monotonic() - began > HANDSHAKE + 10:
                raise Fail("one who dribbles is still connected after %d s" % (HANDSHAKE + 10))
    except OSError:
        pass
    diag("who dribbles is gone after %.1f s" % (time.monotonic() - began))


def patient():
    """Who has done his handshake may be silent as long as he likes, in a request, too."""
    cs = [srv.client(m) for m in ("simple", "structured")]
    half = srv.client("simple")
    raw = half.post(CMD_READ, 0, 4096, send=False)
    half.send(raw[:10])
    time.sleep(2 if PEER else HANDSHAKE + 2)
    for c in cs:
        same_bytes(bytes(ok(c.read(0, 4096)).data), DATA[:4096])
    half.send(raw[10:])
    half.wait_all()
    diag("the patient are served")


# side by side, for each of them waits as long as a handshake may last
@case("the silent and those who dribble are sent away; the patient may stay", limit=HANDSHAKE + 40)
def _():
    errors = []

    def one(fn):
        try:
            fn()
        except Exception as e:
            errors.append("%s: %s" % (fn.__name__, e))

    ts = [threading.Thread(target=one, args=(fn,), daemon=True)
          for fn in ((patient,) if PEER else (patient, silent, dribbling))]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    expect(not errors, "%s", "\n".join(errors))


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
    # a newcomer has his place when the daemon has seen them go
    srv.settle(hostile.base_fds)


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


main(setup, hostile.after, lambda: srv.check_stop(), limit=700)
