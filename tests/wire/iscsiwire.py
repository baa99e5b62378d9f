# SPDX-License-Identifier: BSD-3-Clause
"""An initiator that speaks iSCSI over a plain socket, for the wire tests: login, sessions, commands
with every way to move data.  It is strict: what RFC 7143 forbids a target to send is a
ProtocolError, whatever the case was about.  PDUs as bytes: iscsipdu.py.  The target that is
tested, and what cases say often: iscsitarget.py.
"""
import random
import socket
import struct
import time

from iscsipdu import *      # noqa: F401,F403 - a case needs both
from iscsipdu import (                                                          # noqa: F401
    C, CMD_R, CMD_W, DATA_IN, DATA_OUT, DATA_S, F, FULL, IMMEDIATE, KEYS, LOGIN, LOGIN_RSP, LOGOUT,
    LOGOUT_RSP, NONE32, NOP_IN, NOP_OUT, OPERATIONAL, OVER, ASYNC, Pdu, ProtocolError, R2T, REJECT,
    REJ_NAMES, SCSI_CMD, SCSI_RSP, SECURITY, SIMPLE, T, TEXT, TEXT_RSP, TMF, TMF_RSP, UNDER,
    check_layout, check_serial, crc32c, decode_text, encode_text, outcome, serial, wrong)
from scsicdb import sense_of
from suite import Fail, expect, expect_eq


class Closed(Fail):
    """The target closed the connection."""


class Refused(Fail):
    """The login ended with a status that is not success."""

    def __init__(self, code, text=()):
        Fail.__init__(self, "login status %04x %s" % (code, text or ""))
        self.code, self.text = code, text


INITIATOR = "iqn.2026-11.org.sluice:wire"
_open_conns = []
_next_isid = [0]


def close_all():
    """Close what a case left open, so that the next one begins clean."""
    for c in list(_open_conns):
        c.close()


def new_isid():
    """ISIDs of the random format (11.12.5), each once."""
    _next_isid[0] += 1
    return 0x800000000000 | random.getrandbits(24) << 16 | _next_isid[0] & 0xffff


class Session:
    """What all connections of a session share."""

    def __init__(self, name=INITIATOR, isid=None, cmdsn=None):
        self.name = name
        self.isid = new_isid() if isid is None else isid
        self.tsih = 0
        self.cmdsn = random.getrandbits(32) if cmdsn is None else cmdsn
        self.expcmdsn = self.maxcmdsn = self.cmdsn
        self.next_itt = random.getrandbits(28)
        self.keys = {}          # session-wide results

    def itt(self):
        self.next_itt = (self.next_itt + 1) & 0x7fffffff
        return self.next_itt

    def param(self, key):
        return self.keys.get(key, KEYS[key][3])

    def num(self, key):
        return int(self.param(key))


class Task:
    """One request and all that answers it."""

    def __init__(self, itt, kind, cdb=b"", out=b"", read=0, lun=0):
        self.itt, self.kind, self.cdb, self.lun = itt, kind, cdb, lun
        self.out, self.edtl_in = out, read
        self.cmdsn = None       # None: immediate
        self.data = bytearray()
        self.spans, self.burst, self.open_burst = [], 0, False
        self.datains = 0        # how many Data-In PDUs; R2Ts are counted apart
        self.r2ts, self.outstanding, self.queue = [], 0, []
        self.pdu = None         # the PDU that ended it
        self.done = False
        self.status = self.response = None
        self.sense_data, self.over, self.under, self.resid = b"", False, False, 0

    @property
    def sense(self):
        return sense_of(self.sense_data)

    def __str__(self):
        return "%s %s in %d out %d -> status %s sense %s%s" % (
            self.kind, bytes(self.cdb).hex(), self.edtl_in, len(self.out), self.status, self.sense,
            " residual %s%d" % ("+" if self.over else "-", self.resid)
            if self.over or self.under else "")


class Conn:
    """One connection; the raw steps are methods too, for the cases that do them wrong."""

    def __init__(self, addr, timeout=10, rcvbuf=None):
        self.timeout = timeout
        v6 = ":" in addr[0]
        self.sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(timeout)
        try:
            self.sock.connect(tuple(addr))
        except BaseException:
            self.sock.close()
            raise
        self.s = Session()
        self.cid = 1
        self.expstatsn = 0
        self.stage = None
        self.hdigest = self.ddigest = False
        self.my_mrdsl = self.mrdsl = 8192
        self.tasks = {}
        self.rejects, self.asyncs = [], []
        self.answer_pings = True
        self.pings = 0          # NOP-Ins that wanted an answer
        self.auto_r2t = True    # answer R2Ts as they come
        self.shuffle = False    # Data-Out PDUs of a burst in any order
        self.loose = False      # R2Ts are only collected: after wrong data nobody counts
        self.out_size = None    # bytes in a Data-Out, where less than MRDSL
        _open_conns.append(self)

    # -- bytes --

    def send(self, *pdus, **kw):
        raw = b"".join(p if isinstance(p, bytes) else p.encode(self.hdigest, self.ddigest, **kw)
                       for p in pdus)
        try:
            self.sock.sendall(raw)
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Closed("the target closed while we sent: %s" % e)

    def recv(self, n):
        buf = bytearray(n)
        view, got = memoryview(buf), 0
        while got < n:
            try:
                k = self.sock.recv_into(view[got:])
            except socket.timeout:
                raise Fail("no answer for %.0f s (%d of %d bytes had come)" % (self.timeout, got, n))
            except ConnectionResetError:
                k = 0
            if k == 0:
                raise Closed("the target closed (%d of %d bytes had come)" % (got, n))
            got += k
        return bytes(buf)

    def recv_pdu(self):
        """The next PDU, its layout, digests and numbers checked."""
        bhs = self.recv(48)
        p = Pdu.parse(bhs)
        if self.hdigest:
            expect_eq(self.recv(4).hex(), crc32c(bhs).hex(), "header digest of %s" % p)
        check_layout(p)
        if p["dlen"] > (self.my_mrdsl if self.stage == FULL else max(8192, self.my_mrdsl)):
            wrong("DataSegmentLength %d, the limit is %d: %s" %
                                (p["dlen"], self.my_mrdsl, p))
        if p["dlen"]:
            raw = self.recv((p["dlen"] + 3) & ~3)
            p.data = raw[:p["dlen"]]
            if any(raw[p["dlen"]:]):
                wrong("padding is not zero: %s" % p)
            if self.ddigest:
                expect_eq(self.recv(4).hex(), crc32c(raw).hex(), "data digest of %s" % p)
        self._numbers(p)
        return p

    def _numbers(self, p):
        if p.op == LOGIN_RSP and p["cls"]:
            return
        if p.op == LOGIN_RSP and self.stage is None:
            self.stage = OPERATIONAL
            self.expstatsn = p["statsn"]
        counts = check_serial(p)
        if counts is not None:
            if p["statsn"] != self.expstatsn:
                wrong("StatSN %d, expected %d: %s" % (p["statsn"], self.expstatsn, p))
            if counts:
                self.expstatsn = (self.expstatsn + 1) & NONE32
        if serial(p["maxcmdsn"], p["expcmdsn"]) < -1:
            return
        if serial(p["expcmdsn"], self.s.cmdsn) > 0:
            wrong("ExpCmdSN %d, but our next is %d: %s" %
                                (p["expcmdsn"], self.s.cmdsn, p))
        if serial(p["expcmdsn"], self.s.expcmdsn) > 0:
            self.s.expcmdsn = p["expcmdsn"]
        if serial(p["maxcmdsn"], self.s.maxcmdsn) > 0:
            self.s.maxcmdsn = p["maxcmdsn"]

    def expect_closed(self, within=None, drain=0):
        """The target must close, having sent at most `drain` more bytes; returns these."""
        within = within or self.timeout
        end, extra = time.monotonic() + within, bytearray()
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise Fail("the target has not closed after %.0f s" % within)
            self.sock.settimeout(left)
            try:
                b = self.sock.recv(65536)
            except socket.timeout:
                continue
            except (ConnectionResetError, BrokenPipeError):
                b = b""
            finally:
                self.sock.settimeout(self.timeout)
            if not b:
                return bytes(extra)
            extra += b
            if len(extra) > drain:
                raise Fail("want the end of the connection, got %d bytes: %s" %
                           (len(extra), bytes(extra[:96]).hex(" ", 4)))

    def quiet(self, seconds=0.3):
        """Nothing may come."""
        self.sock.settimeout(seconds)
        try:
            got = self.sock.recv(48)
        except socket.timeout:
            return
        finally:
            self.sock.settimeout(self.timeout)
        raise Fail("want silence, got %s" % (Pdu.parse(got) if len(got) == 48 else repr(got)))

    def close(self):
        if self in _open_conns:
            _open_conns.remove(self)
        self.sock.close()

    def reset(self):
        """Vanish with an RST."""
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # -- login --

    def login_pdu(self, keys=b"", csg=OPERATIONAL, nsg=FULL, transit=True, cont=False, **fields):
        data = keys if isinstance(keys, bytes) else encode_text(keys)
        p = Pdu(LOGIN | IMMEDIATE, data, itt=0x10, isid=self.s.isid, tsih=self.s.tsih,
                cid=self.cid, cmdsn=self.s.cmdsn, expstatsn=self.expstatsn)
        p["flags"] = (T | nsg if transit else 0) | (C if cont else 0) | csg << 2
        for name, value in fields.items():
            p[name] = value
        return p

    def login_rsp(self, req=None, ok=True):
        """The answer to a Login Request; raises Refused unless it is success."""
        p = self.recv_pdu()
        if p.op != LOGIN_RSP:
            raise ProtocolError("want a Login Response, got %s" % p)
        if p["cls"] and ok:
            raise Refused(p["code"], decode_text(p.data))
        if req is None or p["cls"]:
            return p
        expect_eq(p["itt"], req["itt"], "ITT of the Login Response")
        expect_eq(p["isid"], req["isid"], "ISID of the Login Response")
        expect_eq(p["flags"] >> 2 & 3, req["flags"] >> 2 & 3, "CSG of the Login Response")
        if p["flags"] & T and not req["flags"] & T:
            wrong("T that was not asked for: %s" % p)
        if p["flags"] & T and (p["flags"] & 3) > (req["flags"] & 3):
            wrong("NSG beyond what was asked for: %s" % p)
        last = p["flags"] & T and p["flags"] & 3 == FULL
        if not last and p["tsih"] != req["tsih"]:
            wrong("TSIH %#x before the end of login: %s" % (p["tsih"], p))
        if last and (not p["tsih"] or req["tsih"] and p["tsih"] != req["tsih"]):
            wrong("TSIH at the end of login: %s" % p)
        if req["flags"] & C and p["dlen"]:
            wrong("text in the answer to a request with C: %s" % p)
        return p

    def names(self, target, discovery=False):
        keys = {"InitiatorName": self.s.name,
                "SessionType": "Discovery" if discovery else "Normal"}
        if target:
            keys["TargetName"] = target
        return keys

    def login(self, target, keys=None, security=False, discovery=False, direct=False):
        """Into full feature phase.  keys: what is offered, beside the names; security: by that
        stage; direct: from there straight to full feature phase.  Returns the target's keys."""
        offer = dict(keys or {})
        if "MaxRecvDataSegmentLength" in offer:
            self.my_mrdsl = int(offer["MaxRecvDataSegmentLength"])
        said, self.offered, self.target_keys = self.names(target, discovery), {}, {}
        self.agreed = {}        # what the target proposed, and our answer
        csg = SECURITY if security else OPERATIONAL
        if security:
            said["AuthMethod"] = "None"
        else:
            said.update(offer)
        for rounds in range(12):
            nsg = FULL if csg == OPERATIONAL or direct else OPERATIONAL
            for k, v in said.items():
                if k in KEYS:
                    self.offered[k] = v
            req = self.login_pdu(said, csg, nsg)
            self.send(req)
            p = self.login_rsp(req)
            text = p.data
            while p["flags"] & C:
                req = self.login_pdu({}, csg, nsg, transit=False)
                self.send(req)
                p = self.login_rsp(req)
                text += p.data
            said = self._take(decode_text(text), target and rounds == 0)
            if p["flags"] & T:
                csg = p["flags"] & 3
                if csg == FULL:
                    break
                said.update(offer)
        expect(csg == FULL, "no end of the login after %d rounds", rounds + 1)
        expect(not said, "keys that want an answer with the last response: %r", said)
        self.s.tsih = p["tsih"]
        self._settle()
        self.stage = FULL
        return self.target_keys

    def _take(self, pairs, first):
        """The target's keys of one response; returns what must be answered."""
        reply = {}
        for k, v in pairs:
            if k in self.target_keys and k != "TargetAddress":
                wrong("the target sends %s twice" % k)
            self.target_keys[k] = v
            if k in self.offered and KEYS[k][0] != "decl" or k not in KEYS:
                continue
            kind, lo, hi, default = KEYS[k]
            if kind == "decl":
                if lo is not None and v not in ("Reject", "NotUnderstood"):
                    expect(lo <= int(v, 0) <= hi, "%s=%s", k, v)
            else:               # the target's own proposal: agree
                reply[k] = self.agreed[k] = v.split(",")[0] if kind == "list" else v
        if first and "TargetPortalGroupTag" not in self.target_keys:
            wrong("no TargetPortalGroupTag in the first response (6.3.1)")
        return reply

    def _settle(self):
        """What was agreed comes into force."""
        self.s.keys.update(self.agreed)
        for k, v in self.offered.items():
            if KEYS[k][0] != "decl" and k not in self.agreed:
                r = outcome(k, v, self.target_keys.get(k))
                if r not in ("Irrelevant", "Reject", "NotUnderstood"):
                    self.s.keys[k] = r
        self.hdigest = self.s.param("HeaderDigest") == "CRC32C"
        self.ddigest = self.s.param("DataDigest") == "CRC32C"
        self.mrdsl = int(self.target_keys.get("MaxRecvDataSegmentLength", 8192))

    # -- requests --

    def _number(self, p, immediate, cmdsn=None):
        """CmdSN and ExpStatSN of a request; waits until the window has room."""
        p["expstatsn"] = self.expstatsn
        if cmdsn is not None:
            p["cmdsn"] = cmdsn
            return
        while not immediate and serial(self.s.cmdsn, self.s.maxcmdsn) > 0:
            self.pump()
        p["cmdsn"] = self.s.cmdsn
        if immediate:
            p.bhs[0] |= IMMEDIATE
        else:
            self.s.cmdsn = (self.s.cmdsn + 1) & NONE32

    def command(self, cdb, out=b"", read=0, lun=None, edtl=None, attr=SIMPLE, immediate=False,
                imm=None, unsol=None, itt=None, cmdsn=None, final=None, flags=None, ahs=b""):
        """A SCSI Command with its immediate and unsolicited data: (task, [PDUs]), not yet sent.
        imm and unsol say how many bytes go with it and after it; by default as agreed."""
        s, n = self.s, len(out)
        first = min(n, s.num("FirstBurstLength"))
        if imm is None:
            imm = min(first, self.mrdsl) if s.param("ImmediateData") == "Yes" else 0
        if unsol is None:
            unsol = max(0, first - imm) if s.param("InitialR2T") == "No" else 0
        t = Task(s.itt() if itt is None else itt, "SCSI", cdb, out, read,
                 self.lun if lun is None else lun)
        p = Pdu(SCSI_CMD, out[:imm], ahs=ahs, lun=t.lun << 48, itt=t.itt, cdb=cdb,
                edtl=(n or read) if edtl is None else edtl)
        if final is None:
            final = not unsol
        p["flags"] = (F if final else 0) | (CMD_R if read else 0) | (CMD_W if out else 0) | attr \
            if flags is None else flags
        self._number(p, immediate, cmdsn)
        t.cmdsn, t.out_at = None if immediate else p["cmdsn"], imm + unsol
        t.first = p
        pdus = [p]
        if unsol:
            pdus += self.data_out(t, imm, unsol, NONE32)
        self.tasks[t.itt] = t
        return t, pdus

    lun = 0

    def data_out(self, t, offset, n, ttt, size=None, lun=0):
        """The Data-Out PDUs of one burst."""
        size = size or self.out_size or self.mrdsl
        at = list(range(offset, offset + n, size)) or [offset]
        if self.shuffle:
            random.shuffle(at)
        out = []
        for i, o in enumerate(at):
            p = Pdu(DATA_OUT, t.out[o:min(o + size, offset + n)], itt=t.itt, ttt=ttt, datasn=i,
                    offset=o, lun=lun, expstatsn=self.expstatsn)
            p["flags"] = F if i == len(at) - 1 else 0
            out.append(p)
        return out

    def start(self, cdb, out=b"", read=0, **kw):
        t, pdus = self.command(cdb, out, read, **kw)
        self.send(*pdus)
        return t

    def scsi(self, cdb, out=b"", read=0, **kw):
        return self.wait(self.start(cdb, out, read, **kw))

    def wait(self, *tasks):
        for t in tasks:
            while not t.done:
                self.pump()
        return tasks[0] if tasks else None

    def simple(self, kind, p, immediate, cmdsn=None):
        """Send a request that has one answer; returns its task."""
        self._number(p, immediate, cmdsn)
        t = Task(p["itt"], kind)
        t.cmdsn = None if immediate else p["cmdsn"]
        t.first = p
        self.tasks[t.itt] = t
        self.send(p)
        return t

    def start_tmf(self, function, t=None, immediate=True, **fields):
        p = Pdu(TMF, itt=self.s.itt(), rtt=NONE32, lun=self.lun << 48, flags=F | function)
        if t is not None:
            p["rtt"], p["lun"] = t.itt, t.lun << 48
            p["refcmdsn"] = self.s.cmdsn if t.cmdsn is None else t.cmdsn
        for name, value in fields.items():
            p[name] = value
        return self.simple("TMF", p, immediate)

    def tmf(self, function, t=None, **kw):
        """Returns the response code."""
        return self.wait(self.start_tmf(function, t, **kw)).pdu["response"]

    def ping(self, data=b"", immediate=False, **fields):
        p = Pdu(NOP_OUT, data, itt=self.s.itt(), ttt=NONE32, flags=F, **fields)
        return self.wait(self.simple("NOP", p, immediate)).pdu

    def text_pdu(self, keys, final=True, cont=False, ttt=NONE32, itt=None, **fields):
        data = keys if isinstance(keys, bytes) else encode_text(keys)
        p = Pdu(TEXT, data, itt=self.s.itt() if itt is None else itt, ttt=ttt,
                flags=(F if final else 0) | (C if cont else 0), **fields)
        return p

    def start_text(self, *args, immediate=False, **kw):
        return self.simple("text", self.text_pdu(*args, **kw), immediate)

    def text(self, keys, immediate=False):
        """A whole text exchange; returns the target's pairs."""
        t = self.wait(self.start_text(keys, immediate=immediate))
        data = t.pdu.data
        for _ in range(1000):
            if t.pdu.final:
                return decode_text(data)
            t = self.wait(self.start_text({}, immediate=immediate, itt=t.itt, ttt=t.pdu["ttt"],
                                          lun=t.pdu["lun"]))
            data += t.pdu.data
        raise Fail("a text exchange without an end")

    def start_logout(self, reason=0, cid=None, immediate=True):
        p = Pdu(LOGOUT, itt=self.s.itt(), flags=F | reason, cid=self.cid if cid is None else cid)
        return self.simple("logout", p, immediate)

    def logout(self, reason=0, cid=None, closed=True):
        """Returns the response code; after success the connection must end."""
        code = self.wait(self.start_logout(reason, cid)).pdu["response"]
        if closed and code == 0:
            self.expect_closed()
            self.close()
        return code

    # -- what comes --

    def pump(self):
        """Take one PDU and act on it; returns it."""
        p = self.recv_pdu()
        act = self._ACTS.get(p.op)
        if act is None:
            raise ProtocolError("in full feature phase: %s" % p)
        act(self, p)
        return p

    def _task(self, p):
        t = self.tasks.get(p["itt"])
        if t is None:
            raise ProtocolError("for a task that is not there: %s" % p)
        return t

    def _end(self, t, p):
        if t.cmdsn is not None and serial(p["expcmdsn"], t.cmdsn) <= 0 \
                and serial(self.s.expcmdsn, t.cmdsn) <= 0:
            wrong("an answer before its command is acknowledged: %s" % p)
        t.pdu, t.done = p, True
        self.tasks.pop(t.itt, None)

    def _nop_in(self, p):
        if p["itt"] != NONE32:
            self._end(self._task(p), p)
            return
        self.pings += p["ttt"] != NONE32
        if p["ttt"] != NONE32 and self.answer_pings:
            self.send(Pdu(NOP_OUT | IMMEDIATE, itt=NONE32, ttt=p["ttt"], lun=p["lun"], flags=F,
                          cmdsn=self.s.cmdsn, expstatsn=self.expstatsn))

    def _answer(kinds):
        def act(self, p):
            t = self._task(p)
            if t.kind != kinds:
                wrong("the answer to a %s request: %s" % (t.kind, p))
            self._end(t, p)
        return act

    def _data_in(self, p):
        t = self._task(p)
        n, off = p["dlen"], p["offset"]
        if p["datasn"] != t.datains:
            wrong("DataSN %d, expected %d: %s" % (p["datasn"], t.datains, p))
        t.datains += 1
        if off + n > t.edtl_in:
            wrong("data %d+%d beyond the %d that were asked for: %s" %
                                (off, n, t.edtl_in, p))
        if self.s.param("DataPDUInOrder") == "Yes" and self.s.param("DataSequenceInOrder") == "Yes" \
                and off != len(t.data):
            wrong("Buffer Offset %d, but %d bytes have come: %s" % (off, len(t.data), p))
        if any(o < off + n and off < o + k for o, k in t.spans[-8:] if n and k):
            wrong("data came twice: %s" % p)
        t.spans.append((off, n))
        if len(t.data) < off + n:
            t.data.extend(bytes(off + n - len(t.data)))
        t.data[off:off + n] = p.data
        t.burst += n
        if t.burst > self.s.num("MaxBurstLength"):
            wrong("a sequence of %d bytes: %s" % (t.burst, p))
        t.open_burst = not p.final
        if p.final:
            t.burst = 0
        if p["flags"] & DATA_S:
            self._scsi_end(t, p)

    def _scsi_rsp(self, p):
        t = self._task(p)
        if t.kind != "SCSI":
            wrong("the answer to a %s request: %s" % (t.kind, p))
        if p["expdatasn"] != (t.datains if p["response"] == 0 else 0) and not t.r2ts:
            wrong("ExpDataSN %d, %d Data-In came: %s" % (p["expdatasn"], t.datains, p))
        if p["dlen"]:
            n = int.from_bytes(p.data[:2], "big")
            if n + 2 > p["dlen"]:
                wrong("SenseLength %d in a segment of %d: %s" % (n, p["dlen"], p))
            t.sense_data = p.data[2:2 + n]
        self._scsi_end(t, p)

    def _scsi_end(self, t, p):
        if t.open_burst:
            wrong("status before the F of the last sequence: %s" % p)
        t.status = p["status"]
        t.response = p["response"] if p.op == SCSI_RSP else 0
        t.over, t.under = bool(p["flags"] & OVER), bool(p["flags"] & UNDER)
        t.resid = p["resid"] if t.over or t.under else 0
        if t.response == 0 and t.status in (0, 4) and t.edtl_in and not t.out:
            want = len(t.data) + (t.resid if t.under else 0)
            if want != t.edtl_in:
                wrong("%d bytes came, residual %d, expected %d: %s" %
                                    (len(t.data), t.resid, t.edtl_in, p))
        self._end(t, p)

    def _r2t(self, p):
        t = self._task(p)
        n, off = p["length"], p["offset"]
        if t.kind != "SCSI" or p["lun"] != t.lun << 48:
            wrong("R2T for a %s, or another LUN: %s" % (t.kind, p))
        if self.loose:
            t.r2ts.append(p)
            t.queue.append(p)
            return
        if p["r2tsn"] != len(t.r2ts) + t.datains:
            wrong("R2TSN %d, expected %d: %s" % (p["r2tsn"], len(t.r2ts), p))
        if p["ttt"] == NONE32 or not 0 < n <= self.s.num("MaxBurstLength"):
            wrong("R2T of %d bytes, TTT %#x: %s" % (n, p["ttt"], p))
        if off + n > len(t.out):
            wrong("R2T for %d+%d of %d bytes: %s" % (off, n, len(t.out), p))
        if self.s.param("DataSequenceInOrder") == "Yes":
            if off != t.out_at:
                wrong("R2T from %d on, expected %d: %s" % (off, t.out_at, p))
            t.out_at = off + n
        t.r2ts.append(p)
        t.outstanding += 1
        if t.outstanding > self.s.num("MaxOutstandingR2T"):
            wrong("%d R2Ts outstanding: %s" % (t.outstanding, p))
        t.queue.append(p)
        if self.auto_r2t:
            self.serve_r2t(t)

    def serve_r2t(self, t):
        """Send what the oldest R2T of this task asks for."""
        p = t.queue.pop(0)
        self.send(*self.data_out(t, p["offset"], p["length"], p["ttt"], lun=p["lun"]))
        t.outstanding -= 1

    def wait_r2t(self, t):
        """The R2T that is next for this task (auto_r2t is off)."""
        while not t.queue:
            if t.done:
                raise Fail("want an R2T: %s" % t)
            self.pump()
        return t.queue[0]

    def _async(self, p):
        self.asyncs.append(p)

    def _reject(self, p):
        self.rejects.append(p)
        bad = Pdu.parse(p.data[:48])
        if self.want_reject:
            return
        raise Fail("Reject, %s: %s" % (REJ_NAMES[p["reason"]], bad))

    want_reject = False

    def expect_reject(self, *reasons, of=None):
        """A Reject with one of these reasons must come, with the header of that PDU."""
        self.want_reject = True
        try:
            while not self.rejects:
                self.pump()
        finally:
            self.want_reject = False
        p = self.rejects.pop(0)
        if p["reason"] not in reasons:
            raise Fail("Reject with reason %s, want %s" %
                       (REJ_NAMES[p["reason"]], " or ".join(REJ_NAMES[r] for r in reasons)))
        if of is not None:
            expect_eq(p.data[:48].hex(" ", 4), bytes(of.bhs).hex(" ", 4), "header in the Reject")
        return p

    _ACTS = {NOP_IN: _nop_in, SCSI_RSP: _scsi_rsp, DATA_IN: _data_in, R2T: _r2t, ASYNC: _async,
             REJECT: _reject, TMF_RSP: _answer("TMF"), TEXT_RSP: _answer("text"),
             LOGOUT_RSP: _answer("logout")}
