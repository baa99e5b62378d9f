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


pdu_seeds()
login_seeds()
