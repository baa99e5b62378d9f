#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""`sluice status`: the table and --json, while connections exist; how it finds the daemon; what it
says when there is none, or several; that it and the control socket do not disturb the service."""
import errno
import json
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nbdwire import *   # noqa: E402
import stallfs          # noqa: E402

# Root's sockets lie in /run/sluice: take a /run of our own, so that other daemons are not seen.
problem = None
if os.geteuid() == 0:
    try:
        stallfs.own_namespace()
        if stallfs._libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, b"mode=755") != 0:
            problem = "cannot mount a /run of our own"
    except stallfs.NotHere as e:
        problem = str(e)
env = None
folder = None


def setup():
    global env, folder
    if PEER:
        raise Skip("about the daemon itself")
    if problem:
        raise Skip(problem)
    run_dir = os.path.join(tmpdir(), "run")
    os.mkdir(run_dir, 0o700)
    os.environ["XDG_RUNTIME_DIR"] = run_dir
    folder = "/run/sluice" if os.geteuid() == 0 else os.path.join(run_dir, "sluice")
    if status().returncode == 0:
        raise Skip("another daemon of this user runs, where we cannot look past it")


def status(*args, **kw):
    return run([SLUICE, "status", *args], check=False, timeout=10, **kw)


def as_json(*args):
    p = status("--json", *args)
    expect_eq(p.returncode, 0, "exit code (%s)" % p.stderr)
    return json.loads(p.stdout)


def numbers(tree, key):
    """The sum of all numbers of that key, wherever they stand."""
    if isinstance(tree, dict):
        return sum(numbers(v, key) for k, v in tree.items() if k != key) + \
            (tree[key] if isinstance(tree.get(key), int) else 0)
    if isinstance(tree, list):
        return sum(numbers(v, key) for v in tree)
    return 0


@case("none runs: exit 1 and a sentence that helps")
def _():
    p = status()
    expect_eq(p.returncode, 1, "exit code")
    expect_eq(p.stdout, "", "standard output")
    expect(folder in p.stderr, "the message does not say where it looked: %s", p.stderr)
    expect_eq(len(p.stderr.strip().splitlines()), 1, "lines of the message")


@case("a --control that is not there, or no socket: exit 1 and a sentence")
def _():
    for path in (tmpname(), make_file(10)):
        p = status("--control", path)
        expect_eq(p.returncode, 1, "exit code")
        expect(path in p.stderr, "message: %s", p.stderr)


@case("one runs: found without a word, table and JSON")
def _():
    with Server("memory:64M", "img=" + make_file(8 * MiB), control=False) as s:
        socks = os.listdir(folder)
        expect_eq(socks, ["serve-%d.sock" % s.pid], "control sockets")
        mode = os.stat(folder).st_mode & 0o777
        expect(mode & 0o077 == 0, "mode of the folder: %o", mode)
        p = status()
        expect_eq(p.returncode, 0, "exit code (%s)" % p.stderr)
        for word in ("memory", "img", "64 MiB", "8.0 MiB", str(s.pid)):
            expect(word in p.stdout, "%r is not in the table:\n%s", word, p.stdout)
        j = as_json()
        expect_eq(j["daemon"]["pid"], s.pid, "pid")
        expect_eq({v["name"]: v["size_bytes"] for v in j["volumes"]}, {"memory": 64 * MiB, "img": 8 * MiB},
                  "volumes")
        expect_eq(sorted(e["volume"] for e in j["exports"]), ["img", "memory"], "exports")
        expect_eq(j["connections"], [], "connections")
        for e in j["exports"]:
            expect(e["uri"].startswith("nbd"), "uri %r", e)
    expect_eq(os.listdir(folder), [], "control sockets after the end")


@case("connections appear with what they do, and disappear")
def _():
    with Server("memory:64M", tcp=True, control=False) as s:
        cs = [s.client(m) for m in ("simple", "structured", "extended")]
        half = s.connect()
        for c in cs:
            ok(c.write(0, bytes(65536)))
            ok(c.write(65536, bytes(65536)))
            ok(c.read(0, 65536))
            fails(c.read(64 * MiB, 4096), EINVAL)
        ok(cs[0].flush())
        # counters are each loop's own and are gathered: give them a moment
        end = time.monotonic() + 5
        while True:
            j = as_json()
            mine = [c for c in j["connections"] if c.get("volume") == "memory"]
            if len(mine) == 3 and numbers(mine, "read_bytes") >= 3 * 65536 or time.monotonic() > end:
                break
            time.sleep(0.05)
        expect_eq(len(mine), 3, "connections with a volume")
        expect_eq({c["protocol"] for c in mine}, {"nbd"}, "protocols")
        ports = {c.sock.getsockname()[1] for c in cs}
        for c in mine:
            expect(any(str(p) in c["peer"] for p in ports), "peer %r, our ports are %r", c["peer"], ports)
            expect_eq(c["read_bytes"], 65536, "read_bytes of a connection")
            expect_eq(c["written_bytes"], 131072, "written_bytes of a connection")
        v = [v for v in j["volumes"] if v["name"] == "memory"][0]
        expect_eq(v["reads"], 3, "reads of the volume")
        expect_eq(v["writes"], 6, "writes of the volume")
        expect_eq(v["read_bytes"], 3 * 65536, "read_bytes of the volume")
        expect_eq(v["written_bytes"], 6 * 65536, "written_bytes of the volume")
        expect_eq(v["flushes"], 1, "flushes of the volume")
        p = status()
        for port in ports:
            expect(str(port) in p.stdout, "the peer's port %d is not in the table:\n%s", port, p.stdout)
        half.close()
        for c in cs:
            c.disc()
            c.close()
        end = time.monotonic() + 5
        while as_json()["connections"]:
            expect(time.monotonic() < end, "connections stay: %r", as_json()["connections"])
            time.sleep(0.05)


@case("in flight: requests that are not done are seen, and seen to end")
def _():
    with Server("memory:64M", tcp=True, control=False) as s:
        c = s.client("simple", rcvbuf=4096)
        for _ in range(60):
            c.post(CMD_READ, 0, 1 * MiB)
        time.sleep(0.3)
        j = as_json()
        one = [x for x in j["connections"] if x.get("volume") == "memory"][0]
        expect(one["in_flight"] > 0, "in_flight %r while 60 MiB are not read", one)
        c.wait_all()
        end = time.monotonic() + 5
        while as_json()["connections"][0]["in_flight"]:
            expect(time.monotonic() < end, "in_flight stays: %r", as_json()["connections"][0])
            time.sleep(0.05)


@case("status under load is quick and the load goes on")
def _():
    with Server("memory:64M", tcp=True, control=False) as s:
        stop, errors, count = [], [], [0]

        def load():
            try:
                with s.client("structured") as c:
                    while not stop:
                        rs = [c.post(CMD_READ, i * 4096, 4096) for i in range(32)]
                        for r in rs:
                            ok(c.wait(r))
                        count[0] += 32
            except Exception as e:
                errors.append(repr(e))

        ts = [threading.Thread(target=load, daemon=True) for _ in range(3)]
        for t in ts:
            t.start()
        last = 0
        for _ in range(20):
            began = time.monotonic()
            j = as_json()
            expect(time.monotonic() - began < 3 * slow(), "status took %.1f s", time.monotonic() - began)
            now = [v for v in j["volumes"] if v["name"] == "memory"][0]["reads"]
            expect(now >= last, "the counter went back: %d after %d", now, last)
            last = now
        stop.append(1)
        for t in ts:
            t.join(10)
        expect(not errors, "%s", errors)
        expect(last > 0 and count[0] > 0, "no reads were counted")


@case("two side by side: listed, with how to choose; --control chooses", limit=60)
def _():
    with Server("memory:4M", control=False) as a, Server("memory:8M", control=False) as b:
        p = status()
        expect(p.returncode == 1, "exit code %d", p.returncode)
        text = p.stdout + p.stderr
        for s in (a, b):
            path = os.path.join(folder, "serve-%d.sock" % s.pid)
            expect(path in text, "%s is not listed:\n%s", path, text)
            j = as_json("--control", path)
            expect_eq(j["daemon"]["pid"], s.pid, "pid")
        expect("--control" in text, "no word on how to choose:\n%s", text)
    expect_eq(os.listdir(folder), [], "control sockets after the end")


def killed():
    """Kills a daemon; its socket, when nobody listens there: the kernel lets go of what a ring
    holds a moment after the process is gone."""
    s = Server("memory:4M", control=False)
    s.kill()
    stale = os.path.join(folder, "serve-%d.sock" % s.pid)
    expect(os.path.exists(stale), "kill -9 removed the socket")
    end = time.monotonic() + 10 * slow()
    while time.monotonic() < end:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as c:
            if c.connect_ex(stale) == errno.ECONNREFUSED:
                return stale
        time.sleep(0.01)
    raise Fail("somebody listens at %s after kill -9" % stale)


@case("one that was killed leaves a stale socket: cleaned, not shown", limit=60)
def _():
    stale = killed()
    with Server("memory:8M", control=False) as b:
        expect_eq(as_json()["daemon"]["pid"], b.pid, "pid")
        expect(not os.path.exists(stale), "the stale socket is still there")
    Server("memory:4M", control=False).kill()
    p = status()
    expect_eq(p.returncode, 1, "exit code")
    expect_eq(os.listdir(folder), [], "control sockets")


@case("a socket that outlives its process by a moment is stale; one that stays is of another container")
def _():
    p = popen(["true"])
    p.wait()
    os.makedirs(folder, 0o700, exist_ok=True)
    path = os.path.join(folder, "serve-%d.sock" % p.pid)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.bind(path)
        s.listen(100)
        t = threading.Timer(0.2, lambda: s.shutdown(socket.SHUT_RDWR))
        t.start()
        expect_eq(status().returncode, 1, "exit code")
        t.join()
    expect(not os.path.exists(path), "the stale socket is still there")
    # this one neither ends nor answers: he is asked, and what he said is told
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.bind(path)
        s.listen(100)

        def turn_away():
            while True:
                try:
                    s.accept()[0].close()
                except OSError:
                    return
        threading.Thread(target=turn_away, daemon=True).start()
        q = status()
        expect(path in q.stderr, "he was not asked: %s", q.stderr)
        expect(os.path.exists(path), "the socket of another was removed")
        s.shutdown(socket.SHUT_RDWR)
    os.unlink(path)


@case("--control PATH of serve: there, and nowhere else; gone at the end")
def _():
    path = tmpname(".control")
    with Server("memory:4M", control=path) as s:
        expect_eq(as_json("--control", path)["daemon"]["pid"], s.pid, "pid")
        expect_eq(os.listdir(folder), [], "other control sockets")
        expect(os.stat(path).st_mode & 0o007 == 0 or os.stat(os.path.dirname(path)).st_mode & 0o077 == 0,
               "others may use the control socket")
        # another daemon may not take it
        p = run([SLUICE, "serve", "--nbd", "unix:" + tmpname(), "--control", path, "memory:1M"], check=False,
                timeout=10)
        expect_eq(p.returncode, 1, "exit code of the second (%s)" % p.stderr)
        expect(path in p.stderr, "message: %s", p.stderr)
        expect_eq(as_json("--control", path)["daemon"]["pid"], s.pid, "pid afterwards")
    expect(not os.path.exists(path), "%s is left", path)
    s = Server("memory:4M", control=path)
    s.kill()
    with Server("memory:4M", control=path) as s:        # a stale one is taken over
        expect_eq(as_json("--control", path)["daemon"]["pid"], s.pid, "pid")


@case("nonsense on the control socket: refused, and the daemon lives")
def _():
    import random
    rnd = random.Random(3)
    path = tmpname(".control")
    with Server("memory:4M", control=path) as s:
        fds = s.fds()
        junk = [b"", b"\n", b"{}\n", b"null\n", b"[]\n", b"[" * 100000, b"{" * 5000 + b"\n", b"\0" * 1000,
                b'{"jsonrpc":"2.0","id":1,"method":"nonesuch"}\n',
                b'{"jsonrpc":"2.0","id":1,"method":"status","params":7}\n',
                b'{"jsonrpc":"2.0","id":' + b"9" * 1000 + b',"method":"status"}\n', b"\xff\xfe\n",
                b'{"jsonrpc":"2.0","id":1,"method":"status","params":{"x":"' + b"y" * 200000 + b'"}}\n',
                b'{"jsonrpc":"2.0","method":"status"}\n' * 2000, b"A" * (4 << 20)]
        junk += [rnd.randbytes(rnd.randrange(1, 5000)) for _ in range(30)]
        for j in junk:
            k = socket.socket(socket.AF_UNIX)
            k.settimeout(3)
            try:
                k.connect(path)
                k.sendall(j)
                k.shutdown(socket.SHUT_WR)
                while k.recv(65536):
                    pass
            except OSError:
                pass
            k.close()
            s.check_alive()
        ks = []
        for _ in range(100):                            # a crowd that says nothing
            k = socket.socket(socket.AF_UNIX)
            k.settimeout(1)
            try:
                k.connect(path)
            except OSError:
                break
            ks.append(k)
        good_client(s)
        for k in ks:
            k.close()
        s.settle(fds)
        expect_eq(as_json("--control", path)["daemon"]["pid"], s.pid, "pid")


@case("wrong words: exit 2 and a hint")
def _():
    for argv in (["stauts"], ["status", "--jsn"], ["status", "--control"], ["--nope"]):
        p = run([SLUICE, *argv], check=False, timeout=10)
        expect_in(p.returncode, (1, 2), "exit code of %r" % argv)
        expect(p.stderr.strip(), "no message for %r", argv)
    p = run([SLUICE, "stauts"], check=False, timeout=10)
    expect("status" in p.stderr, "no suggestion: %s", p.stderr)
    expect_eq(run([SLUICE, "help"], check=False, timeout=10).returncode, 0, "help")


main(setup, limit=240)
