# SPDX-License-Identifier: BSD-3-Clause
"""What the cases of the hostile AoE stations share: a target whose descriptors, memory and state are
known, secrets that lie in its buffers, and the look at it after each case: alive, unchanged, right
data for an honest station, nothing left over."""
import time

from aoetarget import *   # noqa: F401,F403

SIZE = 16 * MiB
DATA = pattern(1 * MiB, 660)
HELD = b"the string that must stay the same"
SECRET = b"\xa5SECRET\x5a"             # short: whole in any 16 bytes of a frame full of it
srv = None
base_fds = base_rss = 0


def setup():
    global srv, base_fds, base_rss
    path = make_file(SIZE, "wire.img")
    with open(path, "r+b") as f:
        f.write(DATA)
    srv = Target(path)
    fine(srv.client().config(C_FORCE, HELD))
    c = srv.client()
    c.write_all(20000, DATA, 2, window=16)          # touch what pools there are
    c.read_all(0, 2048, 2, window=16)
    close_all()
    time.sleep(0.3)
    base_fds, base_rss = srv.fds(), srv.rss()
    return srv


def plant(c, what=None):
    """Frames full of a secret that nobody answers: they lie in the buffers that the next ones use."""
    body = ((what or SECRET) * 128)[:1024]
    c.post(CONFIG, config_arg(C_TEST, body))
    for cmd, arg in ((ATA, bytes(12) + body), (ATA, body), (MASK, body)):
        c.post(cmd, arg, flags=RSP)


def unchanged(c):
    """The state that no case of these may change."""
    r = c.config()
    same_bytes(r.text, HELD, "the config string")
    expect_eq((c.mask().macs, c.reserve().macs), ([], []), "mask list and reserve list")
    for lba in (0, 2, 4, 500, 600, 2046):
        same_bytes(c.read(lba, 2), DATA[lba * 512:lba * 512 + 1024], "sectors from %d" % lba)


def restore():
    """A case that failed may have left a mask list or worse: then the next one gets a new target."""
    if srv not in suite.SERVERS:
        return                          # that was the end
    try:
        c = srv.client(retry=0.1)
        unchanged(c)
        c.close()
    except (Fail, OSError):
        srv.kill()
        setup()


suite.AFTER_CASE.append(restore)


def after():
    close_all()
    srv.check_alive()
    c = srv.client()
    unchanged(c)
    c.close()
    good_client(srv, 0, DATA[:4096])
    srv.settle(base_fds, base_rss + 32 * MiB * slow())
