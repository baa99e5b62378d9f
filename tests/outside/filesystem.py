#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A file system with real files: an ext4 image of a real tree, copied into an export and out by
several clients, compared by checksum, checked by e2fsck, its files taken out and compared.

Without root: mkfs.ext4 -d fills the image, debugfs reads it."""
import hashlib
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
from nbdwire import *   # noqa: E402

LIMIT = int(os.environ.get("FILESYSTEM_MIB", "96")) * MiB
tree = image = None
digests = {}
image_sum = None
size = 0


def collect(target):
    """Links to real files (documents, Python's library, headers), up to LIMIT bytes."""
    total = files = 0
    for top in ("/usr/share/doc", "/usr/include", "/usr/lib/python3", "/usr/share/perl", "/usr/bin", SRCDIR):
        for folder, dirs, names in os.walk(top):
            dirs[:] = sorted(d for d in dirs if d not in (".git", "autom4te.cache"))
            for n in sorted(names):
                src = os.path.join(folder, n)
                try:
                    if os.path.islink(src) or not os.path.isfile(src) or not os.access(src, os.R_OK):
                        continue
                    k = os.path.getsize(src)
                    if total + k > LIMIT or files >= 8000:
                        continue
                    dst = os.path.join(target, src.lstrip("/"))
                    os.makedirs(os.path.dirname(dst), exist_ok=True)
                    with open(src, "rb") as f:
                        text = f.read()
                    with open(dst, "wb") as f:
                        f.write(text)
                except OSError:
                    continue
                digests[src.lstrip("/")] = hashlib.sha256(text).digest()
                total += k
                files += 1
    return files, total


def file_sum(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while True:
            b = f.read(4 * MiB)
            if not b:
                return h.hexdigest()
            h.update(b)


def setup():
    global tree, image, image_sum, size
    mkfs = need("mkfs.ext4")
    need("nbdcopy", "qemu-img", "debugfs", "e2fsck")
    tree = os.path.join(tmpdir(), "tree")
    os.mkdir(tree)
    files, total = collect(tree)
    expect(files > 100, "only %d files to be found", files)
    size = (total * 3 // 2 + 64 * MiB) // MiB * MiB
    image = make_file(size, "real.img")
    run([mkfs, "-q", "-F", "-E", "lazy_itable_init=0", "-d", tree, image])
    image_sum = file_sum(image)
    diag("%d files, %d MiB, in an image of %d MiB" % (files, total // MiB, size // MiB))


def compare(path, what):
    expect_eq(file_sum(path), image_sum, "sha256 of " + what)


def files_of(path):
    """Take all files out of the image with debugfs, and compare each with what went in."""
    out = os.path.join(tmpdir(), "out")
    os.mkdir(out)
    run([need("e2fsck"), "-fn", path])
    run([need("debugfs"), "-R", "rdump / " + out, path])
    n = 0
    for name, digest in digests.items():
        with open(os.path.join(out, name), "rb") as f:
            if hashlib.sha256(f.read()).digest() != digest:
                raise Fail("%s is not what it was" % name)
        n += 1
    shutil.rmtree(out)
    diag("%d files as they were" % n)


def stores():
    yield "file, TCP", lambda: Server("fs=" + make_file(size), tcp=True)
    yield "memory, Unix", lambda: Server("fs=memory:%d" % size)
    if not PEER:
        yield "file, Unix, write-through", lambda: Server("fs=" + make_file(size), args=["--write-through"])


def round_trip(make, name):
    with make() as s:
        out = tmpname(".out")
        run(["nbdcopy", "--connections=4", "--flush", image, s.uri()], timeout=240)
        run(["nbdcopy", "--connections=4", s.uri(), out], timeout=240)
        compare(out, "nbdcopy in, nbdcopy out")
        run(["qemu-img", "compare", "-f", "raw", "-F", "raw", image, s.uri()], timeout=240)
        os.unlink(out)
        run(["qemu-img", "convert", "-n", "-W", "-m", "16", "-f", "raw", "-O", "raw", image, s.uri()],
            timeout=240)
        run(["qemu-img", "convert", "-f", "raw", "-O", "raw", s.uri(), out], timeout=240)
        compare(out, "qemu-img in, qemu-img out")
        files_of(out)
        os.unlink(out)
        if s.images[0].endswith(".img"):
            path = s.images[0].partition("=")[2]
            s.check_stop()
            compare(path, "the file behind the export, after the daemon's end")


for _name in ("file, TCP", "memory, Unix", "file, Unix, write-through"):
    def _body(name=_name):
        make = dict(stores()).get(name)
        if not make:
            raise Skip("for the daemon only")
        round_trip(make, name)
    case("%s: in and out by nbdcopy and qemu-img, every file compared" % _name, limit=400)(_body)


@case("an export of the image itself, read-only, to two clients at once", limit=200)
def _():
    with Server(image, read_only=True) as s:
        outs = [tmpname(".out") for _ in range(2)]
        ps = [popen(["nbdcopy", s.uri(), o]) for o in outs]
        for p, o in zip(ps, outs):
            expect_eq(p.wait(150), 0, "nbdcopy")
            compare(o, "the copy")
            os.unlink(o)
    compare(image, "the image itself")


@case("holes stay holes: the copy takes no more room than the image", limit=200)
def _():
    dest = make_file(size)
    with Server("fs=" + dest, tcp=True) as s:
        run(["nbdcopy", "--flush", image, s.uri()], timeout=240)
    compare(dest, "the copy")
    a, b = os.stat(image).st_blocks * 512, os.stat(dest).st_blocks * 512
    diag("image %d MiB, copy %d MiB, of %d MiB" % (a // MiB, b // MiB, size // MiB))
    expect(b <= a + 8 * MiB + size // 50, "the image takes %d MiB, the copy %d", a // MiB, b // MiB)


main(setup, limit=1500)
