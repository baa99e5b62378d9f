#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Ethernet frames on Debian's kernel: what kernels do with a VLAN's frames on its parent differs,
and the host's may have no VLANs at all."""
from guests import *   # noqa: F403

PROGRAM = os.path.join(suite.BUILDDIR, "tests/unit/gateway/loop/loop_link_test")


@case("links over both drivers, VLAN interfaces among them", limit=180)
def _():
    if not os.access(PROGRAM, os.X_OK):
        raise Skip("%s is not built (make check-vm builds it where cmocka is)" % PROGRAM)
    guest("frames.sh", PROGRAM, limit=170)


main(need_machine, limit=300)
