#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""fio's nbd engine with verification: random and sequential writes, read back and checked."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
from nbdwire import *   # noqa: E402

servers = {}


def setup():
    fio = need("fio")
    if "nbd" not in run([fio, "--enghelp"]).stdout.split():
        raise Skip("this fio has no nbd engine")
    servers["file, Unix"] = Server(make_file(128 * MiB, "disk.img"))
    servers["memory, TCP"] = Server("disk=memory:128M", tcp=True)


def teardown():
    for s in servers.values():
        s.check_stop()


def after():
    for s in servers.values():
        s.check_alive()


def fio(s, *options):
    p = run(["fio", "--ioengine=nbd", "--uri=" + s.uri(), "--group_reporting", "--name=j",
             "--verify_fatal=1", "--thread", *options], timeout=120, cwd=tmpdir(), check=False)
    expect(p.returncode == 0 and "err= 0" in p.stdout, "fio %s: exit %d\n%s\n%s", " ".join(options),
           p.returncode, p.stdout[-2000:], p.stderr[-2000:])


JOBS = (
    ("4 KiB random writes, 32 deep, crc32c", "--rw=randwrite", "--bs=4k", "--iodepth=32", "--size=32m",
     "--verify=crc32c"),
    ("4 KiB random reads and writes, 64 deep, meta", "--rw=randrw", "--bs=4k", "--iodepth=64", "--size=32m",
     "--verify=crc32c", "--verify_backlog=1024"),
    ("256 KiB sequential, 8 deep, sha1", "--rw=write", "--bs=256k", "--iodepth=8", "--size=128m",
     "--verify=sha1"),
    ("512 B to 64 KiB mixed, 16 deep", "--rw=randwrite", "--bsrange=512-64k", "--bs_unaligned=0",
     "--blockalign=512", "--iodepth=16", "--size=24m", "--verify=crc32c"),
    ("with an fsync every 64 writes", "--rw=randwrite", "--bs=4k", "--iodepth=16", "--size=4m", "--fsync=64",
     "--verify=crc32c"),
    ("four jobs, each its own connection and place", "--rw=randwrite", "--bs=8k", "--iodepth=16",
     "--numjobs=4", "--size=16m", "--offset_increment=32m", "--verify=crc32c"),
    ("trims among writes", "--rw=randtrimwrite", "--bs=64k", "--iodepth=8", "--size=32m", "--offset=64m"),
    ("1 MiB writes, 4 deep", "--rw=write", "--bs=1m", "--iodepth=4", "--size=64m", "--verify=md5"),
)
for _title, *_opts in JOBS:
    for _name in ("file, Unix", "memory, TCP"):
        def _body(name=_name, opts=_opts):
            fio(servers[name], *opts)
        case("%s: %s" % (_name, _title), limit=130)(_body)

main(setup, after, teardown, limit=900)
