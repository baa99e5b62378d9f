#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""`sluice sessions`: who is connected, over which protocol, and how it goes: the table and --json, for
NBD and iSCSI at once; --protocol and --volume; the words that are wrong."""
import json
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
from nbdwire import *   # noqa: E402

TARGET = "iqn.2026-11.org.sluice:"
FACTS = {"protocol", "volume", "initiator", "target", "peer", "header_digest", "data_digest", "window",
         "depth", "in_flight", "requests", "read_bytes", "written_bytes", "errors", "age_s", "loop"}


def setup():
    if PEER:
        raise Skip("about the daemon itself")


class Initiator:
    """As little of iSCSI (RFC 7143) as it takes to be seen: one login, a few commands."""

    def __init__(self, addr, name, target, digest="None", discovery=False):
        self.sock = socket.create_connection(addr, 10 * slow())
        self.cmdsn, self.itt = 1, 1
        text = "InitiatorName=%s\0" % name
        text += "SessionType=Discovery\0" if discovery else "TargetName=%s\0" % target
        text += "HeaderDigest=%s\0DataDigest=%s\0" % (digest, digest)
        # opcode, T with CSG 1 and NSG 3, ISID, TSIH 0; CID, CmdSN, ExpStatSN
        head = struct.pack(">BB6x6s2xIHHII16x", 0x43, 0x87, bytes([0x80, 0, 0, 1, 0, 0]), self.itt, 0, 0,
                           self.cmdsn, 0)
        self.put(head, text.encode())
        head, text = self.get()
        expect_eq(head[0], 0x23, "opcode of the login's answer")
        expect_eq(struct.unpack(">H", head[36:38])[0], 0, "status of the login")
        expect_eq(head[1] & 0x83, 0x83, "the login is over at once: flags")
        if not discovery and digest == "None":
            self.command(bytes(6), 0x80, 0)     # the first one hears that the unit is new
            self.finish(2)

    def put(self, head, data=b""):
        head = bytearray(head)
        head[5:8] = len(data).to_bytes(3, "big")
        self.sock.sendall(bytes(head) + data + bytes(-len(data) % 4))

    def take(self, n):
        out = b""
        while len(out) < n:
            more = self.sock.recv(n - len(out))
            expect(more, "the connection ended")
            out += more
        return out

    def get(self):
        head = self.take(48)
        n = int.from_bytes(head[5:8], "big")
        return head, self.take(n + -n % 4)[:n]

    def command(self, cdb, flags, length, data=b""):
        self.itt += 1
        self.put(struct.pack(">BB14xIIII", 0x01, flags, self.itt, length, self.cmdsn, 0) +
                 cdb.ljust(16, b"\0"), data)
        self.cmdsn += 1

    def until(self, opcode):
        got = b""
        while True:
            head, data = self.get()
            got += data if head[0] == 0x25 else b""
            if head[0] == opcode:
                return head, got

    def finish(self, status=0):
        """The answer of a command: its status, also where it came with the data."""
        got = b""
        while True:
            head, data = self.get()
            if head[0] == 0x25:
                got += data
            if head[0] == 0x21 or (head[0] == 0x25 and head[1] & 1):
                expect_eq(head[3], status, "SCSI status")
                return got

    def read(self, lba, blocks):
        self.command(struct.pack(">BBIBHB", 0x28, 0, lba, 0, blocks, 0), 0xc1, blocks * 512)
        return self.finish()

    def ask_to_write(self, lba, blocks):
        """The target answers with R2T, and waits: the command is in flight."""
        self.command(struct.pack(">BBIBHB", 0x2a, 0, lba, 0, blocks, 0), 0xa1, blocks * 512)
        head, _ = self.until(0x31)
        return head[20:24]

    def give(self, ttt, data):
        self.put(struct.pack(">BB14xI4s24x", 0x05, 0x80, self.itt, ttt), data)
        self.finish()

    def close(self):
        self.sock.close()


def sessions(s, *args):
    p = run([SLUICE, "sessions", "--json", "--control", s.control, *args], check=False, timeout=20)
    expect_eq(p.returncode, 0, "exit code (%s)" % p.stderr)
    j = json.loads(p.stdout)
    expect_eq(sorted(j), ["daemon", "left_out", "sessions"], "keys of the reply")
    expect_eq(j["left_out"], 0, "left_out")
    return j["sessions"]


def table(s, *args):
    p = run([SLUICE, "sessions", "--control", s.control, *args], check=False, timeout=20)
    expect_eq(p.returncode, 0, "exit code (%s)" % p.stderr)
    return p.stdout


def eventually(what, look):
    end = time.monotonic() + 5 * slow()
    while not look():
        expect(time.monotonic() < end, "%s", what)
        time.sleep(0.02)


def iscsi_addr(s):
    m = re.search(r"iscsi://([^/:]+):(\d+)/", "\n".join(s.lines))
    return m.group(1), int(m.group(2))


def both(*images):
    return Server(*images, tcp=True, args=["--iscsi", "127.0.0.1:0"])


@case("nobody is there: an empty list, and no table")
def _():
    with both("a=memory:8M") as s:
        expect_eq(sessions(s), [], "sessions")
        out = table(s)
        expect("pid %d" % s.pid in out and "SESSIONS" not in out, "the table:\n%s", out)


@case("one of each protocol: all facts of both, in JSON and in the table")
def _():
    with both("a=memory:8M") as s:
        i = Initiator(iscsi_addr(s), "iqn.2026-11.org.example:me", TARGET + "a")
        n = s.client("simple", name="a")
        ok(n.write(0, pattern(65536)))
        ok(n.read(0, 4096))
        same_bytes(i.read(0, 8), pattern(65536)[:4096], "what iSCSI reads of what NBD wrote")
        i.give(i.ask_to_write(16, 4), bytes(2048))
        eventually("the counters", lambda: sum(x["in_flight"] for x in sessions(s)) == 0)
        by = {x["protocol"]: x for x in sessions(s)}
        expect_eq(sorted(by), ["iscsi", "nbd"], "protocols")
        for x in by.values():
            expect(FACTS <= set(x), "%s: missing %r", x["protocol"], FACTS - set(x))
            expect_eq(x["volume"], "a", "volume")
            expect_eq(x["errors"], 1 if x["protocol"] == "iscsi" else 0, "errors")  # the first command's
            expect(0 <= x["age_s"] < 60 * slow(), "age_s %d", x["age_s"])
            expect(0 < x["window"] <= x["depth"], "window %d of %d", x["window"], x["depth"])
            expect_eq((x["header_digest"], x["data_digest"]), ("none", "none"), "digests")
        expect_eq((by["nbd"]["read_bytes"], by["nbd"]["written_bytes"]), (4096, 65536), "bytes of NBD")
        expect_eq((by["iscsi"]["read_bytes"], by["iscsi"]["written_bytes"]), (4096, 2048), "bytes of iSCSI")
        expect_eq((by["nbd"]["target"], by["iscsi"]["target"]), ("a", TARGET + "a"), "targets")
        expect_eq(by["iscsi"]["initiator"], "iqn.2026-11.org.example:me", "initiator of iSCSI")
        expect(by["nbd"]["initiator"].startswith("nbd:"), "initiator of NBD: %r", by["nbd"])
        ports = {"nbd": n.sock.getsockname()[1], "iscsi": i.sock.getsockname()[1]}
        out = table(s)
        for protocol, port in ports.items():
            expect(by[protocol]["peer"].endswith(":%d" % port), "peer %r, port %d", by[protocol], port)
            rows = [row for row in out.splitlines() if row.startswith(protocol)]
            expect_eq(len(rows), 1, "rows of %s in\n%s" % (protocol, out))
            for word in (by[protocol]["target"], by[protocol]["initiator"], by[protocol]["peer"]):
                expect(word in rows[0].split(), "%r is not in %r", word, rows[0])
        for c in (i, n):
            c.close()
        eventually("sessions stay", lambda: not sessions(s))


@case("a command in flight is seen, takes its place of the window, and is seen to end")
def _():
    with both("a=memory:8M") as s:
        i = Initiator(iscsi_addr(s), "iqn.2026-11.org.example:me", TARGET + "a")
        before = sessions(s)[0]
        expect_eq(before["in_flight"], 0, "in flight before")
        ttt = i.ask_to_write(0, 4)
        during = sessions(s)[0]
        expect_eq(during["in_flight"], 1, "in flight while the target waits for data")
        expect_eq(during["window"], before["window"] - 1, "the window meanwhile")
        i.give(ttt, bytes(2048))
        eventually("it stays in flight", lambda: sessions(s)[0]["in_flight"] == 0)
        expect_eq(sessions(s)[0]["window"], before["window"], "the window afterwards")
        n = s.client("simple", name="a", rcvbuf=4096)
        for _ in range(7):
            n.post(CMD_READ, 0, MiB)
        eventually("reads that are not taken are not in flight",
                   lambda: sessions(s, "--protocol", "nbd")[0]["in_flight"] > 0)
        x = sessions(s, "--protocol", "nbd")[0]
        expect_eq(x["window"], x["depth"] - x["in_flight"], "the window of NBD")
        n.wait_all()


@case("digests and a discovery session are told")
def _():
    with both("a=memory:8M") as s:
        i = Initiator(iscsi_addr(s), "iqn.2026-11.org.example:sum", TARGET + "a", digest="CRC32C")
        x, = sessions(s)
        expect_eq((x["header_digest"], x["data_digest"]), ("CRC32C", "CRC32C"), "digests")
        i.close()
        eventually("the session stays", lambda: not sessions(s))
        i = Initiator(iscsi_addr(s), "iqn.2026-11.org.example:look", "", discovery=True)
        x, = sessions(s)
        expect_eq((x["target"], x["volume"]), ("discovery", ""), "target and volume")
        i.close()


@case("--protocol and --volume choose, alone and together")
def _():
    with both("a=memory:8M", "b=memory:8M") as s:
        held = [s.client("simple", name="a"), s.client("structured", name="b"), s.client("simple", name="b")]
        held += [Initiator(iscsi_addr(s), "iqn.2026-11.org.example:%d" % k, TARGET + v)
                 for k, v in enumerate("aab")]

        def seen(*args):
            return sorted((x["protocol"], x["volume"]) for x in sessions(s, *args))
        everything = [("iscsi", "a")] * 2 + [("iscsi", "b"), ("nbd", "a")] + [("nbd", "b")] * 2
        expect_eq(seen(), everything, "all")
        expect_eq(seen("--protocol", "iscsi"), everything[:3], "iSCSI")
        expect_eq(seen("--volume=b"), [("iscsi", "b"), ("nbd", "b"), ("nbd", "b")], "volume b")
        expect_eq(seen("--volume", "a", "--protocol", "nbd"), [("nbd", "a")], "NBD on volume a")
        expect_eq(seen("--volume", "c"), [], "a volume that is not there")
        rows = [r for r in table(s, "--protocol", "nbd", "--volume", "b").splitlines() if r.startswith("nbd")]
        expect_eq(len(rows), 2, "rows of the table")
        for c in held:
            c.close()


@case("--target-name: one image has it, several are refused")
def _():
    mine = "iqn.2026-11.org.example:disk"
    with Server("a=memory:8M", tcp=True, args=["--iscsi", "127.0.0.1:0", "--target-name", mine]) as s:
        i = Initiator(iscsi_addr(s), "iqn.2026-11.org.example:me", mine)
        x, = sessions(s)
        expect_eq((x["target"], x["volume"]), (mine, "a"), "target and volume")
        i.close()
    s = Server("a=memory:8M", "b=memory:8M", args=["--target-name", mine], wait=False)
    expect_eq(s.stop(sig=0), 1, "exit code")
    expect("--target-name: there are 2 images" in s.stderr(), "message: %s", s.stderr())


@case("wrong words: exit 2, and nothing was asked")
def _():
    with both("a=memory:8M") as s:
        for argv, said in ((["status", "--volume", "a"], "status takes no --volume"),
                           (["version", "--protocol=nbd"], "version takes no --protocol"),
                           (["sessions", "--volume="], "--volume needs a value"),
                           (["sessions", "--target", "a"], "'--target' is not understood")):
            p = run([SLUICE, *argv, "--control", s.control], check=False, timeout=10)
            expect_eq(p.returncode, 2, "exit code of %r" % argv)
            expect(said in p.stderr, "%r: %s", argv, p.stderr)


main(setup, limit=120)
