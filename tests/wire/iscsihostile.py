# SPDX-License-Identifier: BSD-3-Clause
"""What the cases of the hostile initiator share: a daemon whose descriptors and memory are known, and
the look at it after each case: alive, right data for honest initiators, nothing left over."""
import socket
import time

from iscsitarget import *   # noqa: F401,F403

DATA = pattern(64 * KiB, 290)
srv = None
base_fds = base_rss = 0


def setup():
    global srv, base_fds, base_rss
    srv = Target(make_file(16 * MiB, "wire.img"))
    with srv.login() as c:
        write(c, 0, DATA)
        write(c, 2048, bytes(256 * 512))
    warm()
    time.sleep(0.3)
    base_fds, base_rss = srv.fds(), srv.rss()


def warm():
    """Touch what pools there are, so that memory that only fills up once is not taken for a leak."""
    cs = [srv.login() for _ in range(2 if PEER else 8)]
    for c in cs:
        for _ in range(8):
            c.start(cdb.read16(0, 2048), read=1 * MiB)
    for c in cs:
        c.wait(*list(c.tasks.values()))
        write(c, 16384, pattern(1 * MiB, 291))
        c.close()
    for c in [srv.connect() for _ in range(60)]:
        c.close()


def after():
    close_all()
    srv.check_alive()
    good_client(srv, 0, DATA)
    srv.settle(base_fds, base_rss + 32 * MiB * slow())


def leave(c, how):
    """End a connection: reset, close, or half-close, which the target must follow."""
    if how == "reset":
        c.reset()
    elif how == "half-close":
        try:
            c.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        c.expect_closed(5 * slow(), drain=1 << 20)
        c.close()
    else:
        c.close()


def leave_at_every_byte(raw, connect, how, step=1):
    for cut in range(0, len(raw) + 1, step):
        c = connect()
        try:
            c.sock.sendall(raw[:cut])
        except OSError:
            pass
        leave(c, how)


def shut(c, raw, within=5):
    """Send this; the target must end the connection, having answered with at most a few PDUs."""
    try:
        c.sock.sendall(raw)
    except OSError:
        pass
    return c.expect_closed(within * slow(), drain=4096)


def feed(c, most):
    """Send zeroes until the target closes; returns how many bytes it took."""
    junk, sent = bytes(65536), 0
    c.sock.settimeout(2)
    try:
        while sent < most:
            sent += c.sock.send(junk)
    except OSError:
        pass
    c.sock.settimeout(c.timeout)
    return sent


def watch(c, t=None, turns=12):
    """Ping until the task has ended, something was rejected, or there was time enough; False if the
    connection ended.  What waits for ever is the task, not the connection."""
    c.want_reject = True
    try:
        for _ in range(turns):
            c.ping(b"?", immediate=True)
            if t is not None and t.done or c.rejects:
                break
            time.sleep(0.01)
        return True
    except Closed:
        return False
