#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the first seeds of fuzz_aoe_pdu (tests/fuzz/seeds/aoe_pdu).

Run by hand when a message is added; the files are in git, together with what
the fuzzers found.  Each seed is one input: see the head of the fuzz program.
"""
import os
import struct
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "seeds", "aoe_pdu")
ATA, CONFIG, MASK, RESERVE = range(4)
READ, TEST, PREFIX, SET, FORCE = range(5)
ONE, OTHER = bytes.fromhex("020000000020"), bytes.fromhex("020000000021")
ALL = b"\xff" * 6


def frame(command, arg, src=ONE, shelf=1, slot=2, flags=0x10, kind=0x88A2, tag=0x01020304, pad=True):
    data = (bytes.fromhex("020000000001") + src +
            struct.pack(">HBBHBBI", kind, flags, 0, shelf, slot, command, tag) + arg)
    return data.ljust(60, b"\0") if pad else data


def ata(command, lba=0, count=1, flags=0, data=b"", **more):
    return frame(ATA, struct.pack("<BBBBIHH", flags, 0, count, command, lba & 0xFFFFFFFF, lba >> 32, 0) +
                 data, **more)


def config(ccmd, string=b"", length=None, **more):
    length = len(string) if length is None else length
    return frame(CONFIG, struct.pack(">HHBBH", 0, 0, 0, ccmd, length) + string, **more)


def mask(mcmd, *directives, count=None, **more):
    count = len(directives) if count is None else count
    return frame(MASK, struct.pack("BBBB", 0, mcmd, 0, count) +
                 b"".join(bytes([0, d]) + mac for d, mac in directives), **more)


def reserve(rcmd, *macs, count=None, **more):
    count = len(macs) if count is None else count
    return frame(RESERVE, bytes([rcmd, count]) + b"".join(macs), **more)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def record(string, masks, reserves, version=1):
    body = (b"AoE book" + struct.pack(">HHBBH", version, len(string), len(masks), len(reserves), 0) +
            string + b"".join(masks) + b"".join(reserves))
    return b"\xff" + body + struct.pack(">I", crc32c(body))


def seed(name, *frames):
    os.makedirs(TOP, exist_ok=True)
    with open(os.path.join(TOP, name), "wb") as out:
        out.write(b"".join(struct.pack(">H", len(f)) + f for f in frames))


def seed_record(name, data):
    with open(os.path.join(TOP, name), "wb") as out:
        out.write(data)


def many(n):
    return [struct.pack(">IH", 0x02000000, i) for i in range(n)]


block = bytes(range(256)) * 2
seed("ata", ata(0xEC, 0xA0000000), ata(0x24, 0x123456789ABC, 2, 0x40), ata(0xEA, 0, 0),
     ata(0x34, 7, 2, 0x43, block * 2), ata(0x34, 7, 2, 0x41, block), ata(0x20, shelf=0xFFFF))
seed("heads", frame(CONFIG, b"", flags=0x18), frame(CONFIG, b"", flags=0x20), frame(4, b""),
     frame(0xF0, b""), frame(CONFIG, b"", kind=0x0800), frame(CONFIG, b"", src=ALL),
     frame(CONFIG, b"", shelf=2), frame(CONFIG, b"", slot=3), frame(CONFIG, b"\0\0", pad=False))
seed("config", config(READ, shelf=0xFFFF, slot=0xFF), config(SET, b"first"), config(SET, b"second"),
     config(SET, b"first"), config(TEST, b"first"), config(TEST, b"firs"), config(PREFIX, b"firs"),
     config(PREFIX, b"x"), config(FORCE, b"l" * 1024), config(FORCE, b""), config(5))
seed("config-lies", config(SET, b"short", 29), config(FORCE, b"", 1025), config(TEST, b"", 0xFFFF),
     config(READ, b"", 0xFFFF))
seed("mask", mask(0), mask(1, (1, ONE), (1, OTHER), (0, ALL)), mask(0), mask(0, src=OTHER),
     mask(1, (2, OTHER)), mask(0, src=OTHER), mask(1, (1, OTHER), (3, ONE)), mask(1, (2, ONE)), mask(2))
seed("mask-full", mask(1, *((1, m) for m in many(184))), mask(1, (1, ONE)),
     mask(1, (1, OTHER), (2, ONE), src=many(1)[0]), mask(0, src=many(1)[0]))
seed("mask-lies", mask(1, (1, ONE), count=5), mask(1, count=255), mask(0, count=255))
seed("reserve", reserve(0), reserve(1, ONE), reserve(0, src=OTHER), reserve(1, OTHER, src=OTHER),
     ata(0x24, src=OTHER), ata(0xEC, src=OTHER), reserve(2, OTHER, src=OTHER), reserve(1), reserve(3),
     reserve(1, src=OTHER))
seed("reserve-lies", reserve(1, ONE, count=6), reserve(1, count=255), reserve(2, count=249),
     reserve(2, *many(248)), reserve(0, count=255))
seed_record("record", record(b"string", many(3), many(2)))
seed_record("record-full", record(b"s" * 1024, many(185), many(248)))
seed_record("record-version", record(b"", [], [], 2))
seed_record("record-over", record(b"s" * 1025, many(186), many(249)))
