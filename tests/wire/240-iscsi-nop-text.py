#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""iSCSI, NOP, text in full feature phase, logout, reject (RFC 7143 11.10, 11.14, 11.17, 11.18)."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from iscsitarget import *   # noqa: E402

srv = None


def setup():
    global srv
    srv = Target()


def teardown():
    srv.check_stop()


# ---- NOP ----

@case("ping data of every small length and of the greatest comes back, immediate or in order")
def _():
    c = srv.login({"MaxRecvDataSegmentLength": "65536"})
    for n in list(range(0, 20)) + [511, 512, 4093, 8191, 8192, min(c.mrdsl, 65536)]:
        if n > c.mrdsl:
            continue
        for immediate in (False, True):
            data = pattern(n, 240)
            before = c.s.cmdsn
            same_bytes(c.ping(data, immediate).data, data, "ping data")
            expect_eq((c.s.cmdsn - before) & NONE32, 0 if immediate else 1, "CmdSNs used")
            expect_eq(c.s.expcmdsn, c.s.cmdsn, "ExpCmdSN")


@case("ping data beyond what we take comes back cut to that (11.18.3)")
def _():
    c = srv.login({"MaxRecvDataSegmentLength": "512"})
    if c.mrdsl < 4096:
        raise Skip("the target takes %d bytes" % c.mrdsl)
    data = pattern(4096, 241)
    same_bytes(c.ping(data).data, data[:512], "ping data")


@case("a NOP-Out that wants no answer gets none")
def _():
    c = srv.login()
    for data in (b"", b"unasked"):
        c.send(Pdu(NOP_OUT | IMMEDIATE, data, itt=NONE32, ttt=NONE32, cmdsn=c.s.cmdsn,
                   expstatsn=c.expstatsn, flags=F))
    c.quiet()
    c.ping()


@case("200 pings in flight: each once, in order")
def _():
    c = srv.login()
    tasks = []
    for i in range(200):
        tasks.append(c.simple("NOP", Pdu(NOP_OUT, b"%d" % i, itt=c.s.itt(), ttt=NONE32, flags=F),
                              i % 3 == 0))
    for i, t in enumerate(tasks):
        expect_eq(c.wait(t).pdu.data, b"%d" % i, "ping data")


@case("the target's own ping, where it sends one, is a right one, and its answer keeps the session")
def _():
    c = srv.login()
    end = time.monotonic() + float(os.environ.get("ISCSIWIRE_PING", "2"))
    c.sock.settimeout(0.2)
    got = 0
    while time.monotonic() < end:
        try:
            got += c.pump().op == NOP_IN
        except Fail as e:
            if isinstance(e, (Closed, ProtocolError)):
                raise
    c.sock.settimeout(c.timeout)
    diag("%d came" % got)
    c.ping()


# ---- text ----

@case("MaxRecvDataSegmentLength declared anew takes effect (13.12)")
def _():
    c = srv.login({"MaxRecvDataSegmentLength": "8192"})
    for n in (512, 4096, 65536, 1000):
        for t in [c.start(cdb.read16(0, 256), read=256 * 512) for _ in range(2)]:
            ok(c.wait(t))
        c.my_mrdsl = max(c.my_mrdsl, n)
        c.text({"MaxRecvDataSegmentLength": str(n)})
        c.my_mrdsl = n
        t = ok(c.scsi(cdb.read16(0, 256), read=256 * 512))
        expect(t.datains >= 256 * 512 // n, "%d Data-In", t.datains)


@case("a key that may not be negotiated now: Reject as value or as PDU, or the end; not in force")
def _():
    for key, v in (("MaxBurstLength", "512"), ("HeaderDigest", "CRC32C"), ("InitialR2T", "No"),
                   ("ErrorRecoveryLevel", "2"), ("TargetName", "x"), ("AuthMethod", "CHAP"),
                   ("MaxConnections", "4"), ("SessionType", "Discovery")):
        c = srv.login()
        t = c.start_text({key: v})
        c.want_reject = True
        try:
            while not t.done and not c.rejects:
                c.pump()
        except Closed:
            continue
        if t.done:
            got = dict(decode_text(t.pdu.data)).get(key)
            expect(got in (None, "Reject", "Irrelevant", "NotUnderstood") or
                   key in ("AuthMethod", "TargetName"), "%s=%s is answered with %r", key, v, got)
        else:
            c.s.cmdsn = t.first["cmdsn"]
        c.want_reject = False
        ok(c.scsi(cdb.read16(0, 1024), read=1024 * 512))


@case("an unknown key is NotUnderstood, an empty text is answered by an empty one")
def _():
    c = srv.login()
    expect_eq(c.text({"X-org.example.key": "1"}), [("X-org.example.key", "NotUnderstood")], "answer")
    for data in (b"",):
        expect_eq(c.text(data), [], "answer")


@case("a text request in pieces with C: each but the last is answered by nothing, with a TTT")
def _():
    text = encode_text({"X-org.example.first": "1" * 40, "X-org.example.second": "2" * 40})
    for cut in (1, 5, 19, 20, 60, 61, 62, len(text) - 1):
        c = srv.login()
        t = c.wait(c.start_text(text[:cut], final=False, cont=True))
        expect(not t.pdu.final and not t.pdu.data, "answer to C: %s", t.pdu)
        t = c.wait(c.start_text(text[cut:], itt=t.itt, ttt=t.pdu["ttt"], lun=t.pdu["lun"]))
        expect(t.pdu.final, "the end: %s", t.pdu)
        expect_eq([v for k, v in decode_text(t.pdu.data)], ["NotUnderstood"] * 2, "answers")


@case("F=0: the target does not end a negotiation that we do not end (11.11.1)")
def _():
    c = srv.login()
    t = c.wait(c.start_text({"X-org.example.a": "1"}, final=False))
    expect(not t.pdu.final, "F in the answer to F=0: %s", t.pdu)
    t = c.wait(c.start_text({}, itt=t.itt, ttt=t.pdu["ttt"], lun=t.pdu["lun"]))
    expect(t.pdu.final, "the end: %s", t.pdu)


@case("a key twice in a negotiation: Reject, Protocol Error (6.4)")
def _():
    c = srv.login()
    p = c.text_pdu([("X-org.example.a", "1"), ("X-org.example.a", "1")])
    c._number(p, True)
    c.send(p)
    rejected(c, REJ_PROTOCOL, of=p)
    c = srv.login()
    c.text({"X-org.example.a": "1"})
    c.text({"X-org.example.a": "1"})    # another negotiation


@case("the text request is a task like others: commands before and after it are answered")
def _():
    c = srv.login()
    before = [c.start(cdb.read16(i, 8), read=4096) for i in range(8)]
    t = c.start_text({"X-org.example.a": "1"})
    after = [c.start(cdb.read16(i, 8), read=4096) for i in range(8)]
    c.wait(*before, t, *after)


# ---- logout ----

@each("logout", (("closes the session", 0, None, 0), ("closes the connection", 1, None, 0),
                 ("for recovery is not supported at level 0", 2, None, 2),
                 ("of another CID", 1, 77, 1), ("of another CID for recovery", 2, 77, (1, 2)),
                 ("of the session ignores the CID", 0, 77, 0)))
def _(reason, cid, want):
    c = srv.login()
    code = c.logout(reason, cid)
    expect_in(code, want if isinstance(want, tuple) else (want,), "logout response")
    if code:
        c.ping()
        expect_eq(c.logout(), 0, "logout response")


@case("logout in order is the last: commands before it are answered, none after it")
def _():
    c = srv.login()
    tasks = [c.start(cdb.read16(i, 8), read=4096) for i in range(16)]
    t = c.start_logout(0, immediate=False)
    c.wait(*tasks, t)
    expect_eq(t.pdu["response"], 0, "logout response")
    c.expect_closed()


@case("immediate logout with commands in flight: what comes before the answer is right, then the end")
def _():
    for _ in range(20):
        c = srv.login()
        for i in range(16):
            c.start(cdb.write16(i * 8, 8), pattern(4096, 242))
        c.auto_r2t = False
        t = c.start_logout(0)
        c.wait(t)
        expect_eq(t.pdu["response"], 0, "logout response")
        c.expect_closed()


@case("logout while R2Ts are open: the answer does not wait for their data")
def _():
    c = srv.login({"InitialR2T": "Yes", "ImmediateData": "No"})
    c.auto_r2t = False
    for i in range(4):
        c.wait_r2t(c.start(cdb.write16(i * 8, 8), pattern(4096, 243)))
    expect_eq(c.logout(), 0, "logout response")


@each("a logout with a reserved reason: Reject, an answer that is not success, or the end", [
    (str(r), r) for r in (3, 5, 0x7f)])
def _(reason):
    c = srv.login()
    p = Pdu(LOGOUT | IMMEDIATE, itt=c.s.itt(), flags=F | reason, cid=c.cid, cmdsn=c.s.cmdsn,
            expstatsn=c.expstatsn)
    c.send(p)
    try:
        while True:
            p = c.recv_pdu()
            if p.op == REJECT or p.op == LOGOUT_RSP and p["response"]:
                return
            expect(p.op in (NOP_IN, ASYNC), "answered: %s", p)
    except Closed:
        pass


# ---- reject ----

@each("opcodes that are none: Reject, and the session goes on or ends", [
    ("%#04x" % op, op) for op in (0x07, 0x08, 0x0f, 0x11, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22,
                                  0x23, 0x24, 0x25, 0x26, 0x27, 0x31, 0x32, 0x3c, 0x3e, 0x3f)])
def _(op):
    for immediate in (0, IMMEDIATE):
        c = srv.login()
        p = Pdu(SCSI_CMD, itt=c.s.itt(), flags=F, cmdsn=c.s.cmdsn, expstatsn=c.expstatsn)
        p.bhs[0] = op | immediate
        c.send(bytes(p.bhs))
        rejected(c, REJ_UNSUPPORTED, REJ_PROTOCOL, REJ_FIELD, of=p)
        c.close()


@case("a login request in full feature phase: Reject, Protocol Error, or the end")
def _():
    c = srv.login()
    c.send(c.login_pdu(c.names(srv.target)))
    rejected(c, REJ_PROTOCOL, REJ_UNSUPPORTED, REJ_FIELD)


@each("SNACK at ErrorRecoveryLevel 0: Reject, or the end", [
    (n, k, ttt, beg, run) for n, k, ttt, beg, run in (
        ("Data", 0, NONE32, 0, 1), ("status of the past", 1, NONE32, 1, 1),
        ("status of the future", 1, NONE32, 0x7fffffff, 0xffffffff), ("DataACK", 2, 5, 3, 0),
        ("R-Data", 3, 7, 0, 0), ("reserved type", 9, 0, 0, 0))])
def _(kind, ttt, beg, run):
    c = srv.login()
    t = ok(c.scsi(cdb.read16(0, 8), read=4096))
    p = Pdu(SNACK, itt=NONE32 if kind == 1 else t.itt, ttt=ttt, begrun=beg, runlen=run,
            expstatsn=c.expstatsn, flags=F | kind)
    c.send(p)
    rejected(c, REJ_SNACK, REJ_PROTOCOL, REJ_UNSUPPORTED, REJ_DATA_ACK, REJ_FIELD, of=p)


main(setup, None if PEER else lambda: srv.check_alive(), teardown, limit=200)
