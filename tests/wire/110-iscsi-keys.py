#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""iSCSI, the keys of section 13: what is offered, what may be answered, what comes into force."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from iscsitarget import *   # noqa: E402

srv = None
HARD = ("NotUnderstood", "Irrelevant", "Reject")


def setup():
    global srv
    srv = Target()


def teardown():
    srv.check_stop()


def offer(keys, csg=OPERATIONAL, nsg=FULL):
    """The answers to these keys in one login request; or the Refused."""
    c = srv.connect()
    if csg == OPERATIONAL and PEER.startswith("iscsi:"):
        keys = dict(ALL_KEYS, **dict(keys))
    pairs = list(c.names(srv.target).items()) + list(keys.items() if isinstance(keys, dict) else keys)
    c.send(c.login_pdu(pairs, csg, nsg))
    p = c.login_rsp()
    return dict(decode_text(p.data))


# key, what is offered, the only possible results ("" = no answer is one)
SURE = [
    ("HeaderDigest", "None", "None"), ("HeaderDigest", "CRC32C", "CRC32C"),
    ("HeaderDigest", "CRC32C,None", "CRC32C"), ("HeaderDigest", "None,CRC32C", "None"),
    ("HeaderDigest", "Y-org.example.sum,CRC32C", "CRC32C"),
    ("HeaderDigest", "X-a,X-b,X-c,None,CRC32C", "None"),
    ("DataDigest", "None", "None"), ("DataDigest", "CRC32C", "CRC32C"),
    ("DataDigest", "CRC32C,None", "CRC32C"), ("DataDigest", "None,CRC32C", "None"),
    ("MaxConnections", "1", "1"), ("MaxBurstLength", "512", "512"),
    ("FirstBurstLength", "512", "512"), ("MaxOutstandingR2T", "1", "1"),
    ("DefaultTime2Wait", "3600", "3600"), ("DefaultTime2Retain", "0", "0"),
    ("ErrorRecoveryLevel", "0", "0"), ("InitialR2T", "Yes", "Yes", ""), ("ImmediateData", "No", "No", ""),
    ("DataPDUInOrder", "Yes", "Yes", ""), ("DataSequenceInOrder", "Yes", "Yes", ""),
    ("MaxBurstLength", "0x200", "512"), ("MaxBurstLength", "0X200", "512"),
    ("MaxBurstLength", "0x00000200", "512"), ("TaskReporting", "RFC3720", "RFC3720"),
    ("OFMarker", "No", "No", "Reject", ""), ("IFMarker", "Yes", "No", "Reject"),
    ("OFMarkInt", "2048~8192", "Reject"), ("IFMarkInt", "2048~8192", "Reject"),
    ("X-org.example.key", "1", "NotUnderstood"), ("NoSuchKey", "x", "NotUnderstood"),
    ("X-org.example.key", "", "NotUnderstood"), ("x", "y", "NotUnderstood"),
    ("K" * 63, "v", "NotUnderstood"), ("iSCSIProtocolLevel", "1", "1"),
]


for _row in SURE:
    def _body(row=_row):
        key, value, want = row[0], row[1], row[2:]
        got = offer({key: value}).get(key, "")
        if got[:2] in ("0x", "0X"):
            got = str(int(got, 16))
        expect_in(got, want, "%s=%s" % (key, value))
    case("%s=%s" % (_row[0][:20], _row[1]))(_body)


@each("the answer is legal", [
    (k, k, vs) for k, vs in (
        ("MaxConnections", ("2", "8", "65535")),
        ("MaxBurstLength", ("513", "1024", "262144", "16776192", "16777215")),
        ("FirstBurstLength", ("513", "65536", "262144", "16777215")),
        ("MaxOutstandingR2T", ("2", "16", "65535")), ("DefaultTime2Wait", ("0", "1", "5")),
        ("DefaultTime2Retain", ("1", "20", "3600")), ("ErrorRecoveryLevel", ("1", "2")),
        ("InitialR2T", ("No",)), ("ImmediateData", ("Yes",)), ("DataPDUInOrder", ("No",)),
        ("DataSequenceInOrder", ("No",)), ("iSCSIProtocolLevel", ("0", "2", "31")),
        ("TaskReporting", ("RFC3720,ResponseFence", "RFC3720,ResponseFence,FastAbort",
                           "FastAbort,ResponseFence,RFC3720")))])
def _(key, values):
    for v in values:
        r = outcome(key, v, offer({key: v}).get(key))
        expect(r not in HARD or key == "iSCSIProtocolLevel", "%s=%s: %s", key, v, r)


@each("what is not admissible: Reject, an admissible value, or the end of the login", [
    (k, k, vs) for k, vs in (
        ("MaxConnections", ("0", "65536", "-1", "x", "")),
        ("MaxBurstLength", ("511", "0", "16777216", "4294967808", "18446744073709552128", "512~1024",
                            " 512", "512 ", "0x", "0xg", "5e3", "+512", "9" * 255)),
        ("FirstBurstLength", ("511", "16777216", "512,1024", "0b" + "A" * 20)),
        ("MaxOutstandingR2T", ("0", "65536")), ("DefaultTime2Wait", ("3601", "-1")),
        ("DefaultTime2Retain", ("3601",)), ("ErrorRecoveryLevel", ("3", "255")),
        ("InitialR2T", ("yes", "1", "", "Yes,No", "None")), ("ImmediateData", ("NO", "No ", "true")),
        ("DataPDUInOrder", ("n",)), ("HeaderDigest", ("crc32c", "", ",", "SHA", "CRC32C ", "Reject")),
        ("DataDigest", ("NONE", "NotUnderstood", "Irrelevant")), ("TaskReporting", ("", "Foo")))])
def _(key, values):
    for v in values:
        try:
            got = offer({key: v}).get(key)
        except (Refused, Closed):
            continue
        if got in (None, "Reject"):
            continue
        expect(got not in HARD, "%s=%s is answered with %s", key, v[:40], got)
        kind, lo, hi, default = KEYS[key]
        good = got in ("Yes", "No") if kind in ("and", "or") else \
            lo <= int(got, 0) <= hi if kind in ("min", "max") else False
        expect(good, "%s=%s is answered with %s", key, v[:40], got)


@each("declared: MaxRecvDataSegmentLength", [(str(n), n) for n in (
    512, 516, 1000, 4096, 8191, 8192, 65536, 262144, 16777212, 16777215)])
def _(n):
    c = srv.login({"MaxRecvDataSegmentLength": str(n)})
    size = 64 * KiB
    t = ok(c.scsi(cdb.read16(0, size // 512), read=size))
    expect(t.datains >= size // min(n, size), "%d Data-In", t.datains)
    if "MaxRecvDataSegmentLength" in c.target_keys:     # its own declaration: it must take it
        m = int(c.target_keys["MaxRecvDataSegmentLength"])
        expect(512 <= m < 1 << 24, "the target declares %d", m)
        data = pattern(min(m, 1 * MiB, c.s.num("FirstBurstLength")) // 512 * 512, 111)
        write(c, 0, data)
        same_bytes(bytes(read(c, 0, len(data) // 512)), data)


@each("MaxRecvDataSegmentLength that cannot be", [(v or "empty", v) for v in (
    "511", "0", "16777216", "-5", "", "x", "4294967808", "99999999999999999999999")])
def _(v):
    try:
        got = offer({"MaxRecvDataSegmentLength": v}).get("MaxRecvDataSegmentLength")
    except (Refused, Closed):
        return
    expect_eq(got, "Reject", "answer")


@each("a key twice ends the login (6.3)", [
    (name, pairs) for name, pairs in (
        ("the same value", [("MaxBurstLength", "65536")] * 2),
        ("another value", [("MaxBurstLength", "65536"), ("MaxBurstLength", "1024")]),
        ("a digest", [("HeaderDigest", "CRC32C"), ("HeaderDigest", "None")]),
        ("a declaration", [("MaxRecvDataSegmentLength", "512"), ("MaxRecvDataSegmentLength", "1024")]),
        ("TargetName", lambda: [("TargetName", srv.target)]),
        ("InitiatorName", [("InitiatorName", "iqn.2001-04.com.example:other")]),
        ("a hundred times", [("ErrorRecoveryLevel", "0")] * 100))])
def _(pairs):
    c = srv.connect()
    c.send(c.login_pdu(list(c.names(srv.target).items()) + list(pairs() if callable(pairs) else pairs)))
    refused(c)


@case("a key again in a later request of the login ends it, in another stage too")
def _():
    for first, again in ((OPERATIONAL, {"MaxBurstLength": "65536"}), (SECURITY, {}), (SECURITY, None)):
        c = srv.connect()
        keys = dict(c.names(srv.target), **(again or {}))
        if again is None:
            keys["AuthMethod"] = "None"
        c.send(c.login_pdu(keys, first, 0, transit=False))
        c.login_rsp()
        c.send(c.login_pdu({"AuthMethod": "None"} if again is None else
                           again or {"InitiatorName": c.s.name}, first, FULL))
        refused(c)


@each("a key where it does not belong: the end of the login, or at least not in force", (
    ("operational in security", SECURITY, {"MaxBurstLength": "512"}),
    ("digest in security", SECURITY, {"HeaderDigest": "CRC32C"}),
    ("AuthMethod in operational", OPERATIONAL, {"AuthMethod": "None"}),
    ("CHAP_A in operational", OPERATIONAL, {"CHAP_A": "5"}),
    ("CHAP_R without CHAP", SECURITY, {"CHAP_N": "u", "CHAP_R": "0x" + "00" * 16}),
    ("SendTargets", OPERATIONAL, {"SendTargets": "All"}),
    ("TargetAlias", OPERATIONAL, {"TargetAlias": "x"}),
    ("TargetAddress", OPERATIONAL, {"TargetAddress": "127.0.0.1:1,1"}),
    ("TargetPortalGroupTag", OPERATIONAL, {"TargetPortalGroupTag": "7"})))
def _(csg, keys):
    try:
        got = offer(keys, csg, FULL)
    except (Refused, Closed):
        return
    for k in keys:
        expect_in(got.get(k), ("Reject", "Irrelevant", "NotUnderstood") +
                  ((None,) if k.startswith("Target") else ()), k)


@case("InitiatorAlias is heard: empty, in UTF-8, of 255 bytes")
def _():
    for alias in ("", "a disk's friend", "\u00fc" * 127, "x" * 255):
        got = offer({"InitiatorAlias": alias})
        expect("InitiatorAlias" not in got, "InitiatorAlias was answered: %r", got.get("InitiatorAlias"))


@case("FirstBurstLength never exceeds MaxBurstLength (13.14)")
def _():
    for fbl, mbl in ((65536, 512), (16777215, 4096), (1024, 1024)):
        for pairs in ([("FirstBurstLength", str(fbl)), ("MaxBurstLength", str(mbl))],
                      [("MaxBurstLength", str(mbl)), ("FirstBurstLength", str(fbl))]):
            try:
                got = offer(pairs)
            except (Refused, Closed):
                continue
            expect(int(got["FirstBurstLength"]) <= int(got["MaxBurstLength"]), "%r gives %r", pairs, got)


@case("FirstBurstLength without unsolicited data: Irrelevant, or a legal number")
def _():
    got = offer([("InitialR2T", "Yes"), ("ImmediateData", "No"), ("FirstBurstLength", "4096")])
    outcome("FirstBurstLength", "4096", got.get("FirstBurstLength"))


@case("all keys at once, as initiators do, in one request and one a request")
def _():
    keys = dict(ALL_KEYS, InitialR2T="No", HeaderDigest="CRC32C,None", DataDigest="None,CRC32C",
                MaxOutstandingR2T="8", MaxConnections="4", ErrorRecoveryLevel="2")
    c = srv.login(keys)
    read(c, 0, 64)
    c = srv.connect()
    keys.pop("MaxRecvDataSegmentLength")
    c.offered, c.target_keys, c.agreed = dict(keys), {}, {}
    first = c.names(srv.target)
    for k, v in keys.items():
        req = c.login_pdu(dict(first, **{k: v}), OPERATIONAL, 0, transit=False)
        c.send(req)
        expect(not c._take(decode_text(c.login_rsp(req).data), first), "a key of the target's own")
        first = {}
    req = c.login_pdu({}, OPERATIONAL, FULL)
    c.send(req)
    c._take(decode_text(c.login_rsp(req).data), False)
    c._settle()
    c.stage = FULL
    settle_attention(c)
    read(c, 0, 64)


@case("8 KiB of keys in one negotiation are taken (6.1), and each unknown one is answered")
def _():
    keys = {"X-org.example.k%02d" % i: "v" * 230 for i in range(28)}
    c = srv.connect()
    text = encode_text(dict(c.names(srv.target), **keys))
    expect(7000 < len(text) < 8192, "%d bytes", len(text))
    c.send(c.login_pdu(text, OPERATIONAL, FULL))
    p = c.login_rsp()
    got = p.data
    while p["flags"] & C:
        c.send(c.login_pdu({}, OPERATIONAL, FULL, transit=False))
        p = c.login_rsp()
        got += p.data
    got = dict(decode_text(got))
    expect_eq({got.get(k) for k in keys}, {"NotUnderstood"}, "answers")


main(setup, None if PEER else lambda: srv.check_alive(), teardown, limit=200)
