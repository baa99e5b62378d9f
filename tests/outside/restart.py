#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Started again at once after kill -9, on the same sockets, ports and image: the kernel lets go of
what a ring holds only a moment after the process is gone, and nobody can be named who has it then.
So the start waits a little; but whoever lives and holds it is named at once."""
import array
import fcntl
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
from nbdwire import *   # noqa: E402

ROUNDS = int(os.environ.get("RESTART_ROUNDS", "20"))
LINGER = 2.0                    # DRV_LINGER_MS
OFD_SETLK = 37                  # F_OFD_SETLK


def setup():
    if PEER:
        raise Skip("about the daemon itself")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def place():
    """What a daemon holds: image, ports of two protocols, sockets."""
    return {"image": make_file(64 * MiB), "nbd": free_port(), "iscsi": free_port(),
            "unix": tmpname(".sock"), "control": tmpname(".control")}


def serve(p, **kw):
    return Server("img=" + p["image"], unix=p["unix"], control=p["control"],
                  args=["--nbd", "127.0.0.1:%d" % p["nbd"], "--iscsi", "127.0.0.1:%d" % p["iscsi"]],
                  **kw)


def load(server, port):
    """Connections with requests under way, of clients that do not read."""
    tcp = Conn(("tcp", "127.0.0.1", port))
    tcp.enter("simple", "img")
    conns = [tcp, server.client("simple", name="img")]
    for c in conns:
        for i in range(8):
            c.post(CMD_WRITE, i * MiB, data=bytes(MiB))
            c.post(CMD_READ, i * MiB, MiB)
    return conns


@case("killed and started again at once: %d times" % ROUNDS, limit=20 + 6 * ROUNDS)
def _():
    p = place()
    s = serve(p)
    slowest = 0
    for i in range(ROUNDS):
        conns = load(s, p["nbd"])
        s.proc.kill()           # not waited for: he may be ending yet when the next one looks
        began = time.monotonic()
        try:
            after = serve(p)
        except Fail as e:
            raise Fail("round %d: %s" % (i, e))
        slowest = max(slowest, time.monotonic() - began)
        s.kill()
        s = after
        for c in conns:
            c.close()
        good_client(s)
    diag("the slowest start took %.2f s" % slowest)
    expect_eq(s.stop(), 0, "exit code of the last")


class Limbo:
    """An open file that no process has among its descriptors: it is on its way in a message."""

    def __init__(self, f):
        self.pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.pair[0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                       array.array("i", [f.fileno()]))])
        f.close()

    def end(self):
        for s in self.pair:
            s.close()


def tcp_listener(p):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", p["nbd"]))
    s.listen(5)
    return s


def iscsi_listener(p):
    return tcp_listener({"nbd": p["iscsi"]})


def unix_listener(key):
    def make(p):
        s = socket.socket(socket.AF_UNIX)
        s.bind(p[key])
        s.listen(5)
        return s
    return make


def ofd_lock(p):
    """As qemu says that nobody else may write."""
    f = open(p["image"], "rb")
    fcntl.fcntl(f, OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 201, 1, 0))
    return f


def flock(p):
    """Taken by a process that is gone: its number stands in /proc/locks yet."""
    f = open(p["image"], "rb")
    pid = os.fork()
    if pid == 0:
        fcntl.flock(f, fcntl.LOCK_EX)
        os._exit(0)
    os.waitpid(pid, 0)
    return f


HOLDERS = {"a port of NBD": tcp_listener, "a port of iSCSI": iscsi_listener,
           "a Unix socket": unix_listener("unix"), "the control socket": unix_listener("control"),
           "a lock on a byte of the image": ofd_lock, "a lock on the image": flock}


def given_back(what, make):
    @case("%s, held by nobody: taken as soon as it is free" % what)
    def _():
        p = place()
        limbo = Limbo(make(p))
        threading.Timer(0.5, limbo.end).start()
        began = time.monotonic()
        with serve(p) as s:
            took = time.monotonic() - began
            expect(took >= 0.4, "it was not held: ready after %.2f s", took)
            good_client(s)

    @case("%s, held by nobody for good: given up after %.0f s" % (what, LINGER))
    def _():
        p = place()
        limbo = Limbo(make(p))
        began = time.monotonic()
        s = serve(p, wait=False)
        expect_eq(s.stop(sig=0), 1, "exit code")
        took = time.monotonic() - began
        expect(LINGER - 0.1 <= took < LINGER + 5 * slow(), "it took %.2f s", took)
        expect("another process" in s.stderr(), "message: %s", s.stderr())
        limbo.end()


for what, make in HOLDERS.items():
    given_back(what, make)


@case("whoever lives and holds it is named at once")
def _():
    p = place()
    with serve(p) as holder:
        for key, own in (("control", "control"), ("nbd", "nbd"), ("iscsi", "iscsi"),
                         ("unix", "unix"), ("image", "image")):
            other = place()
            other[key] = p[own]
            began = time.monotonic()
            s = serve(other, wait=False)
            expect_eq(s.stop(sig=0), 1, "exit code for %s" % key)
            took = time.monotonic() - began
            expect("pid %d " % holder.pid in s.stderr(), "%s: message: %s", key, s.stderr())
            expect(took < LINGER, "%s: told only after %.2f s", key, took)


@case("a file where the socket should be: refused at once, and left alone")
def _():
    p = place()
    p["unix"] = make_file(5)
    began = time.monotonic()
    s = serve(p, wait=False)
    expect_eq(s.stop(sig=0), 1, "exit code")
    expect(time.monotonic() - began < LINGER, "it took %.2f s", time.monotonic() - began)
    expect("file of that name" in s.stderr(), "message: %s", s.stderr())
    expect_eq(os.path.getsize(p["unix"]), 5, "the file")


main(setup, limit=400)
