#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""NBD, the hostile client in the wrong state and with an export: data where none belongs, numbers at
the edge, requests that are never finished, leaving while work is under way (CVE list, and kin).

After each case the daemon is alive, an honest client finds the right data, and descriptors and
memory are back to where they were."""
import os
import random
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hostile          # noqa: E402
from hostile import *   # noqa: E402

srv = None


def setup():
    global srv
    hostile.setup()
    srv = hostile.srv


# ---- data in the wrong state (CVE-2017-7539, CVE-2019-14851) ----

@case("requests in place of options, options in place of requests")
def _():
    for raw in (struct.pack(">IHHQQI", REQUEST_MAGIC, 0, 0, 1, 0, 4096) * 3,
                struct.pack(">IHHQQQ", EXT_REQUEST_MAGIC, 0, 0, 1, 0, 4096) * 3,
                struct.pack(">QII", REP_MAGIC, 1, 0) * 3, b"NBDMAGIC" * 10, b"GET / HTTP/1.1\r\n\r\n" * 4,
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 8, bytes(200), b"\xff" * 200):
        c = hello()
        c.sock.sendall(raw)
        c.expect_closed()
    for mode in MODES:
        c = srv.client(mode)
        c.sock.sendall(struct.pack(">QII", IHAVEOPT, OPT_LIST, 0) * 4)
        c.expect_closed()


@case("meta contexts, structured and extended in every order with GO and ABORT between", limit=90)
def _():
    rnd = random.Random(77)
    for _ in range(300):
        c = hello()
        try:
            for _ in range(12):
                k = rnd.randrange(9)
                if k == 0:
                    c.opt(OPT_STRUCTURED_REPLY)
                    c.opt_answer(OPT_STRUCTURED_REPLY)
                elif k == 1 and rnd.random() < 0.3:
                    c.opt(OPT_EXTENDED_HEADERS)
                    if c.opt_answer(OPT_EXTENDED_HEADERS)[0] == REP_ACK:
                        c.mode = "extended"
                elif k == 2:
                    c.opt(OPT_SET_META_CONTEXT, Conn.meta_data(rnd.choice(("wire", "x", "")),
                                                               rnd.choice(([], ["base:allocation"]))))
                    c.opt_answer(OPT_SET_META_CONTEXT)
                elif k == 3:
                    c.opt(OPT_LIST_META_CONTEXT, Conn.meta_data(srv.name(), ["base:"]))
                    c.opt_answer(OPT_LIST_META_CONTEXT)
                elif k == 4:
                    c.opt(OPT_STARTTLS)
                    c.opt_answer(OPT_STARTTLS)
                elif k == 5:
                    c.opt(OPT_INFO, Conn.info_data(rnd.choice((srv.name(), "x", ""))))
                    c.opt_answer(OPT_INFO)
                elif k == 6:
                    c.opt(OPT_GO, Conn.info_data("x"))
                    if c.opt_answer(OPT_GO)[0] == REP_ACK:
                        break
                elif k == 7 and rnd.random() < 0.1:
                    c.opt(OPT_ABORT)
                    c.opt_answer(OPT_ABORT)
                    break
                elif k == 8 and rnd.random() < 0.2:
                    c.opt(OPT_EXPORT_NAME, srv.name().encode())
                    break
        except Closed:
            pass
        c.close()


@case("options sent without waiting for replies, 500 at once")
def _():
    c = hello()
    c.sock.sendall(struct.pack(">QII", IHAVEOPT, OPT_LIST, 0) * 500)
    try:
        for _ in range(500):
            c.opt_answer(OPT_LIST)
    except Closed:
        pass


@case("options whose replies are not read", limit=60)
def _():
    cs = []
    for _ in range(10):
        c = srv.connect(rcvbuf=4096)
        c.hello()
        c.sock.setblocking(False)
        try:
            for _ in range(100):
                c.sock.send(struct.pack(">QII", IHAVEOPT, OPT_LIST, 0) * 10)
        except OSError:
            pass
        cs.append(c)
    good_client(srv, 0, DATA)


@case("random bytes at every stage", limit=60)
def _():
    rnd = random.Random(int(os.environ.get("NBDWIRE_SEED", 510)))
    for i in range(600):
        stage = i % 5
        c = srv.connect()
        try:
            if stage:
                c.hello()
            if stage >= 2:
                c.set_mode(("simple", "structured", "extended")[i % 3])
            if stage >= 3:
                c.go(srv.name())
            junk = bytearray(rnd.randbytes(rnd.randrange(1, 3000)))
            if stage in (1, 2) and rnd.random() < 0.8:
                junk[:16] = struct.pack(">QII", IHAVEOPT, rnd.randrange(13), rnd.choice(
                    (0, 4, 10, 100, len(junk), rnd.randrange(70000), BIG)))
            if stage >= 3 and rnd.random() < 0.8:
                # never WRITE, TRIM or zero what the honest client will read
                cmd = rnd.choice((0, 3, 5, 7, 8, 9, 200))
                junk = c.header(cmd, rnd.randrange(65536) & ~F_PAYLOAD_LEN, rnd.getrandbits(64),
                                rnd.getrandbits(rnd.choice((8, 26, 64))),
                                rnd.getrandbits(rnd.choice((8, 20, 32)))) * 5
            c.sock.sendall(junk)
            c.sock.settimeout(0.02)
            c.sock.recv(65536)
        except (Closed, Skip, OSError):
            pass
        except ProtocolError:
            pass
        c.reset() if i % 2 else c.close()


# ---- numbers at the edge (CVE-2025-47711, CVE-2025-47712, CVE-2011-0530) ----

def edge(mode):
    with srv.client(mode, meta=mode != "simple") as c:
        lens = [BIG, BIG - 1, BIG - 511, BIG - 4095, 0x80000000, 0x7fffffff, SIZE + 1]
        if mode == "extended":
            lens += [1 << 32, (1 << 32) + 1, (1 << 63) - 1, 1 << 63, TOP, TOP - 4095]
        offs = [0, 1, 512, 4095, SIZE - 1, SIZE, SIZE + 1, BIG, 1 << 32, (1 << 63) - 1, 1 << 63,
                TOP, TOP - 1, TOP - 511, TOP - 4095, TOP - SIZE, TOP - BIG, TOP - BIG + 1, TOP - BIG + 2]
        n = 0
        for off in offs:
            for length in lens:
                for cmd, flags in ((CMD_TRIM, 0), (CMD_WRITE_ZEROES, 0), (CMD_WRITE_ZEROES, F_NO_HOLE),
                                   (CMD_BLOCK_STATUS, 0), (CMD_BLOCK_STATUS, F_REQ_ONE), (CMD_CACHE, 0),
                                   (CMD_READ, 0)):
                    r = c.do(cmd, off, length, flags=flags)
                    fails(r, EINVAL, ENOSPC, EOVERFLOW)
                    n += 1
        for off in offs[4:]:
            r = c.write(off, b"\xcc" * 512)
            fails(r, ENOSPC, EINVAL)


for _mode in MODES:
    def _body(mode=_mode):
        edge(mode)
    case("%s headers: every offset and length whose sum is out of range or wraps" % _mode)(_body)


@case("extents and counts near 2^32 on an export that is larger", limit=90)
def _():
    for image in ("wire=null:16G", make_file(16 * GiB, "wide.img")):
        with Server(image) as s:
            for mode in ("structured", "extended"):
                try:
                    c = s.client(mode, meta=True, timeout=30)
                except Skip:
                    continue
                for off in (0, 1, 511, 512, 4095, 4096, 65536 - 1, 3 * GiB + 5, 8 * GiB - 1):
                    for n in (BIG, BIG - 1, BIG - 510, BIG - 511, BIG - 4094, BIG - 4095, BIG - 65535,
                              1 << 31):
                        for flags in (0, F_REQ_ONE):
                            r = c.status(off, n, flags)
                            if (off | n) % c.block_min:
                                fails(r, EINVAL)
                            elif not (PEER and r.error):
                                ok(r)
                    off, n = grid(c, off, BIG - 4096)
                    r = c.trim(off, n)
                    if not PEER:
                        ok(r)
                        ok(c.zero(off, n))
                ok(c.read(0, 4096))


@case("requests longer than any buffer: header only, then silence, then away")
def _():
    for mode in MODES:
        for n in (BIG, 0x80000000, 33 * MiB, 32 * MiB):
            try:
                c = srv.client(mode)
            except Skip:
                continue
            c.sock.sendall(c.header(CMD_WRITE, F_PAYLOAD_LEN if mode == "extended" else 0, 1, 0, n))
            time.sleep(0.05)
            c.reset()


@case("many writes of 32 MiB declared and never sent, from 40 connections", limit=60)
def _():
    before = srv.rss()
    cs = []
    for i in range(40):
        try:
            c = srv.client("simple")
        except (Fail, OSError):
            break
        c.sock.sendall(c.header(CMD_WRITE, 0, 1, 32 * MiB, 32 * MiB) + b"z")
        cs.append(c)
    time.sleep(0.3)
    grown = srv.rss() - before
    expect(grown < 256 * MiB, "%d MiB more for data that never came", grown // MiB)
    good_client(srv, 0, DATA)


@case("a READ of 32 MiB from each of 40 connections that do not read it", limit=60)
def _():
    before = srv.rss()
    for i in range(40):
        try:
            c = srv.client("simple", rcvbuf=4096)
        except (Fail, OSError):
            break
        for k in range(4):
            c.post(CMD_READ, 0, 32 * MiB)
    time.sleep(1)
    grown = srv.rss() - before
    if not PEER:
        expect(grown < 512 * MiB, "%d MiB more for replies that nobody reads", grown // MiB)
    good_client(srv, 0, DATA)


# ---- leaving while work is under way ----

@case("reset, close and half-close with every command in flight", limit=60)
def _():
    rnd = random.Random(5)
    for i in range(300):
        mode = MODES[i % 3]
        try:
            c = srv.client(mode, meta=mode != "simple")
        except Skip:
            continue
        for _ in range(rnd.randrange(1, 30)):
            k = rnd.randrange(7)
            at = 40 * MiB + rnd.randrange(4 * MiB)
            if k == 0:
                c.post(CMD_READ, 0, rnd.choice((512, 65536, 1 * MiB)))
            elif k == 1:
                c.post(CMD_WRITE, at, data=b"\xaa" * rnd.choice((512, 65536)))
            elif k == 2:
                c.post(CMD_FLUSH)
            elif k == 3:
                c.post(CMD_TRIM, at, 65536)
            elif k == 4:
                c.post(CMD_WRITE_ZEROES, at, 65536)
            elif k == 5:
                c.post(CMD_CACHE, 0, 65536)
            elif mode != "simple":
                c.post(CMD_BLOCK_STATUS, 0, SIZE)
        how = rnd.randrange(4)
        if how == 0:
            c.disc()
        elif how == 1:
            end_of_sending(c)
        c.close() if how < 2 else c.reset()


@case("the same cookie for many requests in flight: each is answered")
def _():
    with srv.client("simple") as c:
        c.sock.sendall(c.header(CMD_READ, 0, 42, 0, 512) * 100)
        for _ in range(100):
            expect_eq(struct.unpack(">IIQ", c.recv(16)), (SIMPLE_REPLY_MAGIC, 0, 42), "reply")
            same_bytes(c.recv(512), DATA[:512])


@case("data after NBD_CMD_DISC is not acted upon")
def _():
    for mode in MODES:
        try:
            c = srv.client(mode)
        except Skip:
            continue
        flags = F_PAYLOAD_LEN if mode == "extended" else 0
        c.sock.sendall(c.header(CMD_DISC, 0, 0, 0, 0) +
                       c.header(CMD_WRITE, flags, 1, 0, 512) + b"\x66" * 512)
        c.expect_closed()
    good_client(srv, 0, DATA)


@case("DISC with an offset, a length and flags: the end all the same, or EINVAL")
def _():
    for flags, off, n in ((0, 1, 0), (0, 0, 1), (F_FUA, 0, 0), (0x80, 7, 7)):
        c = srv.client("simple")
        c.sock.sendall(c.header(CMD_DISC, flags, 9, off, n))
        end_of_sending(c)
        c.expect_closed(drain=16)


# ---- ends during all that (CVE-2024-7409) ----

@case("SIGTERM while connections are in every state, and more come: exit 0 in time", limit=60)
def _():
    for rounds in range(3):
        s = Server("wire=memory:16M", tcp=True)
        cs = []
        for i in range(40):
            c = s.connect()
            if i % 4 >= 1:
                c.hello()
            if i % 4 >= 2:
                c.go(s.name())
            if i % 4 >= 3:
                for _ in range(8):
                    c.post(CMD_WRITE, i * 65536, data=bytes(65536))
            cs.append(c)
        stop = []

        def more(s=s, stop=stop):
            while not stop:
                try:
                    k = socket.create_connection(s.addr[1:], 1)
                    k.close()
                except OSError:
                    time.sleep(0.001)

        t = threading.Thread(target=more, daemon=True)
        t.start()
        began = time.monotonic()
        try:
            code = s.stop(timeout=12)
        finally:
            stop.append(1)
        if not PEER:
            expect_eq(code, 0, "exit code")
            expect(time.monotonic() - began < 8 * slow(), "%.1f s", time.monotonic() - began)
        t.join(5)
        close_all()


main(setup, hostile.after, lambda: srv.check_stop(), limit=500)
