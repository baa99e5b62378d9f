#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The kernel's iSCSI initiator with open-iscsi in a virtual machine: partitions, ext4 and XFS on a
LUN, with and without digests, and the target killed with -9 under load, with an initiator that
waits for it and with one that gives up.

VM_TARGET=tgt: Debian's tgtd serves instead of sluice, to try this test itself."""
from guests import *   # noqa: F403

SIZE = 448 * MiB
TGT = os.environ.get("VM_TARGET") == "tgt"
NAME = "iqn.2026-11.org.sluice:disk"


class Tgtd:
    """tgtd with one LUN, in the foreground; looks like a suite.Server to this test."""

    def __init__(self, image, port, block, digest):
        need("tgtd", "tgtadm")
        self.env = dict(os.environ, TGT_IPC_SOCKET=tmpname(".tgt"))
        with open(tmpname(".log"), "w") as log:
            self.proc = popen(["tgtd", "-f", "--iscsi", "portal=127.0.0.1:%d" % port],
                              stdout=log, stderr=log, env=self.env)
        self.admin("--mode", "target", "--op", "new", "--tid", "1", "-T", NAME)
        self.admin("--mode", "logicalunit", "--op", "new", "--tid", "1", "--lun", "1", "-b", image,
                   "--blocksize", str(block))
        self.admin("--mode", "logicalunit", "--op", "update", "--tid", "1", "--lun", "1",
                   "--params", "thin_provisioning=1")
        for key in "HeaderDigest", "DataDigest":
            self.admin("--mode", "target", "--op", "update", "--tid", "1", "-n", key, "-v", digest)
        self.admin("--mode", "target", "--op", "bind", "--tid", "1", "-I", "ALL")

    def admin(self, *words):
        end = time.monotonic() + 10
        while run(["tgtadm", "--lld", "iscsi", *words], check=False, env=self.env).returncode:
            expect(time.monotonic() < end, "tgtadm %s fails", " ".join(words))
            time.sleep(0.1)

    def kill(self):
        self.proc.kill()
        self.proc.wait()

    check_stop = kill       # it does not end by SIGTERM while it has targets


def setup():
    if not TGT:
        p = run([suite.SLUICED, "serve", "--help"])
        if "--iscsi" not in p.stdout:
            raise Skip("this sluiced has no iSCSI")
    need_machine()


def serve(image, port, block, digest):
    if TGT:
        return Tgtd(image, port, block, digest)
    return Server("disk=" + image, args=["--iscsi", "127.0.0.1:%d" % port,
                                         "--block-size", str(block)])


def attached(what, block, digest):
    image, port = make_file(SIZE), free_port()
    with Replaceable(lambda: serve(image, port, block, digest)) as server:
        guest("iscsi.sh", what, "10.0.2.2:%d" % port, NAME, block, digest, SIZE,
              on={"kill": server.replace})


for _block, _digest in (512, "None"), (4096, "CRC32C"):
    def _work(block=_block, digest=_digest):
        attached("work", block, digest)
    case("%d byte blocks, digests: %s; ext4 and XFS" % (_block, _digest), limit=150)(_work)


@case("killed under load and started again; the session recovers, no error, nothing is lost",
      limit=150)
def _():
    attached("kill", 512, "CRC32C")


@case("killed under load, given up by the initiator; what was synced is there", limit=150)
def _():
    attached("lose", 4096, "None")


main(setup, limit=700)
