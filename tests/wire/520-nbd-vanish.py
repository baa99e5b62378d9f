#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NBD, the client that vanishes: 64 requests in flight, then an RST, a FIN or half a request.

VANISH says how often (default 10,000; nbdkit 1.32 dies of one).  Each write is whole or absent:
what a vanished client wrote is stamped, and at the end every block is read and must be all of
one stamp.  A range that only honest clients write holds what they wrote last."""
import os
import random
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nbdwire import *   # noqa: E402

TIMES = int(os.environ.get("VANISH", "10000" if not PEER else "20"))
SECONDS = float(os.environ.get("VANISH_SECONDS", "240"))
FLIGHT = 64
BLOCK = 4096
BLOCKS = 2048                   # what vanishing clients write
HONEST = 32 * MiB               # where honest clients write
SIZE = 64 * MiB
servers = {}
base = {}


def setup():
    servers["file, TCP"] = Server(make_file(SIZE, "wire.img"), tcp=True)
    servers["memory, Unix"] = Server("wire=memory:64M")
    for s in servers.values():
        with s.client() as c:
            ok(c.write(0, bytes(BLOCK * BLOCKS)))
            ok(c.write(HONEST, pattern(1 * MiB, 520)))
        for i in range(30):
            vanish(s, random.Random(i), i)
        time.sleep(0.3)
        base[s] = (s.fds(), s.rss())


def teardown():
    for s in servers.values():
        s.check_stop()


def prepared(mode, rnd, number, name):
    """All that a client says, in one piece: handshake, and 64 requests."""
    c = Conn.__new__(Conn)
    c.mode = mode
    data = Conn.info_data(name)
    head = struct.pack(">I", 3)
    if mode == "structured":
        head += struct.pack(">QII", IHAVEOPT, OPT_STRUCTURED_REPLY, 0)
    head += struct.pack(">QII", IHAVEOPT, OPT_GO, len(data)) + data
    stamp = struct.pack(">Q", number + 1) * (BLOCK // 8)
    reqs = []
    for k in range(FLIGHT):
        what = rnd.randrange(10)
        at = rnd.randrange(BLOCKS) * BLOCK
        if what < 4:
            fua = F_FUA if rnd.random() < 0.01 else 0
            reqs.append(c.header(CMD_WRITE, fua, k, at, BLOCK) + stamp)
        elif what < 8:
            reqs.append(c.header(CMD_READ, 0, k, at, rnd.choice((512, BLOCK, 16384))))
        elif what == 8 and rnd.random() < 0.1:      # seldom: each may be a wait for the disk
            reqs.append(c.header(CMD_FLUSH, 0, k, 0, 0))
        else:
            reqs.append(c.header(CMD_WRITE_ZEROES, F_NO_HOLE, k, at, BLOCK))
    return head, reqs


def vanish(s, rnd, number):
    mode = rnd.choice(("simple", "structured"))
    head, reqs = prepared(mode, rnd, number, s.name())
    how = rnd.randrange(4)
    with s.connect(20) as c:
        try:
            if rnd.random() < 0.5:
                # the orderly kind: reads the handshake, so that the requests are surely begun
                c.sock.sendall(head)
                c.greeting()
                if mode == "structured":
                    c.opt_answer(OPT_STRUCTURED_REPLY)
                c.opt_answer(OPT_GO)
                c.sock.settimeout(0.3)      # replies are not read: the server may stop reading
                c.sock.sendall(b"".join(reqs))
            else:
                c.sock.settimeout(0.3)
                c.sock.sendall(head + b"".join(reqs))
            if how == 3:
                c.sock.sendall(reqs[0][:rnd.randrange(1, len(reqs[0]))])
            if rnd.random() < 0.3:
                c.sock.recv(rnd.randrange(1, 5000))
        except OSError:
            pass
        if how == 0 or (how == 3 and rnd.random() < 0.5):
            c.reset()
        elif how == 1:
            try:
                c.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass


def check(s, times):
    with s.client("structured") as c:
        same_bytes(bytes(ok(c.read(HONEST, 1 * MiB)).data), pattern(1 * MiB, 520), "honest data")
        data = bytes(ok(c.read(0, BLOCK * BLOCKS)).data)
    torn = []
    for i in range(BLOCKS):
        b = data[i * BLOCK:(i + 1) * BLOCK]
        if b != b[:8] * (BLOCK // 8) or struct.unpack(">Q", b[:8])[0] > max(times, 30):
            torn.append(i)
    expect(not torn, "%d blocks are of two writes, or of none: %r", len(torn), torn[:10])


def vanishing(s):
    end = time.monotonic() + SECONDS / 2 * slow()
    began = time.monotonic()
    errors = []
    count = [0]
    lock = threading.Lock()

    def one_client(seed):
        rnd = random.Random(seed)
        try:
            while time.monotonic() < end:
                with lock:
                    n = count[0]
                    if n >= TIMES // 2:
                        return
                    count[0] += 1
                vanish(s, rnd, n)
        except Exception as e:
            errors.append("%s: %s" % (type(e).__name__, e))

    def honest():
        data = pattern(64 * KiB, 521)
        try:
            with s.client("structured", timeout=30) as c:
                i = 0
                while count[0] < TIMES // 2 and time.monotonic() < end and not errors:
                    off = HONEST + 4 * MiB + i % 16 * 65536
                    ok(c.write(off, data))
                    same_bytes(bytes(ok(c.read(off, 65536)).data), data, "what it wrote")
                    i += 1
                    time.sleep(0.001)
        except Exception as e:
            errors.append("an honest client: %s: %s" % (type(e).__name__, e))

    ts = [threading.Thread(target=one_client, args=(i,), daemon=True) for i in range(4)]
    ts.append(threading.Thread(target=honest, daemon=True))
    for t in ts:
        t.start()
    for t in ts:
        t.join(SECONDS * slow())
    s.check_alive()
    expect(not errors, "%s", "\n".join(errors[:5]))
    took = time.monotonic() - began
    diag("%d clients vanished in %.1f s" % (count[0], took))
    expect(count[0] >= TIMES // 2, "only %d of %d within %.0f s", count[0], TIMES // 2, took)
    check(s, TIMES)
    good_client(s, HONEST, pattern(1 * MiB, 520))
    s.settle(base[s][0], base[s][1] + 48 * MiB * slow(), 20, "the last")
    diag("descriptors %d, before %d; resident %d KiB, before %d" %
         (s.fds(), base[s][0], s.rss() // KiB, base[s][1] // KiB))


for _n in ("file, TCP", "memory, Unix"):
    def _body(n=_n):
        vanishing(servers[n])
    case("%s: clients vanish with %d requests in flight, %d times" % (_n, FLIGHT, TIMES // 2),
         limit=SECONDS + 60)(_body)


main(setup, None, teardown, limit=SECONDS * 2 + 120)
