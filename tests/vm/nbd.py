#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The kernel's NBD client in a virtual machine: partitions, ext4 and XFS on an export, a tree of
real files and random operations that are the same after a remount, and the daemon killed with -9
under load, with and without a client that waits for it."""
from guests import *   # noqa: F403

SIZE = 448 * MiB


def serve(image, port, block):
    return Server("disk=" + image, tcp="127.0.0.1:%d" % port, args=["--block-size", str(block)])


def attached(what, block, connections):
    image, port = make_file(SIZE), free_port()
    with Replaceable(lambda: serve(image, port, block)) as server:
        guest("nbd.sh", what, port, block, connections, SIZE, on={"kill": server.replace})


for _block, _connections in (512, 1), (4096, 4):
    def _work(block=_block, connections=_connections):
        attached("work", block, connections)
    case("%d byte blocks, connections: %d; ext4 and XFS" % (_block, _connections), limit=150)(_work)


@case("killed under load and started again; the kernel reconnects, no error, nothing is lost",
      limit=150)
def _():
    attached("kill", 4096, 4)


@case("killed under load, given up by the client; what was synced is there", limit=150)
def _():
    attached("lose", 512, 1)


main(need_machine, limit=700)
