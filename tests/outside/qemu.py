#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""qemu's programs as clients: qemu-img info, convert, compare, map, bench; qemu-io's commands."""
import json
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
from nbdwire import *   # noqa: E402

SIZE = 64 * MiB
unix = tcp = None
src = None


def setup():
    global unix, tcp, src
    need("qemu-img", "qemu-io")
    src = make_file(SIZE, "source.raw")
    with open(src, "r+b") as f:
        for i, at in enumerate((0, 5 * MiB, 17 * MiB + 4096, 63 * MiB)):
            f.seek(at)
            f.write(pattern(1 * MiB, 30 + i))
    unix = Server("disk=memory:64M")
    tcp = Server(make_file(SIZE, "disk.img"), tcp=True)


def teardown():
    unix.check_stop()
    tcp.check_stop()


def after():
    unix.check_alive()
    tcp.check_alive()


def io(s, *commands, check=True, options=()):
    argv = ["qemu-io", "-f", "raw", *options]
    for c in commands:
        argv += ["-c", c]
    p = run(argv + [s.uri()], check=False)
    bad = p.returncode != 0 or "failed" in p.stdout + p.stderr or "Pattern verification" in p.stdout
    if check:
        expect(not bad, "%s\n%s\n%s", " ; ".join(commands), p.stdout, p.stderr)
    return p, bad


def each(title, limit=60):
    def take(fn):
        for name in ("memory, Unix", "file, TCP"):
            def body(name=name):
                fn(unix if "Unix" in name else tcp)
            case("%s: %s" % (name, title), limit)(body)
        return fn
    return take


@each("qemu-img info")
def _(s):
    out = json.loads(run(["qemu-img", "info", "--output=json", s.uri()]).stdout)
    expect_eq(out["virtual-size"], SIZE, "virtual-size")


@each("qemu-img convert in, compare, convert out, compare", 120)
def _(s):
    for opts in ((), ("-W", "-m", "16"), ("-S", "0"), ("-t", "none"), ("-t", "writethrough")):
        run(["qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", *opts, src, s.uri()])
        run(["qemu-img", "compare", "-f", "raw", "-F", "raw", src, s.uri()])
        out = tmpname(".raw")
        run(["qemu-img", "convert", "-f", "raw", "-O", "raw", s.uri(), out])
        run(["qemu-img", "compare", "-f", "raw", "-F", "raw", out, s.uri()])
        expect_eq(run(["cmp", src, out], check=False).returncode, 0, "cmp after %r" % (opts,))
        os.unlink(out)


@each("qemu-img convert to qcow2 and back", 120)
def _(s):
    q = tmpname(".qcow2")
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", s.uri(), q])
    io(s, "write -P 0x5a 0 64M")
    run(["qemu-img", "convert", "-n", "-f", "qcow2", "-O", "raw", q, s.uri()])
    run(["qemu-img", "compare", "-f", "raw", "-F", "raw", src, s.uri()])


@each("qemu-img convert --target-is-zero after zeroing all")
def _(s):
    io(s, "write -z -u 0 64M")
    run(["qemu-img", "convert", "-n", "--target-is-zero", "-f", "raw", "-O", "raw", src, s.uri()])
    run(["qemu-img", "compare", "-f", "raw", "-F", "raw", src, s.uri()])


@each("qemu-img compare finds a difference of one byte")
def _(s):
    io(s, "write -P 0x77 40000001 1")
    p = run(["qemu-img", "compare", "-f", "raw", "-F", "raw", src, s.uri()], check=False)
    expect_eq(p.returncode, 1, "exit code of compare")
    run(["qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", src, s.uri()])


@each("qemu-img map: data where data is")
def _(s):
    out = json.loads(run(["qemu-img", "map", "--output=json", s.uri()]).stdout)
    at = 0
    for e in out:
        expect_eq(e["start"], at, "start")
        at += e["length"]
    expect_eq(at, SIZE, "end of the map")
    zero = sum(e["length"] for e in out if e["zero"])
    if not PEER:
        expect(zero >= 50 * MiB, "only %d bytes are zero", zero)


@each("qemu-io: write, read, patterns, unaligned, FUA")
def _(s):
    io(s, "write -P 0xa1 0 4k", "read -P 0xa1 0 4k", "write -f -P 0xa2 4k 64k", "read -P 0xa2 4k 64k",
       "write -P 0xa3 123 4567", "read -P 0xa3 123 4567", "read -P 0xa1 0 123", "flush",
       "write -P 0xa4 63M 1M", "read -P 0xa4 63M 1M", "writev -P 0xa5 1M 512 1k 4k", "read -P 0xa5 1M 5632",
       "aio_write -P 0xa6 2M 1M", "aio_write -P 0xa7 3M 1M", "aio_flush", "aio_read -P 0xa6 2M 1M",
       "aio_read -P 0xa7 3M 1M", "aio_flush")


@each("qemu-io: write zeroes and discard, all their flags")
def _(s):
    io(s, "write -P 0xb1 0 8M", "write -z 1M 1M", "read -P 0 1M 1M", "write -z -u 2M 1M", "read -P 0 2M 1M",
       "write -z -f 3M 4k", "read -P 0 3M 4k", "write -z -u -f 4M 4k", "read -P 0 4M 4k",
       "read -P 0xb1 0 1M", "read -P 0xb1 7M 1M", "flush")
    io(s, "discard 0 64M", "read 0 32M", "discard 512 4096", "discard 4k 4k")
    p, bad = io(s, "write -P 0xb2 0 1M", "write -z -n 0 1M", check=False)     # -n is FAST_ZERO
    if not bad:
        io(s, "read -P 0 0 1M")
    elif not PEER:
        io(s, "read -P 0xb2 0 1M")


@each("qemu-io: with the cache off and as writethrough")
def _(s):
    for cache in ("none", "writethrough", "writeback", "directsync", "unsafe"):
        io(s, "write -P 0xc1 1M 128k", "read -P 0xc1 1M 128k", "flush", options=("-t", cache))


@each("qemu-io on a read-only handle is refused writes by qemu, and reads")
def _(s):
    io(s, "read 0 1M", options=("-r",))


@each("qemu-img bench, 64 deep, reads and writes with flushes", 120)
def _(s):
    run(["qemu-img", "bench", "-f", "raw", "-c", "5000", "-d", "64", "-s", "4096", s.uri()])
    run(["qemu-img", "bench", "-f", "raw", "-w", "-c", "2000", "-d", "64", "-s", "4096",
         "--flush-interval=500", s.uri()])


@case("qemu-io on a read-only export: writes fail", limit=30)
def _():
    with Server(src, read_only=True) as s:
        io(s, "read 0 1M", options=("-r",))
        p, bad = io(s, "write 0 4k", check=False)
        expect(bad, "a write succeeded:\n%s", p.stdout)


@case("a qcow2 image inside an export: written, checked, snapshot, read back", limit=120)
def _():
    with Server("box=memory:64M") as s:
        run(["qemu-img", "create", "-f", "qcow2", s.uri(), "40M"])
        run(["qemu-io", "-f", "qcow2", "-c", "write -P 0xd1 0 8M", "-c", "write -P 0xd2 20M 4M", s.uri()])
        run(["qemu-img", "snapshot", "-c", "one", s.uri()])
        run(["qemu-io", "-f", "qcow2", "-c", "write -P 0xd3 0 1M", s.uri()])
        p = run(["qemu-io", "-f", "qcow2", "-c", "read -P 0xd3 0 1M", "-c", "read -P 0xd1 1M 7M",
                 "-c", "read -P 0xd2 20M 4M", s.uri()])
        expect("verification failed" not in p.stdout, "%s", p.stdout)
        run(["qemu-img", "check", "-f", "qcow2", s.uri()])


@case("qemu-nbd as a client's client: our export served again by qemu-nbd", limit=60)
def _():
    need("qemu-nbd")
    with Server("inner=memory:16M") as s:
        sock = tmpname(".sock")
        q = popen(["qemu-nbd", "-t", "-e", "4", "-x", "outer", "-k", sock, "-f", "raw", s.uri()],
                  stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 10
            while not os.path.exists(sock):
                expect(time.monotonic() < end and q.poll() is None, "qemu-nbd did not start")
                time.sleep(0.02)
            p = run(["qemu-io", "-f", "raw", "-c", "write -P 0xe1 1M 4M", "-c", "read -P 0xe1 1M 4M",
                     "-c", "flush", "nbd+unix:///outer?socket=" + sock])
            expect("failed" not in p.stdout, "%s", p.stdout)
        finally:
            q.terminate()
            q.wait(10)
        io(s, "read -P 0xe1 1M 4M", "read -P 0 5M 4M")


main(setup, after, teardown, limit=600)
