#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NBD, the stream: pipelines of 1 to 1024 requests, requests in crumbs, readers that do not read."""
import os
import random
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nbdwire import *   # noqa: E402

SIZE = 64 * MiB
MODES = ("simple", "structured", "extended")
srv = tcp = None
DATA = pattern(8 * MiB, 507)


def setup():
    global srv, tcp
    path = make_file(SIZE, "wire.img")
    with open(path, "r+b") as f:
        f.write(DATA)
    srv = Server(path)
    tcp = Server("wire=memory:64M", tcp=True)
    with tcp.client() as c:
        ok(c.write(0, DATA))


def teardown():
    srv.check_stop()
    tcp.check_stop()


def after():
    srv.check_alive()
    tcp.check_alive()


def both(title, limit=30, modes=MODES):
    def take(fn):
        for what in ("file, Unix", "memory, TCP"):
            for mode in modes:
                def body(what=what, mode=mode):
                    fn(srv if "file" in what else tcp, mode)
                case("%s, %s: %s" % (what, mode, title), limit)(body)
        return fn
    return take


def post_many(c, specs):
    """Send the requests of specs in one go while another thread reads nothing: (cmd, off, n/data)."""
    raws, rs = [], []
    for cmd, off, x in specs:
        if cmd == CMD_WRITE:
            raws.append(c.post(cmd, off, data=x, send=False))
        else:
            raws.append(c.post(cmd, off, x, send=False))
        rs.append(c.pending[c.next_cookie - 1])
    # replies must be taken while we send, or both sides would wait for each other
    sender = threading.Thread(target=lambda: _try_send(c, b"".join(raws)), daemon=True)
    sender.start()
    c.wait_all()
    sender.join(30)
    return rs


def _try_send(c, data):
    try:
        c.sock.sendall(data)
    except OSError:
        pass


@both("pipelines of reads, 1 to 1024 deep")
def _(s, mode):
    with s.client(mode) as c:
        for depth in (1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257,
                      511, 512, 513, 1023, 1024):
            rnd = random.Random(depth)
            specs = [(CMD_READ, *grid(c, rnd.randrange(0, 8 * MiB - 8192), rnd.choice((1, 512, 4096))))
                     for _ in range(depth)]
            for r in post_many(c, specs):
                ok(r)
                same_bytes(bytes(r.data), DATA[r.offset:r.offset + r.length], "depth %d" % depth)


@both("pipelines of writes to places apart, 1 to 1024 deep")
def _(s, mode):
    with s.client(mode) as c:
        for depth in (1, 2, 8, 64, 255, 256, 257, 1024):
            base = 16 * MiB
            specs = [(CMD_WRITE, base + i * 4096, pattern(4096, depth * 2000 + i % 97))
                     for i in range(depth)]
            for r in post_many(c, specs):
                ok(r)
            got = bytes(ok(c.read(base, depth * 4096)).data)
            same_bytes(got, b"".join(d for _, _, d in specs), "depth %d" % depth)


@both("a pipeline of everything, mixed", limit=60)
def _(s, mode):
    rnd = random.Random(4)
    base = 32 * MiB
    with s.client(mode, meta=mode != "simple") as c:
        ok(c.zero(base, 16 * MiB))
        model = bytearray(16 * MiB)
        for rounds in range(6):
            specs, slots = [], list(range(256))
            rnd.shuffle(slots)
            for slot in slots:
                off = base + slot * 65536
                kind = rnd.randrange(8)
                n = grid(c, off, rnd.choice((512, 4096, 5000, 65536)))[1]
                if kind < 3:
                    d = pattern(n, rounds * 10 + kind)
                    specs.append((CMD_WRITE, off, d))
                    model[off - base:off - base + n] = d
                elif kind < 5:
                    specs.append((CMD_READ, off, n))
                elif kind == 5:
                    specs.append((CMD_WRITE_ZEROES, off, n))
                    model[off - base:off - base + n] = bytes(n)
                elif kind == 6:
                    specs.append((CMD_FLUSH, 0, 0))
                else:
                    specs.append((CMD_CACHE, off, n))
                if mode != "simple" and slot % 16 == 0:
                    specs.append((CMD_BLOCK_STATUS, off, 65536))
            for r in post_many(c, specs):
                ok(r)
            same_bytes(bytes(ok(c.read(base, 16 * MiB)).data), model, "round %d" % rounds)


@both("errors in the middle of a pipeline do not put it out of step")
def _(s, mode):
    with s.client(mode) as c:
        specs = []
        for i in range(300):
            specs.append([(CMD_READ, i * 4096, 4096), (CMD_READ, SIZE, 4096),
                          (CMD_WRITE, SIZE - 512, b"ab" * 512), (99, 0, 0),
                          (CMD_WRITE, 48 * MiB + i * 512, b"\7" * 512)][i % 5])
        for i, r in enumerate(post_many(c, specs)):
            want = [(0,), (EINVAL,), (ENOSPC, EINVAL) if PEER else (ENOSPC,), (EINVAL,), (0,)][i % 5]
            expect_in(r.error, want, str(r))
            if i % 5 == 0:
                same_bytes(bytes(r.data), DATA[i * 4096:(i + 1) * 4096])


@both("large and small together: 1 MiB and 1 byte, 64 deep")
def _(s, mode):
    with s.client(mode) as c:
        specs = [(CMD_READ, *grid(c, i * 100, 1 * MiB if i % 2 else 1)) for i in range(64)]
        for r in post_many(c, specs):
            same_bytes(bytes(ok(r).data), DATA[r.offset:r.offset + r.length])


def crumbs(c, data, size=1, pause=0.0):
    for i in range(0, len(data), size):
        c.send(data[i:i + size])
        if pause:
            time.sleep(pause)


@both("everything a byte at a time: handshake, write, read, disconnect", limit=60)
def _(s, mode):
    with s.connect() as c:
        c.greeting()
        c.cflags = 3
        crumbs(c, struct.pack(">I", 3))
        if mode != "simple":
            opt = OPT_STRUCTURED_REPLY if mode == "structured" else OPT_EXTENDED_HEADERS
            crumbs(c, struct.pack(">QII", IHAVEOPT, opt, 0))
            kind, _, _ = c.opt_answer(opt)
            if kind != REP_ACK and PEER:
                raise Skip("no " + mode)
            expect_eq(kind, REP_ACK, "option")
        c.mode = mode
        data = Conn.info_data(s.name(), [INFO_BLOCK_SIZE, INFO_NAME])
        crumbs(c, struct.pack(">QII", IHAVEOPT, OPT_GO, len(data)) + data, pause=0.001)
        kind, _, _ = c.opt_answer(OPT_GO)
        expect_eq(kind, REP_ACK, "GO")
        c.size = SIZE
        d = pattern(4096, 12)
        crumbs(c, c.post(CMD_WRITE, 60 * MiB, data=d, send=False))
        c.wait_all()
        crumbs(c, c.post(CMD_READ, 60 * MiB, 4096, send=False), pause=0.001)
        r = list(c.pending.values())[0]
        same_bytes(bytes(ok(c.wait(r)).data), d)
        crumbs(c, c.header(CMD_DISC, 0, 0, 0, 0))
        c.expect_closed()


@both("writes cut at every place: two segments with a pause between", limit=60)
def _(s, mode):
    with s.client(mode) as c:
        n = max(16, c.block_min)
        d = pattern(n, 13)
        raw = c.post(CMD_WRITE, 61 * MiB, data=d, send=False)
        c.pending.clear()
        for cut in range(1, len(raw)):
            raw = c.post(CMD_WRITE, 61 * MiB + cut * n, data=d, send=False)
            r = c.pending[c.next_cookie - 1]
            c.send(raw[:cut])
            time.sleep(0.003)
            c.send(raw[cut:])
            ok(c.wait(r))
        same_bytes(bytes(ok(c.read(61 * MiB + n, n * (len(raw) - 1))).data), d * (len(raw) - 1))


@both("segments of odd sizes across a stream of writes", limit=60)
def _(s, mode):
    rnd = random.Random(14)
    with s.client(mode) as c:
        raw = b"".join(c.post(CMD_WRITE, 62 * MiB + i * 2048, data=pattern(2048, i), send=False)
                       for i in range(64))
        rs = list(c.pending.values())
        at = 0
        while at < len(raw):
            n = rnd.choice((1, 3, 27, 28, 29, 31, 32, 33, 100, 2047, 2048, 2076, 5000))
            c.send(raw[at:at + n])
            at += n
        for r in rs:
            ok(c.wait(r))
        same_bytes(bytes(ok(c.read(62 * MiB, 64 * 2048)).data),
                   b"".join(pattern(2048, i) for i in range(64)))


@both("a client that does not read its replies holds up nobody else", limit=90,
      modes=("simple", "structured"))
def _(s, mode):
    before = s.rss()
    lazy = s.client(mode, timeout=60, rcvbuf=65536)
    specs = [(i % 8 * MiB, 1 * MiB) for i in range(192)]
    raw = b"".join(lazy.post(CMD_READ, off, n, send=False) for off, n in specs)
    lazy.sock.setblocking(False)
    sent, end = 0, time.monotonic() + 3
    while sent < len(raw) and time.monotonic() < end:
        try:
            sent += lazy.sock.send(raw[sent:sent + 65536])
        except BlockingIOError:
            time.sleep(0.01)
    worst = 0.0
    for mode2 in ("simple", "structured"):
        with s.client(mode2) as c:
            for i in range(100):
                began = time.monotonic()
                same_bytes(bytes(ok(c.read(i * 4096, 4096)).data), DATA[i * 4096:(i + 1) * 4096])
                ok(c.write(63 * MiB, DATA[:4096]))
                worst = max(worst, time.monotonic() - began)
            r = ok(c.read(0, 4 * MiB))
            same_bytes(bytes(r.data), DATA[:4 * MiB])
    expect(worst < 1.0 * slow(), "another client waited for %.1f s", worst)
    grown = s.rss() - before
    expect(grown < 128 * MiB * slow(), "%d MiB more resident while replies are not read", grown // MiB)
    lazy.sock.settimeout(60)
    sender = threading.Thread(target=lambda: _try_send(lazy, raw[sent:]), daemon=True)
    sender.start()
    for r in list(lazy.pending.values()):
        ok(lazy.wait(r))
        same_bytes(bytes(r.data), DATA[r.offset:r.offset + r.length], "what it reads in the end")
        r.data = None
    sender.join(10)


@both("twenty clients that do not read, and one that does", limit=90, modes=("simple",))
def _(s, mode):
    lazy = []
    for i in range(20):
        c = s.client(mode, rcvbuf=4096)
        raw = b"".join(c.post(CMD_READ, 0, 256 * KiB, send=False) for _ in range(64))
        c.send(raw)
        lazy.append(c)
    with s.client("structured") as c:
        began = time.monotonic()
        for i in range(100):
            same_bytes(bytes(ok(c.read(i * 4096, 4096)).data), DATA[i * 4096:(i + 1) * 4096])
            ok(c.write(63 * MiB, DATA[:65536]))
        took = time.monotonic() - began
        expect(took < 5 * slow(), "100 reads and writes took %.1f s", took)
    for c in lazy[:17]:
        c.reset()
    for c in lazy[17:]:
        c.wait_all()


@both("a writer that stops in the middle of its data holds up nobody else", limit=60,
      modes=("simple",))
def _(s, mode):
    stuck = []
    for i in range(20):
        c = s.client(mode)
        raw = c.post(CMD_WRITE, 40 * MiB + i * MiB, data=DATA[:1 * MiB], send=False)
        c.send(raw[:len(raw) // 2 + i])
        stuck.append((c, raw, len(raw) // 2 + i))
    with s.client("structured") as c:
        began = time.monotonic()
        for i in range(100):
            same_bytes(bytes(ok(c.read(i * 4096, 4096)).data), DATA[i * 4096:(i + 1) * 4096])
            ok(c.write(63 * MiB, DATA[:65536]))
        took = time.monotonic() - began
        expect(took < 5 * slow(), "100 reads and writes took %.1f s", took)
    for c, raw, cut in stuck:
        c.send(raw[cut:])
        c.wait_all()
    with s.client("structured") as c:
        same_bytes(bytes(ok(c.read(40 * MiB, 1 * MiB)).data), DATA[:1 * MiB])


@both("a FLUSH while a writer's data is half here is answered", limit=30, modes=("simple",))
def _(s, mode):
    a, b = s.client(mode), s.client(mode)
    raw = a.post(CMD_WRITE, 40 * MiB, data=DATA[:1 * MiB], send=False)
    a.send(raw[:-100])
    ok(b.flush())
    ok(b.write(40 * MiB, b"\3" * 512))
    a.send(raw[-100:])
    a.wait_all()


@both("eight connections at once, each with its own place, all commands", limit=60,
      modes=("structured",))
def _(s, mode):
    errors = []

    def work(i):
        try:
            rnd = random.Random(i)
            base = 16 * MiB + i * 4 * MiB
            model = bytearray(4 * MiB)
            with s.client(mode) as c:
                ok(c.zero(base, 4 * MiB))
                for step in range(150):
                    off, n = grid(c, rnd.randrange(0, 4 * MiB - 100000), rnd.randrange(1, 90000))
                    k = rnd.randrange(5)
                    if k < 2:
                        d = pattern(n, i * 7 + step % 5)
                        ok(c.write(base + off, d, rnd.choice((0, 0, 0, F_FUA))))
                        model[off:off + n] = d
                    elif k < 4:
                        same_bytes(bytes(ok(c.read(base + off, n)).data), model[off:off + n])
                    else:
                        ok(c.zero(base + off, n, rnd.choice((0, F_NO_HOLE))))
                        model[off:off + n] = bytes(n)
                ok(c.flush())
                same_bytes(bytes(ok(c.read(base, 4 * MiB)).data), model)
        except Exception as e:
            errors.append("connection %d: %s: %s" % (i, type(e).__name__, e))

    ts = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(8)]
    for t in ts:
        t.start()
    for t in ts:
        t.join(50 * slow())
        expect(not t.is_alive(), "a connection is stuck")
    expect(not errors, "%s", "\n".join(errors))


main(setup, after, teardown, limit=400)
