#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""`sluice serve` as its users meet it: what it prints, which names it gives, what it refuses and
how it says so, how it ends."""
import errno
import fcntl
import glob
import os
import pwd
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
from nbdwire import *   # noqa: E402

DATA = pattern(1 * MiB, 60)


def setup():
    if PEER:
        raise Skip("about the daemon itself")


def refused(*argv, words=(), code=1, timeout=20, env=None, prefix=()):
    """`sluice serve` must fail with one sentence that has these words in it."""
    p = run([*(prefix or [SLUICE]), "serve", *argv], check=False, timeout=timeout, cwd=tmpdir(), env=env)
    text = p.stderr.strip()
    expect_in(p.returncode, code if isinstance(code, tuple) else (code,), "exit code (%s)" % text)
    expect("ready" not in p.stdout.splitlines(), "it said ready")
    expect(text, "no message")
    expect(len(text.splitlines()) == 1, "one sentence, not this:\n%s", text)
    for w in words:
        expect(str(w) in text, "%r is not in: %s", str(w), text)
    return text


def sock():
    return "unix:" + tmpname(".sock")


# ---- what it prints ----

@case("each export has a line with its name and a command that attaches it; then `ready`")
def _():
    img = make_file(4 * MiB, "Some Disk.raw")
    for unix in (True, None):
        s = Server(img, "memory:8M", unix=unix, tcp=None if unix else True)
        with s:
            at = s.lines.index("ready")
            lines = s.lines[:at]
            for name in ("some-disk", "memory"):
                mine = [l for l in lines if ("/" + name) in l]
                expect_eq(len(mine), 1, "lines for %s in %r" % (name, lines))
                expect("nbd" in mine[0] and len(mine[0].split()) > 2, "no command in %r", mine[0])
                # the address in it must work
                word = [w for w in mine[0].split() if re.match("['\"]?nbd([+]unix)?://", w)][0]
                if shutil.which("nbdinfo"):
                    out = run(["nbdinfo", "--size", word.strip("'\"")]).stdout.strip()
                    expect_eq(out, str(8 * MiB if name == "memory" else 4 * MiB), "nbdinfo --size " + word)


@case("the default is 127.0.0.1:10809, and nowhere else")
def _():
    probe = socket.socket()
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 10809))
    except OSError:
        raise Skip("port 10809 is in use here")
    finally:
        probe.close()
    with Server("memory:1M", unix=False, tcp=False, listen=False) as s:
        expect_eq(s.addr, ("tcp", "127.0.0.1", 10809), "address")
        good_client(s)
        for line in open("/proc/%d/net/tcp" % s.pid).read().splitlines()[1:]:
            f = line.split()
            if f[3] == "0A" and f[1].endswith(":2A39"):
                expect_eq(f[1], "0100007F:2A39", "listening address")


@case("several listeners: TCP and Unix at once", when=lambda: None)
def _():
    u = tmpname(".sock")
    with Server("wire=memory:4M", tcp=True, unix=False, args=["--nbd", "unix:" + u]) as s:
        with s.client() as c:
            ok(c.write(0, DATA[:4096]))
        with Conn(("unix", u), 10) as c:
            c.enter("simple", "wire")
            same_bytes(bytes(ok(c.read(0, 4096)).data), DATA[:4096])
    expect(not os.path.exists(u), "the socket's file is left behind")


@case("IPv6: [::1]:0")
def _():
    try:
        k = socket.socket(socket.AF_INET6)
        k.bind(("::1", 0))
        k.close()
    except OSError:
        raise Skip("no IPv6 here")
    with Server("wire=memory:4M", unix=False, tcp="[::1]:0") as s:
        good_client(s)


# ---- names ----

@case("names: base name, extension off, lower case, the rest '-'; NAME=IMAGE; memory and null")
def _():
    imgs = [make_file(MiB, n) for n in ("UPPER.IMG", "a b_c.qcow", "x.tar.img", "noext", "-odd-.raw",
                                        "\u00fcmlaut.img")]
    want = ["upper", "a-b-c", "x.tar", "noext", "-odd-"]
    with Server(*imgs, "memory:1M", "null:1M", "other.name-2=null:2M") as s:
        with s.connect() as c:
            c.hello()
            kind, items, _ = c.opt_all(OPT_LIST)
            names = [b[4:4 + struct.unpack(">I", b[:4])[0]].decode() for b in items]
        for n in want + ["memory", "null", "other.name-2"]:
            expect(n in names, "%r is not among %r", n, names)
        expect(any(re.match(r"-+mlaut$", n) for n in names), "the umlaut's name among %r", names)
        expect_eq(len(names), 9, "names")


@case("two images of one NAME: refused, both named")
def _():
    os.makedirs(os.path.join(tmpdir(), "d1"), exist_ok=True)
    a, b = make_file(MiB, "same.img"), make_file(MiB, "d1/same.raw")
    wrong = (1, 2)      # words that contradict each other: either is right
    refused("--nbd", sock(), a, b, words=("same", a, b), code=wrong)
    refused("--nbd", sock(), "memory:1M", "memory:2M", words=("memory",), code=wrong)
    refused("--nbd", sock(), "x=memory:1M", "x=null:2M", words=("x",), code=wrong)


@case("one image twice under two names: refused, for both would write", when=lambda: None)
def _():
    a = make_file(MiB)
    p = run([SLUICE, "serve", "--nbd", sock(), "one=" + a, "two=" + a], check=False, timeout=10)
    expect_eq(p.returncode, 1, "exit code (%s)" % p.stderr)


# ---- sizes, stores ----

@case("--size makes a missing file, sparse; an existing one keeps its size")
def _():
    path = os.path.join(tmpdir(), "made.img")
    with Server(path, args=["--size", "1G"]) as s:
        with s.client() as c:
            expect_eq(c.size, 1 * GiB, "size")
            ok(c.write(512 * MiB, DATA))
    expect_eq(os.path.getsize(path), 1 * GiB, "file size")
    expect(os.stat(path).st_blocks * 512 < 4 * MiB, "not sparse: %d blocks", os.stat(path).st_blocks)
    keep = make_file(3 * MiB)
    try:
        with Server("k=" + keep, args=["--size", "9M"]) as s, s.client(name="k") as c:
            expect_eq(c.size, 3 * MiB, "size of what exists")
    except Fail as e:
        expect("exit 1 before ready" in str(e), "%s", e)
    expect_eq(os.path.getsize(keep), 3 * MiB, "file size")


@case("memory:SIZE keeps what is written, null:SIZE does not")
def _():
    with Server("memory:16M", "null:5G") as s:
        with s.client("structured", name="memory", meta=True) as c:
            expect_eq(c.size, 16 * MiB, "size")
            ok(c.write(1024, DATA))
            same_bytes(bytes(ok(c.read(0, 2 * MiB)).data), bytes(1024) + DATA + bytes(1 * MiB - 1024))
            ok(c.trim(0, 16 * MiB))
        with s.client("structured", name="null", meta=True) as c:
            expect_eq(c.size, 5 * GiB, "size")
            ok(c.write(4 * GiB, DATA))
            same_bytes(bytes(ok(c.read(4 * GiB, 1 * MiB)).data), bytes(1 * MiB))
            ok(c.flush())


@case("sizes in words: 512, 4K, 3M, 1G, 2T; wrong ones refused")
def _():
    for text, want in (("4K", 4096), ("1048576", MiB), ("3M", 3 * MiB), ("1G", GiB), ("2T", 2 << 40)):
        with Server("null:" + text) as s, s.client() as c:
            expect_eq(c.size, want, text)
    for text in ("", "x", "-1", "4Q", "1.5.G", "99999999999999999999", "16E", "0x"):
        p = run([SLUICE, "serve", "--nbd", sock(), "memory:" + text], check=False, timeout=10)
        expect(p.returncode in (1, 2) and p.stderr.strip(), "memory:%s: exit %d, %s", text, p.returncode,
               p.stderr)


@case("--read-only: shown to clients, writes refused, file untouched; two of them share a file")
def _():
    img = make_file(4 * MiB)
    with open(img, "r+b") as f:
        f.write(DATA)
    with Server("ro=" + img, read_only=True) as a, Server("ro=" + img, read_only=True) as b:
        for s in (a, b):
            with s.client("structured", name="ro") as c:
                expect(c.tflags & T_READ_ONLY, "READ_ONLY is clear")
                fails(c.write(0, b"x" * 512), EPERM)
                same_bytes(bytes(ok(c.read(0, MiB)).data), DATA)


@case("--write-through, --threads, --engine, --busy-poll: the same service")
def _():
    for args in (["--write-through"], ["--threads", "1"], ["--threads", "3"], ["--engine", "aio"],
                 ["--engine", "aio", "--threads", "2", "--write-through"], ["--pool", "min"],
                 ["--busy-poll", "50"], ["--engine", "aio", "--busy-poll", "10000"]):
        with Server("wire=" + make_file(8 * MiB), args=args, serve_args=False) as s:
            for mode in ("simple", "structured", "extended"):
                with s.client(mode) as c:
                    ok(c.write(4096, DATA))
                    ok(c.flush())
                    same_bytes(bytes(ok(c.read(4096, MiB)).data), DATA)
            good_client(s, 4096, DATA)
    try:
        with Server("wire=" + make_file(8 * MiB), args=["--engine", "uring"], serve_args=False) as s:
            good_client(s)
    except Fail as e:
        expect("io_uring" in str(e) or "uring" in str(e), "%s", e)
        raise Skip("io_uring is not allowed here")


def sleeps(pid):
    """How often the threads of a process have gone to sleep."""
    words = [read_text(path) for path in glob.glob("/proc/%d/task/*/status" % pid)]
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", w, re.M).group(1)) for w in words)


def cpu_ticks(pid):
    """User and system time of a process, all its threads: in hundredths of a second, mostly."""
    return sum(int(n) for n in read_text("/proc/%d/stat" % pid).rsplit(")", 1)[1].split()[11:13])


def read_text(path):
    with open(path) as f:
        return f.read()


@case("--busy-poll: it looks while there is work, and sleeps when there is none; by itself, where that pays")
def _():
    slept = []
    for args in (["--busy-poll", "0"], ["--busy-poll", "10000"], [], ["--busy-poll", "auto"]):
        with Server("wire=" + make_file(8 * MiB), args=args, serve_args=False) as s, \
                s.client("structured") as c:
            ok(c.read(4096, 512))
            before = sleeps(s.pid)
            for i in range(400):
                ok(c.read(4096, 512))
            slept.append(sleeps(s.pid) - before)
            time.sleep(0.5)
            before = cpu_ticks(s.pid)
            time.sleep(1.5)
            idle = cpu_ticks(s.pid) - before
            ok(c.read(4096, 512))
            expect(idle <= 3, "%r: 1.5 s without work took %d ticks", args, idle)
    expect(slept[0] >= 200, "%d sleeps in 400 reads", slept[0])
    expect(slept[1] <= 100, "%d sleeps in 400 reads with --busy-poll", slept[1])


@case("--busy-poll auto: a loop measures, says what it does, and takes no more processor time than it may")
def _():
    spent, looked = [], []
    for args in (["--busy-poll", "0"], ["--busy-poll", "auto"]):
        with Server("wire=" + make_file(8 * MiB), args=["--threads", "1", *args], serve_args=False) as s, \
                s.client("structured") as c:
            ok(c.read(4096, 512))
            before, looks = cpu_ticks(s.pid), 0
            for i in range(12000):
                ok(c.read(4096, 512))
                if i % 1000 == 999:
                    looks += s.status()["loops"][0]["busy_poll_us"] > 0
            spent.append(cpu_ticks(s.pid) - before)
            looked.append(looks)
    expect(looked[0] == 0, "--busy-poll 0 looked")
    # whether it pays is the machine's business; that it does not cost is ours
    expect(spent[1] <= 1.6 * spent[0] + 5, "%d ticks asleep, %d by its own choice", *spent)


@case("--busy-poll auto: requests far apart find it asleep")
def _():
    with Server("wire=" + make_file(8 * MiB), args=["--threads", "1"], serve_args=False) as s, \
            s.client("structured") as c:
        for i in range(3000):
            ok(c.read(4096, 512))
        looks = []
        for i in range(300):
            time.sleep(0.003)
            ok(c.read(4096, 512))
            if i % 10 == 9:
                looks.append(s.status()["loops"][0]["busy_poll_us"])
        # now and then it tries, and gives up after eight
        expect(looks[2:].count(0) >= len(looks) - 5, "it looks, and finds nothing: %r", looks)


# ---- what it refuses ----

@case("wrong words: no image, unknown option, wrong values: a sentence, exit 1 or 2")
def _():
    for argv in ((), ("--nbd", sock()), ("--frobnicate", "memory:1M"), ("--nbd", "nonsense", "memory:1M"),
                 ("--nbd", "127.0.0.1:99999", "memory:1M"), ("--threads", "0", "memory:1M"),
                 ("--threads", "x", "memory:1M"), ("--engine", "steam", "memory:1M"),
                 ("--busy-poll", "10001", "memory:1M"), ("--busy-poll", "-1", "memory:1M"),
                 ("--busy-poll", "often", "memory:1M"),
                 ("--block-size", "1000", "memory:1M"), ("--block-size", "131072", "memory:1M"),
                 ("--size", "x", "memory:1M"), ("--nbd", "unix:", "memory:1M"), ("=memory:1M",),
                 ("--nbd", "unix:/" + "x" * 120, "memory:1M")):
        p = run([SLUICE, "serve", *argv], check=False, timeout=10, cwd=tmpdir())
        expect(p.returncode in (1, 2), "%r: exit %d", argv, p.returncode)
        expect(p.stderr.strip(), "%r: no message", argv)
        expect("ready" not in p.stdout, "%r: ready", argv)


@case("an absent image: refused by name, and not made")
def _():
    path = os.path.join(tmpdir(), "absent.img")
    refused("--nbd", sock(), path, words=(path,))
    expect(not os.path.exists(path), "it was made")
    refused("--nbd", sock(), "/nonexistent/dir/x.img", words=("/nonexistent/dir/x.img",))


@case("a folder, a socket, a fifo, a character device as image: refused by name")
def _():
    fifo = tmpname(".fifo")
    os.mkfifo(fifo)
    u = socket.socket(socket.AF_UNIX)
    upath = tmpname(".sock")
    u.bind(upath)
    for path in (tmpdir(), fifo, upath, "/dev/null", "/dev/zero"):
        refused("--nbd", sock(), path, words=(path,), timeout=10)
    u.close()


@case("an image without permission: refused by name")
def _():
    # root may open everything: then the daemon runs as nobody, from a copy that he can reach
    nobody = pwd.getpwnam("nobody")
    place = os.path.join(tmpdir(), "nobody")
    path = os.path.join(place, "image")
    prefix, env = [], dict(os.environ)
    os.mkdir(place)
    if os.geteuid() == 0:
        prefix = [need("setpriv"), "--reuid", str(nobody.pw_uid), "--regid", str(nobody.pw_gid),
                  "--clear-groups", os.path.join(place, "sluice")]
        shutil.copy2(SLUICE, place)
        env["SLUICED"] = shutil.copy2(SLUICED, place)
        os.chmod(tmpdir(), 0o711)
    with open(path, "wb") as f:
        f.truncate(MiB)
    if prefix:
        for at in (place, path):
            os.chown(at, nobody.pw_uid, nobody.pw_gid)
    words = ["--nbd", "unix:" + os.path.join(place, "s"), "--control", os.path.join(place, "c"), path]
    os.chmod(path, 0)
    refused(*words, words=(path, "ermission"), prefix=prefix, env=env)
    os.chmod(path, 0o400)
    refused(*words, words=(path, "ermission"), prefix=prefix, env=env)
    os.chmod(path, 0o600)
    p = popen([*(prefix or [SLUICE]), "serve", *words], stdout=subprocess.PIPE, env=env, text=True)
    lines = iter(p.stdout.readline, "")
    expect("ready\n" in lines, "he may not open his own")
    p.terminate()
    expect_eq(p.wait(15 * slow()), 0, "exit code")


@case("a port in use: refused, port and holder named")
def _():
    k = socket.socket()
    k.bind(("127.0.0.1", 0))
    k.listen(1)
    port = k.getsockname()[1]
    text = refused("--nbd", "127.0.0.1:%d" % port, "memory:1M", words=(port,))
    expect(str(os.getpid()) in text or "python" in text, "the holder (%d) is not named: %s", os.getpid(),
           text)
    k.close()


@case("a port in use by another sluice: refused, the holder named; the first goes on")
def _():
    with Server("wire=memory:4M", tcp=True) as s:
        text = refused("--nbd", "127.0.0.1:%d" % s.addr[2], "memory:1M", words=(s.addr[2],))
        expect(str(s.pid) in text or "sluice" in text, "the holder (%d) is not named: %s", s.pid, text)
        good_client(s)


@case("a Unix socket in use: refused; one left behind by the dead: taken over")
def _():
    path = tmpname(".sock")
    with Server("wire=memory:4M", unix=path) as s:
        refused("--nbd", "unix:" + path, "memory:1M", words=(path,))
        good_client(s)
    expect(not os.path.exists(path), "the socket's file is left behind")
    s = Server("wire=memory:4M", unix=path)
    s.kill()
    expect(os.path.exists(path), "kill -9 removed the socket's file")
    with Server("wire=memory:4M", unix=path) as s:
        good_client(s)


@case("a file that is no socket is not replaced by one")
def _():
    path = make_file(100)
    refused("--nbd", "unix:" + path, "memory:1M", words=(path,))
    expect_eq(os.path.getsize(path), 100, "the file")


# ---- images in use ----

@case("an image that another sluice writes: refused, its pid named; read-only too")
def _():
    img = make_file(4 * MiB)
    with Server("a=" + img) as s:
        refused("--nbd", sock(), "b=" + img, words=(img, s.pid))
        refused("--nbd", sock(), "--read-only", "b=" + img, words=(img, s.pid))
        good_client(s, name="a")
    with Server("a=" + img) as s:       # free again
        good_client(s, name="a")


@case("an image that a reader holds: writing is refused")
def _():
    img = make_file(4 * MiB)
    with Server("a=" + img, read_only=True) as s:
        refused("--nbd", sock(), "b=" + img, words=(img,))


@case("an image under flock by another program: refused, its pid named")
def _():
    img = make_file(4 * MiB)
    with open(img, "r+b") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        refused("--nbd", sock(), img, words=(img, os.getpid()))
    if shutil.which("flock"):
        p = popen(["flock", "-x", img, "sleep", "30"])
        time.sleep(0.3)
        refused("--nbd", sock(), img, words=(img,))
        p.kill()
        p.wait()
        # `sleep` inherits the descriptor
        for pid in holders(img):
            os.kill(pid, signal.SIGKILL)


def holders(path):
    out = []
    for pid in os.listdir("/proc"):
        if pid.isdigit() and int(pid) != os.getpid():
            try:
                for fd in os.listdir("/proc/%s/fd" % pid):
                    if os.readlink("/proc/%s/fd/%s" % (pid, fd)) == path:
                        out.append(int(pid))
                        break
            except OSError:
                pass
    return out


@case("an image that qemu writes (OFD locks): refused; when qemu has gone: served", limit=60)
def _():
    need("qemu-nbd")
    img = make_file(4 * MiB)
    u = tmpname(".sock")
    p = popen(["qemu-nbd", "-t", "-k", u, "-f", "raw", img], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 10
    while not os.path.exists(u) and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.1)
    refused("--nbd", sock(), img, words=(img,))
    p.terminate()
    p.wait(10)
    with Server("q=" + img) as s:
        good_client(s, name="q")


@case("an image that qemu only reads is served read-only, not for writing", limit=60)
def _():
    need("qemu-nbd")
    img = make_file(4 * MiB)
    u = tmpname(".sock")
    p = popen(["qemu-nbd", "-t", "-r", "-k", u, "-f", "raw", img], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 10
    while not os.path.exists(u) and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.1)
    refused("--nbd", sock(), img, words=(img,))
    with Server("q=" + img, read_only=True) as s:
        good_client(s, name="q")
    p.terminate()
    p.wait(10)


@case("qemu refuses the image that we write", limit=60)
def _():
    need("qemu-io")
    img = make_file(4 * MiB)
    with Server("q=" + img) as s:
        p = run(["qemu-io", "-f", "raw", "-c", "write 0 4k", img], check=False)
        expect(p.returncode != 0 and "lock" in p.stderr, "qemu-io wrote beside us: %s%s", p.stdout, p.stderr)
        good_client(s, name="q")


@case("another program's flock is refused while we serve", limit=30)
def _():
    img = make_file(4 * MiB)
    with Server("q=" + img), open(img, "r+b") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            raise Fail("we got the lock")
        except BlockingIOError:
            pass


# ---- how it ends ----

def idle_end(sig):
    s = Server("e=" + make_file(4 * MiB))
    with s.client(name="e") as c:
        ok(c.write(0, DATA))
    began = time.monotonic()
    expect_eq(s.stop(sig), 0, "exit code")
    expect(time.monotonic() - began < 3 * slow(), "it took %.1f s", time.monotonic() - began)
    with open(s.images[0][2:], "rb") as f:
        same_bytes(f.read(MiB), DATA, "the file")


@case("SIGTERM: exit 0, the data is in the file")
def _():
    idle_end(signal.SIGTERM)


@case("SIGINT (Ctrl-C): exit 0, the data is in the file")
def _():
    idle_end(signal.SIGINT)


@case("SIGHUP and SIGPIPE do not kill it with work undone")
def _():
    s = Server("e=" + make_file(4 * MiB))
    s.proc.send_signal(signal.SIGPIPE)
    time.sleep(0.1)
    s.check_alive()
    good_client(s, name="e")
    s.check_stop()


@case("SIGTERM with idle connections: they end within 5 seconds, exit 0", limit=40)
def _():
    s = Server("wire=memory:4M", tcp=True)
    cs = [s.client("structured") for _ in range(10)] + [s.connect() for _ in range(5)]
    began = time.monotonic()
    s.proc.send_signal(signal.SIGTERM)
    for c in cs:
        c.is_closed(7 * slow())
    took = time.monotonic() - began
    expect(took < 6 * slow(), "connections ended after %.1f s", took)
    expect_eq(s.stop(sig=0), 0, "exit code")


@case("SIGTERM under load: ends in time, exit 0, all that was acknowledged is in the file", limit=90)
def _():
    for tcp, args in ((True, []), (False, ["--engine", "aio"])):
        img = make_file(64 * MiB)
        s = Server("load=" + img, tcp=tcp or None, args=args)
        acked, lock = {}, threading.Lock()

        def writer(i):
            try:
                with s.client("structured", name="load") as c:
                    n = 0
                    live = []
                    while True:
                        at = (i * 1024 + n % 1024) * 4096
                        r = c.post(CMD_WRITE, at, data=struct.pack(">II", i, n) * 512)
                        live.append((r, at, n))
                        n += 1
                        while len(live) >= 32:
                            r, at, k = live.pop(0)
                            c.wait(r)
                            if r.error:
                                expect_in(r.error, (ESHUTDOWN,), "error at the end")
                            else:
                                with lock:
                                    acked[at] = max(acked.get(at, -1), k)
            except (Closed, OSError):
                pass

        ts = [threading.Thread(target=writer, args=(i,), daemon=True) for i in range(8)]
        for t in ts:
            t.start()
        time.sleep(1.0)
        began = time.monotonic()
        code = s.stop(timeout=30)
        took = time.monotonic() - began
        for t in ts:
            t.join(10)
        expect_eq(code, 0, "exit code (%s)" % s.log_tail())
        diag("%d blocks acknowledged, ended after %.1f s" % (len(acked), took))
        expect(took < 15 * slow(), "it took %.1f s", took)
        expect(len(acked) > 100, "only %d writes were acknowledged", len(acked))
        with open(img, "rb") as f:
            for at, k in acked.items():
                f.seek(at)
                b = f.read(4096)
                got_i, got_n = struct.unpack(">II", b[:8])
                expect(b == b[:8] * 512 and got_i == at // 4096 // 1024 and got_n >= k,
                       "block at %d: stamp %d/%d, acknowledged %d", at, got_i, got_n, k)
        close_all()


@case("after SIGTERM nobody new is let in", limit=30)
def _():
    s = Server("wire=memory:4M", tcp=True)
    c = s.client("simple")
    c.post(CMD_READ, 0, 4096)
    s.proc.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    try:
        with s.client("simple", timeout=3) as d:
            fails(d.read(0, 512), ESHUTDOWN)
    except (Closed, OSError, Fail):
        pass
    expect_eq(s.stop(sig=0), 0, "exit code")


@case("a second signal ends at once", limit=40)
def _():
    s = Server("wire=memory:64M", tcp=True)
    cs = []
    for _ in range(6):
        c = s.client("simple", rcvbuf=4096)
        for _ in range(32):
            c.post(CMD_READ, 0, 1 * MiB)
        cs.append(c)
    time.sleep(0.2)
    s.proc.send_signal(signal.SIGTERM)
    time.sleep(0.3 * slow())    # an echo of the first is not a second: 40 ms from when it was heard
    began = time.monotonic()
    s.proc.send_signal(signal.SIGTERM)
    try:
        s.proc.wait(3 * slow())
    except subprocess.TimeoutExpired:
        raise Fail("still there 3 s after the second signal")
    diag("ended %.2f s after the second signal, %d" % (time.monotonic() - began, s.proc.returncode))
    SERVERS.remove(s)


@case("a client that never reads cannot hold up the end", limit=40)
def _():
    s = Server("wire=memory:64M", tcp=True)
    for _ in range(4):
        c = s.client("simple", rcvbuf=4096)
        for _ in range(64):
            c.post(CMD_READ, 0, 1 * MiB)
    time.sleep(0.2)
    began = time.monotonic()
    code = s.stop(timeout=15)
    took = time.monotonic() - began
    expect_eq(code, 0, "exit code")
    expect(took < 8 * slow(), "it took %.1f s", took)


@case("it says what it does at the end: flush, progress")
def _():
    s = Server("e=" + make_file(64 * MiB))
    with s.client(name="e") as c:
        ok(c.write(0, bytes(32 * MiB)))
    expect_eq(s.stop(), 0, "exit code")
    text = s.stdout() + s.stderr()
    expect("flush" in text.lower(), "not a word about flushing:\n%s", text[-500:])


@case("the control socket and the Unix socket are gone after the end")
def _():
    s = Server("memory:4M")
    u, ctl = s.unix_path, s.control
    expect(os.path.exists(u) and os.path.exists(ctl), "sockets while it runs")
    s.check_stop()
    expect(not os.path.exists(u), "%s is left", u)
    expect(not os.path.exists(ctl), "%s is left", ctl)


@case("without a home, a runtime folder or a terminal it serves all the same")
def _():
    env = {"HOME": "/nonexistent", "XDG_RUNTIME_DIR": "", "PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    with Server("memory:4M", env=env, control=False) as s:
        good_client(s)


@case("no descriptors inherited by mistake, none leaked to it", when=lambda: None)
def _():
    r, w = os.pipe()
    os.set_inheritable(w, True)
    p = None
    try:
        u = tmpname(".sock")
        p = popen([SLUICE, "serve", "--nbd", "unix:" + u, "--control", tmpname(".ctl"), "memory:1M"],
                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=(w,))
        while p.stdout.readline().strip() not in (b"ready", b""):
            pass
    finally:
        os.close(w)
        os.close(r)
        if p:
            p.terminate()
            p.wait(10)
            p.stdout.close()


main(setup, limit=600)
