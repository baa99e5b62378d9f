#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the first seeds of fuzz_aoe_pdu and fuzz_aoe_conn (tests/fuzz/seeds).

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

# ---- whole targets: frames with what is done to them, see fuzz_aoe_conn.c -------------------

CONN = os.path.join(os.path.dirname(TOP), "aoe_conn")
TWO, LOOPS, FEW, JUMBO, DRAIN, DISK, TROUBLE, BLOCKS = (1 << i for i in range(8))
SECOND, AS_IS, WAIT = 4, 8, 16
DOWN, UP, AWAY, BACK, MTU, STALL, LONG = (i << 5 for i in range(1, 8))


def conn(name, world, *frames, pace=7):
    os.makedirs(CONN, exist_ok=True)
    with open(os.path.join(CONN, name), "wb") as out:
        out.write(bytes([world, pace]))
        for how, f in frames:
            out.write(struct.pack(">HB", len(f), how) + f)


def trim(*ranges, tag=9):
    return frame(ATA, struct.pack("<BBBBIHH", 0x41, 1, 1, 0x06, 0, 0, 0) +
                 b"".join(struct.pack("<Q", lba | n << 48) for lba, n in ranges).ljust(512, b"\0"), tag=tag)


def write(lba, n=1, tag=1):
    return ata(0x34, lba, n, 0x41, block * n, tag=tag)


def read(lba, n=1, tag=2):
    return ata(0x24, lba, n, 0x40, tag=tag)


query = config(READ, shelf=0xFFFF, slot=0xFF)
conn("discover", 0, (AS_IS | WAIT, ALL + query[6:]), (WAIT, ata(0xEC, 0xA0000000)),
     (WAIT, config(READ)))
conn("discover-many", TWO | LOOPS, *[(AS_IS | i % 4, ALL + query[6:]) for i in range(40)])
conn("io", LOOPS, (0, write(3)), (WAIT, read(3)), (1, write(2, 2, 5)), (WAIT, read(2, 2)),
     (0, ata(0xEA, 0, 0, 0x40)), (WAIT, trim((2, 1), (3, 1))), (0, ata(0x42, 0, 255, 0x40)))
conn("io-jumbo", JUMBO | BLOCKS, (0, write(1, 32)), (WAIT, read(5, 32)), (0, write(7, 3)),
     (WAIT, read(0, 17)))
conn("late", TWO | TROUBLE, (STALL, write(1, 1, 7)), (SECOND, write(1, 1, 8)), (0, write(1, 1, 7)),
     (WAIT | 1, write(1, 2, 7)), (0, write(1, 1, 7)), (LONG, write(1, 1, 7)))
conn("few", TWO | FEW | LOOPS, (STALL, write(1)), *[(SECOND if i % 2 else i % 4, write(i % 9, 1, 20 + i))
                                                    for i in range(24)])
conn("half-a-trim", 0, (STALL, write(0)), (0, trim((0, 1), (9, 2))), (WAIT, write(9, 2, 4)))
conn("lists", LOOPS, (0, reserve(1, ONE)), (1, write(1)), (WAIT, config(FORCE, b"name")), (1, mask(0)),
     (0, mask(1, (1, bytes.fromhex("020000010000")))), (1, config(FORCE, b"other")), (WAIT, read(0)))
conn("lists-full", LOOPS, *[(0, config(FORCE, b"n%d" % i)) for i in range(24)],
     (0, mask(1, *((1, m) for m in many(184)))), (WAIT, config(READ)))
conn("interface", TWO, (0, write(1)), (DOWN, read(1)), (UP | WAIT, read(1)), (AWAY, read(1)),
     (BACK | WAIT, read(1)), (MTU | WAIT, read(1, 8)), (MTU, read(1, 8)))
conn("drain", TWO | DRAIN | FEW, (STALL, write(1)), *[(i % 4, write(1, 1, 30 + i)) for i in range(12)],
     (0, config(FORCE, b"late")), (1, reserve(1, ONE)))
conn("disk", DISK | JUMBO, *[(WAIT if i % 5 == 0 else 0, write(i % 7, 4, i) if i % 2 else read(i % 7, 4, i))
                             for i in range(30)])
conn("heads", 0, *[(AS_IS, bytes.fromhex("020000000000020000010000") + f[12:]) for f in (
    frame(CONFIG, b"", flags=0x18), frame(CONFIG, b"", flags=0x20), frame(4, b""), frame(0xF0, b""),
    frame(CONFIG, b"", kind=0x0800), frame(CONFIG, b"\0", pad=False), frame(ATA, b"\0" * 3, pad=False))])
