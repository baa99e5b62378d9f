#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""iSCSI, digests (RFC 7143 7.8, 13.1): all data modes under them, and what is done about wrong ones at
ErrorRecoveryLevel 0."""
import itertools
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from iscsitarget import *   # noqa: E402

srv = None
BOTH = {"HeaderDigest": "CRC32C,None", "DataDigest": "CRC32C,None"}


def setup():
    global srv
    for n, want in ((bytes(32), "aa36918a"), (b"\xff" * 32, "43aba862"),
                    (bytes(range(32)), "4e79dd46"), (bytes(range(31, -1, -1)), "5cdb3f11")):
        expect_eq(crc32c(n).hex(), want, "our own CRC32C")      # RFC 7143, Appendix A.4
    srv = Target(make_file(16 * MiB, "wire.img"))


def teardown():
    srv.check_stop()


def login(header=True, data=True, **keys):
    c = srv.login(dict({"HeaderDigest": "CRC32C" if header else "None",
                        "DataDigest": "CRC32C" if data else "None"}, **keys))
    expect_eq((c.hdigest, c.ddigest), (header, data), "digests in force")
    return c


for _h, _d in itertools.product((True, False), repeat=2):
    def _body(h=_h, d=_d):
        for r2t, imm in itertools.product(("Yes", "No"), repeat=2):
            c = login(h, d, InitialR2T=r2t, ImmediateData=imm, FirstBurstLength="4096",
                      MaxBurstLength="16384", MaxRecvDataSegmentLength="4096")
            for n in (512, 4096, 8192 + 512, 65536):
                data = pattern(n, 221)
                write(c, 0, data)
                same_bytes(bytes(read(c, 0, n // 512)), data, "%d bytes" % n)
            c.out_size = 999            # padding of 1 byte, and digests over it
            write(c, 0, pattern(8192, 222))
            same_bytes(bytes(read(c, 0, 16)), pattern(8192, 222))
            for n in range(0, 9):
                expect_eq(c.ping(b"p" * n).data, b"p" * n, "ping data")
            fails(c.scsi(cdb.read16(1 << 40, 1), read=512), cdb.OUT_OF_RANGE)      # sense, with digest
            c.text({"SendTargets": srv.target})
            expect_eq(c.tmf(ABORT_TASK, refcmdsn=c.s.cmdsn - 1), TMF_DONE, "response to ABORT TASK")
            expect_eq(c.logout(), 0, "logout response")
    case("header digest %s, data digest %s" % (_h, _d), limit=60)(_body)


@case("from the security stage straight to full feature: no digests were agreed, none are used")
def _():
    c = srv.login(security=True, direct=True)
    expect_eq((c.hdigest, c.ddigest), (False, False), "digests")
    read(c, 0, 8)


@each("a wrong header digest ends the connection, or the PDU is as if it had never come", (
    ("command", lambda c: c.command(cdb.read16(0, 1), read=512)[1]),
    ("write with immediate data", lambda c: c.command(cdb.write16(8, 1), pattern(512, 223))[1]),
    ("ping", lambda c: [Pdu(NOP_OUT | IMMEDIATE, b"x", itt=3, ttt=NONE32, flags=F,
                            cmdsn=c.s.cmdsn, expstatsn=c.expstatsn)]),
    ("logout", lambda c: [Pdu(LOGOUT | IMMEDIATE, itt=3, flags=F, cmdsn=c.s.cmdsn, cid=c.cid,
                              expstatsn=c.expstatsn)])))
def _(make):
    for data in (True, False):
        c = login(True, data)
        write(c, 8, bytes(512))
        c.send(*make(c), spoil="header")
        c.want_reject = True
        try:
            p = c.recv_pdu()
            expect(p.op in (REJECT, ASYNC), "answered: %s", p)
            c.expect_closed()
        except Closed:
            pass
        with srv.login() as other:
            same_bytes(bytes(read(other, 8, 1)), bytes(512), "what the bad PDU wrote")


@case("a wrong header digest in the middle of many commands: those before it are answered")
def _():
    c = login()
    good = [c.command(cdb.read16(i, 1), read=512) for i in range(8)]
    bad = c.command(cdb.write16(9, 1), pattern(512, 224))[1]
    raw = b"".join(p.encode(True, True) for _, ps in good for p in ps)
    c.send(raw + bad[0].encode(True, True, spoil="header"))
    try:
        while any(not t.done for t, _ in good):
            c.pump()
        c.expect_closed(drain=4096)
    except Closed:
        pass


@each("a wrong digest of immediate data: Reject, Data Digest Error; the command has not been", (
    ("512 bytes", 512), ("8192 bytes", 8192)))
def _(n):
    c = login(MaxBurstLength="65536", FirstBurstLength="65536")
    write(c, 8, bytes(n))
    t, pdus = c.command(cdb.write16(8, n // 512), pattern(n, 225), imm=min(n, c.mrdsl))
    c.send(*pdus, spoil="data")
    try:
        c.expect_reject(REJ_DIGEST, of=pdus[0])
    except Closed:                      # escalation to session recovery is allowed (7.8)
        c = login()
    else:
        # the CmdSN is not received (7.3): the same command again plugs the gap
        c.send(*pdus)
        ok(c.wait(t))
        same_bytes(bytes(read(c, 8, n // 512)), pattern(n, 225))
        write(c, 8, bytes(n))
    same_bytes(bytes(read(c, 8, n // 512)), bytes(n), "what the bad PDU wrote")


@each("a wrong digest of Data-Out: a recovery R2T, or CRC error sense after the whole burst", (
    ("unsolicited, the only one", "No", 0, 1), ("unsolicited, the first of four", "No", 0, 4),
    ("unsolicited, the last of four", "No", 3, 4), ("solicited, the only one", "Yes", 0, 1),
    ("solicited, the first of four", "Yes", 0, 4), ("solicited, the last of four", "Yes", 3, 4),
    ("solicited, all of four", "Yes", None, 4)))
def _(r2t, which, count):
    c = login(InitialR2T=r2t, ImmediateData="No", FirstBurstLength="4096", MaxBurstLength="4096")
    if r2t == "No" and c.s.param("InitialR2T") == "Yes":
        raise Skip("the target insists on InitialR2T")
    c.auto_r2t, c.out_size = False, 4096 // count
    write_zero(8)
    data = pattern(4096, 226)
    t, pdus = c.command(cdb.write16(8, 8), data)
    if r2t == "Yes":
        c.send(*pdus)
        p = c.wait_r2t(t)
        pdus = c.data_out(t, p["offset"], p["length"], p["ttt"], lun=p["lun"])
        t.queue.pop(0)
        t.outstanding -= 1
        t.out_at = 0                    # a recovery R2T asks for some of it again
    else:
        c.send(pdus.pop(0))
        t.out_at = 0
    c.want_reject = True
    try:
        for i, p in enumerate(pdus):
            c.send(p, spoil="data" if which in (i, None) else "")
        t.first = None
        while not t.done:
            c.pump()
            while t.queue:              # a recovery R2T
                p = t.queue.pop(0)
                c.send(*c.data_out(t, p["offset"], p["length"], p["ttt"], lun=p["lun"]))
                t.outstanding -= 1
    except Closed:
        c = login()
        return
    expect(c.rejects and all(p["reason"] == REJ_DIGEST for p in c.rejects), "Rejects: %r",
           [str(p) for p in c.rejects])
    c.want_reject = False
    if t.status == 0:
        with srv.login() as other:
            same_bytes(bytes(read(other, 8, 8)), data, "a write that is GOOD")
    else:
        fails(t, cdb.CRC_ERROR)
    c.auto_r2t, c.rejects = True, []
    write(c, 8, data)
    same_bytes(bytes(read(c, 8, 8)), data)


def write_zero(lba):
    with srv.login() as w:
        write(w, lba, bytes(4096))


@case("a wrong digest of ping data or of text: Reject, or the end; and the CmdSN can be used again")
def _():
    for make in (lambda c: Pdu(NOP_OUT, b"ping", itt=c.s.itt(), ttt=NONE32, flags=F),
                 lambda c: c.text_pdu({"SendTargets": ""})):
        c = login()
        p = make(c)
        c._number(p, False)
        c.send(p, spoil="data")
        try:
            c.expect_reject(REJ_DIGEST, of=p)
        except Closed:
            continue
        c.s.cmdsn = p["cmdsn"]
        read(c, 0, 8)


main(setup, None if PEER else lambda: srv.check_alive(), teardown, limit=200)
