# SPDX-License-Identifier: BSD-3-Clause
"""What the cases of the hostile NBD client share: a daemon whose descriptors and memory are known,
and the look at it after each case: alive, right data for honest clients, nothing left over."""
import os
import threading
import time

from nbdwire import *   # noqa: F401,F403

SIZE = 64 * MiB
MODES = ("simple", "structured", "extended")
DATA = pattern(1 * MiB, 510)
TOP = (1 << 64) - 1
BIG = 0xffffffff
srv = None
base_fds = base_rss = 0


def setup():
    global srv, base_fds, base_rss
    srv = Server(make_file(SIZE, "wire.img"), tcp=True)
    with srv.client() as c:
        ok(c.write(0, DATA))
    warm()
    time.sleep(0.3)
    base_fds, base_rss = srv.fds(), srv.rss()


def warm():
    """Touch what pools there are, so that memory that only fills up once is not taken for a leak."""
    cs = [srv.client(m) for m in ("simple", "structured") for _ in range(4)]
    for c in cs:
        c.raws = b"".join(c.post(CMD_READ, 0, 1 * MiB, send=False) for _ in range(16))
        c.raws += b"".join(c.post(CMD_WRITE, 32 * MiB, data=DATA, send=False) for _ in range(8))
        threading.Thread(target=lambda c=c: c.sock.sendall(c.raws), daemon=True).start()
    for c in cs:
        c.wait_all()
        c.close()
    flood(60)


def flood(n):
    cs = []
    for _ in range(n):
        try:
            cs.append(srv.connect(5))
        except OSError:
            break
    for c in cs:
        c.close()


def after():
    close_all()
    srv.check_alive()
    good_client(srv, 0, DATA)
    good_client(srv, 0, DATA, mode="simple")
    srv.settle(base_fds, base_rss + 32 * MiB * slow())


def hello(flags=3):
    c = srv.connect()
    c.hello(flags)
    return c


def answered_or_closed(c, opt, *kinds):
    """The option gets an error of these kinds, or the connection ends."""
    try:
        kind, _, _ = c.opt_answer(opt)
    except Closed:
        return None
    expect(kind & REP_ERR, "option %d was accepted", opt)
    if kinds:
        expect_in(kind, kinds, "reply to option %d" % opt)
    return kind


def end_of_sending(c):
    try:
        c.sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass            # the server was faster
