#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""iSCSI, the initiator that vanishes: 64 requests in flight, then an RST, a FIN or half a request.

VANISH says how often (default 2,000).  Each write is whole or absent: what a vanished initiator wrote
is stamped, and at the end every block is read and must be all of one stamp.  A range that only honest
initiators write holds what they wrote last."""
import os
import random
import sys
import threading
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from iscsitarget import *   # noqa: E402

TIMES = int(os.environ.get("VANISH", "2000" if not PEER else "60"))
SECONDS = float(os.environ.get("VANISH_SECONDS", "240"))
FLIGHT = 64
CHUNK = 4096
CHUNKS = 1024                   # what vanishing initiators write
HONEST = 16384                  # the block from which on honest ones write
srv = None
base = (0, 0)
PLAIN, EAGER = {}, {"InitialR2T": "No", "FirstBurstLength": "4096", "ImmediateData": "Yes"}
DIGESTS = {"HeaderDigest": "CRC32C,None", "DataDigest": "CRC32C,None"}


def setup():
    global srv, base
    srv = Target(make_file(32 * MiB, "wire.img"))
    with srv.login() as c:
        write(c, 0, bytes(CHUNK * CHUNKS))
        write(c, HONEST, pattern(1 * MiB, 720))
    for i in range(10 if PEER else 40):
        vanish(random.Random(i), i)
    time.sleep(0.3)
    base = (srv.fds(), srv.rss())


def vanish(rnd, number, port=None):
    """port: a session that this one may take the place of, as a client that comes back does."""
    try:
        keys = dict(rnd.choice((PLAIN, EAGER)), **(DIGESTS if rnd.random() < 0.1 else {}))
        c = srv.connect(20)
        if port:
            c.s = port
        c.login(srv.target, dict(ALL_KEYS, **keys) if PEER.startswith("iscsi:") else keys)
    except (Closed, Refused, OSError):
        return
    stamp = struct.pack(">Q", number + 1) * (CHUNK // 8)
    raw = []
    for k in range(FLIGHT):
        if serial(c.s.cmdsn, c.s.maxcmdsn) > 0:
            break
        what, at = rnd.randrange(10), rnd.randrange(CHUNKS) * 8
        if what < 5:
            if rnd.random() < 0.3:      # waits for an R2T, and then for data that never come
                raw += c.command(cdb.write16(at, 8), stamp, imm=0, unsol=0)[1]
            else:
                raw += c.command(cdb.write16(at, 8, 8 if rnd.random() < 0.01 else 0), stamp)[1]
        elif what < 8:
            n = rnd.choice((1, 8, 256))
            raw += c.command(cdb.read16(at, n), read=n * BLOCK)[1]
        elif what == 8 and rnd.random() < 0.1:
            raw += c.command(cdb.sync_cache10())[1]
        elif what == 9 and rnd.random() < 0.2:
            p = Pdu(TMF | IMMEDIATE, itt=c.s.itt(), rtt=NONE32, lun=c.lun << 48, cmdsn=c.s.cmdsn,
                    flags=F | rnd.choice((ABORT_TASK_SET, CLEAR_TASK_SET)), expstatsn=c.expstatsn)
            raw.append(p)
    how = rnd.randrange(4)
    with c:
        try:
            c.sock.settimeout(0.3)
            whole = b"".join(p.encode(c.hdigest, c.ddigest) for p in raw)
            if how == 3:
                whole = whole[:rnd.randrange(1, len(whole))]
            c.sock.sendall(whole)
            if rnd.random() < 0.3:
                c.sock.recv(rnd.randrange(1, 5000))
        except OSError:
            pass
        if how == 0 or how == 3 and rnd.random() < 0.5:
            c.reset()
        elif how == 1:
            try:
                c.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass


@case("initiators vanish with %d requests in flight, %d times" % (FLIGHT, TIMES), limit=SECONDS + 60)
def _():
    end, began = time.monotonic() + SECONDS * slow(), time.monotonic()
    errors, count, lock = [], [0], threading.Lock()

    def one_client(seed):
        rnd = random.Random(seed)
        isid = new_isid()
        try:
            while time.monotonic() < end:
                with lock:
                    n = count[0]
                    if n >= TIMES:
                        return
                    count[0] += 1
                vanish(rnd, n, Session(isid=isid) if rnd.random() < 0.5 else None)
        except Exception as e:
            errors.append("%s: %s" % (type(e).__name__, e))

    def honest():
        data = pattern(64 * KiB, 721)
        try:
            with srv.login(timeout=30) as c:
                i = 0
                while count[0] < TIMES and time.monotonic() < end and not errors:
                    lba = HONEST + 8192 + i % 16 * 128
                    write(c, lba, data)
                    same_bytes(bytes(read(c, lba, 128)), data, "what it wrote")
                    i += 1
                    time.sleep(0.001)
        except Exception as e:
            errors.append("an honest initiator: %s: %s" % (type(e).__name__, e))
    ts = [threading.Thread(target=one_client, args=(i,), daemon=True) for i in range(4)]
    ts.append(threading.Thread(target=honest, daemon=True))
    for t in ts:
        t.start()
    for t in ts:
        t.join(SECONDS * slow())
    srv.check_alive()
    expect(not errors, "%s", "\n".join(errors[:5]))
    diag("%d vanished in %.1f s" % (count[0], time.monotonic() - began))
    expect(count[0] >= TIMES, "only %d of %d", count[0], TIMES)
    close_all()


@case("each block is of one write, honest data is whole, and nothing is left over", limit=60)
def _():
    with srv.login() as c:
        same_bytes(bytes(read(c, HONEST, 2048)), pattern(1 * MiB, 720), "honest data")
        data = bytes(read(c, 0, CHUNK * CHUNKS // BLOCK))
    torn = []
    for i in range(CHUNKS):
        b = data[i * CHUNK:(i + 1) * CHUNK]
        if b != b[:8] * (CHUNK // 8) or struct.unpack(">Q", b[:8])[0] > max(TIMES, 40):
            torn.append(i)
    expect(not torn, "%d chunks are of two writes, or of none: %r", len(torn), torn[:10])
    good_client(srv, HONEST, pattern(1 * MiB, 720))
    srv.settle(base[0], base[1] + 48 * MiB * slow(), 20, "the last")
    diag("descriptors %d, before %d; resident %d KiB, before %d" %
         (srv.fds(), base[0], srv.rss() // KiB, base[1] // KiB))


main(setup, None, lambda: srv.check_stop(), limit=SECONDS + 200)
