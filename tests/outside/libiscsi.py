#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""libiscsi's programs as initiators: iscsi-inq, iscsi-ls, iscsi-readcapacity16, iscsi-perf, qemu-img over
iscsi:// beside nbd://, and iscsi-test-cu test by test, with a table of what passed, failed and was left
out.

Environment:
  ISCSI_URL          iscsi://HOST:PORT/TARGET/LUN: that target instead of our daemon (its data are lost)
  LIBISCSI_FAMILIES  only these of iscsi-test-cu, as a pattern: SCSI.Read*
"""
import fnmatch
import hashlib
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
URL = os.environ.get("ISCSI_URL", "")
if URL:
    os.environ["ISCSIWIRE_PEER"] = URL
from iscsitarget import *   # noqa: E402

SIZE = 64 * MiB
# Where iscsi-test-cu of Debian 12 is wrong itself unless a physical block is a logical one:
# pattern, why.
KNOWN = (
    ("SCSI.GetLBAStatus.UnmapSingle", "asks about LBA i + 1, and wants the descriptor to begin at i + "
     "the blocks of a physical block, which is 8 here"),
)
srv = url = None


def setup():
    global srv, url
    need("iscsi-inq", "iscsi-ls", "iscsi-readcapacity16", "iscsi-test-cu", "iscsi-perf", "qemu-img")
    srv = Target(make_file(SIZE, "disk.img"), nbd=not URL)
    url = URL or "iscsi://%s:%d/%s/0" % (srv.portal + (srv.target,))


def teardown():
    if not URL:
        srv.check_stop()


def qemu_has_iscsi():
    p = run(["qemu-img", "info", url], check=False)
    if "Unknown protocol" in p.stderr or "Unknown driver" in p.stderr:
        raise Skip("qemu-img has no iscsi (package qemu-block-extra)")


# ---- the small ones ----

@case("iscsi-inq: a disk, and the pages")
def _():
    out = run(["iscsi-inq", url]).stdout
    expect("DIRECT_ACCESS" in out, "%s", out)
    diag("\n".join(l for l in out.splitlines() if l.startswith(("Vendor", "Product", "Revision"))))
    for page in ("0x00", "0x80", "0x83", "0xb0", "0xb2"):
        run(["iscsi-inq", "-e", "1", "-c", page, url])


@case("iscsi-ls -s finds target and LUN by discovery")
def _():
    host = url.split("/")[2]
    out = run(["iscsi-ls", "-s", "iscsi://" + host]).stdout
    if URL and "Target:" not in out:
        raise Skip("the address that the peer tells is not reachable")
    target, lun = url.split("/")[3:5]
    expect("Target:" + target in out, "%s", out)
    expect(re.search(r"Lun:%s\s+Type:DIRECT_ACCESS" % lun, out), "%s", out)


@case("iscsi-readcapacity16 tells the image's size")
def _():
    out = run(["iscsi-readcapacity16", url]).stdout
    m = re.search(r"Total size:(\d+)", out)
    expect(m, "%s", out)
    expect(URL or int(m.group(1)) == SIZE, "size %s", m.group(1))


@case("iscsi-perf, 3 s of random reads", limit=60)
def _():
    p = run(["timeout", "-s", "INT", "3", "iscsi-perf", "-m", "32", "-b", "8", "-r", url], check=False)
    text = (p.stdout + p.stderr).replace("\r", "\n")
    rates = [l for l in text.splitlines() if "iops" in l.lower()]
    expect(rates, "no rate: %s", text[-500:])
    diag(rates[-1].strip())


# ---- qemu-img ----

def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        for b in iter(lambda: f.read(1 << 20), b""):
            h.update(b)
    return h.hexdigest()


@case("qemu-img convert to iscsi:// and back; nbd:// sees the same, and the other way round", limit=120)
def _():
    qemu_has_iscsi()
    size = int(re.search(r"Total size:(\d+)", run(["iscsi-readcapacity16", url]).stdout).group(1))
    nbd = None if URL else "nbd+unix:///%s?socket=%s" % (srv.name(), srv.unix_path)
    for i in range(2):
        src = make_file(size)
        with open(src, "r+b") as f:
            for k, at in enumerate((0, 5 * MiB, size // 2 + 4096, size - 1 * MiB)):
                f.seek(at)
                f.write(pattern(1 * MiB, 80 + 4 * i + k))
        into, other = (url, nbd) if i == 0 or URL else (nbd, url)
        # a second program holds the volume open by the other protocol meanwhile
        holder = None
        if other:
            holder = popen(["qemu-img", "bench", "-f", "raw", "-c", "1000000", "-t", "none", other],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            run(["qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", src, into])
            for by in filter(None, (url, nbd)):
                back = tmpname(".raw")
                run(["qemu-img", "convert", "-f", "raw", "-O", "raw", by, back])
                expect_eq(digest(back), digest(src), "checksum by " + by.split(":")[0])
                os.unlink(back)
        finally:
            if holder:
                holder.kill()
                holder.wait()
        os.unlink(src)


@case("qemu-img compare, map and bench over iscsi://", limit=60)
def _():
    qemu_has_iscsi()
    run(["qemu-img", "compare", "-f", "raw", "-F", "raw", url, url])
    run(["qemu-img", "map", "-f", "raw", "--output=json", url])
    run(["qemu-img", "bench", "-f", "raw", "-c", "2000", "-d", "32", url])
    run(["qemu-img", "bench", "-f", "raw", "-w", "-c", "2000", "-d", "32", "--flush-interval=100", url])


# ---- iscsi-test-cu ----

LIMIT = 20                      # seconds for one family


def families():
    """FAMILY.SUITE of the lists that do not repeat each other."""
    out = run(["iscsi-test-cu", "-l"]).stdout.split()
    found = [w for w in out if re.match(r"(SCSI|iSCSI)\.[^.]+$", w)]
    wanted = os.environ.get("LIBISCSI_FAMILIES", "*")
    return [f for f in found if fnmatch.fnmatch(f, wanted)]


def tests_of(family):
    out = run(["iscsi-test-cu", "-l"]).stdout.split()
    return [w for w in out if w.startswith(family + ".")]


def run_tests(name, at=None):
    """[(test, passed, failed or skipped, why)] of one process; None if it did not end in time."""
    p = run(["timeout", "-k", "2", str(LIMIT * slow()), "iscsi-test-cu", "-d", "-v", "-t",
             name, at or url], check=False)
    if p.returncode in (124, 137):
        return None
    text = p.stdout + p.stderr
    got = []
    for m in re.finditer(r"Test: (\S+) \.\.\.(.*?)(?=\n\s*Test: |\nRun Summary|\nSuite: |\Z)", text, re.S):
        # [FAILED] is of a command, which may be wanted; what follows the verdict is of the next step
        verdict = re.search(r"(?m)(?:^|\.\.\.)(passed|FAILED)", "..." + m.group(2))
        body = ("..." + m.group(2))[:verdict.start() if verdict else None]
        skipped = re.search(r"\[SKIPPED\]\s*(.*)", body)
        if not verdict:
            got.append((m.group(1), "fail", "the program ended in it (%d)" % p.returncode))
        elif verdict.group(1) == "FAILED":
            why = re.search(r"\[FAILED\]\s*(.*)", body) or re.search(r"\d+\. (.*)", m.group(2))
            got.append((m.group(1), "fail", why.group(1).strip() if why else ""))
        elif skipped:
            got.append((m.group(1), "skip", skipped.group(1).strip()))
        else:
            got.append((m.group(1), "pass", ""))
    if not got:
        got.append(("(all)", "fail", "no test ran: exit %d %s" % (p.returncode, text.strip()[-150:])))
    return got


TABLE = {"pass": 0, "fail": 0, "skip": 0}


def known(name):
    for pat, why in KNOWN:
        if fnmatch.fnmatch(name, pat):
            return why
    return None


def passes_apart(name):
    """The same test where its arithmetic holds: blocks of 4096, logical and physical."""
    apart = Target("apart=memory:64M", args=["--block-size", "4096"])
    got = run_tests(name, "iscsi://%s:%d/%s/0" % (apart.portal + (apart.target,)))
    apart.stop()
    return got is not None and [what for _, what, _ in got] == ["pass"]


def family_case(family):
    def body():
        got = run_tests(family)
        if got is None:                 # one of them spins: each alone
            got = []
            for t in tests_of(family):
                one = run_tests(t)
                got += one if one is not None else [(t.split(".")[-1], "fail", "not done after %d s" % LIMIT)]
        bad = []
        for test, what, why in got:
            TABLE[what] += 1
            if what != "pass":
                diag("%s.%s: %s %s" % (family, test, what, why))
            if what == "fail" and known("%s.%s" % (family, test)):
                diag("  the test's own fault: it " + known("%s.%s" % (family, test)))
                if not URL and not passes_apart("%s.%s" % (family, test)):
                    bad.append(test)
            elif what == "fail":
                bad.append(test)
        expect(not bad, "%s: %s", family, ", ".join(bad))
        if got and all(w == "skip" for _, w, _ in got):
            raise Skip(got[0][2] or "all of its tests were left out")
    case("iscsi-test-cu " + family, limit=200)(body)


if shutil.which("iscsi-test-cu"):
    for _f in families():
        family_case(_f)


@case("the table of iscsi-test-cu")
def _():
    diag("%(pass)d passed, %(fail)d failed, %(skip)d left out by the program itself" % TABLE)


def unharmed():
    if not URL:
        srv.check_alive()


main(setup, unharmed, teardown, limit=1500)
