#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""iSCSI, the hostile initiator before full feature phase: every input that has broken a target's login
(CVE list), and its kin.

After each case the daemon is alive, an honest initiator finds the right data, and descriptors and
memory are back to where they were.  A refusal is a Login Response with a status of class 2, or the
end of the connection: the RFC leaves both, and which of them is not fixed here."""
import os
import random
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import iscsihostile             # noqa: E402
from iscsihostile import *      # noqa: E402

srv = None


def setup():
    global srv
    iscsihostile.setup()
    srv = iscsihostile.srv


def login_bytes(csg=OPERATIONAL, nsg=FULL):
    c = srv.connect()
    keys = dict(c.names(srv.target), **({"AuthMethod": "None"} if csg == SECURITY else {}))
    raw = c.login_pdu(keys, csg, nsg).encode()
    c.close()
    return raw


def offend(pdu_of, *codes):
    """A first request that must be refused."""
    c = srv.connect()
    p = pdu_of(c)
    try:
        c.send(p)
    except Closed:
        pass
    refused(c, *codes)
    c.close()


def answered_or_refused(c):
    """Nothing but a Login Response or the end may come; returns the response."""
    try:
        return c.login_rsp(ok=False)
    except Closed:
        return None


# ---- framing ----

for _how in ("close", "reset", "half-close"):
    def _body(how=_how):
        leave_at_every_byte(login_bytes(), srv.connect, how)
    case("%s after every byte of a login" % _how, limit=60)(_body)


@case("half-close after every byte of two stages, the answers not read", limit=60)
def _():
    raw = login_bytes(SECURITY, OPERATIONAL)
    second = bytearray(login_bytes()[:48])
    second[5:8] = bytes(3)
    leave_at_every_byte(raw + bytes(second), srv.connect, "half-close", 5)


@case("AHS of every length in a login: refused, with the bytes or without", limit=60)
def _():
    for words in range(1, 256):
        c = srv.connect()
        p = c.login_pdu(c.names(srv.target))
        p["ahslen"] = words
        p.ahs = bytes(4 * words)
        raw = p.encode()
        try:
            c.sock.sendall(raw if words % 2 else raw[:48 + words])
        except OSError:
            pass
        if words % 2:
            refused(c)
        else:
            leave(c, "half-close")
        c.close()


@each("DataSegmentLength beyond the 8192 of a login: the end, and not read to its end", [
    (str(n), n) for n in (8193, 8196, 16384, 65536, 262144, (1 << 24) - 1)])
def _(n):
    c = srv.connect()
    p = c.login_pdu(c.names(srv.target))
    text = p.data
    p["dlen"] = n
    c.sock.sendall(bytes(p.bhs) + text)
    sent = feed(c, 32 * MiB)
    expect(sent < 32 * MiB, "the target took %d MiB", sent // MiB)


@each("what is no login, as the first: the end, or an answer that refuses", [
    ("%s %#04x" % (OP_NAMES.get(op, "opcode"), op), op) for op in range(0x40) if op != LOGIN])
def _(op):
    for immediate in (0, IMMEDIATE):
        c = srv.connect()
        p = Pdu(LOGIN, itt=1, cmdsn=1)
        p.bhs[0], p.bhs[1] = op | immediate, F
        c.send(bytes(p.bhs))
        refused(c)
        c.close()


@each("not iSCSI at all: the end", (
    ("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 4), ("TLS", b"\x16\x03\x01\x02\x00\x01\x00" * 40),
    ("NBD", b"NBDMAGICIHAVEOPT" * 20), ("zeroes", bytes(400)), ("ones", b"\xff" * 400),
    ("a login's opcode, then ones", b"\x43" + b"\xff" * 400), ("SSH", b"SSH-2.0-x\r\n" + b"x" * 200)))
def _(raw):
    c = srv.connect()
    shut(c, raw + bytes(1 << 16))


# ---- flags, stages, fields ----

STAGES = [("flags %#04x" % f, f) for f in range(256)
          if f & T and f & C or f >> 2 & 3 in (2, 3) or
          f & T and (f & 3 == 2 or f & 3 <= f >> 2 & 3)]


@case("flags that contradict each other: C and T, stages that are none, stages backwards (%d of them)" %
      len(STAGES), limit=60)
def _():
    for name, f in STAGES:
        if f & 0x30:
            continue            # reserved bits: ignored or refused, below
        try:
            offend(lambda c: c.login_pdu(c.names(srv.target), flags=f))
        except Fail as e:
            raise Fail("%s: %s" % (name, e))


@each("stage jumps in the second request: refused", (
    ("back to security", (SECURITY, OPERATIONAL), (SECURITY, OPERATIONAL)),
    ("another stage than agreed", (SECURITY, None), (OPERATIONAL, FULL)),
    ("security after operational", (OPERATIONAL, None), (SECURITY, OPERATIONAL)),
    ("full feature as the current one", (OPERATIONAL, None), (FULL, FULL))))
def _(first, second):
    c = srv.connect()
    keys = dict(c.names(srv.target), **({"AuthMethod": "None"} if first[0] == SECURITY else {}))
    c.send(c.login_pdu(keys, first[0], first[1] or 0, transit=first[1] is not None))
    c.login_rsp()
    c.send(c.login_pdu({}, *second))
    refused(c)


@case("reserved bits and fields that are set: ignored or refused")
def _():
    def bits(at, value):
        c = srv.connect()
        p = c.login_pdu(c.names(srv.target))
        p.bhs[at] |= value
        c.send(p)
        answered_or_refused(c)
        c.close()
    for at in [22, 23] + list(range(32, 48)):
        bits(at, 0xff)
    for v in (0x10, 0x20, 0x30):
        bits(1, v)
    bits(0, 0x80)
    for isid in (0xc00000000000, 0xffffffffffff):
        c = srv.connect()
        c.send(c.login_pdu(c.names(srv.target), isid=isid))
        answered_or_refused(c)
    c = srv.connect()
    p = c.login_pdu(c.names(srv.target))
    p.bhs[0] = LOGIN            # not immediate
    c.send(p)
    answered_or_refused(c)
    c = srv.connect()
    c.send(c.login_pdu(c.names(srv.target), itt=NONE32))
    answered_or_refused(c)


# ---- text ----

def text_case(title, table, limit=30):
    """A login whose text is the names' and then this: refused."""
    def body(make):
        for csg in (OPERATIONAL, SECURITY):
            c = srv.connect()
            head = encode_text(c.names(srv.target))
            c.close()
            data = make(head)
            if len(data) > 8192:
                data = data[:8192]
            offend(lambda c: c.login_pdu(data, csg, FULL))
    each(title, table, limit)(body)


text_case("text that is none", (
    ("no NUL at the end", lambda h: h[:-1]),
    ("no NUL, 8189 bytes", lambda h: (h + b"X-a=" + b"v" * 8192)[:8189]),
    ("no NUL, 8190 bytes", lambda h: (h + b"X-a=" + b"v" * 8192)[:8190]),
    ("no NUL, 8191 bytes", lambda h: (h + b"X-a=" + b"v" * 8192)[:8191]),
    ("no NUL, 8192 bytes", lambda h: (h + b"X-a=" + b"v" * 8192)[:8192]),
    ("a key without =", lambda h: h + b"HeaderDigest\0"), ("nothing before =", lambda h: h + b"=None\0"),
    ("only =", lambda h: h + b"=\0"),
    ("a key-name of 64 bytes", lambda h: h + b"K" * 64 + b"=v\0"),
    ("a key-name of 255 bytes", lambda h: h + b"K" * 255 + b"=v\0"),
    ("a key-name of 8000 bytes", lambda h: h + b"K" * 8000 + b"=v\0"),
    ("8192 bytes without =", lambda h: b"K" * 8192), ("8191 NULs less one", lambda h: b"\xff" * 8191 + b"\0"),
    ("a TargetName of 8000 bytes", lambda h: h.replace(b"TargetName=", b"TargetName=" + b"x" * 8000)),
    ("not UTF-8", lambda h: h.replace(b"InitiatorName=", b"InitiatorName=\xc3\x28")),
    ("a newline in a name", lambda h: h.replace(b"TargetName=", b"TargetName=\n"))))


@each("odd text: answered with a Login Response that is right, or refused", (
    ("NULs between the pairs", lambda h: b"\0\0" + h.replace(b"\0", b"\0\0\0\0")),
    ("8000 NULs", lambda h: h + bytes(8000)),
    ("a value of 256 bytes", lambda h: h + b"X-a=" + b"v" * 256 + b"\0"),
    ("a value of 7900 bytes", lambda h: h + b"X-a=" + b"v" * 7900 + b"\0"),
    ("an alias of 256 bytes", lambda h: h + b"InitiatorAlias=" + b"v" * 256 + b"\0"),
    ("an alias of 7900 bytes", lambda h: h + b"InitiatorAlias=" + b"v" * 7900 + b"\0"),
    ("an alias not in UTF-8", lambda h: h + b"InitiatorAlias=\xff\xfe\xc0\x80\0"),
    ("format directives", lambda h: h + b"InitiatorAlias=" + b"%s%n" * 50 + b"\0X-%n%s=%s%n\0"),
    ("control bytes", lambda h: h + b"InitiatorAlias=\x1b[2J\x07\r\n\0"),
    ("= in a value", lambda h: h + b"X-a=b=c==\0"), ("a key of spaces", lambda h: h + b"   =1\0"),
    ("a key in small letters", lambda h: h + b"headerdigest=CRC32C\0"),
    ("2000 keys of a letter or two", lambda h: h + b"".join(
        b"%c%c=b\0" % (65 + i % 26, 97 + i // 26) for i in range(1500))),
    ("2000 times the same tiny key", lambda h: h + b"a=b\0" * 1990),
    ("220 unknown keys of 33 bytes", lambda h: h + b"".join(
        b"X-org.example.%017d=\0" % i for i in range(220))),
    ("a list of 4000 values", lambda h: h + b"HeaderDigest=" + b"a," * 3900 + b"CRC32C\0"),
    ("a list of commas", lambda h: h + b"DataDigest=" + b"," * 7900 + b"\0")), limit=60)
def _(make):
    for csg, nsg in ((OPERATIONAL, FULL), (SECURITY, OPERATIONAL)):
        c = srv.connect()
        head = encode_text(dict(c.names(srv.target), **({"AuthMethod": "None"} if csg == SECURITY else {})))
        c.send(c.login_pdu(make(head)[:8192], csg, nsg))
        p = answered_or_refused(c)
        n = 0
        text = p.data if p is not None and not p["cls"] else b""
        while p is not None and not p["cls"] and p["flags"] & C:
            c.send(c.login_pdu({}, csg, nsg, transit=False))
            p = answered_or_refused(c)
            text += p.data if p is not None else b""
            n += 1
            expect(n < 100, "an answer without an end")
        if p is not None and not p["cls"]:
            decode_text(text)
        c.close()


@case("text with C that never ends: of full PDUs, of tiny ones, of empty ones (bounded)", limit=90)
def _():
    for size, most in ((8192, 4096), (1, 20000), (0, 20000)):
        c = srv.connect()
        c.send(c.login_pdu(encode_text(c.names(srv.target)) + b"InitiatorAlias=", transit=False, cont=True))
        p, n = answered_or_refused(c), 0
        before = srv.rss()
        while p is not None and not p["cls"]:
            try:
                c.send(c.login_pdu(b"x" * size, transit=False, cont=True))
            except Closed:
                break
            p = answered_or_refused(c)
            n += 1
            if n >= most:
                break
        expect(n < most or size <= 1 and PEER, "%d PDUs of %d bytes are taken", n, size)
        if not PEER:
            expect(srv.rss() - before < 8 * MiB * slow(), "%d KiB more", (srv.rss() - before) // KiB)
        c.close()


@case("rounds without end, as fast as they go (bounded)", limit=60)
def _():
    for csg in (SECURITY, OPERATIONAL):
        c = srv.connect()
        keys = dict(c.names(srv.target), **({"AuthMethod": "None"} if csg == SECURITY else {}))
        n = 0
        while n < 20000:
            try:
                c.send(c.login_pdu(keys, csg, 0, transit=False))
            except Closed:
                break
            p = answered_or_refused(c)
            if p is None or p["cls"]:
                break
            keys = {}
            n += 1
        expect(n < 20000 or PEER, "%d rounds in stage %d", n, csg)
        expect(n >= 5, "only %d rounds in stage %d", n, csg)


@case("T with text that has not ended, and C after the end")
def _():
    c = srv.connect()
    text = encode_text(c.names(srv.target))
    c.send(c.login_pdu(text[:30], transit=False, cont=True))
    c.login_rsp()
    c.send(c.login_pdu(b"", transit=True))          # the pair has no end
    refused(c)


# ---- CHAP, before there is any (CVE-2018-14633, CVE-2026-63886, CVE-2024-45751) ----

@each("CHAP keys that nobody asked for", (
    ("CHAP_A", {"CHAP_A": "5"}), ("CHAP_A of a thousand", {"CHAP_A": ",".join(str(i) for i in range(1000))}),
    ("a name and a response", {"CHAP_N": "x", "CHAP_R": "0x" + "ab" * 16}),
    ("a response of 4000 digits", {"CHAP_N": "x", "CHAP_R": "0x" + "ab" * 2000}),
    ("an odd number of digits", {"CHAP_N": "x", "CHAP_R": "0x" + "a" * 33}),
    ("base64", {"CHAP_N": "x", "CHAP_R": "0b" + "QUJD" * 1000}),
    ("base64 padding alone", {"CHAP_N": "x", "CHAP_R": "0b===="}),
    ("no digits", {"CHAP_N": "", "CHAP_R": "0x"}), ("empty", {"CHAP_N": "", "CHAP_R": ""}),
    ("a challenge for the target", {"CHAP_I": "1", "CHAP_C": "0x" + "00" * 17}),
    ("a challenge of 2000 bytes", {"CHAP_I": "256", "CHAP_C": "0x" + "00" * 2000}),
    ("an identifier that is none", {"CHAP_I": "-1", "CHAP_C": "0b" + "A" * 100})))
def _(keys):
    for auth in ("None", "CHAP", "CHAP,None", None):
        c = srv.connect()
        all_keys = dict(c.names(srv.target), **({"AuthMethod": auth} if auth else {}), **keys)
        c.send(c.login_pdu(all_keys, SECURITY, FULL))
        p = answered_or_refused(c)
        if p is not None and not p["cls"]:
            c.send(c.login_pdu(keys, SECURITY, FULL))
            answered_or_refused(c)
        c.close()


# ---- out of turn (CVE-2022-50350, CVE-2026-90293) ----

@case("commands before the login has ended: the end, or 020b; and never data")
def _():
    for make in (lambda c: Pdu(SCSI_CMD, itt=5, edtl=512, cdb=cdb.read16(0, 1), flags=F | CMD_R,
                               cmdsn=c.s.cmdsn),
                 lambda c: Pdu(NOP_OUT | IMMEDIATE, itt=5, ttt=NONE32, flags=F),
                 lambda c: Pdu(TEXT, encode_text({"SendTargets": "All"}), itt=5, ttt=NONE32, flags=F),
                 lambda c: Pdu(LOGOUT | IMMEDIATE, itt=5, flags=F),
                 lambda c: Pdu(TMF | IMMEDIATE, itt=5, rtt=NONE32, flags=F | LUN_RESET),
                 lambda c: Pdu(DATA_OUT, b"x" * 512, itt=5, ttt=NONE32, flags=F)):
        for csg, nsg in ((SECURITY, OPERATIONAL), (OPERATIONAL, 0)):
            c = srv.connect()
            keys = dict(c.names(srv.target), **({"AuthMethod": "None"} if csg == SECURITY else {}))
            c.send(c.login_pdu(keys, csg, nsg, transit=csg == SECURITY))
            c.login_rsp()
            c.send(make(c))
            refused(c)


@case("commands right behind the last login request, in one segment: served after it, or the end", limit=60)
def _():
    for i in range(100):
        c = srv.connect()
        cmd = Pdu(SCSI_CMD, itt=5, edtl=512, cdb=cdb.read16(0, 1), flags=F | CMD_R | SIMPLE, cmdsn=c.s.cmdsn,
                  lun=srv.lun << 48)
        raw = login_bytes_of(c) + cmd.encode() * (1 if i % 2 else 3)
        c.sock.sendall(raw[:48 + i] if i % 5 == 4 else raw)
        try:
            c.login_rsp(ok=False)
            c.stage = FULL
            if i % 5 != 4:
                c.recv_pdu()
        except Closed:
            pass
        leave(c, ("close", "reset", "half-close")[i % 3])


def login_bytes_of(c):
    return c.login_pdu(c.names(srv.target)).encode()


@case("two logins in one segment; a login sent twice")
def _():
    for _ in range(20):
        c = srv.connect()
        raw = login_bytes_of(c)
        c.sock.sendall(raw + raw)
        p = answered_or_refused(c)
        if p is not None and not p["cls"]:
            c.stage = FULL
            try:
                p = c.recv_pdu()
                expect_in(p.op, (REJECT, LOGIN_RSP), "answer to the second login")
            except Closed:
                pass
        c.close()


@case("1500 logins with some of their bytes changed by chance", limit=90)
def _():
    rnd = random.Random(290)
    for i in range(300 if PEER else 1500):
        raw = bytearray(login_bytes_of(srv_conn(srv)) if i % 50 == 0 else raw0)     # noqa: F821
        if i % 50 == 0:
            raw0 = bytes(raw)                                                       # noqa: F841
        for _ in range(rnd.randrange(1, 6)):
            at = rnd.randrange(48) if rnd.random() < 0.6 else rnd.randrange(len(raw))
            raw[at] = rnd.choice((0, 0xff, raw[at] ^ 1 << rnd.randrange(8), rnd.randrange(256)))
        c = srv.connect()
        try:
            c.sock.sendall(raw)
            c.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        c.expect_closed(8 * slow(), drain=1 << 20)
        c.close()


def srv_conn(s):
    c = s.connect()
    c.sock.close()
    return c


main(setup, iscsihostile.after, lambda: srv.check_stop(), limit=400)
