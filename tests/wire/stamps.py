# SPDX-License-Identifier: BSD-3-Clause
"""Stamped sectors, and what may be found in them: each write puts its own stamp into each of its
sectors, each read tells what it found there, and check() says whether one order of all of them can
explain it, in which what ended before something else began also comes first.

That question is answered sector by sector, by zones (Gibbons and Korach, "Testing Shared Memories",
SIAM J. Comput. 26, 1997): a stamp was there at the latest when the first ended of its write and of the
reads that found it, and still there when the last of them began.

    the write   |-----------|
    a read            |--|               first end  ..  last start:   a zone
    a read                        |--|                 ^ ^^^^^^^^^^

Zones that run forward (last start after first end) may not overlap, and may not hold a whole zone that
runs backward, of a write that nobody found: that one is lost.  COMPARE AND WRITE ties the stamp that it
found to the one that it left: nothing comes between, so the zone of both is one.

All of this is pure.  The clients that make such histories: racers.py.  It is tried by 740-stamps.py.
"""
import bisect
import struct
import zlib

SECTOR = 512
_HEAD = struct.Struct(">QQ8s")
_SUM = struct.Struct(">4sI")
COPIES = SECTOR // (_HEAD.size + _SUM.size)
MAGIC = b"stmp"
NEVER, LONG_AGO = float("inf"), float("-inf")
BLANK, TORN, FOREIGN = 0, -1, -2        # what a sector may hold instead of a stamp
MOST = 8                                # problems that are told


def ident(turn, writer, number):
    """A write's own number: which turn of the test, who, its how many-th; never 0."""
    return turn << 48 | writer + 1 << 32 | number


def name(stamp, names=()):
    """A stamp for people."""
    if stamp == BLANK:
        return "no stamp"
    who = (stamp >> 32 & 0xffff) - 1
    return "write %d of %s in turn %d" % (stamp & 0xffffffff, names[who] if who < len(names) else who,
                                          stamp >> 48)


def make(stamp, sector, count):
    """What this write puts into its sectors."""
    out = []
    for s in range(sector, sector + count):
        head = _HEAD.pack(stamp, s, b"sluice\0\0")
        out.append((_SUM.pack(MAGIC, zlib.crc32(head)) + head) * COPIES)
    return b"".join(out)


def find(raw, sector):
    """The stamp in these 512 bytes; BLANK, TORN (not one writer's bytes), FOREIGN (of another sector)."""
    one = raw[:SECTOR // COPIES]
    if raw != one * COPIES:
        return TORN
    magic, summed = _SUM.unpack_from(one)
    if magic != MAGIC:
        return BLANK if not any(one) else TORN
    if zlib.crc32(one[_SUM.size:]) != summed:
        return TORN
    stamp, where, _ = _HEAD.unpack_from(one, _SUM.size)
    return stamp if where == sector else FOREIGN


def find_all(raw, sector):
    return [find(bytes(raw[i:i + SECTOR]), sector + i // SECTOR) for i in range(0, len(raw), SECTOR)]


class History:
    """Who wrote and found what, and when (any clock that all of them share)."""

    def __init__(self):
        self.writes = []        # (stamp, sector, count, began, ended or NEVER)
        self.reads = []         # (who, sector, began, ended, [stamp of each sector])
        self.swaps = []         # (stamp, sector, began, ended, [stamp that was there]): also in writes

    def write(self, stamp, sector, count, began, ended):
        self.writes.append((stamp, sector, count, began, ended))

    def read(self, who, sector, began, ended, found):
        self.reads.append((who, sector, began, ended, found))

    def swap(self, who, stamp, sector, began, ended, was):
        """A COMPARE AND WRITE that was answered GOOD."""
        self.write(stamp, sector, len(was), began, ended)
        self.read(who, sector, began, ended, was)
        self.swaps.append((stamp, sector, began, ended, was))

    def add(self, other):
        self.writes += other.writes
        self.reads += other.reads
        self.swaps += other.swaps


class Zone:
    """One stamp in one sector."""
    __slots__ = ("stamp", "began", "ended", "first_end", "last_start", "first_by", "last_by")

    def __init__(self, stamp, began, ended):
        self.stamp, self.began, self.ended = stamp, began, ended
        self.first_end, self.last_start = ended, began
        self.first_by = self.last_by = None     # the reads, where they were it

    def take(self, who, began, ended):
        """A read that found it."""
        if ended < self.first_end:
            self.first_end, self.first_by = ended, who
        if began > self.last_start:
            self.last_start, self.last_by = began, who

    def join(self, other):
        """The two were tied together by a COMPARE AND WRITE."""
        if other.first_end < self.first_end:
            self.first_end, self.first_by = other.first_end, other.first_by
        if other.last_start > self.last_start:
            self.last_start, self.last_by = other.last_start, other.last_by


class Sector:
    """What is known of one sector."""

    def __init__(self, number, was, names):
        self.number, self.names = number, names
        self.zones = {was: Zone(was, LONG_AGO, LONG_AGO)}
        self.torn = []          # (who, began, ended)
        self.ties = []          # (stamp that was there, stamp that replaced it)
        self.problems = []
        self.excused = 0

    def say(self, text, *args):
        self.problems.append("sector %d: %s" % (self.number, text % args))

    def name(self, zone):
        return name(zone.stamp, self.names)

    def read(self, who, began, ended, found):
        if found == TORN:
            self.torn.append((who, began, ended))
        elif found == FOREIGN:
            self.say("%s found the stamp of another sector", who)
        elif found not in self.zones:
            self.say("%s found %s, which nobody wrote here", who, name(found, self.names))
        elif ended < self.zones[found].began:
            self.say("%s found %s before it began", who, self.name(self.zones[found]))
        else:
            self.zones[found].take(who, began, ended)

    # -- the verdict --

    def _torn(self):
        """A read beside a write may find parts of both; any other may not."""
        begins = sorted(z.began for z in self.zones.values())
        ends = sorted(z.ended for z in self.zones.values())
        for who, began, ended in self.torn:
            # who had begun before the read ended, and not ended before it began
            if bisect.bisect_left(begins, ended) > bisect.bisect_right(ends, began):
                self.excused += 1
            else:
                self.say("%s found a torn stamp, and nobody was writing", who)

    def _order(self, zones):
        """Zones of whom one order must be found."""
        forward = sorted((z for z in zones if z.first_end < z.last_start), key=lambda z: z.first_end)
        for a, b in zip(forward, forward[1:]):
            if b.first_end < a.last_start:
                self.say("%s was there, then %s, and after that %s finds the first of them again: an "
                         "older write overtook", self.name(a), self.name(b), a.last_by)
        lows = [z.first_end for z in forward]
        for b in zones:
            if b.first_end < b.last_start:
                continue
            i = bisect.bisect_left(lows, b.last_start) - 1
            if i >= 0 and b.first_end < forward[i].last_start:
                self.say("%s is lost: it came when %s was there already, and was over when %s found that "
                         "one still", self.name(b), self.name(forward[i]), forward[i].last_by)

    def _chains(self):
        """The zones, those tied together as one."""
        head, heir = {}, {}

        def find_head(stamp):
            while head[stamp] != stamp:
                head[stamp] = stamp = head[head[stamp]]
            return stamp
        whole = {}
        for stamp, z in self.zones.items():
            head[stamp], whole[stamp] = stamp, Zone(stamp, z.began, z.ended)
            whole[stamp].join(z)
        for was, stamp in self.ties:
            if was in heir:
                self.say("%s was replaced by %s and by %s: two winners", name(was, self.names),
                         name(heir[was], self.names), name(stamp, self.names))
            heir[was] = stamp
            if was in head and find_head(was) != find_head(stamp):
                whole[find_head(was)].join(whole.pop(find_head(stamp)))
                head[find_head(stamp)] = find_head(was)
        return list(whole.values())

    def judge(self):
        self._torn()
        self._order(list(self.zones.values()))
        if self.ties and not self.problems:
            chains = self._chains()
            if not self.problems:
                self._order(chains)

    def final(self):
        """The stamp that was found last."""
        return max(self.zones.values(), key=lambda z: (z.last_by is not None, z.last_start)).stamp


class Verdict:
    def __init__(self):
        self.problems = []
        self.excused = 0        # torn reads beside a write
        self.final = {}         # sector -> the stamp that was found last


def check(history, was=None, names=()):
    """Is there an order?  was: {sector: stamp} before it all began, where not BLANK."""
    was, sectors = was or {}, {}

    def sector(n):
        if n not in sectors:
            sectors[n] = Sector(n, was.get(n, BLANK), names)
        return sectors[n]
    for stamp, first, count, began, ended in history.writes:
        for n in range(first, first + count):
            sector(n).zones[stamp] = Zone(stamp, began, ended)
    for stamp, first, _, _, before in history.swaps:
        for i, old in enumerate(before):
            if old != stamp:
                sector(first + i).ties.append((old, stamp))
    for who, first, began, ended, found in history.reads:
        for i, stamp in enumerate(found):
            sector(first + i).read(who, began, ended, stamp)
    verdict = Verdict()
    for n in sorted(sectors):
        sectors[n].judge()
        verdict.problems += sectors[n].problems[:MOST - len(verdict.problems)]
        verdict.excused += sectors[n].excused
        verdict.final[n] = sectors[n].final()
    return verdict
