#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""iSCSI, data in every way it may move: immediate, unsolicited, solicited, in all combinations of the
keys that govern it (RFC 7143 4.2.5.2, 11.7, 11.8, 13.10 to 13.19).

The initiator checks each Data-In and R2T against what was agreed; the data against a model."""
import itertools
import os
import random
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from iscsitarget import *   # noqa: E402

srv = None
SIZES = (512, 1024, 1536, 4096, 4608, 8192, 65536, 66048, 131072 + 512, 300 * KiB)


def setup():
    global srv
    srv = Target(make_file(32 * MiB, "wire.img"))


def teardown():
    srv.check_stop()


def yes(b):
    return "Yes" if b else "No"


_seed = [0]


def write_and_read(c, sizes=SIZES, at=64, other=None):
    """Each size is written in the way this session does it, and read back."""
    for n in sizes:
        _seed[0] += 1
        data = pattern(512 * KiB, 200 + _seed[0] % 4)[_seed[0] % 512:][:n]
        write(c, at, data)
        same_bytes(bytes(read(other or c, at, n // 512)), data, "%d bytes" % n)


# FirstBurstLength, MaxBurstLength, what we take in a PDU, MaxOutstandingR2T
LENGTHS = ((65536, 262144, 8192, 1), (512, 512, 512, 1), (4096, 4096, 1024, 8), (1536, 8192, 4096, 3),
           (262144, 262144, 262144, 16), (512, 16776192, 65536, 1), (65536, 65536, 1000, 2),
           (1000, 5000, 3000, 4))

for _r2t, _imm in itertools.product((True, False), repeat=2):
    for _len in LENGTHS:
        def _body(r2t=_r2t, imm=_imm, ln=_len):
            fbl, mbl, mrdsl, outstanding = ln
            c = srv.login({"InitialR2T": yes(r2t), "ImmediateData": yes(imm),
                           "FirstBurstLength": str(fbl), "MaxBurstLength": str(mbl),
                           "MaxRecvDataSegmentLength": str(mrdsl),
                           "MaxOutstandingR2T": str(outstanding)})
            expect(c.s.num("FirstBurstLength") <= c.s.num("MaxBurstLength"), "%r", c.s.keys)
            write_and_read(c, SIZES[:6] if mbl < 1024 else SIZES)
        case("InitialR2T=%s ImmediateData=%s, bursts %d and %d, PDU %d, R2Ts %d" %
             ((yes(_r2t), yes(_imm)) + _len), limit=60)(_body)


@each("any order", [("PDUs %s, sequences %s" % (yes(p), yes(s)), p, s)
                    for p, s in itertools.product((True, False), repeat=2)], limit=60)
def _(in_order, seq):
    for r2t, imm in itertools.product((True, False), repeat=2):
        c = srv.login({"InitialR2T": yes(r2t), "ImmediateData": yes(imm), "DataPDUInOrder": yes(in_order),
                       "DataSequenceInOrder": yes(seq), "MaxOutstandingR2T": "4",
                       "FirstBurstLength": "8192", "MaxBurstLength": "16384"})
        c.shuffle = c.s.param("DataPDUInOrder") == "No"
        c.out_size = 1024
        write_and_read(c)


@each("Data-Out PDUs of", [("%d bytes" % n, n) for n in (1, 3, 4, 100, 508, 511, 512, 513, 4095, 8191)],
      limit=60)
def _(n):
    for r2t in (True, False):
        c = srv.login({"InitialR2T": yes(r2t), "ImmediateData": "No", "FirstBurstLength": "4096",
                       "MaxBurstLength": "8192"})
        c.out_size = n
        write_and_read(c, (512, 4096) if n < 5 else (4096, 20480))


@case("Data-Out PDUs without data: between the others, and as the last with F (11.7.7)")
def _():
    c = srv.login({"InitialR2T": "Yes", "ImmediateData": "No", "MaxBurstLength": "8192"})
    c.auto_r2t = False
    data = pattern(8192, 210)
    t = c.start(cdb.write16(0, 16), data)
    p = c.wait_r2t(t)
    n = p["length"]
    parts = [(0, 0), (0, n // 2), (n // 2, 0), (n // 2, n - n // 2)]
    pdus = []
    for off, k in parts:
        for o in range(off, off + max(k, 1), c.mrdsl):
            m = min(c.mrdsl, off + k - o)
            pdus.append(Pdu(DATA_OUT, data[p["offset"] + o:p["offset"] + o + m], itt=t.itt,
                            ttt=p["ttt"], lun=p["lun"], offset=p["offset"] + o, datasn=len(pdus),
                            expstatsn=c.expstatsn))
    pdus.append(Pdu(DATA_OUT, itt=t.itt, ttt=p["ttt"], lun=p["lun"], offset=p["offset"] + n,
                    datasn=len(pdus), expstatsn=c.expstatsn, flags=F))
    c.send(*pdus)
    t.queue.pop(0)
    t.outstanding -= 1
    c.auto_r2t = True
    ok(c.wait(t))
    same_bytes(bytes(read(c, 0, 16)), data)


@case("immediate data of every length that may be, the rest by R2T", limit=60)
def _():
    c = srv.login({"InitialR2T": "Yes", "ImmediateData": "Yes", "FirstBurstLength": "8192",
                   "MaxBurstLength": "8192"})
    data = pattern(12288, 211)
    for imm in (0, 1, 2, 3, 4, 511, 512, 513, 4096, 8191, 8192):
        if imm > c.mrdsl:
            continue
        ok(c.scsi(cdb.write16(0, 24), data, imm=imm))
        same_bytes(bytes(read(c, 0, 24)), data, "with %d immediate bytes" % imm)
        write(c, 0, bytes(12288))


@case("immediate and unsolicited data of every division")
def _():
    c = srv.login({"InitialR2T": "No", "ImmediateData": "Yes", "FirstBurstLength": "8192",
                   "MaxBurstLength": "16384"})
    fbl = c.s.num("FirstBurstLength")
    if c.s.param("InitialR2T") == "Yes":
        raise Skip("the target insists on InitialR2T")
    for n in (4096, 8192, 20480):
        data = pattern(n, 212)
        for imm in (0, 1, 512, 4095, 4096):
            c.out_size = 1500
            ok(c.scsi(cdb.write16(0, n // 512), data, imm=imm, unsol=min(fbl, n) - imm))
            same_bytes(bytes(read(c, 0, n // 512)), data, "with %d immediate of %d bytes" % (imm, n))
            write(c, 0, bytes(n))


@case("InitialR2T=No, but only immediate data, or none, is sent, with F: R2Ts fetch the rest")
def _():
    c = srv.login({"InitialR2T": "No", "ImmediateData": "Yes"})
    data = pattern(200 * KiB, 213)
    for imm in (0, 512, 4096):
        ok(c.scsi(cdb.write16(0, 400), data, imm=imm, unsol=0, final=True))
        same_bytes(bytes(read(c, 0, 400)), data)
        write(c, 0, bytes(200 * KiB))


@case("unsolicited data of several commands comes after all of the commands, in their order")
def _():
    c = srv.login({"InitialR2T": "No", "ImmediateData": "Yes", "FirstBurstLength": "16384"})
    n = 16384
    tasks, heads, tails = [], [], []
    for i in range(8):
        t, pdus = c.command(cdb.write16(i * 32, 32), pattern(n, 214 + i), imm=512 * (i % 2))
        tasks.append(t)
        heads.append(pdus[0])
        tails += pdus[1:]
    c.send(*heads)
    c.send(*tails)
    for t in tasks:
        ok(c.wait(t))
    for i in range(8):
        same_bytes(bytes(read(c, i * 32, 32)), pattern(n, 214 + i), "write %d" % i)


@case("R2Ts of many commands are answered in turns, a PDU of each", limit=60)
def _():
    c = srv.login({"InitialR2T": "Yes", "ImmediateData": "No", "MaxOutstandingR2T": "2",
                   "MaxBurstLength": "8192"})
    c.auto_r2t = False
    n = 64 * KiB
    tasks = [c.start(cdb.write16(i * 128, 128), pattern(n, 220 + i)) for i in range(6)]
    open_bursts = []
    rnd = random.Random(5)
    while not all(t.done for t in tasks):
        for t in tasks:
            while t.queue:
                p = t.queue.pop(0)
                open_bursts.append((t, c.data_out(t, p["offset"], p["length"], p["ttt"], 1024, p["lun"])))
        if not open_bursts:
            c.pump()
            continue
        first = {}
        for t, pdus in open_bursts:         # within a task in the order in which they came
            first.setdefault(t.itt, (t, pdus))
        t, pdus = rnd.choice(list(first.values()))
        c.send(pdus.pop(0))
        if not pdus:
            t.outstanding -= 1
            open_bursts = [b for b in open_bursts if b[1]]
    c.auto_r2t = True
    for i, t in enumerate(tasks):
        ok(t)
        same_bytes(bytes(read(c, i * 128, 128)), pattern(n, 220 + i), "write %d" % i)


@case("reads and writes of all sizes mixed, many in flight, against a model", limit=60)
def _():
    keys = {"InitialR2T": "No", "FirstBurstLength": "4096", "MaxBurstLength": "32768",
            "MaxRecvDataSegmentLength": "16384", "MaxOutstandingR2T": "4"}
    c = srv.login(keys)
    blocks = 4096
    model = bytearray(blocks * 512)
    write(c, 0, bytes(blocks * 512))
    rnd = random.Random(7)
    for _ in range(12):
        tasks, used = [], set()
        for _ in range(24):
            n = rnd.choice((1, 1, 2, 3, 8, 9, 64, 65, 200))
            lba = rnd.randrange(blocks - n)
            span = set(range(lba, lba + n))
            if used & span:
                continue
            used |= span
            if rnd.random() < 0.5:
                data = rnd.randbytes(n * 512)
                model[lba * 512:(lba + n) * 512] = data
                tasks.append((lba, n, c.start(cdb.write16(lba, n), data)))
            else:
                tasks.append((lba, n, c.start(cdb.read16(lba, n), read=n * 512)))
        for lba, n, t in tasks:
            ok(c.wait(t))
            if not t.out:
                same_bytes(bytes(t.data), bytes(model[lba * 512:(lba + n) * 512]), "at block %d" % lba)
    same_bytes(bytes(read(c, 0, blocks)), bytes(model), "the whole")


@case("reads of 1 MiB, 16 in flight, by an initiator that reads slowly from a small buffer", limit=60)
def _():
    data = pattern(1 * MiB, 230)
    with srv.login() as w:
        write(w, 8192, data)
    c = srv.login({"MaxRecvDataSegmentLength": "65536"}, rcvbuf=4096)
    tasks = [c.start(cdb.read16(8192, 2048), read=1 * MiB) for _ in range(4 if PEER else 16)]
    time.sleep(0.3)
    for t in tasks:
        same_bytes(bytes(ok(c.wait(t)).data), data)


@case("segments of the wire at every byte: header, AHS, data and padding in two pieces")
def _():
    c = srv.login()
    data = pattern(512, 231)
    for cut in list(range(1, 60)) + [100, 559]:
        t, pdus = c.command(cdb.write16(3, 1), data)
        raw = b"".join(p.encode() for p in pdus)
        c.sock.sendall(raw[:cut])
        time.sleep(0.001)
        c.sock.sendall(raw[cut:])
        ok(c.wait(t))
    same_bytes(bytes(read(c, 3, 1)), data)


main(setup, None if PEER else lambda: srv.check_alive(), teardown, limit=300)
