# SPDX-License-Identifier: BSD-3-Clause
"""SCSI's commands as bytes, and sense data as a triple, for the wire tests (SPC-4, SBC-3)."""
import struct

GOOD, CHECK, COND_MET, BUSY, CONFLICT, TASK_SET_FULL, ACA_ACTIVE, ABORTED = \
    0, 2, 4, 8, 0x18, 0x28, 0x30, 0x40
NO_SENSE, RECOVERED, NOT_READY, MEDIUM, HARDWARE, ILLEGAL, ATTENTION, PROTECT = range(8)
ABORTED_COMMAND, MISCOMPARE = 0xb, 0xe

# key, ASC and ASCQ together
INVALID_OPCODE, OUT_OF_RANGE, INVALID_CDB = (5, 0x20, 0), (5, 0x21, 0), (5, 0x24, 0)
NO_SUCH_LUN, INVALID_PARAM, PARAM_LENGTH = (5, 0x25, 0), (5, 0x26, 0), (5, 0x1a, 0)
INVALID_IU = (5, 0x0e, 3)               # INVALID FIELD IN COMMAND INFORMATION UNIT
MISCOMPARED, WRITE_PROTECTED = (0xe, 0x1d, 0), (7, 0x27, 0)
UNEXPECTED_DATA, NOT_ENOUGH_DATA, CRC_ERROR = (0xb, 0x0c, 0x0c), (0xb, 0x0c, 0x0d), (0xb, 0x47, 5)
CLEARED_BY_EVENT = (6, 0x47, 0x7f)      # SOME COMMANDS CLEARED BY ISCSI PROTOCOL EVENT


def tur():
    return bytes(6)


def inquiry(alloc=255, page=None):
    return struct.pack(">BBBHB", 0x12, page is not None, page or 0, alloc, 0)


def request_sense(alloc=252):
    return struct.pack(">BBHBB", 3, 0, 0, alloc, 0)


def read_capacity10():
    return b"\x25" + bytes(9)


def read_capacity16(alloc=32):
    return struct.pack(">BBQIBB", 0x9e, 0x10, 0, alloc, 0, 0)


def report_luns(alloc=1024, select=0):
    return struct.pack(">BBBBBBIBB", 0xa0, 0, select, 0, 0, 0, alloc, 0, 0)


def mode_sense6(page, alloc=255, sub=0):
    return struct.pack(">BBBBBB", 0x1a, 0, page, sub, alloc, 0)


def read10(lba, n, flags=0):
    return struct.pack(">BBIBHB", 0x28, flags, lba, 0, n, 0)


def read16(lba, n, flags=0):
    return struct.pack(">BBQIBB", 0x88, flags, lba, n, 0, 0)


def write10(lba, n, flags=0):
    return struct.pack(">BBIBHB", 0x2a, flags, lba, 0, n, 0)


def write16(lba, n, flags=0):
    return struct.pack(">BBQIBB", 0x8a, flags, lba, n, 0, 0)


def rw(kind, lba, n, write):
    """READ or WRITE in its forms of 6, 10, 12 and 16 bytes."""
    if kind == 6:
        return struct.pack(">BBHBB", 0x0a if write else 8, lba >> 16, lba & 0xffff, n & 255, 0)
    if kind == 12:
        return struct.pack(">BBIIBB", 0xaa if write else 0xa8, 0, lba, n, 0, 0)
    return {(10, 0): read10, (10, 1): write10, (16, 0): read16, (16, 1): write16}[kind, write](lba, n)


def verify16(lba, n, bytchk=0):
    return struct.pack(">BBQIBB", 0x8f, bytchk << 1, lba, n, 0, 0)


def sync_cache10(lba=0, n=0):
    return struct.pack(">BBIBHB", 0x35, 0, lba, 0, n, 0)


def write_same16(lba, n, flags=0):
    return struct.pack(">BBQIBB", 0x93, flags, lba, n, 0, 0)


def caw(lba, n, flags=0):
    return struct.pack(">BBQ3xBBB", 0x89, flags, lba, n, 0, 0)


def unmap(plen):
    return struct.pack(">BB5xHB", 0x42, 0, plen, 0)


def unmap_list(*ranges):
    body = b"".join(struct.pack(">QII", lba, n, 0) for lba, n in ranges)
    return struct.pack(">HHI", 6 + len(body), len(body), 0) + body


def sense_of(data):
    """(key, ASC, ASCQ) of fixed or descriptor sense; None of none."""
    if len(data) >= 14 and data[0] & 0x7e == 0x70:
        return data[2] & 15, data[12], data[13]
    if len(data) >= 4 and data[0] & 0x7e == 0x72:
        return data[1] & 15, data[2], data[3]
    return None


def sense_info(data):
    """The INFORMATION field, or None where it is not valid."""
    if data[0] & 0x7e == 0x70:
        return struct.unpack(">I", data[3:7])[0] if data[0] & 0x80 else None
    at = 8
    while at + 2 <= len(data):
        if data[at] == 0 and data[at + 2] & 0x80:
            return struct.unpack(">Q", data[at + 4:at + 12])[0]
        at += 2 + data[at + 1]
    return None
