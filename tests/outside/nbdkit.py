#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""nbdkit's nbd plugin as a client: our export served again by nbdkit, and used through it."""
import json
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
from nbdwire import *   # noqa: E402

SIZE = 32 * MiB
srv = None


def setup():
    global srv
    need("nbdkit", "nbdcopy", "nbdinfo")
    if run(["nbdkit", "nbd", "--dump-plugin"], check=False).returncode:
        raise Skip("nbdkit has no nbd plugin")
    srv = Server(make_file(SIZE, "disk.img"), tcp=True)


class Kit:
    """nbdkit with the nbd plugin over our server."""

    def __init__(self, *options):
        self.sock = tmpname(".kit")
        self.p = popen(["nbdkit", "-f", "-U", self.sock, *options], stderr=subprocess.PIPE)
        end = time.monotonic() + 10
        while not os.path.exists(self.sock):
            if self.p.poll() is not None or time.monotonic() > end:
                self.p.kill()
                raise Fail("nbdkit did not start: %s" % self.p.stderr.read().decode())
            time.sleep(0.02)
        self.uri = "nbd+unix:///?socket=" + self.sock

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.p.terminate()
        self.p.wait(10)
        self.p.stderr.close()


def round_trip(uri, *options):
    data = pattern(3 * MiB, 50) + bytes(20 * MiB) + pattern(9 * MiB, 51)
    a, b = tmpname(), tmpname()
    with open(a, "wb") as f:
        f.write(data)
    run(["nbdcopy", *options, "--flush", a, uri])
    run(["nbdcopy", *options, uri, b])
    with open(b, "rb") as f:
        same_bytes(f.read(), data, "through nbdkit")
    run(["nbdcopy", srv.uri(), b])
    with open(b, "rb") as f:
        same_bytes(f.read(), data, "directly")


@case("what nbdkit's client sees: size and flags pass through")
def _():
    with Kit("nbd", srv.uri()) as k:
        e = json.loads(run(["nbdinfo", "--json", k.uri]).stdout)["exports"][0]
        expect_eq(e["export-size"], SIZE, "size")
        for flag in ("can_flush", "can_fua", "can_trim", "can_zero", "can_multi_conn"):
            if not PEER:
                expect_eq(e[flag], True, flag)


@case("copy in and out through nbdkit", limit=60)
def _():
    with Kit("nbd", srv.uri()) as k:
        round_trip(k.uri)
        round_trip(k.uri, "--connections=4")


@case("nbdkit shares one connection among its clients", limit=60)
def _():
    with Kit("nbd", "shared=true", srv.uri()) as k:
        round_trip(k.uri, "--connections=4")


@case("with nbdkit's filters between: blocksize, cache, cow, fua, noextents, nozero", limit=120)
def _():
    for f in (["--filter=blocksize", "nbd", srv.uri(), "minblock=4096"],
              ["--filter=cache", "nbd", srv.uri(), "cache=writethrough"],
              ["--filter=fua", "nbd", srv.uri(), "fuamode=emulate"],
              ["--filter=noextents", "nbd", srv.uri()],
              ["--filter=nozero", "nbd", srv.uri(), "zeromode=notrim"]):
        with Kit(*f) as k:
            round_trip(k.uri)


@case("reads through nbdkit's multi-conn and readahead", limit=60)
def _():
    with Kit("--filter=readahead", "nbd", srv.uri()) as k:
        run(["nbdcopy", "--connections=4", k.uri, tmpname()])


@case("nbdkit's client finds a restarted server again (retry filter)", limit=60,
      when=lambda: PEER and "contract")
def _():
    img = make_file(8 * MiB)
    sock = tmpname(".sock")
    s = Server("again=" + img, unix=sock)
    with Kit("--filter=retry", "nbd", "retry=10", s.uri("again"), "retry-delay=1") as k:
        p1 = tmpname()
        with open(p1, "wb") as f:
            f.write(pattern(8 * MiB, 52))
        run(["nbdcopy", "--flush", p1, k.uri])
        s.check_stop()
        s = Server("again=" + img, unix=sock)
        p2 = tmpname()
        run(["nbdcopy", k.uri, p2])
        expect_eq(run(["cmp", p1, p2], check=False).returncode, 0, "cmp")
    s.check_stop()


main(setup, lambda: srv.check_alive(), lambda: srv.check_stop(), limit=300)
