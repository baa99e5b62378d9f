#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""iSCSI, the login (RFC 7143 6.3, 11.12, 11.13): stages, names, versions, numbers, text in pieces."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from iscsitarget import *   # noqa: E402

srv = None
DATA = pattern(8192, 100)


def setup():
    global srv
    path = make_file(16 * MiB, "wire.img")
    with open(path, "r+b") as f:
        f.write(DATA)
    srv = Target(path)


def teardown():
    srv.check_stop()


def in_full_feature(c):
    """A connection whose login was made by hand answers."""
    c.stage = FULL
    expect_eq(c.ping(b"ping").data, b"ping", "ping data")
    settle_attention(c)
    ok(c.scsi(cdb.tur()))


def step(c, keys, csg, nsg, transit=True, **fields):
    req = c.login_pdu(keys, csg, nsg, transit, **fields)
    c.send(req)
    return c.login_rsp(req)


def arrived(p, nsg):
    expect(p["flags"] & T and p["flags"] & 3 == nsg, "want stage %d: %s", nsg, p)


@case("the shortest login: names, T, operational to full feature; and nothing follows unasked")
def _():
    c = srv.connect()
    c.login(srv.target)
    c.quiet()
    settle_attention(c)
    if not PEER.startswith("iscsi:"):
        same_bytes(bytes(read(c, 0, 16)), DATA)
    expect_eq(c.logout(), 0, "logout response")


@case("a login without SessionType is a normal one (13.21)")
def _():
    c = srv.connect()
    arrived(step(c, {"InitiatorName": c.s.name, "TargetName": srv.target}, OPERATIONAL, FULL), FULL)
    in_full_feature(c)


@each("stages", (
    ("operational, full", ((OPERATIONAL, FULL),)),
    ("security, operational, full", ((SECURITY, OPERATIONAL), (OPERATIONAL, FULL))),
    ("security, full", ((SECURITY, FULL),)),
    ("operational, not yet, full", ((OPERATIONAL, None), (OPERATIONAL, FULL))),
    ("security, not yet, not yet, full", ((SECURITY, None), (SECURITY, None), (SECURITY, FULL))),
    ("each twice", ((SECURITY, None), (SECURITY, OPERATIONAL), (OPERATIONAL, None),
                    (OPERATIONAL, FULL))),
    ("six rounds in each", ((SECURITY, None),) * 5 + ((SECURITY, OPERATIONAL),) +
     ((OPERATIONAL, None),) * 5 + ((OPERATIONAL, FULL),))))
def _(moves):
    for auth in (None, "None"):
        c = srv.connect()
        keys = c.names(srv.target)
        if auth and moves[0][0] == SECURITY:
            keys["AuthMethod"] = auth
        for csg, nsg in moves:
            p = step(c, keys, csg, nsg or 0, transit=nsg is not None)
            keys = {}
            if nsg is None:
                expect(not p["flags"] & T, "T that was not asked for: %s", p)
            else:
                arrived(p, nsg)
        c.s.tsih = p["tsih"]
        in_full_feature(c)
        c.close()


@each("AuthMethod", (
    ("None", "None", "None"), ("None,CHAP: the first that the target may use", "None,CHAP", "None"),
    ("unknown ones before None", "KRB5,SRP,X-org.example,None", "None"),
    ("a list of 60 with None at the end", ",".join("X-a%d" % i for i in range(60)) + ",None", "None")))
def _(offer, want):
    c = srv.connect()
    p = step(c, dict(c.names(srv.target), AuthMethod=offer), SECURITY, OPERATIONAL)
    expect_eq(dict(decode_text(p.data)).get("AuthMethod"), want, "AuthMethod")


@each("AuthMethod without None", (("CHAP", "CHAP"), ("SRP", "SRP"), ("unknown", "X-org.example"),
                                  ("empty", "")))
def _(offer):
    c = srv.connect()
    c.send(c.login_pdu(dict(c.names(srv.target), AuthMethod=offer), SECURITY, OPERATIONAL))
    refused(c, "0201", "0200")


@each("names", (
    ("no InitiatorName", {"InitiatorName": None}, "0207"),
    ("no TargetName in a normal session", {"TargetName": None}, "0207"),
    ("neither", {"InitiatorName": None, "TargetName": None}, "0207"),
    ("an unknown target", {"TargetName": "iqn.2001-04.com.example:nonesuch"}, "0203"),
    ("one byte less", lambda: {"TargetName": srv.target[:-1]}, "0203"),
    ("one byte more", lambda: {"TargetName": srv.target + "x"}, "0203"),
    ("an empty TargetName", {"TargetName": ""}, None),
    ("an empty InitiatorName", {"InitiatorName": ""}, None),
    ("a TargetName of 224 bytes", {"TargetName": "iqn.2001-04.com.example:" + "x" * 200}, None),
    ("a TargetName of 255 bytes", {"TargetName": "iqn.2001-04.com.example:" + "x" * 231}, None),
    ("a TargetName of 5000 bytes", {"TargetName": "iqn.2001-04.com.example:" + "x" * 4976}, None),
    ("an InitiatorName of 256 bytes", {"InitiatorName": "iqn.2001-04.com.example:" + "x" * 232}, None),
    ("an unknown SessionType", {"SessionType": "Boot"}, None)))
def _(change, code):
    for csg, nsg in ((OPERATIONAL, FULL), (SECURITY, OPERATIONAL)):
        c = srv.connect()
        keys = c.names(srv.target)
        keys.update(change() if callable(change) else change)
        c.send(c.login_pdu({k: v for k, v in keys.items() if v is not None}, csg, nsg))
        refused(c, *((code, "0209") if code else ()))


@each("initiator names are of any type", (
    ("iqn", "iqn.1993-08.org.debian:01:abcdef"), ("eui", "eui.02004567A425678D"),
    ("naa", "naa.62004567BA64678D0123456789ABCDEF"), ("UTF-8", "iqn.2001-04.com.example:\u00e9t\u00e9"),
    ("223 bytes", "iqn.2001-04.com.example:" + "x" * 199)))
def _(name):
    c = srv.connect()
    c.s.name = name
    c.login(srv.target)
    in_full_feature(c)


@each("versions", (("0 to 0", 0, 0, True), ("0 to 1", 1, 0, True), ("0 to 255", 255, 0, True),
                   ("1 to 1", 1, 1, False), ("1 to 255", 255, 1, False)))
def _(hi, lo, good):
    c = srv.connect()
    c.send(c.login_pdu(c.names(srv.target), vmax=hi, vmin=lo))
    if good:
        p = c.login_rsp()
        expect_eq((p["vmax"], p["vactive"]), (0, 0), "versions")
    else:
        expect_eq("%04x" % (refused(c) or 0x205), "0205", "login status")


@case("the CmdSN of the login is the ExpCmdSN: at the edges of serial numbers, too")
def _():
    for n in (0, 1, 0x7ffffffe, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff):
        c = srv.connect()
        c.s = Session(cmdsn=n)
        p = step(c, dict(c.names(srv.target), AuthMethod="None"), SECURITY, OPERATIONAL)
        expect_eq(p["expcmdsn"], n, "ExpCmdSN")
        arrived(step(c, {}, OPERATIONAL, FULL), FULL)
        in_full_feature(c)
        for _ in range(4):
            ok(c.scsi(cdb.tur()))
        c.ping()
        expect_eq(c.s.expcmdsn, c.s.cmdsn, "ExpCmdSN after some commands")
        c.close()


@case("CID, ISID, ITT and TSIH: any value comes back; each session has a TSIH of its own")
def _():
    tsihs = []
    for cid, isid, itt in ((0, 0x000000000000, 0), (1, 0x00023d000001, 0xfffffffe),
                           (0xffff, 0x3fffffffffff, 0x80000000), (7, 0x400000123456, 1),
                           (8, 0x80aabbccddee, 0x12345678)):
        c = srv.connect()
        c.cid, c.s.isid = cid, isid
        p = step(c, c.names(srv.target), OPERATIONAL, FULL, itt=itt)
        tsihs.append(p["tsih"])
        in_full_feature(c)
    expect_eq(len(set(tsihs)), len(tsihs), "different TSIHs in %r" % tsihs)


@case("TargetPortalGroupTag comes once, with the first answer to a request without C")
def _():
    for csg, nsg in ((SECURITY, OPERATIONAL), (OPERATIONAL, FULL)):
        c = srv.connect()
        names = dict(c.names(srv.target), **({"AuthMethod": "None"} if csg == SECURITY else {}))
        p = step(c, names, csg, nsg, transit=False)
        expect("TargetPortalGroupTag" in dict(decode_text(p.data)), "no tag in %r", p.data)
        p = step(c, {}, csg, nsg)
        expect("TargetPortalGroupTag" not in dict(decode_text(p.data)), "the tag again: %r", p.data)
    c = srv.connect()
    text = encode_text(c.names(srv.target))
    p = step(c, text[:20], OPERATIONAL, 0, transit=False, flags=C | OPERATIONAL << 2)
    p = step(c, text[20:], OPERATIONAL, FULL)
    expect("TargetPortalGroupTag" in dict(decode_text(p.data)), "no tag in %r", p.data)


@case("text in pieces with C: cut at every byte, each answered by nothing", limit=60)
def _():
    step_by = 9 if PEER else 3
    text = encode_text(dict(Conn.names(srv.login(), srv.target), InitialR2T="Yes"))
    for cut in range(1, len(text), step_by):
        c = srv.connect()
        step(c, text[:cut], OPERATIONAL, 0, transit=False, flags=C | OPERATIONAL << 2)
        arrived(step(c, text[cut:], OPERATIONAL, FULL), FULL)
        in_full_feature(c)
        c.close()


@case("text in many pieces: a byte each; and with empty ones between")
def _():
    for size, empty in ((1, False), (7, True)):
        c = srv.connect()
        text = encode_text(c.names(srv.target))
        for at in range(0, len(text), size):
            step(c, text[at:at + size], OPERATIONAL, 0, transit=False, flags=C | OPERATIONAL << 2)
            if empty:
                step(c, b"", OPERATIONAL, 0, transit=False, flags=C | OPERATIONAL << 2)
        arrived(step(c, b"", OPERATIONAL, FULL), FULL)
        in_full_feature(c)
        c.close()


@case("a login in segments of one byte")
def _():
    c = srv.connect()
    req = c.login_pdu(c.names(srv.target))
    for b in req.encode():
        c.sock.sendall(bytes([b]))
    arrived(c.login_rsp(req), FULL)
    in_full_feature(c)


@case("the names may come with a later request of the stage that needs them, or are missed at once")
def _():
    c = srv.connect()
    c.send(c.login_pdu({"InitiatorName": c.s.name}, OPERATIONAL, 0, transit=False))
    try:
        p = c.login_rsp()
    except Refused as e:
        expect_eq("%04x" % e.code, "0207", "status")
        return
    expect(not p["flags"] & T, "a login without TargetName goes on to %s", p)
    c.send(c.login_pdu({}, OPERATIONAL, FULL))
    refused(c, "0207")


@case("500 logins, one after the other, with and without logout", limit=60)
def _():
    for i in range(100 if PEER else 500):
        c = srv.connect()
        if PEER.startswith("iscsi:"):
            c.login(srv.target, ALL_KEYS)
        else:
            c.login(srv.target)
        c.logout() if i % 2 else c.close()


main(setup, None if PEER else lambda: srv.check_alive(), teardown, limit=200)
