#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""iSCSI, discovery: SendTargets in both kinds of session (RFC 7143 Appendix C), long answers in pieces,
what else a discovery session takes (13.21)."""
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


def records(pairs):
    """{target: [addresses]} of a SendTargets answer."""
    got = {}
    for k, v in pairs:
        if k == "TargetName":
            expect(v not in got, "%s twice", v)
            got[v] = []
        else:
            expect_eq(k, "TargetAddress", "key in the answer to SendTargets")
            expect(got, "an address before a name")
            list(got.values())[-1].append(v)
    return got


def check_address(text):
    m = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^:,\[\]]+)(:(\d+))?,(\d+)", text)
    expect(m, "not an address: %s", text)
    expect(0 <= int(m.group(4)) <= 65535, "portal group tag in %s", text)
    return m.group(1).strip("[]"), int(m.group(3) or 3260)


def discovery(keys=None, named=None, server=None, **kw):
    """A discovery session.  LIO sends no text to whom does not declare a length."""
    c = (server or srv).connect()
    if PEER.startswith("iscsi:"):
        keys = dict({"MaxRecvDataSegmentLength": "8192"}, **(keys or {}))
    c.login(named, keys, discovery=True, **kw)
    return c


def discover(value="All", server=None, **kw):
    c = discovery(server=server, **kw)
    got = records(c.text({"SendTargets": value}))
    expect_eq(c.logout(), 0, "logout response")
    return got


@case("All: our target, and its address is the portal that was asked")
def _():
    got = discover()
    expect(srv.target in got, "%s is not in %r", srv.target, got)
    at = [check_address(a) for a in got[srv.target]]
    if not PEER.startswith("iscsi:"):
        expect(srv.portal in at, "%r is not in %r", srv.portal, at)
        for a in at:
            with Conn(a) as c:
                c.login(srv.target)


@case("All, by way of the security stage; with a TargetName; with keys that have no sense here")
def _():
    for kw in ({"security": True}, {"named": srv.target}, {"security": True, "direct": True},
               {"keys": {"MaxRecvDataSegmentLength": "4096", "HeaderDigest": "None"}}):
        expect(srv.target in discover(**kw), "not found with %r", kw)


@case("session-wide keys in a discovery session: Irrelevant, or a legal answer")
def _():
    c = discovery({"MaxBurstLength": "65536", "InitialR2T": "No", "MaxConnections": "4",
                   "ErrorRecoveryLevel": "0", "MaxOutstandingR2T": "4"})
    expect(srv.target in records(c.text({"SendTargets": "All"})), "not found")


@case("one name: that target alone; another name: nothing")
def _():
    expect_eq(list(discover(srv.target)), [srv.target], "targets")
    for name in ("iqn.2001-04.com.example:nonesuch", srv.target + "x", srv.target[:-1]):
        expect_eq(discover(name), {}, "targets for " + name)


@case("SendTargets again and again in one session")
def _():
    c = discovery()
    for _ in range(50):
        expect(srv.target in records(c.text({"SendTargets": "All"})), "not found")


@case("normal session: nothing and our own name tell this target; All and others tell no more")
def _():
    c = srv.login()
    for value in ("", srv.target):
        got = records(c.text({"SendTargets": value}))
        expect_eq(list(got), [srv.target], "targets for %r" % value)
    for value in ("iqn.2001-04.com.example:nonesuch", "All"):
        c = srv.login()
        t = c.start_text({"SendTargets": value})
        c.want_reject = True
        try:
            while not t.done and not c.rejects:
                c.pump()
        except Closed:
            continue
        if t.done:
            got = decode_text(t.pdu.data)
            names = [v for k, v in got if k == "TargetName"]
            expect(not names or names == [srv.target] and value == "All", "for %r: %r", value, got)


@case("targets of one daemon are told all, in pieces that fit MaxRecvDataSegmentLength")
def _():
    if PEER:
        raise Skip("a peer serves one image")
    images = ["disk-%02d.%s=memory:1M" % (i, "x" * 60) for i in range(40)]
    with Target(*images) as s:
        want = {s.target.rpartition(":")[0] + ":" + suite_name(i) for i in images}
        for mrdsl in ("512", "1024", "8192", "65536"):
            got = discover(server=s, keys={"MaxRecvDataSegmentLength": mrdsl})
            expect_eq(set(got), want, "targets")
            expect(all(got.values()), "targets without an address: %r", got)
        for n in sorted(want)[:3]:
            expect_eq(list(discover(n, server=s)), [n], "targets")
            with s.connect() as c:
                c.login(n)


def suite_name(image):
    return image.partition("=")[0]


@case("a long answer that is not asked for to its end, and one that is asked for twice")
def _():
    if PEER:
        raise Skip("a peer serves one image")
    images = ["disk-%02d.%s=memory:1M" % (i, "x" * 60) for i in range(20)]
    with Target(*images) as s:
        c = discovery({"MaxRecvDataSegmentLength": "512"}, server=s)
        t = c.wait(c.start_text({"SendTargets": "All"}))
        expect(not t.pdu.final, "%d bytes in one piece", len(t.pdu.data))
        stale = t.pdu
        # TTT 0xffffffff begins anew (11.10.4)
        expect_eq(len(records(c.text({"SendTargets": "All"}))), 20, "targets")
        t = c.start_text({}, itt=stale["itt"], ttt=stale["ttt"])
        ended_or_rejected(c, t)
        expect_eq(len(discover(server=s)), 20, "targets")


def ended_or_rejected(c, t):
    c.want_reject = True
    try:
        while not t.done and not c.rejects:
            c.pump()
        expect(not t.done or not decode_text(t.pdu.data), "an answer to a stale tag: %s", t.pdu)
    except Closed:
        pass


@each("a discovery session takes SendTargets and logout, no more", (
    ("SCSI command", lambda c: c.command(cdb.tur())[1]),
    ("task management", lambda c: [Pdu(TMF | IMMEDIATE, itt=c.s.itt(), rtt=NONE32, cmdsn=c.s.cmdsn,
                                       flags=F | LUN_RESET, expstatsn=c.expstatsn)]),
    ("another key", lambda c: [numbered(c, c.text_pdu({"MaxRecvDataSegmentLength": "512"}))]),
    ("logout of a connection for recovery", lambda c: [
        Pdu(LOGOUT | IMMEDIATE, itt=c.s.itt(), cmdsn=c.s.cmdsn, expstatsn=c.expstatsn, flags=F | 2,
            cid=c.cid)])))
def _(make):
    c = discovery()
    c.send(*make(c))
    try:
        while True:
            p = c.recv_pdu()
            if p.op == REJECT or p.op == LOGOUT_RSP and p["response"]:
                break
            if p.op == TEXT_RSP:
                got = dict(decode_text(p.data)) if p["dlen"] else {}
                expect_in(got.get("MaxRecvDataSegmentLength", ""), ("Reject", "Irrelevant", ""), "answer")
                break
            expect(p.op in (NOP_IN, ASYNC) or p.op == TMF_RSP and p["response"], "answered: %s", p)
            if p.op == TMF_RSP:
                break
    except Closed:
        pass
    c.close()
    expect(srv.target in discover(), "no discovery any more")


def numbered(c, p):
    c._number(p, False)
    return p


@case("NOP-Out in a discovery session: answered, rejected or the end, never a crash")
def _():
    c = discovery()
    c.want_reject = True
    try:
        c.send(Pdu(NOP_OUT | IMMEDIATE, b"x", itt=5, ttt=NONE32, cmdsn=c.s.cmdsn,
                   expstatsn=c.expstatsn, flags=F))
        c.recv_pdu()
    except Closed:
        pass


@case("over IPv6, the address that is told is in brackets")
def _():
    if PEER:
        raise Skip("about the daemon itself")
    try:
        with socket.socket(socket.AF_INET6) as k:
            k.bind(("::1", 0))
    except OSError:
        raise Skip("no IPv6 here")
    with Target("wire=memory:4M", listen_iscsi="[::1]:0") as s:
        got = discover(server=s)
        expect(got[s.target] and all(a.startswith("[::1]:") for a in got[s.target]), "addresses %r", got)
        good_client(s)


@case("beside a wildcard no address is told: who came by one knows it, and it works")
def _():
    if PEER:
        raise Skip("about the daemon itself")
    with Target("wire=memory:4M", listen_iscsi="0.0.0.0:0", args=["--iscsi", "127.0.0.1:0"]) as s:
        for _ in range(2):
            expect_eq(discover(server=s)[s.target], [], "addresses")
        good_client(s)


main(setup, None if PEER else lambda: srv.check_alive(), teardown, limit=120)
