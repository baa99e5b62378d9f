#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writers on NBD, iSCSI and AoE at once, over the same sectors and over sectors of their own, each sector
stamped: there is one order of all of it that explains every read, and what is there after quiet
(stamps.py says what that means; 740-stamps.py tries it).  And 32 contenders for one block by COMPARE
AND WRITE, with NBD and AoE writing beside it.

Environment:
  COHERENCE_SECONDS   how long each volume is raced over with each number of threads (default 0.5)
  COHERENCE_THREADS   the numbers of threads (default "1 2 4"; with a sanitizer "2")
  COHERENCE_SEED      of the writers' choices (default: a new one, and told)
"""
import os
import random
import sys
import time
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import trio                 # noqa: E402
import aoewire              # noqa: E402
import racers               # noqa: E402
import stamps               # noqa: E402
from suite import *         # noqa: E402
from aoetarget import fine  # noqa: E402
from trio import SECTOR, Trio       # noqa: E402

SECONDS = float(os.environ.get("COHERENCE_SECONDS", "0.5"))
THREADS = os.environ.get("COHERENCE_THREADS", "1 2 4" if slow() == 1 else "2").split()
SEED = int(os.environ.get("COHERENCE_SEED", random.randrange(1 << 32)))
TURN = 2.0                  # seconds of racing between two looks
SIZE = 16 * MiB
SHARED, OWN = 48, 64        # sectors: of all, of each
CONTENDERS, AT_ONCE = 4, 8  # processes, and sessions in each

NAMES = ["nbd 0", "nbd 1", "iscsi 0", "iscsi 1", "aoe 0", "aoe 1"]
MAKERS = [racers.Nbd, racers.Nbd, racers.Iscsi, racers.Iscsi,
          racers.Aoe, lambda s: racers.Aoe(s, on=1)]
VOLUMES = {
    "a file": lambda: (make_file(SIZE), ["--aoe-write-back"]),
    "a file, blocks of 4096": lambda: (make_file(SIZE), ["--block-size", "4096"]),
    "memory": lambda: ("memory:16M", []),
    "a file past the page cache": lambda: (make_file(SIZE), ["--direct"]),
    "a block device": lambda: (trio.loop_device(SIZE, 512), []),
    "a file system of 4096-byte blocks, past the page cache, blocks of 512":
        lambda: (trio.coarse_file(SIZE), ["--direct", "--block-size", "512"]),
}


def race(srv, turn, seconds):
    """One turn: what they did, in one history."""
    def prepare(i):
        def connect():
            own = (SHARED + i * OWN, OWN)
            r = racers.Racer(i, MAKERS[i](srv), turn, (0, SHARED), own, "%d %d %d" % (SEED, turn, i))
            return lambda: r.turn_until(time.monotonic() + seconds)
        return connect
    whole = stamps.History()
    for h in racers.together([prepare(i) for i in range(len(MAKERS))], seconds):
        whole.add(h)
    return whole


def look(srv, history, path):
    """After quiet: all sectors by each protocol, and in the file."""
    most = SHARED + len(MAKERS) * OWN
    with srv.nbd() as n, srv.iscsi() as i:
        a = srv.aoe()
        for who, c in (("NBD", n), ("iSCSI", i), ("AoE", a)):
            for at in range(0, most, 16):
                began = time.monotonic()
                found = stamps.find_all(trio.get(c, at, 16), at)
                history.read(who + " after quiet", at, began, time.monotonic(), found)
        a.close()
    if path:
        began = time.monotonic()
        with open(path, "rb") as f:
            found = stamps.find_all(f.read(most * SECTOR), 0)
        history.read("the file itself", 0, began, time.monotonic(), found)


def sound(history, was):
    """One order must be there; returns the verdict."""
    v = stamps.check(history, was, NAMES)
    expect(not v.problems, "seed %d:\n%s", SEED, "\n".join(v.problems))
    return v


def races(volume, threads):
    image, args = VOLUMES[volume]()
    path = image if "page cache" not in volume and image.startswith("/") else None
    total = [0, 0, 0, 0]
    with Trio("wire=" + image, args=["--threads", threads, *args]) as srv:
        was, end, turn = {}, time.monotonic() + SECONDS, 0
        while turn == 0 or time.monotonic() < end:
            turn += 1
            h = race(srv, turn, min(SECONDS, TURN))
            srv.check_alive()
            look(srv, h, path)
            v = sound(h, was)
            was = v.final
            for k, n in enumerate((len(h.writes), len(h.reads), len(h.swaps), v.excused)):
                total[k] += n
            expect(len({w[0] >> 32 & 0xffff for w in h.writes}) == len(MAKERS), "not all have written")
    diag("%d writes, %d reads, %d COMPARE AND WRITEs; %d reads found parts of two writes beside them" %
         tuple(total))


for threads in THREADS:
    for volume in VOLUMES:
        case("--threads %s, %s: no write is lost, torn or overtaken" % (threads, volume),
             limit=60 + 4 * SECONDS)(lambda volume=volume, threads=threads: races(volume, threads))


# ---- AoE's copies ------------------------------------------------------------------------

@case("a copy of an AoE frame comes late: what NBD or iSCSI wrote since stays")
def _():
    old, new, other = (stamps.make(stamps.ident(1, n, 1), 40, 1) for n in range(3))
    with Trio("wire=memory:16M") as srv:
        with srv.nbd() as n, srv.iscsi() as i:
            for c in (n, i):
                a = srv.aoe()
                tag = a.new_tag()
                arg = aoewire.ata_arg(aoewire.WRITE_EXT, 40, 1, data=old)
                fine(a.ask(aoewire.ATA, arg, tag=tag))
                trio.put(c, 40, new)
                fine(a.ask(aoewire.ATA, arg, tag=tag))          # answered again
                same_bytes(trio.get(i, 40, 1), new, "after the copy")
                # the same words about other bytes are no copy
                fine(a.ask(aoewire.ATA, aoewire.ata_arg(aoewire.WRITE_EXT, 40, 1, data=other), tag=tag))
                same_bytes(trio.get(n, 40, 1), other, "another write under the same tag")
                a.close()


# ---- COMPARE AND WRITE -------------------------------------------------------------------

def generation(raw):
    """The count in a block, and who set it."""
    return struct.unpack_from(">QQ", raw)


def contend(srv, first, seconds):
    """Some of the contenders, each with one command under way: (generation, who won it) of these."""
    crowd = [(first + i, racers.Iscsi(srv)) for i in range(AT_ONCE)]
    size = crowd[0][1].unit * SECTOR

    def all_at_once(make):
        """One command of each; (contender, command) as they end."""
        random.shuffle(crowd)
        sent = [(who, c, make(who, c)) for who, c in crowd]
        for who, c, op in sent:
            if c.send([op]) != 1:
                raise Fail("the window is closed")
        for who, c, op in sent:
            while not c.take([op]):
                pass
            if op.result not in ((0, racers.DIFFERENT) if op.kind == racers.SWAP else (0,)):
                raise Fail("%s ended with %#x" % (("READ", "", "COMPARE AND WRITE")[op.kind], op.result))
            yield who, op

    def work():
        won, lost, end = [], 0, time.monotonic() + seconds
        while time.monotonic() < end:
            known = {who: bytes(op.got) for who, op in all_at_once(
                lambda who, c: racers.Op(racers.READ, 0, c.unit))}
            for who, op in all_at_once(
                    lambda who, c: racers.Op(racers.SWAP, 0, c.unit, known[who] + struct.pack(
                        ">QQ", generation(known[who])[0] + 1, who) + known[who][16:])):
                if op.result:
                    lost += 1
                else:
                    won.append((generation(op.data[size:])[0], who))
        return won, lost
    return work


def beside(srv, make, sectors, number, seconds):
    """A writer that has to itself what begins with these sectors: it reads what it wrote."""
    client, count = make(srv), 0
    unit = client.unit

    def work():
        nonlocal count
        end, rnd, now = time.monotonic() + seconds, random.Random("%d %d" % (SEED, number)), {}
        while time.monotonic() < end:
            mine = rnd.sample(sectors, len(sectors) - 1)        # in any order, one of them not
            ops = []
            for s in mine:
                count += 1
                now[s] = stamps.ident(0, number, count)
                ops.append(racers.Op(racers.WRITE, s, unit, stamps.make(now[s], s, unit)))
            client.run(ops)
            reads = [racers.Op(racers.READ, s, unit) for s in now]
            client.run(reads)
            for op in ops + reads:
                if op.result:
                    raise Fail("sector %d: %#x" % (op.sector, op.result))
            for op in reads:
                for got in stamps.find_all(op.got, op.sector):
                    if got != now[op.sector]:
                        raise Fail("sector %d: %s is lost, there is %s" % (
                            op.sector, stamps.name(now[op.sector], NAMES), stamps.name(got, NAMES)))
        return count, now
    return work


def contest(threads, image, args):
    """32 contenders for the first block; AoE writes the other sectors of the same 4096 bytes, NBD those
    that follow."""
    seconds = max(SECONDS, 0.5)
    # the smallest pool of a single loop has no room for so many sessions
    pool = ["--pool", "256M"] if threads == "1" else []
    with Trio("wire=" + image, args=["--threads", threads, *pool, *args]) as srv:
        jobs = [lambda k=k: contend(srv, 1 + k * AT_ONCE, seconds) for k in range(CONTENDERS)]
        jobs.append(lambda: beside(srv, racers.Aoe, range(1, 8), 4, seconds))
        # multiples of the block, whatever it is
        jobs.append(lambda: beside(srv, racers.Nbd, range(8, 136, 8), 0, seconds))
        *crowd, aoe, nbd = racers.together(jobs, seconds)
        won = sorted(w for wins, _ in crowd for w in wins)
        lost = sum(n for _, n in crowd)
        with srv.nbd() as n:
            raw = trio.get(n, 0, 136)
        last = generation(raw)[0]
        expect_eq([g for g, _ in won], list(range(1, last + 1)),
                  "the generations that were won, one winner each")
        expect(won and generation(raw) == won[-1], "the block holds %r, the last winner was %r",
               generation(raw), won[-1:])
        expect(lost and len({who for _, who in won}) > 1, "nobody contended")
        for count, now in (aoe, nbd):
            for s, stamp in now.items():
                expect_eq(stamps.find(raw[s * SECTOR:][:SECTOR], s), stamp, "in sector %d" % s)
    diag("%d generations, %d of %d contenders won some, %d MISCOMPAREs; beside them AoE wrote %d sectors, "
         "NBD %d" % (last, len({who for _, who in won}), CONTENDERS * AT_ONCE, lost, aoe[0], nbd[0]))


for threads in THREADS:
    for title, volume in (("a block of 512, AoE in the same 4096 bytes", "a file"),
                          ("a block of 4096, AoE in seven eighths of it", "a file, blocks of 4096"),
                          ("a block of 512 over a store that writes 4096",
                           "a file system of 4096-byte blocks, past the page cache, blocks of 512"),
                          ("a block of 512 in memory", "memory")):
        case("--threads %s, 32 contenders for %s: one wins each generation" % (threads, title),
             limit=60 + 4 * SECONDS)(lambda threads=threads, volume=volume: contest(threads,
                                                                                    *VOLUMES[volume]()))


def setup():
    diag("COHERENCE_SEED=%d" % SEED)


main(setup, limit=240 + 40 * SECONDS)
