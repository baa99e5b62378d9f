# SPDX-License-Identifier: BSD-3-Clause
"""iSCSI's PDUs as bytes, for the wire tests: fields, digests, key=value text, and what a target may
put where.  Written from RFC 7143 alone; shares nothing with the daemon.  Knows no socket; above
it stands iscsiwire.py.
"""
import array
import os
import re
import struct
import sys

from suite import Fail


class ProtocolError(Fail):
    """The target sent what RFC 7143 forbids."""


LENIENT = bool(os.environ.get("ISCSIWIRE_LENIENT"))
_noted = set()


def wrong(text):
    """A ProtocolError; with ISCSIWIRE_LENIENT a note, once each, so that peers get further."""
    if not LENIENT:
        raise ProtocolError(text)
    kind = re.sub(r"[0-9a-f]{8}|\d+", "N", text)[:40]
    if kind not in _noted:
        _noted.add(kind)
        print("#   the peer: " + text)


# ---- the numbers of section 11 -----------------------------------------------------------

NOP_OUT, SCSI_CMD, TMF, LOGIN, TEXT, DATA_OUT, LOGOUT, SNACK = 0, 1, 2, 3, 4, 5, 6, 0x10
NOP_IN, SCSI_RSP, TMF_RSP, LOGIN_RSP, TEXT_RSP, DATA_IN, LOGOUT_RSP = range(0x20, 0x27)
R2T, ASYNC, REJECT = 0x31, 0x32, 0x3f
OP_NAMES = {
    0: "NOP-Out", 1: "SCSI Command", 2: "Task Management", 3: "Login", 4: "Text", 5: "Data-Out",
    6: "Logout", 0x10: "SNACK", 0x20: "NOP-In", 0x21: "SCSI Response",
    0x22: "Task Management Response", 0x23: "Login Response", 0x24: "Text Response",
    0x25: "Data-In", 0x26: "Logout Response", 0x31: "R2T", 0x32: "Async Message", 0x3f: "Reject"}

IMMEDIATE, F = 0x40, 0x80
NONE32 = 0xffffffff
# SCSI command, byte 1
CMD_R, CMD_W = 0x40, 0x20
UNTAGGED, SIMPLE, ORDERED, HEAD, ACA = range(5)
# SCSI response and Data-In, byte 1
OVER, UNDER, BOVER, BUNDER, DATA_S, DATA_A = 4, 2, 0x10, 8, 1, 0x40
# login, byte 1
T, C = 0x80, 0x40
SECURITY, OPERATIONAL, FULL = 0, 1, 3

ABORT_TASK, ABORT_TASK_SET, CLEAR_ACA, CLEAR_TASK_SET, LUN_RESET = 1, 2, 3, 4, 5
WARM_RESET, COLD_RESET, TASK_REASSIGN = 6, 7, 8
QUERY_TASK, QUERY_TASK_SET, I_T_NEXUS_RESET, QUERY_ASYNC_EVENT = 9, 10, 11, 12    # RFC 7144
TMF_DONE, TMF_NO_TASK, TMF_NO_LUN, TMF_ALLEGIANT, TMF_NO_REASSIGN, TMF_UNSUPPORTED, \
    TMF_UNAUTHORIZED, TMF_SUCCEEDED = range(8)
TMF_REJECTED = 255

REJ_DIGEST, REJ_SNACK, REJ_PROTOCOL, REJ_UNSUPPORTED, REJ_IMMEDIATE, REJ_IN_PROGRESS, \
    REJ_DATA_ACK, REJ_FIELD, REJ_LONG = range(2, 11)
REJ_LOGOUT = 12
REJ_NAMES = {2: "Data Digest Error", 3: "SNACK Reject", 4: "Protocol Error",
             5: "Command not supported", 6: "Immediate command reject", 7: "Task in progress",
             8: "Invalid data ack", 9: "Invalid PDU field", 10: "Long op reject",
             12: "Waiting for Logout"}

# (offset, size) of each field; what is in COMMON stands in every PDU
COMMON = {"flags": (1, 1), "ahslen": (4, 1), "dlen": (5, 3), "lun": (8, 8), "itt": (16, 4)}
_OUT = {"cmdsn": (24, 4), "expstatsn": (28, 4)}
_IN = {"statsn": (24, 4), "expcmdsn": (28, 4), "maxcmdsn": (32, 4)}
FIELDS = {
    NOP_OUT: dict(_OUT, ttt=(20, 4)),
    SCSI_CMD: dict(_OUT, edtl=(20, 4), cdb=(32, 16)),
    TMF: dict(_OUT, rtt=(20, 4), refcmdsn=(32, 4), expdatasn=(36, 4)),
    LOGIN: dict(_OUT, vmax=(2, 1), vmin=(3, 1), isid=(8, 6), tsih=(14, 2), cid=(20, 2)),
    TEXT: dict(_OUT, ttt=(20, 4)),
    DATA_OUT: {"ttt": (20, 4), "expstatsn": (28, 4), "datasn": (36, 4), "offset": (40, 4)},
    LOGOUT: dict(_OUT, cid=(20, 2)),
    SNACK: {"ttt": (20, 4), "expstatsn": (28, 4), "begrun": (40, 4), "runlen": (44, 4)},
    NOP_IN: dict(_IN, ttt=(20, 4)),
    SCSI_RSP: dict(_IN, response=(2, 1), status=(3, 1), snacktag=(20, 4), expdatasn=(36, 4),
                   bidiresid=(40, 4), resid=(44, 4)),
    TMF_RSP: dict(_IN, response=(2, 1)),
    LOGIN_RSP: dict(_IN, vmax=(2, 1), vactive=(3, 1), isid=(8, 6), tsih=(14, 2),
                    cls=(36, 1), detail=(37, 1), code=(36, 2)),
    TEXT_RSP: dict(_IN, ttt=(20, 4)),
    DATA_IN: dict(_IN, status=(3, 1), ttt=(20, 4), datasn=(36, 4), offset=(40, 4),
                  resid=(44, 4)),
    LOGOUT_RSP: dict(_IN, response=(2, 1), time2wait=(40, 2), time2retain=(42, 2)),
    R2T: dict(_IN, ttt=(20, 4), r2tsn=(36, 4), offset=(40, 4), length=(44, 4)),
    ASYNC: dict(_IN, event=(36, 1), vcode=(37, 1), p1=(38, 2), p2=(40, 2), p3=(42, 2)),
    REJECT: dict(_IN, reason=(2, 1), datasn=(36, 4)),
}
# Of the target's PDUs: bits of byte 1 that must be set, bits that must be clear, reserved bytes,
# whether the data segment must be empty
LAYOUT = {
    NOP_IN: (0x80, 0x7f, [(2, 4), (36, 48)], False),
    SCSI_RSP: (0x80, 0x61, [(8, 16)], False),
    TMF_RSP: (0x80, 0x7f, [(3, 4), (8, 16), (20, 24), (36, 48)], True),
    LOGIN_RSP: (0, 0x30, [(20, 24), (38, 48)], False),
    TEXT_RSP: (0, 0x3f, [(2, 4), (36, 48)], False),
    DATA_IN: (0, 0x38, [(2, 3)], False),
    LOGOUT_RSP: (0x80, 0x7f, [(3, 4), (8, 16), (20, 24), (36, 40), (44, 48)], True),
    R2T: (0x80, 0x7f, [(2, 4)], True),
    ASYNC: (0x80, 0x7f, [(2, 4), (20, 24), (44, 48)], False),
    REJECT: (0x80, 0x7f, [(3, 4), (8, 16), (20, 24), (40, 48)], False),
}


# ---- CRC32C (section 13.1) ---------------------------------------------------------------

def _table():
    """For two bytes at a time: what a 16-bit word does to the remainder."""
    one = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ 0x82f63b78 if n & 1 else n >> 1
        one.append(n)
    return [(one[n & 255] >> 8) ^ one[(one[n & 255] ^ (n >> 8)) & 255] for n in range(65536)], one


_crc_table = None


def crc32c(data):
    """The four bytes of a digest."""
    global _crc_table
    if _crc_table is None:
        _crc_table = _table()
    two, one = _crc_table
    crc = 0xffffffff
    even = len(data) & ~1
    words = array.array("H", bytes(data[:even]))
    if sys.byteorder == "big":
        words.byteswap()
    for w in words:
        crc = (crc >> 16) ^ two[(crc ^ w) & 0xffff]
    for b in data[even:]:
        crc = (crc >> 8) ^ one[(crc ^ b) & 255]
    return struct.pack("<I", crc ^ 0xffffffff)


# ---- PDUs --------------------------------------------------------------------------------

class Pdu:
    """48 bytes of header, AHS and data; fields by name: p["cmdsn"]."""

    def __init__(self, op, data=b"", ahs=b"", **fields):
        self.bhs = bytearray(48)
        self.bhs[0] = op
        self.ahs, self.data = ahs, data
        self["ahslen"] = (len(ahs) + 3) // 4 & 255
        self["dlen"] = len(data) & 0xffffff
        for name, value in fields.items():
            self[name] = value

    @classmethod
    def parse(cls, bhs):
        p = cls(0)
        p.bhs[:] = bhs
        return p

    @property
    def op(self):
        return self.bhs[0] & 0x3f

    def _where(self, name):
        return COMMON.get(name) or FIELDS[self.op][name]

    def __getitem__(self, name):
        at, size = self._where(name)
        b = bytes(self.bhs[at:at + size])
        return b if name == "cdb" else int.from_bytes(b, "big")

    def __setitem__(self, name, value):
        at, size = self._where(name)
        if isinstance(value, int):
            value = value.to_bytes(size, "big")
        self.bhs[at:at + size] = value.ljust(size, b"\0")

    @property
    def final(self):
        return bool(self.bhs[1] & F)

    def header(self):
        return bytes(self.bhs) + self.ahs + bytes(-len(self.ahs) % 4)

    def encode(self, hdigest=False, ddigest=False, spoil=""):
        """The bytes of the wire; spoil: "header" or "data" has its digest wrong."""
        out = self.header()
        if hdigest:
            d = crc32c(out)
            out += bytes(b ^ 0x10 for b in d) if spoil == "header" else d
        if self.data:
            body = bytes(self.data) + bytes(-len(self.data) % 4)
            out += body
            if ddigest:
                d = crc32c(body)
                out += bytes(b ^ 1 for b in d) if spoil == "data" else d
        return out

    def __str__(self):
        return "%s%s [%s]" % (OP_NAMES.get(self.op, "opcode %#x" % self.op),
                              " +%d" % len(self.data) if self.data else "", self.bhs.hex(" ", 4))


def check_layout(p):
    """What a target may put in the header of each PDU (sections 11.4 to 11.19)."""
    if p.op not in LAYOUT or p.bhs[0] & 0xc0:
        raise ProtocolError("byte 0 of a target's PDU is %#x: %s" % (p.bhs[0], p))
    must, mustnot, reserved, empty = LAYOUT[p.op]
    if p.bhs[1] & must != must or p.bhs[1] & mustnot:
        wrong("byte 1 is %#04x: %s" % (p.bhs[1], p))
    for lo, hi in reserved:
        if any(p.bhs[lo:hi]):
            wrong("bytes %d to %d are reserved: %s" % (lo, hi - 1, p))
    if p["ahslen"]:
        wrong("AHS in a target's PDU: %s" % p)
    if empty and p["dlen"]:
        wrong("a data segment where none may be: %s" % p)
    if p.op in (ASYNC, REJECT) and p["itt"] != NONE32:
        wrong("ITT is not 0xffffffff: %s" % p)
    if p.op != DATA_IN and "maxcmdsn" in FIELDS[p.op] and p.op != LOGIN_RSP \
            and serial(p["maxcmdsn"], p["expcmdsn"]) < -1:
        wrong("MaxCmdSN is below ExpCmdSN - 1: %s" % p)
    check = _MORE.get(p.op)
    if check:
        check(p)


def _check_nop_in(p):
    if p["itt"] == NONE32:
        if p["dlen"]:
            wrong("data in a NOP-In that answers nothing: %s" % p)
    elif p["ttt"] != NONE32:
        wrong("a NOP-In with ITT and TTT: %s" % p)


def _check_data_in(p):
    s = p["flags"] & DATA_S
    if s and not p.final:
        wrong("S without F: %s" % p)
    if s and p["status"] not in (0, 4, 0x10, 0x14):
        wrong("status %#x in a Data-In: %s" % (p["status"], p))
    if p["flags"] & (OVER | UNDER) == OVER | UNDER:
        wrong("O and U: %s" % p)
    if p["flags"] & DATA_A:
        wrong("A at ErrorRecoveryLevel 0: %s" % p)
    if p["ttt"] != NONE32 or p["lun"]:
        wrong("TTT or LUN without A: %s" % p)


def _check_scsi_rsp(p):
    f = p["flags"]
    if f & OVER and f & UNDER or f & BOVER and f & BUNDER:
        wrong("O and U at once: %s" % p)
    if p["response"] and f & (OVER | UNDER | BOVER | BUNDER):
        wrong("residual flags with response %d: %s" % (p["response"], p))
    if 1 < p["response"] < 0x80:
        wrong("response code %d: %s" % (p["response"], p))
    if p["response"] == 0 and p["status"] == 2 and p["dlen"] < 2:
        wrong("CHECK CONDITION without sense data: %s" % p)


def _check_login_rsp(p):
    f = p["flags"]
    if p["cls"] == 0:
        if f & T and f & C:
            wrong("T and C: %s" % p)
        if not f & T and f & 3:
            wrong("NSG without T: %s" % p)
        if p["vmax"] or p["vactive"]:
            wrong("version: %s" % p)
    elif p["code"] not in LOGIN_CODES:
        wrong("login status %04x is not in the table: %s" % (p["code"], p))


def _check_text_rsp(p):
    f = p["flags"]
    if f & F and f & C:
        wrong("F and C: %s" % p)
    if bool(f & F) != (p["ttt"] == NONE32):
        wrong("F is %d, but TTT is %#x: %s" % (f >> 7, p["ttt"], p))


def _check_reject(p):
    if p["reason"] not in REJ_NAMES:
        wrong("reject reason %#x: %s" % (p["reason"], p))
    if p["dlen"] < 48:
        wrong("a Reject without the header of the bad PDU: %s" % p)


_MORE = {NOP_IN: _check_nop_in, DATA_IN: _check_data_in, SCSI_RSP: _check_scsi_rsp,
         LOGIN_RSP: _check_login_rsp, TEXT_RSP: _check_text_rsp, REJECT: _check_reject}
LOGIN_CODES = {0x101, 0x102, 0x300, 0x301, 0x302, *range(0x200, 0x20c)}


def serial(a, b):
    """a - b in RFC 1982's arithmetic."""
    d = (a - b) & 0xffffffff
    return d - (1 << 32) if d >> 31 else d


def check_serial(p):
    """Which PDUs carry a StatSN, and which advance it: None, False or True."""
    if p.op == R2T:
        return False
    if p.op == NOP_IN:
        return p["itt"] != NONE32
    if p.op == DATA_IN:
        return True if p["flags"] & DATA_S else None
    return True


# ---- key=value text (section 6) ----------------------------------------------------------

def encode_text(keys):
    """A dict, a list of pairs or of whole strings; the bytes of a data segment."""
    pairs = keys.items() if isinstance(keys, dict) else keys
    out = bytearray()
    for p in pairs:
        s = p if isinstance(p, (str, bytes)) else "%s=%s" % p
        out += (s.encode() if isinstance(s, str) else s) + b"\0"
    return bytes(out)


def decode_text(data):
    """[(key, value)] of a whole logical text data segment."""
    if not data:
        return []
    if not data.endswith(b"\0"):
        raise ProtocolError("text without its last NUL: %r" % data[-60:])
    out = []
    for item in data[:-1].split(b"\0"):
        key, eq, value = item.partition(b"=")
        if not eq or not key or len(key) > 63:
            raise ProtocolError("not a key=value pair: %r" % item[:90])
        try:
            out.append((key.decode(), value.decode()))
        except UnicodeDecodeError:
            raise ProtocolError("not UTF-8: %r" % item[:90])
    return out


# name: (kind, lowest, highest, default); kinds: min, max, and, or, list, and decl(arative)
KEYS = {
    "HeaderDigest": ("list", None, None, "None"),
    "DataDigest": ("list", None, None, "None"),
    "AuthMethod": ("list", None, None, "None"),
    "TaskReporting": ("list", None, None, "RFC3720"),
    "MaxConnections": ("min", 1, 65535, "1"),
    "InitialR2T": ("or", None, None, "Yes"),
    "ImmediateData": ("and", None, None, "Yes"),
    "MaxBurstLength": ("min", 512, (1 << 24) - 1, "262144"),
    "FirstBurstLength": ("min", 512, (1 << 24) - 1, "65536"),
    "DefaultTime2Wait": ("max", 0, 3600, "2"),
    "DefaultTime2Retain": ("min", 0, 3600, "20"),
    "MaxOutstandingR2T": ("min", 1, 65535, "1"),
    "DataPDUInOrder": ("or", None, None, "Yes"),
    "DataSequenceInOrder": ("or", None, None, "Yes"),
    "ErrorRecoveryLevel": ("min", 0, 2, "0"),
    "iSCSIProtocolLevel": ("min", 0, 31, "1"),
    "MaxRecvDataSegmentLength": ("decl", 512, (1 << 24) - 1, "8192"),
    "SessionType": ("decl", None, None, "Normal"),
    "InitiatorName": ("decl", None, None, ""), "TargetName": ("decl", None, None, ""),
    "InitiatorAlias": ("decl", None, None, ""), "TargetAlias": ("decl", None, None, ""),
    "TargetAddress": ("decl", None, None, ""),
    "TargetPortalGroupTag": ("decl", 0, 65535, ""),
}


def outcome(key, offer, answer):
    """The result of a negotiation, or a ProtocolError: is this answer allowed to this offer?
    answer is None where none came."""
    kind, lo, hi, default = KEYS[key]
    if answer is None:
        if kind == "and" and offer == "No" or kind == "or" and offer == "Yes":
            return offer
        wrong("%s=%s was not answered" % (key, offer))
        return "Irrelevant"
    if answer == "NotUnderstood" and key != "iSCSIProtocolLevel":
        wrong("%s is a key of RFC 7143, and is answered NotUnderstood" % key)
    if answer in ("Reject", "Irrelevant", "NotUnderstood"):
        return answer
    if kind == "list":
        good = answer in offer.split(",")
    elif kind in ("and", "or"):
        good = answer in ("Yes", "No") and (answer == offer or offer == {"and": "Yes", "or": "No"}[kind])
    else:
        n, o = number(answer), number(offer)
        good = lo <= n <= hi and (n <= o if kind == "min" else n >= o)
        answer = str(n)
    if not good:
        wrong("%s=%s was answered with %s" % (key, offer, answer))
    return answer


def number(text):
    try:
        return int(text, 16) if text[:2] in ("0x", "0X") else int(text)
    except ValueError:
        raise ProtocolError("not a number: %r" % text)
