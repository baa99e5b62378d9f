#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the first seeds of the iSCSI fuzz programs (tests/fuzz/seeds).

Run by hand when something is added; the files are in git, together with what
the fuzzers found.  Each seed is one input: see the head of its fuzz program.
"""
import os
import struct
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "seeds")
TAG = 0xFFFFFFFF


def seed(program, name, data):
    folder = os.path.join(TOP, program)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as out:
        out.write(data)


# --- PDUs: HEAD and DATA leave room for a digest, MEND has head digests put right

HEAD, DATA, MEND = 1, 2, 4
SHORT, LOGIN, LONG = 1 << 3, 2 << 3, 3 << 3


def pdu(opcode, flags, data=b"", ahs=b"", lun=0, itt=1, words=(0,) * 7, length=None, mode=0):
    head = struct.pack(">BBxxB", opcode, flags, len(ahs) // 4)
    head += struct.pack(">I", len(data) if length is None else length)[1:]
    head += struct.pack(">QI7I", lun, itt, *words) + ahs
    if mode & HEAD:
        head += b"\0\0\0\0"
    data += b"\0" * (-len(data) % 4)
    return head + data + (b"\0\0\0\0" if data and mode & DATA else b"")


def ahs(kind, body, length=None):
    one = struct.pack(">HB", len(body) if length is None else length, kind) + body
    return one + b"\0" * (-len(one) % 4)


def stream(mode):
    cdb = (0x2A000000, 0, 0x08000000, 0)
    return b"".join((
        pdu(0x43, 0x87, b"InitiatorName=iqn.a:b\0", mode=mode),
        pdu(0x01, 0xA1, b"w" * 512, itt=2, words=(4096, 1, 1) + cdb, mode=mode),
        pdu(0x05, 0x80, b"d" * 511, itt=2, words=(7, 0, 1, 0, 0, 512, 0), mode=mode),
        pdu(0x01, 0xC1, b"", ahs(1, b"\0" + b"x" * 17) + ahs(2, b"\0\0\0\x10\0"), itt=3,
            words=(512, 2, 1) + cdb, mode=mode),
        pdu(0x42, 0x81, itt=4, words=(2, 3, 1, 1, 0, 0, 0), mode=mode),
        pdu(0x04, 0x80, b"SendTargets=All\0", itt=5, words=(TAG, 3, 1, 0, 0, 0, 0), mode=mode),
        pdu(0x10, 0x81, itt=TAG, words=(TAG, 0, 1, 0, 0, 1, 2), mode=mode),
        pdu(0x40, 0x80, b"ping", itt=6, words=(TAG, 4, 1, 0, 0, 0, 0), mode=mode),
        pdu(0x06, 0x80, itt=7, words=(1 << 16, 4, 1, 0, 0, 0, 0), mode=mode)))


def pdu_seeds():
    for mode in (0, HEAD, DATA, HEAD | DATA):
        mend = MEND if mode & HEAD else 0
        seed("iscsi_pdu", "stream-%d" % mode, bytes([mode | mend | LOGIN]) + stream(mode))
    seed("iscsi_pdu", "stream-damaged", bytes([HEAD | LOGIN]) + stream(HEAD))
    seed("iscsi_pdu", "too-long", bytes([SHORT]) + pdu(0x05, 0x80, length=513))
    seed("iscsi_pdu", "longest", bytes([LONG]) + pdu(0x05, 0x80, length=0xFFFFFF))
    for n, name in ((0, "none"), (1, "one"), (1018, "fits"), (1019, "over"), (0xFFFF, "far-over")):
        more = struct.pack(">HB", n, 1) + b"c" * 1017
        seed("iscsi_pdu", "ahs-" + name, bytes([LOGIN]) + pdu(0x01, 0x81, ahs=more))
    seed("iscsi_pdu", "ahs-many", bytes([LOGIN]) + pdu(0x01, 0x81, ahs=ahs(2, b"\0" * 5) * 127))
    seed("iscsi_pdu", "ahs-zeroes", bytes([LOGIN]) + pdu(0x01, 0x81, ahs=b"\0" * 1020))
    seed("iscsi_pdu", "opcodes", bytes([LOGIN]) + b"".join(
        pdu(opcode, 0x80) + pdu(opcode | 0x40, 0xA0, b"data") for opcode in range(64)))


# --- logins

NONE, WORD, SESSION, CID, INSIST, REFUSE, MODEST, JOIN = (1 << i for i in range(8))
T, C, SEC, OP, TO_OP, TO_FULL = 0x80, 0x40, 0, 4, 0x81, 0x83
NAMES = "InitiatorName=iqn.1993-08.org.debian:01:a|TargetName=iqn.2026-01.example:disk1|"
KEYS = ("HeaderDigest=CRC32C,None|DataDigest=None|DefaultTime2Wait=2|DefaultTime2Retain=0|"
        "IFMarker=No|OFMarker=No|ErrorRecoveryLevel=2|InitialR2T=No|ImmediateData=Yes|"
        "MaxBurstLength=16776192|FirstBurstLength=262144|MaxOutstandingR2T=4|MaxConnections=4|"
        "DataPDUInOrder=Yes|DataSequenceInOrder=No|MaxRecvDataSegmentLength=262144|"
        "TaskReporting=FastAbort,ResponseFence,RFC3720|iSCSIProtocolLevel=2|"
        "X#NodeArchitecture=a/1|X-com.example.x=y|")


def ask(flags, text="", bad=0, length=None):
    data = text.replace("|", "\0").encode()
    return struct.pack(">BBH", flags, bad, len(data) if length is None else length) + data


def login(name, mode, *requests):
    seed("iscsi_login", name, bytes([mode]) + b"".join(requests))


def login_seeds():
    login("both", NONE, ask(SEC | TO_OP, NAMES + "SessionType=Normal|AuthMethod=None|"),
          ask(OP | TO_FULL, KEYS))
    login("operational", NONE | MODEST, ask(OP | TO_FULL, NAMES + KEYS))
    login("security", NONE, ask(SEC | TO_FULL, NAMES))
    login("discovery", NONE, ask(OP | TO_FULL, "InitiatorName=iqn.a:b|SessionType=Discovery|" + KEYS))
    login("insist", NONE | INSIST, ask(OP | TO_FULL, NAMES + "HeaderDigest=None|"))
    login("insisted", NONE | INSIST, ask(OP | TO_FULL, NAMES + KEYS))
    for mode in (NONE | WORD, WORD):
        login("word-%d" % mode, mode, ask(SEC | TO_OP, NAMES + "AuthMethod=WORD1,None|"), ask(SEC),
              ask(SEC | TO_OP, "WORD=good|"), ask(OP | TO_FULL, KEYS))
        login("bad-word-%d" % mode, mode, ask(SEC, NAMES + "AuthMethod=WORD1|"),
              ask(SEC | TO_FULL, "WORD=wrong|"))
        login("no-word-%d" % mode, mode, ask(SEC | TO_FULL, NAMES), ask(OP | TO_FULL))
    login("join", NONE | SESSION | JOIN, ask(OP | TO_FULL, NAMES + KEYS))
    login("replace", NONE | SESSION | CID | JOIN, ask(OP | TO_FULL, NAMES))
    login("reinstate", NONE | SESSION | CID, ask(OP | TO_FULL, NAMES))
    login("no-session", NONE | JOIN, ask(OP | TO_FULL, NAMES))
    login("moved", NONE | REFUSE, ask(OP | TO_FULL, NAMES))
    login("continued", NONE, ask(SEC | C, NAMES[:30]), ask(SEC | C), ask(SEC | TO_OP, NAMES[30:]),
          ask(OP | C, KEYS[:100]), ask(OP | C, KEYS[100:101]), ask(OP | TO_FULL, KEYS[101:]))
    login("nothing", NONE, ask(SEC | C), ask(SEC | TO_FULL))
    login("endless", NONE, ask(OP, NAMES), *([ask(OP)] * 40))
    login("in-steps", NONE, ask(OP, NAMES), *([ask(OP, k + "|") for k in KEYS.split("|")[:-1]] +
                                             [ask(OP | TO_FULL)]))
    login("twice", NONE, ask(OP, NAMES + "InitialR2T=No|InitialR2T=No|"))
    login("answers", NONE, ask(OP, NAMES + "X-a=NotUnderstood|MaxBurstLength=Reject|"))
    login("flood", NONE, ask(OP, NAMES + "a=b|" * 1500))
    login("long-answers", NONE, ask(OP, NAMES + ("k" * 63 + "=b|") * 110))
    login("no-nul", NONE, ask(OP, NAMES), ask(OP, "K=" + "v" * 8190), ask(OP))
    login("too-long", NONE, ask(OP | C, "v" * 8192), ask(OP | C, "v"))
    login("long-key", NONE, ask(OP, NAMES + "k" * 64 + "=v|"))
    login("stages", NONE, ask(SEC | TO_OP, NAMES), ask(SEC | TO_OP))
    login("bits", NONE, ask(SEC | TO_OP | C, NAMES))
    for bad in range(1, 8):
        login("mischief-%d" % bad, NONE, ask(SEC | TO_OP, NAMES), ask(OP | TO_FULL, "", bad))
        login("mischief-first-%d" % bad, NONE, ask(OP | TO_FULL, NAMES, bad))



# --- whole connections: the numbers of requests are put right, tags of transfers are
# the target's: it counts from 1

RAW, NORMAL, DIGESTS, DISCOVERY = range(4)
LOOPS, FEW, ORDERLY, DRAIN, DISK, DEAF = (4 << i for i in range(6))
INITIAL_R2T, NO_IMMEDIATE, SHORTEST, NUMBER, REPLACE, RESET, RIGHT = (1 << i for i in range(7))


def conn(name, how, wants, *pdus, cut=2):
    seed("iscsi_conn", name, bytes([how, cut, wants]) + b"".join(pdus))


def scsi(itt, flags, expected, cdb, data=b"", more=b"", op=0x01):
    cdb += b"\0" * (16 - len(cdb))
    return pdu(op, flags, data, more, itt=itt, words=(expected, 0, 0) + struct.unpack(">4I", cdb))


def rw10(op, lba, blocks):
    return struct.pack(">BBIBHB", op, 0, lba, 0, blocks, 0)


def read(itt, lba, blocks, flags=0xC1, expected=None):
    return scsi(itt, flags, blocks * 512 if expected is None else expected, rw10(0x28, lba, blocks))


def write(itt, lba, blocks, data=b"", flags=0xA1, expected=None, op=0x01):
    return scsi(itt, flags, blocks * 512 if expected is None else expected,
                rw10(0x2A, lba, blocks), data, op=op)


def data_out(itt, ttt, sn, offset, data, final=True):
    return pdu(0x05, 0x80 if final else 0, data, itt=itt, words=(ttt, 0, 0, 0, sn, offset, 0))


def tmf(function, itt, ref=TAG, ref_cmdsn=0, op=0x42):
    return pdu(op, 0x80 | function, itt=itt, words=(ref, 0, 0, ref_cmdsn, 0, 0, 0))


def text(itt, data, flags=0x80, ttt=TAG):
    return pdu(0x04, flags, data, itt=itt, words=(ttt, 0, 0, 0, 0, 0, 0))


def nop(itt, data=b"", op=0x00, ttt=TAG):
    return pdu(op, 0x80, data, itt=itt, words=(ttt, 0, 0, 0, 0, 0, 0))


def logout(itt, reason=0, op=0x06):
    return pdu(op, 0x80 | reason, itt=itt, words=(0,) * 7)


TUR = bytes(6)
INQUIRY = bytes([0x12, 0, 0, 0, 255, 0])
MODE_SELECT = bytes([0x15, 0x10, 0, 0, 24, 0])
WRITE_SAME = struct.pack(">BBIBHB", 0x41, 0, 8, 0, 64, 0)
CAW = bytes([0x89, 0]) + struct.pack(">QxxxBxx", 8, 1)


def everything(ttt=1):
    """Each kind of PDU and each way that data can come."""
    return (scsi(1, 0x81, 0, TUR), scsi(2, 0xC1, 255, INQUIRY), read(3, 0, 64), nop(4, b"ping"),
            write(5, 8, 1, b"i" * 512), write(6, 16, 4, b"i" * 512, flags=0x21),
            data_out(6, TAG, 0, 512, b"u" * 512, False), data_out(6, TAG, 1, 1024, b"u" * 1024),
            write(7, 32, 4), data_out(7, ttt, 0, 0, b"s" * 1024, False),
            data_out(7, ttt, 1, 1024, b"s" * 1024), tmf(1, 8, 7), tmf(5, 9), tmf(2, 10),
            text(11, b"SendTargets=\0"), text(12, b"X-a=", 0x40), text(13, b"b\0", ttt=1),
            scsi(14, 0xA1, 24, MODE_SELECT, bytes(24)), scsi(15, 0xA1, 512, WRITE_SAME, b"w" * 512),
            scsi(16, 0xA1, 1024, CAW, bytes(1024)), pdu(0x10, 0x81, itt=1), pdu(0x1C, 0x80),
            tmf(6, 17), nop(TAG, b"", 0x40, 5), logout(18))


def conn_seeds():
    for how in (NORMAL, DIGESTS, DISCOVERY):
        for cut in (0, 1, 2):
            conn("all-%d-%d" % (how, cut), how | LOOPS, NUMBER | RIGHT, *everything(), cut=cut)
    conn("all-raw", RAW, 0, *everything())
    conn("all-unnumbered", NORMAL, 0, *everything())
    conn("all-drain", NORMAL | DRAIN | LOOPS, NUMBER, *everything()[:-1])
    conn("all-disk", NORMAL | DISK | FEW, NUMBER, *everything())
    conn("all-deaf", NORMAL | DEAF, NUMBER, *everything())
    conn("all-replaced", NORMAL | LOOPS | DISK, NUMBER | REPLACE, *everything()[:-1])
    conn("all-reset", NORMAL | LOOPS | DISK, NUMBER | RESET, *everything()[:-1])
    conn("wrong-digests", DIGESTS, NUMBER, *everything())
    conn("r2t", NORMAL | ORDERLY, NUMBER | INITIAL_R2T | NO_IMMEDIATE, write(1, 0, 8),
         data_out(1, 1, 0, 0, b"s" * 4096), read(2, 0, 8), logout(3))
    conn("short", NORMAL | ORDERLY, NUMBER | SHORTEST, write(1, 0, 6, b"i" * 512), *(
        data_out(1, t + 1, 0, 512 + t * 1024, b"s" * (1024 if t < 2 else 512)) for t in range(3)),
        read(2, 0, 9), nop(3, b"p" * 512), text(4, b"SendTargets=\0"), logout(5), cut=1)
    conn("unasked-too-much", NORMAL, NUMBER | SHORTEST, write(1, 0, 8, flags=0x21),
         data_out(1, TAG, 0, 0, b"u" * 516, False), data_out(1, TAG, 1, 516, b"u" * 512, False))
    conn("kept-too-much", NORMAL, 0,
         pdu(0x01, 0x21, itt=1, words=(4096, 3, 0) + (0x2A000000, 0, 0x08000000, 0)),
         data_out(1, TAG, 0, 0, b"u" * 5000, False), data_out(1, TAG, 1, 5000, b"u" * 512))
    conn("nothing-expected", NORMAL, NUMBER, write(1, 0, 0, flags=0x21), write(2, 0, 1, flags=0x21,
         expected=0), nop(3))
    conn("most-expected", NORMAL, NUMBER, write(1, 0, 1, b"i" * 512, 0x21, 0xFFFFFFFF),
         read(2, 0, 1, expected=0xFFFFFFFF), data_out(1, TAG, 0, 512, b"u" * 512))
    conn("out-of-order", NORMAL, NUMBER, write(1, 0, 8, flags=0x21),
         data_out(1, TAG, 1, 512, b"u" * 512), write(2, 0, 8), data_out(2, 1, 0, 512, b"s" * 512),
         data_out(2, 1, 0, 0, b"s" * 512), data_out(2, 9, 0, 0, b"s" * 512))
    conn("same-tag", NORMAL, NUMBER, write(1, 0, 8, flags=0x21), write(1, 0, 8, flags=0x21), nop(1),
         data_out(1, TAG, 0, 0, b"u" * 4096))
    conn("many", NORMAL | FEW, NUMBER, *(write(n, n, 1, b"i" * 512) for n in range(100)),
         *(read(n, n, 64) for n in range(100, 200)), cut=0)
    conn("immediate", NORMAL, NUMBER, *(write(n, n, 8, flags=0x21, op=0x41) for n in range(40)),
         tmf(2, 50), *(data_out(n, TAG, 0, 0, b"u" * 4096) for n in range(40)))
    conn("cold-reset", NORMAL | LOOPS, NUMBER, write(1, 0, 8), tmf(7, 2), nop(3))
    conn("logout-busy", NORMAL | DISK, NUMBER, *(read(n, n, 8) for n in range(9)), logout(20), nop(21))
    conn("discovery", DISCOVERY, NUMBER, text(1, b"SendTargets=All\0"), text(2, b"SendTargets=\0"),
         text(3, b"SendTargets=iqn.2026-11.org.sluice:disk\0"), read(4, 0, 1), logout(5))
    conn("talk", NORMAL, NUMBER, text(1, b"MaxRecvDataSegmentLength=512\0"), *(
        text(n, b"X-%d=" % n + b"v" * 500 + b"\0", 0x40, 1 if n > 2 else TAG) for n in range(2, 40)))
    conn("nops", NORMAL | DEAF, NUMBER, *(nop(n, b"p" * 100) for n in range(120)),
         *(nop(n, b"", 0x40) for n in range(200, 300)))


pdu_seeds()
login_seeds()
conn_seeds()
