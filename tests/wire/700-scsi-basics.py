#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""SCSI over iSCSI: what the device says of itself, reads and writes of every size against a model of the
volume's bytes, residuals, UNMAP, WRITE SAME, COMPARE AND WRITE, sense data (SPC-4, SBC-3)."""
import os
import random
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import suite                # noqa: E402
from iscsitarget import *   # noqa: E402

srv = c = None
SIZE = 32 * MiB
model = bytearray()
FAST = {"InitialR2T": "No", "ImmediateData": "Yes", "MaxRecvDataSegmentLength": "65536"}


def setup():
    global srv, c, SIZE, model
    srv = Target(make_file(SIZE, "wire.img"))
    c = srv.login(FAST)
    SIZE = (capacity(c)[0] + 1) * BLOCK
    for at in range(0, SIZE // BLOCK, 16384):
        write(c, at, bytes(min(16384, SIZE // BLOCK - at) * BLOCK))
    model = bytearray(SIZE)
    suite.AFTER_CASE.append(fresh)


def fresh():
    """Each case has a session of its own: what it finds is not what the one before left."""
    global c
    try:
        c = srv.login(FAST)
    except (Fail, OSError) as e:
        diag("no login after this case: %s" % e)


def put(lba, data, **kw):
    model[lba * BLOCK:lba * BLOCK + len(data)] = data
    return write(c, lba, data, **kw)


def get(lba, n, **kw):
    same_bytes(bytes(read(c, lba, n, **kw)), bytes(model[lba * BLOCK:(lba + n) * BLOCK]),
               "%d blocks at %d" % (n, lba))


def text(b):
    expect(all(32 <= x < 127 for x in b), "not printable: %r", b)
    return b.decode()


# ---- what it says of itself ----

@case("INQUIRY: a disk, its version, its names in ASCII; cut to the allocation length")
def _():
    d = ok(c.scsi(cdb.inquiry(), read=255)).data
    expect_eq(d[0], 0, "qualifier and type")
    expect(d[2] >= 5, "version %d", d[2])
    expect_eq(d[3] & 15, 2, "response data format")
    expect(d[4] + 5 <= 255 and len(d) >= 36, "additional length %d, %d bytes", d[4], len(d))
    expect(d[7] & 2, "CmdQue is clear")
    diag("%r %r %r" % (text(d[8:16]), text(d[16:32]), text(d[32:36])))
    for n in (0, 1, 5, 35, 36, 37, 255, 4096):
        t = ok(c.scsi(cdb.inquiry(n), read=n))
        same_bytes(bytes(t.data), bytes(d[:n]) if n <= len(d) else bytes(t.data), "with %d" % n)
        expect_eq(t.under, len(t.data) < n, "residual flag with %d" % n)


@case("vital product data: the list is true, each page has its own number and length")
def _():
    d = ok(c.scsi(cdb.inquiry(255, 0), read=255)).data
    pages = list(d[4:4 + struct.unpack(">H", d[2:4])[0]])
    expect_eq(pages, sorted(set(pages)), "pages in order, each once")
    for p in (0, 0x80, 0x83, 0xb0, 0xb2):
        expect(p in pages, "page %#x is not in %r", p, ["%#x" % x for x in pages])
    for p in pages:
        full = ok(c.scsi(cdb.inquiry(4096, p), read=4096)).data
        expect_eq(full[1], p, "page number")
        expect_eq(struct.unpack(">H", full[2:4])[0], len(full) - 4, "page length of %#x" % p)
        for n in (0, 3, 4, 8):
            same_bytes(bytes(ok(c.scsi(cdb.inquiry(n, p), read=n)).data), bytes(full[:n]), "page %#x" % p)
    fails(c.scsi(cdb.inquiry(255, 0x7e), read=255), cdb.INVALID_CDB)
    fails(c.scsi(struct.pack(">BBBHB", 0x12, 0, 0x83, 255, 0), read=255), cdb.INVALID_CDB)


@case("READ CAPACITY 10 and 16 agree with the image")
def _():
    last, size = capacity(c)
    expect_eq((last + 1) * size, SIZE, "size of the volume")
    d = ok(c.scsi(cdb.read_capacity10(), read=8)).data
    expect_eq(struct.unpack(">II", d), (last, size), "READ CAPACITY(10)")
    for n in (0, 8, 12, 32, 64):
        t = ok(c.scsi(cdb.read_capacity16(n), read=n))
        expect(len(t.data) <= min(n, 32), "%d bytes for %d", len(t.data), n)


@case("REPORT LUNS: ours is there; tiny and great allocation lengths")
def _():
    d = ok(c.scsi(cdb.report_luns(), read=1024)).data
    n = struct.unpack(">I", d[:4])[0]
    expect_eq(n, len(d) - 8, "list length")
    luns = [d[i:i + 8] for i in range(8, len(d), 8)]
    expect(struct.pack(">H", c.lun) + bytes(6) in luns or bytes([0, c.lun]) + bytes(6) in luns,
           "LUN %d is not among %r", c.lun, luns)
    full = bytes(d)
    for alloc in (0, 1, 4, 8, 15):
        t = c.scsi(cdb.report_luns(alloc), read=alloc)
        if t.status == 0:               # SPC-3 has less than 16 refused
            same_bytes(bytes(t.data), full[:alloc], "with %d" % alloc)
        else:
            fails(t, cdb.INVALID_CDB)
    fails(c.scsi(cdb.report_luns(1024, 0x55), read=1024), cdb.INVALID_CDB)


@case("REQUEST SENSE, TEST UNIT READY, SYNCHRONIZE CACHE, VERIFY, MODE SENSE: as they should")
def _():
    t = ok(c.scsi(cdb.request_sense(), read=252))
    expect_in((bytes(t.data[:1]) or b"\0")[0] & 0x7f, (0x70, 0x72), "response code")
    for d in (cdb.tur(), cdb.sync_cache10(), cdb.sync_cache10(0, 8), cdb.verify16(0, 8)):
        ok(c.scsi(d))
    fails(c.scsi(cdb.sync_cache10(0x7fffffff, 8)), cdb.OUT_OF_RANGE)
    fails(c.scsi(cdb.verify16(SIZE // BLOCK, 1)), cdb.OUT_OF_RANGE)
    d = ok(c.scsi(cdb.mode_sense6(0x3f), read=255)).data
    expect_eq(d[0] + 1, len(d), "mode data length")
    expect(not d[2] & 0x80, "write protected")
    fails(c.scsi(cdb.mode_sense6(0x2a), read=255), cdb.INVALID_CDB)


@case("commands that are none: INVALID COMMAND OPERATION CODE; the next is served")
def _():
    for op in (0x02, 0x1f, 0x3e, 0x60, 0x7e, 0xbf, 0xc0, 0xff):
        for out, rd in ((b"", 0), (b"", 512), (pattern(512, 700), 0)):
            fails(c.scsi(bytes([op]) + bytes(15), out, rd), cdb.INVALID_OPCODE)
    ok(c.scsi(cdb.tur()))


# ---- reads and writes ----

@case("READ and WRITE of 6, 10, 12 and 16 bytes; 0 blocks is 256 for the first, none for the rest")
def _():
    for i, kind in enumerate((6, 10, 12, 16)):
        for lba, n in ((0, 1), (1, 3), (100 + i, 255), (SIZE // BLOCK - 5 if kind != 6 else 5000, 5)):
            data = pattern(n * BLOCK, 710 + i)
            t = c.scsi(cdb.rw(kind, lba, n, True), data)
            if kind in (6, 12) and PEER and t.status:
                break
            ok(t)
            model[lba * BLOCK:lba * BLOCK + len(data)] = data
            same_bytes(bytes(ok(c.scsi(cdb.rw(kind, lba, n, False), read=n * BLOCK)).data), data)
        if kind == 6:
            same_bytes(bytes(ok(c.scsi(cdb.rw(6, 0, 0, False), read=256 * BLOCK)).data),
                       bytes(model[:256 * BLOCK]), "256 blocks")
        else:
            for w in (True, False):
                ok(c.scsi(cdb.rw(kind, 0, 0, w)))
                t = c.scsi(cdb.rw(kind, SIZE // BLOCK, 0, w))       # SBC-3 can be read both ways
                if t.status:
                    fails(t, cdb.OUT_OF_RANGE)
                fails(c.scsi(cdb.rw(kind, SIZE // BLOCK + 1, 0, w)), cdb.OUT_OF_RANGE)


@case("every size from a block to past the edges of pieces, bursts and PDUs", limit=90)
def _():
    sizes = set()
    for edge in (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096):
        sizes.update((edge - 1, edge, edge + 1))
    for n in sorted(sizes - {0}):
        lba = (n * 37) % 64
        put(lba, pattern((n + 8) * BLOCK, 720)[(n % 8) * BLOCK:][:n * BLOCK])
        get(lba, n)
    get(0, 8192)


@case("8 MiB and more in one command: written and read, or refused with sense; never cut in silence",
      limit=90)
def _():
    for mib in (4, 8, 16):
        n = mib * MiB // BLOCK
        data = (pattern(1 * MiB, 721) * mib)[:n * BLOCK]
        t = c.scsi(cdb.write16(0, n), data)
        if t.status:
            fails(t, cdb.INVALID_CDB)
            continue
        model[:n * BLOCK] = data
        get(0, n)


@case("300 reads and writes by chance, 16 in flight, that overlap only in order, against the model", limit=90)
def _():
    rnd = random.Random(722)
    for _ in range(20):
        batch, used = [], []
        while len(batch) < 16:
            n = rnd.choice((1, 1, 2, 7, 8, 9, 63, 128, 129, 600))
            lba = rnd.randrange(SIZE // BLOCK - n)
            if any(lba < u + m and u < lba + n for u, m in used):
                continue
            used.append((lba, n))
            if rnd.random() < 0.5:
                data = rnd.randbytes(n * BLOCK)
                t = c.start(cdb.write16(lba, n, 8 if rnd.random() < 0.1 else 0), data)
                model[lba * BLOCK:(lba + n) * BLOCK] = data
                batch.append((t, None, 0))
            else:
                batch.append((c.start(cdb.read16(lba, n), read=n * BLOCK), lba, n))
        for t, lba, n in batch:
            ok(c.wait(t))
            if lba is not None:
                same_bytes(bytes(t.data), bytes(model[lba * BLOCK:(lba + n) * BLOCK]), "at %d" % lba)
    for at in range(0, SIZE // BLOCK, 8192):
        get(at, min(8192, SIZE // BLOCK - at))


@case("beyond the end: OUT OF RANGE, and not a byte written before it")
def _():
    last = SIZE // BLOCK
    for lba, n in ((last, 1), (last - 1, 2), (last + 1, 1), (last - 7, 8 + 1), ((1 << 64) - 1, 1),
                   ((1 << 63), 8), ((1 << 32), 1)):
        fails(c.scsi(cdb.read16(lba, n), read=n * BLOCK), cdb.OUT_OF_RANGE)
        fails(c.scsi(cdb.write16(lba, n), pattern(n * BLOCK, 723)), cdb.OUT_OF_RANGE)
    get(last - 16, 16)


# ---- residuals (RFC 7143 11.4.5) ----

@each("residual of a read", [("%d blocks, %d bytes expected" % (n, e), n, e) for n, e in (
    (1, 512), (1, 1024), (1, 4096), (1, 511), (1, 100), (8, 512), (8, 4095), (8, 4097), (8, 65536),
    (128, 512), (128, 65536 + 512), (1, 0), (0, 512))])
def _(n, edtl):
    put(0, pattern(128 * BLOCK, 730))
    t = c.start(cdb.read16(0, n), read=edtl, flags=None if edtl else F | SIMPLE)
    c.wait(t)
    have = n * BLOCK
    if t.status:                        # a target may refuse what it cannot carry whole
        fails(t)
        return
    expect_eq((t.under, t.over, t.resid), (edtl > have, edtl < have, abs(edtl - have)), "residual")
    same_bytes(bytes(t.data), bytes(model[:min(have, edtl)]))


@each("residual of a write", [("%d blocks, %d bytes" % (n, e), n, e) for n, e in (
    (1, 1024), (1, 4096), (8, 65536), (1, 200 * KiB), (0, 512))])
def _(n, size):
    for imm in (None, 0):
        put(0, bytes(512 * BLOCK))
        data = pattern(size, 731)
        t = c.scsi(cdb.write16(0, n), data, imm=imm, unsol=0 if imm == 0 else None)
        if t.status:
            fails(t, cdb.INVALID_CDB, cdb.INVALID_IU, cdb.UNEXPECTED_DATA)
        else:
            expect_eq((t.under, t.over, t.resid), (True, False, size - n * BLOCK), "residual")
            model[:n * BLOCK] = data[:n * BLOCK]
        get(0, 512)


@each("a write of more than comes: overflow, and what came is written, or nothing", [
    ("%d blocks, %d bytes" % (n, e), n, e) for n, e in ((8, 512), (8, 2048), (256, 65536), (8, 0), (2, 100))])
def _(n, size):
    put(0, bytes(512 * BLOCK))
    data = pattern(size, 732)
    t = c.scsi(cdb.write16(0, n), data, flags=None if size else F | SIMPLE)
    if t.status == 0:
        expect_eq((t.under, t.over, t.resid), (False, True, n * BLOCK - size), "residual")
        whole = size // BLOCK * BLOCK
        got = bytes(read(c, 0, n))
        expect(got[:whole] == data[:whole] or not any(got), "neither what came nor nothing was written")
        expect(not any(got[whole:]) or got[whole:size] == data[whole:size], "more than came is written")
    else:
        fails(t)
        got = bytes(read(c, 0, n))
        expect(not any(got[size:]), "more than came is written")
    put(0, bytes(512 * BLOCK))


@case("the length expected for a command without data: underflow by all of it")
def _():
    t = ok(c.scsi(cdb.tur(), read=512))
    expect_eq((t.under, t.resid, len(t.data)), (True, 512, 0), "residual")
    t = ok(c.scsi(cdb.tur(), pattern(512, 733)))
    expect_eq((t.under, t.resid), (True, 512), "residual")


# ---- UNMAP, WRITE SAME, COMPARE AND WRITE ----

def provisioning():
    return ok(c.scsi(cdb.inquiry(255, 0xb2), read=255)).data[5]


def zero(lba, n):
    model[lba * BLOCK:(lba + n) * BLOCK] = bytes(n * BLOCK)


@case("UNMAP: ranges read as zeroes, or as before; what is around them stays")
def _():
    if not provisioning() & 0x80:
        raise Skip("no UNMAP")
    lbprz = bool(ok(c.scsi(cdb.read_capacity16(), read=32)).data[14] & 0x40)
    for ranges in ([(0, 8)], [(64, 128), (256, 8)], [(1, 1)], [(3, 5), (9, 7)], [(512, 0)], []):
        put(0, pattern(1024 * BLOCK, 740))
        body = cdb.unmap_list(*ranges)
        ok(c.scsi(cdb.unmap(len(body)), body))
        got = read(c, 0, 1024)
        for lba, n in ranges:
            part = bytes(got[lba * BLOCK:(lba + n) * BLOCK])
            expect(not any(part) or not lbprz and part == bytes(model[lba * BLOCK:(lba + n) * BLOCK]),
                   "blocks %d+%d are neither zero nor as before", lba, n)
            zero(lba, n)
            got[lba * BLOCK:(lba + n) * BLOCK] = bytes(n * BLOCK)
        same_bytes(bytes(got), bytes(model[:1024 * BLOCK]), "around the ranges")
    put(0, pattern(1024 * BLOCK, 740))


@each("UNMAP lists that are wrong", (
    ("beyond the end", lambda: cdb.unmap_list((SIZE // BLOCK, 1)), (cdb.OUT_OF_RANGE,)),
    ("over the end", lambda: cdb.unmap_list((0, 1), (SIZE // BLOCK - 1, 2)), (cdb.OUT_OF_RANGE,)),
    ("near 2^64", lambda: cdb.unmap_list(((1 << 64) - 1, NONE32)), (cdb.OUT_OF_RANGE,)),
    ("overlapping ones are no error", lambda: cdb.unmap_list((0, 8), (4, 8)), ()),
    ("a length that the descriptors do not fill", lambda: cdb.unmap_list((0, 8))[:-4], None),
    ("too many descriptors", lambda: cdb.unmap_list(*[(i, 1) for i in range(4000)]), None),
    ("a list of 4 bytes", lambda: b"\0\0\0\0", (cdb.PARAM_LENGTH, cdb.INVALID_PARAM, cdb.INVALID_CDB)),
    ("a list of nothing", lambda: b"", ())))
def _(make, senses):
    if not provisioning() & 0x80:
        raise Skip("no UNMAP")
    body = make()
    put(0, pattern(16 * BLOCK, 741))
    t = c.scsi(cdb.unmap(len(body)), body)
    if senses == ():
        ok(t)
    elif senses:
        fails(t, *senses)
        if body[8:16] == bytes(8):      # the first range was right: done, or not done
            got = bytes(read(c, 0, 1))
            expect(not any(got) or got == bytes(model[:512]), "a half-done UNMAP")
    write(c, 0, bytes(4096 * BLOCK))
    zero(0, 4096)


@case("WRITE SAME(16): a block many times, to the end with 0 where that is allowed; UNMAP makes zeroes")
def _():
    data = pattern(BLOCK, 742)
    for lba, n in ((0, 1), (5, 100), (64, 2048), (1, 4097)):
        t = c.scsi(cdb.write_same16(lba, n), data)
        if t.status:
            fails(t, cdb.INVALID_CDB)   # beyond MAXIMUM WRITE SAME LENGTH
            continue
        model[lba * BLOCK:(lba + n) * BLOCK] = data * n
        get(max(lba - 1, 0), n + 2)
    put(0, pattern(64 * BLOCK, 743))
    if provisioning() & 0x40:
        t = c.scsi(cdb.write_same16(8, 16, 8), bytes(BLOCK))
        if t.status == 0:
            zero(8, 16)
        get(0, 64)
    last = SIZE // BLOCK
    for lba, n in ((last, 1), (last - 1, 2), ((1 << 64) - 1, 2)):
        fails(c.scsi(cdb.write_same16(lba, n), data), cdb.OUT_OF_RANGE)
    t = c.scsi(cdb.write_same16(last - 8, 0), data)
    if t.status == 0:                   # WSNZ is 0: to the end
        model[(last - 8) * BLOCK:] = data * 8
    else:
        fails(t, cdb.INVALID_CDB)
    get(last - 16, 16)


@case("COMPARE AND WRITE: written if equal; if not MISCOMPARE, where, and nothing written")
def _():
    limit = ok(c.scsi(cdb.inquiry(255, 0xb0), read=255)).data[5]
    if not limit:
        raise Skip("no COMPARE AND WRITE")
    for n in sorted({1, min(2, limit), limit}):
        old, new = pattern(n * BLOCK, 744), pattern(n * BLOCK, 745)
        put(8, old)
        ok(c.scsi(cdb.caw(8, n), old + new))
        model[8 * BLOCK:(8 + n) * BLOCK] = new
        get(0, n + 16)
        for at in sorted({0, 1, BLOCK - 1, n * BLOCK - 1}):
            wrong = bytearray(new)
            wrong[at] ^= 0x40
            t = fails(c.scsi(cdb.caw(8, n), bytes(wrong) + old), cdb.MISCOMPARED)
            info = cdb.sense_info(t.sense_data)
            expect_in(info if info is not None else -1, (at,), "INFORMATION, the offset of the difference")
            get(0, n + 16)
    ok(c.scsi(cdb.caw(8, 0)))
    if limit < 255:
        fails(c.scsi(cdb.caw(8, limit + 1), bytes(2 * (limit + 1) * BLOCK)), cdb.INVALID_CDB)
    fails(c.scsi(cdb.caw(SIZE // BLOCK, 1), bytes(2 * BLOCK)), cdb.OUT_OF_RANGE)


@case("COMPARE AND WRITE from 4 sessions is atomic: a counter loses no step", limit=60)
def _():
    import threading
    if not ok(c.scsi(cdb.inquiry(255, 0xb0), read=255)).data[5]:
        raise Skip("no COMPARE AND WRITE")
    put(0, bytes(BLOCK))
    steps, errors = 25 if PEER else 100, []

    def count(seed):
        try:
            with srv.login(FAST) as mine:
                for _ in range(steps):
                    while True:
                        old = bytes(read(mine, 0, 1))
                        n = struct.unpack(">Q", old[:8])[0] + 1
                        t = mine.scsi(cdb.caw(0, 1), old + struct.pack(">Q", n) + bytes(BLOCK - 8))
                        if t.status == 0:
                            break
                        fails(t, cdb.MISCOMPARED)
        except Exception as e:
            errors.append("%s: %s" % (type(e).__name__, e))
    ts = [threading.Thread(target=count, args=(i,), daemon=True) for i in range(4)]
    for t in ts:
        t.start()
    for t in ts:
        t.join(50)
    expect(not errors, "%s", errors)
    expect_eq(struct.unpack(">Q", read(c, 0, 1)[:8])[0], 4 * steps, "the counter")
    zero(0, 1)
    write(c, 0, bytes(BLOCK))


@case("a read-only volume: DATA PROTECT for all that writes, the mode page says WP")
def _():
    if PEER:
        raise Skip("about the daemon itself")
    with Target(make_file(4 * MiB, "ro.img"), read_only=True) as s:
        r = s.login()
        read(r, 0, 8)
        expect(ok(r.scsi(cdb.mode_sense6(0x3f), read=255)).data[2] & 0x80, "WP is clear")
        for d, out in ((cdb.write16(0, 1), bytes(512)), (cdb.write_same16(0, 1), bytes(512)),
                       (cdb.caw(0, 1), bytes(1024)), (cdb.unmap(24), cdb.unmap_list((0, 1)))):
            fails(r.scsi(d, out), cdb.WRITE_PROTECTED)
        r.close()


main(setup, None if PEER else lambda: srv.check_alive(), lambda: srv.check_stop(), limit=400)
