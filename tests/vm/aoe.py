#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The kernel's aoe driver and aoetools in a virtual machine, over a tap interface: partitions, ext4
and XFS, with small and with jumbo frames; and under load the daemon restarted, killed with -9, and a
link that is down for 20 s, which the driver waits for, as there is no login that could be lost."""
from guests import *   # noqa: F403
aoenet.enter()

SIZE = 448 * MiB
tap = None


def setup():
    global tap
    need_machine()
    tap = Tap()


def serve(image, state):
    return Server("disk=" + image, args=["--aoe", tap.name + ":7.1", "--state", state])


def attached(what, mtu):
    image, state = make_file(SIZE), tmpname(".state")
    os.mkdir(state)
    tap.up(mtu)
    with Replaceable(lambda: serve(image, state)) as server:
        guest("aoe.sh", what, mtu, SIZE, machine=["-l", tap.name], on={
            "restart": server.restart, "kill": server.replace, "die": server.kill,
            "start": server.again, "down": tap.down, "up": tap.up})


for _mtu in 1500, 9000:
    def _work(mtu=_mtu):
        attached("work", mtu)
    case("MTU %d; ext4 and XFS" % _mtu, limit=150)(_work)


@case("ended and started, then killed and started, under load: no error, nothing is lost", limit=150)
def _():
    attached("kill", 9000)


@case("20 s without a link, under load: no error, nothing is lost", limit=150)
def _():
    attached("down", 1500)


@case("killed under load, given up by the driver; what was synced is there", limit=150)
def _():
    attached("lose", 9000)


main(setup, limit=700)
