#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""iSCSI, the hostile initiator in full feature phase: numbers at the edge, data where none belongs,
requests never finished, leaving while work is under way (CVE list, and kin).

After each case the daemon is alive, an honest initiator finds the right data, and descriptors and
memory are back to where they were.  Where the RFC leaves a choice (Reject and go on, Reject and end,
end at once; CHECK CONDITION for a task) each is right; to do what was asked for is not."""
import os
import random
import sys
import threading
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import iscsihostile             # noqa: E402
from iscsihostile import *      # noqa: E402

srv = None
R2T_ONLY = {"InitialR2T": "Yes", "ImmediateData": "No", "MaxBurstLength": "8192"}
ZERO = 2048                     # blocks that nobody writes with success


def setup():
    global srv
    iscsihostile.setup()
    srv = iscsihostile.srv


def after():
    iscsihostile.after()
    with srv.login() as c:
        same_bytes(bytes(read(c, ZERO, 256)), bytes(256 * 512), "what hostile writes were for")


def out(c, t, data, offset, **kw):
    """One Data-Out, by default without a tag."""
    kw.setdefault("ttt", NONE32)
    kw.setdefault("flags", F)
    return Pdu(DATA_OUT, data, itt=t.itt, offset=offset, expstatsn=c.expstatsn, **kw)


def not_done(c, t):
    """Whatever was sent: a Reject, an answer that is not GOOD, or the end; never GOOD."""
    watch(c, t)
    expect(not t.done or t.status or t.response, "it was done: %s", t)


# ---- framing ----

def talk():
    """A whole life after the login, as bytes."""
    c = srv.login({"InitialR2T": "No", "ImmediateData": "Yes"})
    t, pdus = c.command(cdb.write16(32, 8), DATA[16384:16384 + 4096], imm=1024, unsol=3072)
    c.out_size = 1024
    pdus += c.command(cdb.read16(0, 8), read=4096)[1]
    pdus.append(Pdu(NOP_OUT | IMMEDIATE, b"ping!", itt=3, ttt=NONE32, flags=F, cmdsn=c.s.cmdsn,
                    expstatsn=c.expstatsn))
    pdus.append(Pdu(TMF | IMMEDIATE, itt=4, rtt=t.itt, refcmdsn=t.cmdsn, lun=c.lun << 48,
                    flags=F | ABORT_TASK, cmdsn=c.s.cmdsn, expstatsn=c.expstatsn))
    pdus.append(Pdu(LOGOUT | IMMEDIATE, itt=6, cid=c.cid, flags=F, cmdsn=c.s.cmdsn, expstatsn=c.expstatsn))
    return c, b"".join(p.encode() for p in pdus)


for _how in ("close", "reset", "half-close"):
    def _body(how=_how):
        step = 97 if PEER else 13
        for cut in list(range(0, 60)) + list(range(60, 4800, step)):
            c, raw = talk()
            c.sock.sendall(raw[:cut])
            leave(c, how)
    case("%s after every so many bytes of a life" % _how, limit=120)(_body)


@case("AHS of every length in a command: used, refused, or the end", limit=90)
def _():
    for words in list(range(1, 24)) + [63, 64, 127, 128, 254, 255]:
        for kind, length in ((1, 4 * words - 3), (1, 0), (1, 0xffff), (2, 5), (2, 0), (0, 1),
                             (0x3f, 4 * words - 3)):
            c = srv.login()
            ahs = (struct.pack(">HB", length, kind) + bytes(4 * words))[:4 * words]
            t, pdus = c.command(cdb.tur(), ahs=ahs)
            c.send(*pdus)
            watch(c, t)
            c.close()


@case("AHS that hold two heads, or a part of one", limit=60)
def _():
    for ahs in (b"\0\5\2\0\0\0\2\0" * 2, b"\0\5\2", b"\0\x11\1\0" + bytes(16) + b"\0\5\2\0\0\0\2\0",
                b"\0\5\2\0\0\0\2\0" + b"\xff\xff\1\0", b"\0\1\1\0" * 63):
        for flags in (F | CMD_R | SIMPLE, F | CMD_R | CMD_W | SIMPLE, F | SIMPLE):
            c = srv.login()
            t, pdus = c.command(cdb.read16(0, 1), read=512, ahs=ahs, flags=flags)
            c.send(*pdus)
            watch(c, t)
            c.close()


@each("AHS where none may be: Reject or the end, or ignored whole", (
    ("NOP-Out", NOP_OUT), ("Text", TEXT), ("Logout", LOGOUT), ("Task Management", TMF),
    ("Data-Out", DATA_OUT)))
def _(op):
    for words in (1, 4, 255):
        c = srv.login()
        p = Pdu(op | IMMEDIATE, ahs=bytes(4 * words), itt=77, flags=F, expstatsn=c.expstatsn)
        p.bhs[20:24] = b"\xff" * 4
        p.bhs[24:28] = struct.pack(">I", c.s.cmdsn)
        c.send(p)
        try:
            c.recv_pdu()
        except (Closed, Fail) as e:
            if not isinstance(e, Closed):
                raise
        c.close()


@each("DataSegmentLength beyond what the target takes: the end, and not read to its end", [
    ("%s" % OP_NAMES[op], op) for op in (NOP_OUT, SCSI_CMD, TEXT, DATA_OUT, TMF, LOGOUT)])
def _(op):
    for beyond in (1, 4, 65536, None):
        c = srv.login()
        n = (1 << 24) - 1 if beyond is None else c.mrdsl + beyond
        if n > (1 << 24) - 1 or n <= c.mrdsl:
            continue
        p = Pdu(op, itt=5, flags=F | (CMD_W if op == SCSI_CMD else 0), expstatsn=c.expstatsn, dlen=n)
        if op == SCSI_CMD:
            p["cdb"], p["edtl"], p["lun"] = cdb.write16(ZERO, 128), n, c.lun << 48
        if op != DATA_OUT:
            p["cmdsn"] = c.s.cmdsn
        c.sock.sendall(bytes(p.bhs))
        sent = feed(c, 64 * MiB)
        expect(sent < 64 * MiB, "the target took %d MiB", sent // MiB)
        c.close()


# ---- Data-Out ----

def solicited(title, make, may_go_on=False):
    """A write whose R2T is answered wrongly: make(c, t, r2t) gives the PDUs.  may_go_on: some of them
    are right, and what was taken of them may be followed by the next R2T."""
    def body():
        c = srv.login(R2T_ONLY)
        c.auto_r2t = False
        data = pattern(16384, 292)
        t = c.start(cdb.write16(ZERO, 32), data)
        p = c.wait_r2t(t)
        c.want_reject = c.loose = True
        try:
            c.send(*make(c, t, p))
        except Closed:
            pass
        not_done(c, t)
        expect(len(t.r2ts) == 1 or may_go_on, "it was taken: the next R2T came")
        if not t.done and t.itt in c.tasks:
            try:
                c.tmf(ABORT_TASK, t)
            except Closed:
                pass
    case("Data-Out: " + title)(body)


def right(c, t, p, **change):
    """The right answer to an R2T as one PDU or more, but for this."""
    q = out(c, t, t.out[p["offset"]:p["offset"] + min(p["length"], c.mrdsl)], p["offset"], ttt=p["ttt"],
            lun=p["lun"])
    for k, v in change.items():
        q[k] = v
    return q


solicited("a Target Transfer Tag that was never given",
          lambda c, t, p: [right(c, t, p, ttt=p["ttt"] ^ 0x5a5a)])
solicited("no Target Transfer Tag", lambda c, t, p: [right(c, t, p, ttt=NONE32)])
solicited("another ITT with this TTT", lambda c, t, p: [right(c, t, p, itt=t.itt ^ 1)])
solicited("another LUN", lambda c, t, p: [right(c, t, p, lun=9 << 48)])
solicited("DataSN 1 instead of 0", lambda c, t, p: [right(c, t, p, datasn=1)])
solicited("DataSN 0xffffffff", lambda c, t, p: [right(c, t, p, datasn=NONE32)])
solicited("an offset one byte on", lambda c, t, p: [right(c, t, p, offset=p["offset"] + 1)])
solicited("an offset behind the burst", lambda c, t, p: [right(c, t, p, offset=p["offset"] + p["length"])])
solicited("an offset behind the command", lambda c, t, p: [right(c, t, p, offset=1 << 20)])
solicited("an offset near 2^32", lambda c, t, p: [right(c, t, p, offset=0xffffff00)])
solicited("more than the burst", lambda c, t, p: [
    out(c, t, pattern(min(p["length"], c.mrdsl), 1), p["offset"] + i * min(p["length"], c.mrdsl),
        ttt=p["ttt"], lun=p["lun"], datasn=i, flags=0)
    for i in range(p["length"] // min(p["length"], c.mrdsl) + 1)], True)
solicited("F too early", lambda c, t, p: [
    out(c, t, pattern(512, 1), p["offset"], ttt=p["ttt"], lun=p["lun"])])
solicited("F at once, without data", lambda c, t, p: [
    out(c, t, b"", p["offset"], ttt=p["ttt"], lun=p["lun"])])
solicited("the same PDU twice", lambda c, t, p: [
    out(c, t, pattern(512, 1), p["offset"], ttt=p["ttt"], lun=p["lun"], flags=0)] * 2)
solicited("a hole", lambda c, t, p: [
    out(c, t, pattern(512, 1), p["offset"], ttt=p["ttt"], lun=p["lun"], flags=0),
    out(c, t, pattern(512, 1), p["offset"] + 1024, ttt=p["ttt"], lun=p["lun"], datasn=1)])
solicited("backwards", lambda c, t, p: [
    out(c, t, pattern(512, 1), p["offset"] + 512, ttt=p["ttt"], lun=p["lun"], flags=0),
    out(c, t, pattern(512, 1), p["offset"], ttt=p["ttt"], lun=p["lun"], datasn=1)])
solicited("overlapping", lambda c, t, p: [
    out(c, t, pattern(1024, 1), p["offset"], ttt=p["ttt"], lun=p["lun"], flags=0),
    out(c, t, pattern(1024, 1), p["offset"] + 512, ttt=p["ttt"], lun=p["lun"], datasn=1)])


@case("Data-Out for a task that never was, has ended, or reads")
def _():
    for what in ("never", "ended", "reads"):
        c = srv.login()
        t = Task(0x0badcafe, "SCSI")
        if what == "ended":
            t = ok(c.scsi(cdb.tur()))
        if what == "reads":
            t = c.start(cdb.read16(0, 2048), read=1 * MiB)
        c.want_reject = True
        for ttt in (NONE32, 0, 1, 0x7fffffff):
            try:
                c.send(out(c, t, bytes(512), 0, ttt=ttt))
            except Closed:
                break
        watch(c)
        c.close()


@case("the answer to an R2T a second time, after all of it was taken")
def _():
    c = srv.login(R2T_ONLY)
    c.auto_r2t = False
    t = c.start(cdb.write16(8192, 32), bytes(16384))
    p = c.wait_r2t(t)
    pdus = c.data_out(t, p["offset"], p["length"], p["ttt"], lun=p["lun"])
    c.want_reject = c.loose = True
    try:
        c.send(*pdus)
        c.send(*pdus)
        c.ping(immediate=True)
    except Closed:
        pass


# each: keys, write of so many blocks, immediate, unsolicited, F, EDTL
UNSOLICITED = (
    ("immediate data that was not agreed", {"InitialR2T": "Yes", "ImmediateData": "No"},
     8, 4096, 0, True, None),
    ("unsolicited data that was not agreed", {"InitialR2T": "Yes", "ImmediateData": "Yes"},
     8, 0, 4096, False, None),
    ("both, neither agreed", {"InitialR2T": "Yes", "ImmediateData": "No"}, 8, 512, 3584, False, None),
    ("F=0, but no more may come", {"InitialR2T": "Yes", "ImmediateData": "Yes"}, 16, 512, 0, False, None),
    ("immediate data beyond FirstBurstLength", {"FirstBurstLength": "512", "ImmediateData": "Yes"},
     16, 8192, 0, True, None),
    ("unsolicited data beyond FirstBurstLength",
     {"FirstBurstLength": "4096", "InitialR2T": "No", "ImmediateData": "No"}, 32, 0, 8192, False, None),
    ("both beyond FirstBurstLength",
     {"FirstBurstLength": "4096", "InitialR2T": "No", "ImmediateData": "Yes"}, 32, 4096, 4096, False, None),
    ("unsolicited data after F", {"InitialR2T": "No", "ImmediateData": "Yes"}, 16, 512, 3584, True, None),
    ("more immediate data than EDTL", {"ImmediateData": "Yes"}, 8, 4096, 0, True, 512),
    ("more unsolicited data than EDTL", {"InitialR2T": "No", "ImmediateData": "No"}, 8, 0, 4096, False, 512),
    ("immediate data with EDTL 0", {"ImmediateData": "Yes"}, 8, 4096, 0, True, 0))


@each("unsolicited data", UNSOLICITED)
def _(keys, blocks, imm, unsol, final, edtl):
    c = srv.login(keys)
    for k, v in keys.items():
        if c.s.param(k) != v:
            raise Skip("the target insists on %s=%s" % (k, c.s.param(k)))
    data = bytes(blocks * 512)          # if it is written in spite of all, then at least zeroes
    t, pdus = c.command(cdb.write16(ZERO, blocks), data, imm=imm, unsol=unsol, final=final, edtl=edtl)
    c.loose = True
    try:
        c.send(*pdus)
    except Closed:
        pass
    if watch(c, t) and t.done and edtl is None:
        expect(t.status or t.response, "it was done: %s", t)


# ---- commands ----

@each("commands that contradict themselves: Reject, CHECK CONDITION or the end", (
    ("neither F nor W", SIMPLE | CMD_R, 512), ("no direction, but a length", F | SIMPLE, 512),
    ("R for a write", F | CMD_R | SIMPLE, 512), ("reserved bits", F | CMD_W | 0x18 | SIMPLE, 512),
    ("attribute 5", F | CMD_W | 5, 512), ("attribute 7", F | CMD_W | 7, 512),
    ("ACA without an ACA", F | CMD_W | ACA, 512),
    ("R and W without an AHS", F | CMD_R | CMD_W | SIMPLE, 512)))
def _(flags, edtl):
    c = srv.login()
    t, pdus = c.command(cdb.write16(ZERO, 1), bytes(512), imm=0, unsol=0, flags=flags, edtl=edtl)
    t.edtl_in = 1 << 32                 # whatever comes
    c.send(*pdus)
    watch(c, t)


@case("Expected Data Transfer Length of 0xffffffff, for a read and a write of a block")
def _():
    c = srv.login()
    t = c.scsi(cdb.read16(0, 1), read=NONE32)
    expect(t.under and t.resid == NONE32 - 512 or t.status, "residual: %s", t)
    c = srv.login(R2T_ONLY)
    c.auto_r2t, c.want_reject = False, True
    t, pdus = c.command(cdb.write16(ZERO, 1), bytes(512), edtl=NONE32)
    c.send(*pdus)
    watch(c, t)


@case("reads of sizes that no memory holds: refused, or served piece by piece")
def _():
    c = srv.login()
    for n in (1 << 31, NONE32, (1 << 32) - 512, 1 << 24):
        t = c.start(struct.pack(">BBQIBB", 0x88, 0, 0, n & NONE32, 0, 0), read=512, edtl=512)
        c.wait(t)
        fails(t)


@case("an ITT that is in use: Reject, Task in progress, or the end; the first task lives if any does")
def _():
    c = srv.login(R2T_ONLY)
    c.auto_r2t = False
    t = c.start(cdb.write16(8192, 8), bytes(4096))
    c.wait_r2t(t)
    for make in (lambda: c.command(cdb.read16(0, 8), read=4096, itt=t.itt)[1],
                 lambda: [Pdu(NOP_OUT | IMMEDIATE, b"x", itt=t.itt, ttt=NONE32, flags=F, cmdsn=c.s.cmdsn,
                              expstatsn=c.expstatsn)]):
        pdus = make()
        c.tasks[t.itt] = t
        c.send(*pdus)
        try:
            c.expect_reject(REJ_IN_PROGRESS, REJ_PROTOCOL, REJ_FIELD, of=pdus[0])
        except Closed:
            return
        if pdus[0].op == SCSI_CMD:
            c.s.cmdsn = pdus[0]["cmdsn"]
    c.auto_r2t = True
    c.serve_r2t(t)
    ok(c.wait(t))


@case("ITT 0xffffffff for a command, a text, a function")
def _():
    for make in (lambda c: c.command(cdb.tur(), itt=NONE32)[1][0],
                 lambda c: Pdu(TEXT | IMMEDIATE, encode_text({"SendTargets": ""}), itt=NONE32, ttt=NONE32,
                               flags=F, cmdsn=c.s.cmdsn, expstatsn=c.expstatsn),
                 lambda c: Pdu(TMF | IMMEDIATE, itt=NONE32, rtt=NONE32, flags=F | CLEAR_ACA,
                               cmdsn=c.s.cmdsn, expstatsn=c.expstatsn)):
        c = srv.login()
        p = make(c)
        c.send(p)
        rejected(c, REJ_FIELD, REJ_PROTOCOL, of=p)
        c.close()


@case("LUNs that are none: INQUIRY says so, the rest is ILLEGAL REQUEST, in every format of LUN")
def _():
    c = srv.login()
    for lun in (1, 2, 0xff, 0x0100, 0x3fff, 0x4000 + c.lun + 1, 0x4fff, 0x8000, 0xc101, 0xffff):
        if lun == c.lun or PEER.startswith("iscsi:") and lun == 1:
            continue
        t = ok(c.scsi(cdb.inquiry(), read=255, lun=lun))
        expect_eq(t.data[0], 0x7f, "qualifier and type of LUN %#x" % lun)
        fails(c.scsi(cdb.tur(), lun=lun), cdb.NO_SUCH_LUN)
        fails(c.scsi(cdb.read16(0, 1), read=512, lun=lun), cdb.NO_SUCH_LUN)
        fails(c.scsi(cdb.write16(ZERO, 1), pattern(512, 1), lun=lun), cdb.NO_SUCH_LUN)


# ---- numbers ----

@case("CmdSN behind and beyond the window: ignored in silence, and the session goes on (4.2.2.1)")
def _():
    c = srv.login()
    c.ping()
    window = serial(c.s.maxcmdsn, c.s.expcmdsn) + 1
    for n in (-1, -2, -1000, window, window + 1, window + 1000, 0x7fffffff, 0x40000000, -0x40000000):
        t, pdus = c.command(cdb.write16(ZERO, 1), pattern(512, 1), imm=0, unsol=0,
                            cmdsn=(c.s.expcmdsn + n) & NONE32)
        c.send(*pdus)
        c.tasks.pop(t.itt)
    c.quiet(0.2)
    ok(c.scsi(cdb.tur()))


@case("a CmdSN twice within the window: the second is ignored; a gap is waited for, then all in order")
def _():
    c = srv.login()
    n = c.s.cmdsn
    late = [c.command(cdb.read16(i, 1), read=512, cmdsn=(n + i) & NONE32) for i in (3, 1, 2)]
    for t, pdus in late:
        c.send(*pdus)
    dup, pdus = c.command(cdb.write16(ZERO, 1), pattern(512, 1), imm=0, unsol=0, cmdsn=(n + 2) & NONE32)
    c.send(*pdus)
    c.tasks.pop(dup.itt)
    c.quiet(0.2)
    c.s.cmdsn = (n + 4) & NONE32
    first = c.start(cdb.read16(0, 1), read=512, cmdsn=n)
    for t in [first] + [t for t, _ in late]:
        ok(c.wait(t))
    ok(c.scsi(cdb.tur()))


@case("CmdSN over the edge of 2^32, the window on both sides of it")
def _():
    for start in (0xffffffff, 0xfffffffe, 0xfffffff0, 0x7ffffff8):
        c = srv.login(session=Session(cmdsn=start))
        tasks = [c.start(cdb.read16(i, 8), read=4096) for i in range(40)]
        c.wait(*tasks)
        for i, t in enumerate(tasks):
            same_bytes(bytes(ok(t).data), DATA[i * 512:i * 512 + 4096])
        c.close()


@case("many more commands than the window takes, at once: those within are served, none beyond")
def _():
    c = srv.login()
    c.ping()
    window = serial(c.s.maxcmdsn, c.s.cmdsn) + 1
    tasks, raw = [], []
    start = c.s.cmdsn
    for i in range(window + 50):
        t, pdus = c.command(cdb.read16(0, 1), read=512, cmdsn=(start + i) & NONE32)
        tasks.append(t)
        raw += pdus
    c.s.cmdsn = (start + window + 50) & NONE32
    c.send(*raw)
    for t in tasks[:window]:
        ok(c.wait(t))
    # those beyond may have been served if the window had moved on by the time they were read
    c.s.cmdsn = start
    for t in tasks[window:]:
        c.tasks.setdefault(t.itt, t)
    try:
        c.s.cmdsn = (start + window + 50) & NONE32
        c.ping(immediate=True)
    except Closed:
        pass


@case("10,000 immediate pings at once: each is answered, or rejected as one too many, or the end", limit=60)
def _():
    c = srv.login(timeout=30)
    n = 500 if PEER else 10000
    p = Pdu(NOP_OUT | IMMEDIATE, b"x" * 16, ttt=NONE32, flags=F, cmdsn=c.s.cmdsn, expstatsn=c.expstatsn)
    raw = []
    for i in range(n):
        p["itt"] = i
        c.tasks[i] = Task(i, "NOP")
        raw.append(p.encode())
    sender = threading.Thread(target=lambda: quietly(c.sock.sendall, b"".join(raw)), daemon=True)
    sender.start()
    c.want_reject = True
    try:
        while len(c.tasks) > len(c.rejects):
            c.pump()
    except Closed:
        pass
    sender.join(10)
    expect(all(r["reason"] == REJ_IMMEDIATE for r in c.rejects), "reasons of the Rejects")


def quietly(fn, *args):
    try:
        fn(*args)
    except OSError:
        pass


@case("tags that the target never gave: NOP-Out, Text")
def _():
    for make in (lambda c: Pdu(NOP_OUT | IMMEDIATE, itt=NONE32, ttt=0x1234, flags=F, cmdsn=c.s.cmdsn,
                               expstatsn=c.expstatsn),
                 lambda c: Pdu(NOP_OUT | IMMEDIATE, b"x", itt=7, ttt=0x1234, flags=F, cmdsn=c.s.cmdsn,
                               expstatsn=c.expstatsn),
                 lambda c: Pdu(NOP_OUT, itt=NONE32, ttt=NONE32, flags=F, cmdsn=c.s.cmdsn,
                               expstatsn=c.expstatsn),
                 lambda c: c.text_pdu({"SendTargets": ""}, ttt=0x1234)):
        c = srv.login()
        p = make(c)
        c._number(p, True)
        c.send(p)
        c.want_reject = True
        try:
            c.pump() if p.op == TEXT else c.send(c.login_pdu({}))
        except (Closed, Fail) as e:
            if isinstance(e, ProtocolError):
                c.close()
                continue
        c.close()


# ---- text ----

@each("text that is none, in full feature phase: Reject or the end", (
    ("no NUL", b"X-a=1"), ("no =", b"X-a\0"), ("a key of 64 bytes", b"K" * 64 + b"=v\0"),
    ("a key of 8000 bytes", b"K" * 8000 + b"=v\0"), ("8192 bytes without NUL", b"X-a=" + b"v" * 8188),
    ("nothing before =", b"=x\0"), ("only NULs", bytes(8000)), ("2000 tiny keys", b"a=b\0" * 2000),
    ("2000 keys of two letters", b"".join(b"%c%c=b\0" % (65 + i % 26, 97 + i // 26) for i in range(1500)))))
def _(data):
    for immediate in (False, True):
        c = srv.login()
        c.want_reject = True
        t = c.start_text(data, immediate=immediate)
        try:
            while not t.done and not c.rejects:
                c.pump()
            if t.done:
                for k, v in decode_text(t.pdu.data):
                    expect_eq(v, "NotUnderstood", "answer to %s" % k[:20])
        except Closed:
            pass
        c.close()


@case("text with C that never ends, empty or full, is bounded; F and C at once", limit=60)
def _():
    c = srv.login()
    p = c.text_pdu(b"X-a=", final=True, cont=True)
    c._number(p, True)
    c.send(p)
    rejected(c, REJ_PROTOCOL, REJ_FIELD)
    for size, most in ((8192, 4096), (0, 5000)):
        c = srv.login()
        c.want_reject = True
        n, itt, ttt, lun = 0, c.s.itt(), NONE32, 0
        try:
            while n < most:
                t = c.start_text(b"X" * size, final=False, cont=True, itt=itt, ttt=ttt, lun=lun)
                while not t.done and not c.rejects:
                    c.pump()
                if not t.done:
                    break
                ttt, lun = t.pdu["ttt"], t.pdu["lun"]
                n += 1
        except Closed:
            pass
        expect(n < most or size == 0, "%d PDUs of %d bytes are taken", n, size)
        c.close()


# ---- chance ----

@case("1000 sessions with some bytes of their life changed by chance", limit=120)
def _():
    rnd = random.Random(291)
    for i in range(100 if PEER else 1000):
        c, raw = talk()
        raw = bytearray(raw)
        for _ in range(rnd.randrange(1, 5)):
            at = rnd.randrange(len(raw))
            if rnd.random() < 0.8:
                at = at % 48 + rnd.choice((0, 48 + 1024, 48 + 4096, len(raw) - 48, len(raw) - 96))
            at = min(at, len(raw) - 1)
            raw[at] = rnd.choice((0, 0xff, raw[at] ^ 1 << rnd.randrange(8), rnd.randrange(256)))
        raw = restrain(raw)
        try:
            c.sock.sendall(raw)
            c.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        c.expect_closed(8 * slow(), drain=1 << 22)
        c.close()
    with srv.login() as c:              # chance may have written anywhere
        write(c, 0, DATA)
        write(c, ZERO, bytes(256 * 512))


def restrain(raw):
    return bytes(raw)


@case("answers that nobody reads: 64 reads of 1 MiB each from many sessions; others go on, memory is bounded",
      limit=90)
def _():
    cs = []
    for _ in range(4 if small_pool() else 20):
        c = srv.login({"MaxRecvDataSegmentLength": "262144"}, rcvbuf=4096)
        for i in range(64):
            if serial(c.s.cmdsn, c.s.maxcmdsn) > 0:
                break
            c.start(cdb.read16(0, 2048), read=1 * MiB)
        cs.append(c)
    time.sleep(1)
    diag("resident %d KiB, before %d" % (srv.rss() // KiB, iscsihostile.base_rss // KiB))
    for _ in range(5):
        good_client(srv, 0, DATA)
    if not PEER:
        expect(srv.rss() < iscsihostile.base_rss + 512 * MiB * slow(), "%d MiB resident", srv.rss() // MiB)


main(setup, after, lambda: srv.check_stop(), limit=500)
