#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the first seeds of the fuzz programs (tests/fuzz/seeds).

Run by hand when a message is added; the files are in git, together with what
the fuzzers found.  Each seed is one input: see the head of its fuzz program.
"""
import json
import os
import struct
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "seeds")
CONTEXT = b"base:allocation"


def seed(program, name, data):
    folder = os.path.join(TOP, program)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as out:
        out.write(data)


def text(s):
    return struct.pack(">I", len(s)) + s


def go(name, *infos):
    return text(name) + struct.pack(">H", len(infos)) + b"".join(struct.pack(">H", i) for i in infos)


def meta(name, *queries):
    return text(name) + struct.pack(">I", len(queries)) + b"".join(text(q) for q in queries)


def option(number, data=b"", length=None):
    return struct.pack(">QII", 0x49484156454F5054, number,
                       len(data) if length is None else length) + data


def request(kind, offset=0, length=0, flags=0, cookie=0x1122334455667788, payload=b""):
    return struct.pack(">IHHQQI", 0x25609513, flags, kind, cookie, offset, length) + payload


def extended(kind, offset=0, length=0, flags=0, payload=b""):
    return struct.pack(">IHHQQQ", 0x21E41C71, flags, kind, 7, offset, length) + payload


FLAGS = struct.pack(">I", 3)
DISC = request(2)
RAW, SIMPLE, CHUNKS, EXTENDED = 0, 1, 2, 3
LOOPS, FEW, ORDERLY, DRAIN, FAULTS, DEAF = 4, 8, 16, 32, 64, 128


def pdu_seeds():
    for name, data in (("go", b"\0" + go(b"disk", 0, 1, 2, 3)),
                       ("go-none", b"\0" + go(b"")),
                       ("go-lies", b"\0" + struct.pack(">I", 0xFFFFFFFF) + b"disk\0\0"),
                       ("meta", b"\1" + meta(b"disk", b"base:", CONTEXT, b"qemu:x")),
                       ("meta-lies", b"\1" + text(b"d") + struct.pack(">II", 1 << 30, 5) + b"base:"),
                       ("request", b"\2" + request(1, 4096, 512)),
                       ("extended", b"\2" + extended(7, 4096, 1 << 40)),
                       ("option", b"\2" + option(7, go(b""))),
                       ("ids", b"\2" + struct.pack(">QI", 1 << 40, 1)),
                       ("sink", b"\3\4\0" + b"".join(struct.pack("<QB", 512 << i, i & 3)
                                                     for i in range(12))),
                       ("sink-ext", b"\4\xff\1" + struct.pack("<QB", 2**64 - 1, 3) * 3)):
        seed("nbds_pdu", name, data)


def nbdx_seeds():
    for kind in range(9):
        for flags in (0, 1, 2, 4, 8, 16, 32, 33):
            data = struct.pack("<QQQIIHHBB6x", 1 << 30, 4096, 8192, 0x1F, kind & 7, kind, flags,
                               kind & 3, flags & 1)
            seed("nbdx", "type%d-flags%02d" % (kind, flags), data)


def handshake_seeds():
    haggle = (option(3), option(8), option(9, meta(b"", b"base:")), option(10, meta(b"disk", CONTEXT)),
              option(6, go(b"disk", 1, 2, 3)), option(5), option(99, b"x" * 40), option(2))
    for i, one in enumerate(haggle):
        seed("nbds_conn", "option-%d" % i, bytes([RAW, i]) + FLAGS + one)
    seed("nbds_conn", "haggle", bytes([RAW, 1]) + FLAGS + b"".join(haggle))
    seed("nbds_conn", "go", bytes([RAW | ORDERLY, 2]) + FLAGS + option(8) + option(7, go(b"disk", 3)) +
         request(0, 0, 4096) + DISC)
    seed("nbds_conn", "export-name", bytes([RAW | LOOPS, 3]) + FLAGS + option(1, b"disk") +
         request(0, 0, 512))
    seed("nbds_conn", "export-unknown", bytes([RAW, 3]) + FLAGS + option(1, b"nobody"))
    seed("nbds_conn", "bad-flags", bytes([RAW, 4]) + b"\x80\0\0\0")
    seed("nbds_conn", "long-option", bytes([RAW, 5]) + FLAGS + option(7, b"", 0xFFFFFFFF))
    seed("nbds_conn", "long-name", bytes([RAW, 6]) + FLAGS + option(7, go(b"d" * 4096)))
    seed("nbds_conn", "extended", bytes([RAW, 7]) + FLAGS + option(11) + option(8) +
         option(10, meta(b"", CONTEXT)) + option(7, go(b"", 3)) +
         extended(7, 0, 12, 32, struct.pack(">QI", 65536, 1)))
    seed("nbds_conn", "garbage", bytes([RAW, 8]) + b"GET / HTTP/1.0\r\n\r\n" * 4)


def transmission_seeds():
    block = b"b" * 4096
    stream = (request(1, 0, 4096, 1, payload=block) + request(0, 0, 4096) + request(3) +
              request(4, 4096, 4096) + request(6, 0, 8192, 2) + request(6, 0, 8192, 16) +
              request(5, 0, 65536))
    for kind in (SIMPLE, CHUNKS):
        for i, more in enumerate((0, LOOPS, FEW, ORDERLY, DRAIN, FEW | DRAIN | LOOPS, FAULTS,
                                  FAULTS | FEW | LOOPS, DEAF)):
            seed("nbds_conn", "stream-%d-%d" % (kind, i), bytes([kind | more, i]) + stream)
    seed("nbds_conn", "disc", bytes([SIMPLE, 0]) + request(0, 0, 65536) * 8 + DISC)
    seed("nbds_conn", "big-read", bytes([CHUNKS, 2]) + request(0, 0, 1 << 20) * 3)
    seed("nbds_conn", "big-read-df", bytes([CHUNKS | FEW, 3]) + request(0, 0, 1 << 20, 4) * 3)
    fill = b"".join(request(1, i * 65536, 65536, 0, payload=bytes([i + 1]) * 65536) for i in range(2))
    seed("nbds_conn", "deaf", bytes([CHUNKS | DEAF, 2]) + fill + request(0, 0, 1 << 20) * 60)
    seed("nbds_conn", "deaf-simple", bytes([SIMPLE | DEAF, 2]) + fill + request(0, 0, 1 << 20) * 60)
    seed("nbds_conn", "many", bytes([SIMPLE | FEW, 2]) + request(0, 512, 512) * 300)
    seed("nbds_conn", "status", bytes([CHUNKS, 2]) + request(7, 0, 1 << 20) +
         request(7, 4096, 4096, 8) + request(7, 0, 0))
    seed("nbds_conn", "wrong", bytes([CHUNKS, 2]) + request(0, 1, 1) + request(0, 1 << 40, 512) +
         request(1, 1 << 40, 512, payload=b"w" * 512) + request(77) + request(0, 0, 512, 0x8000) +
         request(0, 0, 1 << 31))
    seed("nbds_conn", "flood", bytes([SIMPLE, 2]) + request(1, 0, 0xFFFFFFFF))
    seed("nbds_conn", "half-write", bytes([SIMPLE, 1]) + request(1, 0, 1 << 19) + b"h" * 70000)
    seed("nbds_conn", "bad-magic", bytes([SIMPLE, 1]) + request(0, 0, 512) + b"\x12\x56\x09\x53" * 7)
    ext = (extended(1, 0, 4096, 33, block) + extended(0, 0, 4096) + extended(0, 0, 65536, 4) +
           extended(7, 0, 1 << 20) + extended(7, 0, 12, 32, struct.pack(">QI", 65536, 1)) +
           extended(7, 0, 12, 32, struct.pack(">QI", 65536, 9)) + extended(6, 0, 1 << 20, 1) +
           extended(0, 0, 8, 32, b"12345678") + extended(3) + extended(1, 0, 4096) + extended(2))
    for i, more in enumerate((0, LOOPS, FEW, DRAIN)):
        seed("nbds_conn", "extended-%d" % i, bytes([EXTENDED | more, i]) + ext)
    seed("nbds_conn", "extended-flood", bytes([EXTENDED, 1]) + extended(1, 0, 1 << 62, 32))


def ata(command, lba=0, sectors=1, feature=0, aflags=0, payload=b"", size=1 << 30, room=1024,
        facts=0x0A, block=0, status=0, done=512):
    return struct.pack("<QQIIBBBBBBBx", size, lba, room, done, command, feature, sectors, aflags,
                       block, facts, status) + payload


def ata_seeds():
    ext, write, device, smart = 0x40, 0x01, 0xE0 << 24, 0xC24F << 8
    sector = bytes(range(256)) * 2
    for command in (0x20, 0xC4, 0xC8, 0x40):
        seed("ata", "read28-%02x" % command, ata(command, device | 77, 2))
    for command in (0x24, 0x29, 0x25, 0x42):
        seed("ata", "read48-%02x" % command, ata(command, 77, 2, 0, ext, status=9))
    for command in (0x30, 0xC5, 0xCA):
        seed("ata", "write28-%02x" % command, ata(command, device | 9, 2, 0, write, sector * 2))
    for command in (0x34, 0x39, 0x35, 0x3D, 0xCE):
        seed("ata", "write48-%02x" % command, ata(command, 9, 1, 0, ext | write, sector, facts=0x0C))
    for command in (0x00, 0x08, 0x10, 0x27, 0x2F, 0x90, 0x91, 0x95, 0x98, 0x99, 0xC6, 0xE0, 0xE3,
                    0xE5, 0xE7, 0xEA, 0xEF, 0xF8, 0xFF):
        seed("ata", "plain-%02x" % command, ata(command, device, 16, 0x82))
    for block in (0, 3, 7):
        seed("ata", "identify-%d" % block, ata(0xEC, 0xA0 << 24,
                                           size=1 << (30 + 4 * block), block=block))
    for feature in (0xD0, 0xD1, 0xD5, 0xD8, 0xD9, 0xDA):
        seed("ata", "smart-%02x" % feature, ata(0xB0, smart, 1, feature))
    seed("ata", "smart-no-key", ata(0xB0, 0, 1, 0xD0))
    ranges = ((8, 8), (16, 65535), (0, 0), (5, 1), (1 << 20, 3), (1 << 47, 0))
    entries = b"".join(struct.pack("<Q", lba | n << 48) for lba, n in ranges)
    seed("ata", "trim", ata(6, 0, 1, 1, ext | write, entries.ljust(512, b"\0")))
    seed("ata", "trim-two", ata(6, 0, 2, 1, ext | write, bytes(1016) + entries[:8]))
    seed("ata", "trim-beyond", ata(6, 0, 1, 1, ext | write, entries.ljust(504, b"\0") + b"\xff" * 8))
    seed("ata", "trim-short", ata(6, 0, 2, 1, ext | write, entries.ljust(512, b"\0")))
    seed("ata", "end-28", ata(0x20, 0xEFFFFFFE, 1, size=1 << 50))
    seed("ata", "end-28-beyond", ata(0x20, 0xEFFFFFFE, 2, size=1 << 50))
    seed("ata", "end-48", ata(0x24, 2**48 - 3, 2, 0, ext, size=2**64 - 1))
    seed("ata", "count-0", ata(0x24, 0, 0, 0, ext, room=2**32 - 1, size=1 << 40))
    seed("ata", "empty-disk", ata(0x24, 0, 1, 0, ext, size=0))
    seed("ata", "wrong-way", ata(0x24, 0, 1, 0, ext | write, sector))
    seed("ata", "read-only", ata(0x34, 0, 1, 0, ext | write, sector, facts=1))


SERVER, STRANGER, TWO_LOOPS, BYE, STOPS, UNREAD = 1, 2, 4, 8, 16, 32


def call(method, **more):
    return json.dumps(dict({"jsonrpc": "2.0", "id": 1, "method": method}, **more)).encode() + b"\n"


def ctl_seeds():
    lines = (("version", call("version")),
             ("status", call("status", params={})),
             ("notification", b'{"jsonrpc":"2.0","method":"version"}\n' + call("version", id=None)),
             ("unknown", call("reboot") + call("") + call("status\0x") + call("v" * 300)),
             ("params", call("version", params={"now": 1}) + call("status", params=[]) +
              call("status", params=None) + call("status", params={"": {}})),
             ("ids", call("version", id="\u00fc" * 40) + call("version", id=-1.5e300) +
              call("version", id=2**62) + call("version", id=[]) + call("version", id={})),
             ("no-request", b'[]\n{}\n"x"\n17\nnull\n\n{"jsonrpc":"1.0"}\n{"jsonrpc":"2.0"}\n'),
             ("batch", b"[" + call("version").strip() + b"," + call("status").strip() + b"]\n"),
             ("no-json", b"GET / HTTP/1.0\r\n\r\n\0\xff\xfe\n{\"a\":1,\"a\":2}\n{\"a\":\"\\ud800\"}\n"),
             ("deep", b"[" * 33 + b"]" * 33 + b"\n" + b'{"a":' * 32 + b"1" + b"}" * 32 + b"\n" +
              b'"' + b"[" * 60 + b'\\""\n'),
             ("long", b'{"jsonrpc":"2.0","id":1,"method":"' + b"m" * 5000 + b'"}\n' + call("version")),
             ("numbers", b'{"jsonrpc":"2.0","id":1e999,"method":"version"}\n'
              b'{"jsonrpc":"2.0","id":99999999999999999999,"method":"version"}\n'),
             ("reply", b'{"jsonrpc":"2.0","id":1,"result":{}}\n{"jsonrpc":"2.0","id":2,"result":1}\n'
              b'{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}\n'
              b'{"jsonrpc":"2.0","id":1,"error":{}}\n{"jsonrpc":"2.0","id":1,"error":7}\n'
              b'{"jsonrpc":"2.0","id":1,"result":null,"error":null}\n'),
             ("no-end", call("version") + call("status")[:-1]))
    for i, (name, data) in enumerate(lines):
        seed("ctl_msg", name, bytes([0, 0]) + data)
        seed("ctl_msg", "server-" + name, bytes([SERVER | (BYE, TWO_LOOPS)[i % 2], i]) + data)
    many = (call("status") + call("version")) * 30
    for name, how in (("stranger", STRANGER), ("stops", STOPS), ("unread", UNREAD),
                      ("stops-unread", STOPS | UNREAD | TWO_LOOPS)):
        seed("ctl_msg", "server-" + name, bytes([SERVER | how, 3]) + many)


def scsi(cdb, out=b"", expect_in=0, how=0, attr=1):
    """One command of fuzz_scsi_cmd.c; lengths in 16ths, rounded up."""
    blocks = (len(out) + 15) // 16
    return (bytes([how, attr]) + bytes(cdb).ljust(16, b"\0") +
            struct.pack(">HH", (expect_in + 15) // 16, blocks) + out.ljust(blocks * 16, b"\0"))


def rw(opcode, lba, blocks, flags=0):
    if opcode < 0x20:
        return struct.pack(">BBHBB", opcode, lba >> 16, lba & 0xFFFF, blocks & 255, 0)
    if opcode < 0x60:
        return struct.pack(">BBIBHB", opcode, flags, lba, 0, blocks, 0)
    if opcode < 0xA0:
        return struct.pack(">BBQIBB", opcode, flags, lba, blocks, 0, 0)
    return struct.pack(">BBIIBB", opcode, flags, lba, blocks, 0, 0)


def caw(lba, blocks, flags=0):
    return struct.pack(">BBQIBB", 0x89, flags, lba, blocks, 0, 0)


def unmap_list(*ranges):
    body = b"".join(struct.pack(">QIxxxx", lba, n) for lba, n in ranges)
    return struct.pack(">HHxxxx", 6 + len(body), len(body)) + body


def scsi_seeds():
    run, abort, leave, stand, held, refuse = 0, 1, 2, 3, 4, 8
    block = bytes(range(256)) * 2
    control = bytes([0x0A, 0x0A, 0x26, 0x10, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0])
    inquiries = b"".join(scsi([0x12, page is not None, page or 0, 0, 255], b"", 255, how)
                         for page in (None, 0, 0x80, 0x83, 0x86, 0x87, 0xB0, 0xB1, 0xB2)
                         for how in (run, refuse | stand))
    seed("scsi_cmd", "inquiry", b"\0" + inquiries)
    seed("scsi_cmd", "attention", b"\x08" + scsi([0]) + scsi([3, 0, 0, 0, 252], b"", 252) +
         scsi([0xA0, 0, 0, 0, 0, 0, 0, 0, 255], b"", 255, 0x20) + scsi([0]))
    for opcode in (0x08, 0x28, 0xA8, 0x88):
        seed("scsi_cmd", "read-%02x" % opcode, b"\x20" + b"".join(
            scsi(rw(opcode, 4, 8), b"", 4096, how | h)
            for how in (run, abort, leave, stand) for h in (0, held, refuse)))
    for opcode in (0x0A, 0x2A, 0xAA, 0x8A, 0x2E, 0xAE, 0x8E, 0x2F, 0xAF, 0x8F):
        seed("scsi_cmd", "write-%02x" % opcode, b"\x10" + b"".join(
            scsi(rw(opcode, 4, 1, 2 if opcode & 15 >= 14 else 8), block, 0, how | h)
            for how in (run, abort, leave, stand) for h in (0, held)))
    seed("scsi_cmd", "read-big", b"\x20" + scsi(rw(0x88, 0, 2000), b"", 1 << 19, refuse) * 3)
    seed("scsi_cmd", "write-big", b"\x10" + scsi(struct.pack(
        ">BBQIBBHH", 0x8A, 0, 0, 2000, 0, 0, 0, 0xFFFF)[:16], b"") +
        bytes([held | stand, 1]) + rw(0x8A, 0, 2000) + struct.pack(">HH", 0, 0xFA00))
    seed("scsi_cmd", "ordered", b"\0" + b"".join(
        scsi(rw(0x2A, i, 1), block, 0, held | stand, attr) for i, attr in enumerate((1, 2, 1, 3, 2, 0))))
    seed("scsi_cmd", "caw", b"\0" + scsi(rw(0x2A, 3, 1), block) +
         scsi(caw(3, 1), block + block[::-1]) + scsi(caw(3, 1), block * 2) +
         scsi(caw(3, 0)) + scsi(caw(3, 200), block * 2))
    seed("scsi_cmd", "same", b"\0" + scsi(rw(0x41, 1, 100), block) +
         scsi(rw(0x93, 1, 100, 8), bytes(512)) + scsi(rw(0x93, 1, 100, 1)) +
         scsi(rw(0x41, 1, 0), block) + scsi(rw(0x8F, 1, 100, 6), bytes(512)))
    lists = unmap_list((0, 8), (16, 4), (100, 0))
    seed("scsi_cmd", "unmap", b"\0" +
         scsi([0x42, 0, 0, 0, 0, 0, 0, 0, len(lists)], lists, 0, stand | held) +
         scsi([0x9E, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0], b"", 1024) +
         scsi([0x42, 0, 0, 0, 0, 0, 0, 0, 24], b"\xff" * 24))
    seed("scsi_cmd", "mode", b"\0" + scsi([0x1A, 0, 0x3F, 0, 255], b"", 255) +
         scsi([0x5A, 0x10, 0x3F, 0xFF, 0, 0, 0, 1, 0], b"", 256) +
         scsi([0x15, 0x10, 0, 0, 16], bytes(4) + control) + scsi([0xFF]) +
         scsi([0x55, 0x10, 0, 0, 0, 0, 0, 0, 20], bytes(8) + control))
    seed("scsi_cmd", "opcodes", b"\0" + b"".join(
        scsi([0xA3, 0x0C, option, 0x28, 0, 0, 0, 0, 8, 0], b"", 2048) for option in range(9)) +
        scsi([0xA3, 0x0D, 0x80, 0, 0, 0, 0, 0, 0, 16], b"", 16))
    seed("scsi_cmd", "plain", b"\x04" + b"".join(
        scsi(cdb) for cdb in ([0x25], [0x35], [0x91], [0x34], [0x90], [0x1B], [0x1B, 0, 0, 0, 1],
                              rw(0x2A, 0, 1), [0x5E], [0x9E, 0x11], [0x7F])))


pdu_seeds()
nbdx_seeds()
ata_seeds()
scsi_seeds()
ctl_seeds()
handshake_seeds()
transmission_seeds()
