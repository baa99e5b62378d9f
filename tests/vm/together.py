#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""One image, one daemon, one machine: the disk attached over iSCSI, NBD and AoE at the same time,
mounted by each in turn, checksums compared across, and the image growing under a mount of each."""
from guests import *   # noqa: F403
aoenet.enter()

SIZE, STEP = 96 * MiB, 32 * MiB
NAME = "iqn.2026-11.org.sluice:disk"
tap = None


def setup():
    global tap
    need_machine()
    tap = Tap()
    tap.up(9000)


@case("mounted over iSCSI, NBD and AoE in turn, and growing under each", limit=220)
def _():
    image, state = make_file(SIZE), tmpname(".state")
    os.mkdir(state)

    def grow():
        os.truncate(image, os.path.getsize(image) + STEP)

    with Server("disk=" + image, tcp="127.0.0.1:10809", args=[
            "--iscsi", "127.0.0.1:3260", "--aoe", tap.name + ":7.1", "--state", state]) as s:
        guest("together.sh", NAME, SIZE, STEP, limit=210,
              machine=["-l", tap.name], on={"grow": grow})
        s.check_alive()
    expect_eq(os.path.getsize(image), SIZE + 3 * STEP, "size of the image")


main(setup, limit=240)
