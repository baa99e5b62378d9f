#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""AoE, IDENTIFY DEVICE (ACS-3 7.12): every word that an initiator goes by is true of this volume."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aoetarget import *   # noqa: E402

SIZE = 24 * MiB + 512 * 3
srv = None


def setup():
    global srv
    srv = Target(make_file(SIZE, "wire.img"))


def bit(words, word, number):
    return words[word] >> number & 1


@case("the registers after it: ready, no error; 512 bytes of data")
def _():
    r = srv.client().ata(IDENTIFY, count=1, device=0xa0)
    expect_eq((len(r.data), r.status & (DRDY | S_ERR | DF | DRQ | BSY), r.err), (512, DRDY, 0), "answer")


@case("the sector count register does not matter, the data is 512 bytes; or it is refused")
def _():
    c = srv.client()
    for count in (0, 2, 255):
        r = c.ata(IDENTIFY, count=count, device=0xa0)
        expect(r.failed or not ata_fine(r) or len(r.data) == 512, "with count %d: %s", count, r)


@case("word 0: an ATA device (bit 15 clear)")
def _():
    expect(not bit(srv.client().identify(), 0, 15), "bit 15 is set")


@case("serial number, firmware, model: printable, padded with blanks, not empty (words 10, 23, 27)")
def _():
    words = srv.client().identify()
    for first, count, what in ((10, 10, "serial number"), (23, 4, "firmware revision"), (27, 20, "model")):
        text = text_of(words, first, count)
        expect(all(32 <= ord(ch) < 127 for ch in text), "%s %r", what, text)
        expect(text.strip(), "no %s", what)
        expect(text == text.strip().ljust(2 * count) or text == text.strip().rjust(2 * count),
               "%s %r is not padded at one side", what, text)


@case("LBA (word 49 bit 9), and the sectors in words 60 and 100")
def _():
    words = srv.client().identify()
    expect(bit(words, 49, 9), "no LBA")
    n = SIZE // 512
    expect_eq(words[60] | words[61] << 16, n, "28 bit sectors")
    expect_eq(sum(words[100 + i] << 16 * i for i in range(4)), n, "48 bit sectors")


@case("more than 28 bits hold: word 60 says 0fffffff, word 100 the whole")
def _():
    for size, low in ((TOP28 * 512 - 512, TOP28 - 1), (TOP28 * 512, TOP28), (TOP28 * 512 + 512, TOP28),
                      (300 * GiB, TOP28)):
        with Target("big=" + make_file(size), on=[(link(1), "1.1")]) as s:
            words = s.client().identify()
            expect_eq((words[60] | words[61] << 16, capacity(words)), (low, size // 512), "sectors")


@case("48-bit addresses supported and enabled (words 83, 86 bit 10)")
def _():
    words = srv.client().identify()
    expect(bit(words, 83, 10) and bit(words, 86, 10), "words 83 and 86: %04x %04x", words[83], words[86])


@case("words that carry their own validity: bit 14 set, bit 15 clear (50, 83, 84, 87, 93, 106)")
def _():
    words = srv.client().identify()
    for w in (83, 84, 87):
        expect_eq(words[w] >> 14, 1, "top bits of word %d" % w)
    for w in (50, 93, 106, 119, 120, 209):
        expect(words[w] in (0, 0xffff) or words[w] >> 14 == 1, "word %d: %04x", w, words[w])


@case("FLUSH CACHE and EXT are there and enabled (words 83, 86 bits 12, 13)", when=ours("no FLUSH CACHE EXT"))
def _():
    words = srv.client().identify()
    for w in (83, 86):
        expect(bit(words, w, 12) and bit(words, w, 13), "word %d: %04x", w, words[w])


@case("DMA as the opcodes allow it: words 49 bit 8, 53, 63, 88", when=ours("PIO alone"))
def _():
    words = srv.client().identify()
    expect(bit(words, 49, 8), "word 49: no DMA, but READ DMA works")
    expect(not words[88] or bit(words, 53, 2), "word 88 without word 53 bit 2")
    expect(not words[63] or bit(words, 53, 1), "word 63 without word 53 bit 1")
    expect(bin(words[63] >> 8).count("1") + bin(words[88] >> 8).count("1") <= 1, "two DMA modes selected")


@case("a version of ATA (word 80): ATA-6 at least, for 48 bits", when=ours("word 80 is empty"))
def _():
    w = srv.client().identify()[80]
    expect(w not in (0, 0xffff) and w >> 6, "word 80: %04x", w)


@case("features enabled are a part of those supported (82 to 87)")
def _():
    words = srv.client().identify()
    for have, on, bits in ((82, 85, 0xffff), (83, 86, 0x3fff), (84, 87, 0x3fff)):
        expect(not words[on] & bits & ~words[have], "word %d %04x, word %d %04x", on, words[on], have,
               words[have])
    for w, number, what in ((82, 1, "security"), (82, 3, "power management"), (83, 1, "queued DMA"),
                            (83, 0, "microcode"), (82, 10, "protected area"), (76, 8, "NCQ")):
        if number != 3:
            expect(words[w] == 0xffff or not bit(words, w, number), "word %d says %s, which is not there",
                   w, what)


@case("READ MULTIPLE: what words 47, 59 say is what it does")
def _():
    c = srv.client()
    words = c.identify()
    works = ata_fine(c.ata(READ_MULTIPLE, 0, 1))
    if words[47] & 0xff == 0:
        expect(not works, "READ MULTIPLE works, word 47 is %04x", words[47])
    elif bit(words, 59, 8):
        expect(works and words[59] & 0xff, "READ MULTIPLE does not work, word 59 is %04x", words[59])


@case("WRITE DMA FUA EXT: what words 84, 87 bit 6 say is what it does")
def _():
    c = srv.client()
    words = c.identify()
    works = ata_fine(c.ata(WRITE_DMA_FUA_EXT, 5, 1, data=bytes(512)))
    expect_eq(bool(bit(words, 84, 6)), works, "FUA in word 84, and that it works")


@case("sectors are 512 bytes: word 106 bit 12 clear, whatever the volume's blocks are")
def _():
    for size in () if PEER else ("512", "4096", "65536"):
        with Target("w=memory:4M", on=[(link(1), "1.1")], args=["--block-size", size]) as s:
            words = s.client().identify()
            expect(words[106] in (0, 0xffff) or not bit(words, 106, 12), "word 106: %04x", words[106])
            if words[106] >> 14 == 1 and bit(words, 106, 13):
                expect_eq(512 << (words[106] & 15), int(size), "physical sector of word 106")
            expect_eq(capacity(words), 8192, "sectors of a volume of %s-byte blocks" % size)
    words = srv.client().identify()
    expect(words[106] in (0, 0xffff) or not bit(words, 106, 12), "word 106: %04x", words[106])


@case("the write cache is off (word 85 bit 5): a write is durable before its answer")
def _():
    words = srv.client().identify()
    expect(not bit(words, 85, 5), "word 85: %04x", words[85])


@case("with --aoe-write-back the write cache is on, and a flush is there (words 82, 85, 86)",
      when=lambda: PEER and "our word")
def _():
    path = tmpname(".img")
    with open(path, "wb") as f:
        f.truncate(4 << 20)
    with Target("w=" + path, on=[(link(1), "1.1")], write_back=True) as s:
        words = s.client().identify()
        expect(bit(words, 82, 5) and bit(words, 85, 5), "words 82, 85: %04x %04x", words[82], words[85])
        expect(bit(words, 86, 12) and bit(words, 86, 13), "word 86: %04x", words[86])
        fine(s.client().ata(FLUSH_EXT))


@case("TRIM, its blocks and what it leaves: words 169, 105, 69 agree with DATA SET MANAGEMENT")
def _():
    c = srv.client()
    words = c.identify()
    works = ata_fine(c.ata(DSM, 0, 1, feature=1, data=bytes(512)))
    expect_eq(bool(bit(words, 169, 0)) and words[169] != 0xffff, works, "TRIM in word 169, and that it works")
    if works:
        expect(words[105] in range(1, 0xffff), "word 105, blocks of TRIM: %d", words[105])
        expect(bit(words, 69, 14) or not bit(words, 69, 5), "RZAT without DRAT: word 69 %04x", words[69])


@case("a name of its own: words 108 to 111 where word 84 bit 8 says so, NAA 5 or 6")
def _():
    words = srv.client().identify()
    expect_eq(bool(bit(words, 84, 8)), any(words[108:112]), "word 84 bit 8, and a name")
    if bit(words, 84, 8):
        expect_in(words[108] >> 12, (5, 6), "NAA")


@case("the integrity word: a5 and a sum of zero, or not there (word 255)")
def _():
    r = srv.client().ata(IDENTIFY, count=1)
    expect(r.data[510] != 0xa5 or sum(r.data) & 0xff == 0, "checksum of the words: %02x", sum(r.data) & 0xff)
    if not PEER:
        expect_eq(r.data[510], 0xa5, "signature")


@case("twice the same, for every station; and the same after a restart")
def _():
    a, b = srv.client().identify(), srv.client().identify()
    expect_eq([i for i in range(256) if a[i] != b[i]], [], "words that differ")
    path = make_file(MiB)
    seen = []
    state = tmpname(".state")
    for _ in range(2):
        with Target("w=" + path, on=[(link(1), "1.1")], state=state) as s:
            seen.append(s.client().identify())
    expect_eq([i for i in range(256) if seen[0][i] != seen[1][i]], [], "words that differ after a restart")


main(setup, lambda: srv.check_alive(), lambda: srv.check_stop(), limit=120)
