# SPDX-License-Identifier: BSD-3-Clause
"""What all wire tests and outside tests share: cases that print TAP, programs that are run
with a time limit, and a daemon that is started, watched and ended.  The client is nbdwire.py.

Environment:
  SRCDIR, BUILDDIR     the source and the build tree (default: the tree above, and its ./build)
  SLUICE_SERVE_ARGS    more arguments for every `sluice serve` of the suite
  NBDWIRE_PEER         nbdkit or qemu-nbd: try the test itself against that server
  NBDWIRE_LIMIT        seconds that a whole script may take (default: its own)
  NBDWIRE_TIMES        say how long a case took that took more than so many seconds
  V=1                  print the daemon's messages as they are when a case fails
"""
import atexit
import ctypes
import fnmatch
import json
import os
import re
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

# ---- where things are --------------------------------------------------------------------

HERE = os.path.dirname(os.path.abspath(__file__))
SRCDIR = os.path.abspath(os.environ.get("SRCDIR") or os.path.join(HERE, "..", ".."))
BUILDDIR = os.environ.get("BUILDDIR")
if not BUILDDIR:
    BUILDDIR = os.path.join(SRCDIR, "build")
    if not os.path.isdir(BUILDDIR):
        BUILDDIR = SRCDIR
BUILDDIR = os.path.abspath(BUILDDIR)
SLUICE = os.path.join(BUILDDIR, "gateway", "cli", "sluice")
SLUICED = os.path.join(BUILDDIR, "gateway", "daemon", "sluiced")
PEER = os.environ.get("NBDWIRE_PEER", "")

KiB, MiB, GiB = 1 << 10, 1 << 20, 1 << 30


def slow():
    """How much slower than a plain build this one is (sanitizers, valgrind)."""
    if PEER:
        return 1
    global _slow
    if _slow is None:
        _slow = 1
        try:
            with open(SLUICED, "rb") as f:
                text = f.read()
            if b"__asan_init" in text:
                _slow = 4
            if b"__tsan_init" in text:
                _slow = 10
        except OSError:
            pass
    return _slow


_slow = None

# ---- a place of our own, removed at the end ---------------------------------------------

_tmp = None
_tmp_owner = None


def tmpdir():
    """A folder for this script; short, because a Unix socket's path may have 107 bytes."""
    global _tmp, _tmp_owner
    if _tmp is None:
        base = tempfile.gettempdir()
        if len(base) > 50:
            base = "/tmp"
        _tmp = tempfile.mkdtemp(prefix="slt", dir=base)
        _tmp_owner = os.getpid()
    return _tmp


_tmpcount = 0


def tmpname(suffix=""):
    global _tmpcount
    _tmpcount += 1
    return os.path.join(tmpdir(), "%d%s" % (_tmpcount, suffix))


def make_file(size, name=None):
    """A sparse file of that size."""
    path = os.path.join(tmpdir(), name) if name else tmpname(".img")
    with open(path, "wb") as f:
        f.truncate(size)
    return path


_children = []


def _end_child(p):
    if p.poll() is None:
        try:
            p.kill()
        except OSError:
            pass
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            pass


@atexit.register
def _cleanup():
    if _tmp_owner is not None and _tmp_owner != os.getpid():
        return
    for p in _children:
        _end_child(p)
    if _tmp:
        shutil.rmtree(_tmp, ignore_errors=True)


_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """For preexec_fn: no child outlives a test that was killed."""
    _libc.prctl(1, signal.SIGKILL)


def popen(argv, **kw):
    kw.setdefault("stdin", subprocess.DEVNULL)
    p = subprocess.Popen(argv, preexec_fn=die_with_parent, **kw)
    _children.append(p)
    return p


def run(argv, timeout=120, check=True, **kw):
    """Run a program to its end; returns the CompletedProcess with text in .stdout and .stderr."""
    kw.setdefault("stdin", subprocess.DEVNULL)
    kw.setdefault("stdout", subprocess.PIPE)
    kw.setdefault("stderr", subprocess.PIPE)
    kw.setdefault("text", True)
    timeout *= slow()
    p = subprocess.Popen(argv, preexec_fn=die_with_parent, **kw)
    _children.append(p)
    try:
        out, err = p.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
        raise Fail("not done after %d s: %s\n%s\n%s" % (timeout, shlex.join(argv), out, err))
    finally:
        _children.remove(p)
    if check and p.returncode != 0:
        raise Fail("exit %d: %s\n%s\n%s" % (p.returncode, shlex.join(argv), out, err))
    return subprocess.CompletedProcess(argv, p.returncode, out, err)


def need(*programs):
    """Skip unless these programs are there; returns their paths."""
    found = []
    for prog in programs:
        path = shutil.which(prog, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if not path:
            raise Skip("%s is not installed" % prog)
        found.append(path)
    return found if len(found) > 1 else found[0]


def import_nbd():
    """libnbd's module.  Debian's is for /usr/bin/python3: run again there if need be."""
    try:
        import nbd
        return nbd
    except ImportError:
        pass
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        if subprocess.call(["/usr/bin/python3", "-c", "import nbd"],
                           stderr=subprocess.DEVNULL) == 0:
            os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    print("1..0 # SKIP python3-libnbd is not installed")
    sys.exit(0)


# ---- cases and TAP -----------------------------------------------------------------------

class Fail(Exception):
    pass


class Skip(Exception):
    pass


class CaseTimeout(Fail):
    pass


CASES = []
HELPERS = ["nbdwire.py", "suite.py"]    # whose lines say nothing about where a case failed
AFTER_CASE = []         # what helpers want to do after each case


def case(title, limit=30, when=None):
    """Decorator: this function is a case; it fails by an exception."""
    def take(fn):
        CASES.append((title, fn, limit, when))
        return fn
    return take


def expect(cond, text, *args):
    if not cond:
        raise Fail(text % args if args else text)


def expect_eq(got, want, what):
    if got != want:
        raise Fail("%s: got %r, want %r" % (what, got, want))


def expect_in(got, wanted, what):
    if got not in wanted:
        raise Fail("%s: got %r, want one of %r" % (what, got, sorted(wanted)))


def same_bytes(got, want, what="data"):
    """Compare bytes and say where they differ, briefly."""
    if len(got) != len(want):
        raise Fail("%s: %d bytes, want %d" % (what, len(got), len(want)))
    if got == want:
        return
    at = next(i for i in range(len(want)) if got[i] != want[i])
    bad = sum(1 for i in range(len(want)) if got[i] != want[i])
    raise Fail("%s: %d of %d bytes differ, first at %d: got %s, want %s" %
               (what, bad, len(want), at, got[at:at + 16].hex(), want[at:at + 16].hex()))


def diag(text):
    for line in str(text).splitlines():
        print("#   " + line)
    sys.stdout.flush()


def _watchdog(seconds):
    def bark():
        print("Bail out! the whole script took more than %d s" % seconds)
        for t, frame in sys._current_frames().items():
            diag("".join(traceback.format_stack(frame)[-6:]))
        for s in list(SERVERS):
            diag("log of %s:\n%s" % (s.title, s.log_tail()))
        sys.stdout.flush()
        _cleanup()
        os._exit(1)
    t = threading.Timer(seconds, bark)
    t.daemon = True
    t.start()


def _alarm(_sig, _frame):
    raise CaseTimeout("this case took too long")


def main(setup=None, after_each=None, teardown=None, limit=300):
    """Run the cases of this script (all, or those whose number or title match an argument)."""
    if not PEER and not os.access(SLUICED, os.X_OK):
        print("1..0 # SKIP no daemon at %s (set BUILDDIR)" % SLUICED)
        sys.exit(0)
    _watchdog(int(os.environ.get("NBDWIRE_LIMIT", limit * slow())))
    signal.signal(signal.SIGALRM, _alarm)
    signal.signal(signal.SIGTERM, lambda *a: sys.exit(1))
    wanted = sys.argv[1:]
    if wanted == ["-l"]:
        for i, (title, _, _, _) in enumerate(CASES, 1):
            print("%3d %s" % (i, title))
        sys.exit(0)
    chosen = []
    for i, c in enumerate(CASES, 1):
        if not wanted or any(w == str(i) or fnmatch.fnmatch(c[0], "*%s*" % w) for w in wanted):
            chosen.append((i, c))
    print("1..%d" % (len(chosen) + (1 if teardown else 0)))
    sys.stdout.flush()
    failed = 0
    try:
        if setup:
            setup()
    except Skip as e:
        for n, (i, c) in enumerate(chosen, 1):
            print("ok %d - %s # SKIP %s" % (n, c[0], e))
        if teardown:
            print("ok %d - end # SKIP %s" % (len(chosen) + 1, e))
        sys.exit(0)
    except Exception as e:
        print("Bail out! %s" % str(e).splitlines()[0])
        diag(traceback.format_exc())
        sys.exit(1)
    shared = list(SERVERS)
    n = 0
    for n, (i, (title, fn, lim, when)) in enumerate(chosen, 1):
        failed += not _one(n, title, fn, lim, when, after_each)
        for s in shared:
            if not s.alive() and s in SERVERS:
                print("Bail out! the daemon has ended (%d) in case %d" % (s.proc.returncode, n))
                sys.stdout.flush()
                sys.exit(1)
    if teardown:
        failed += not _one(n + 1, "the daemon ends as it should", teardown, 60, None, None)
    sys.stdout.flush()
    sys.exit(1 if failed else 0)


def _one(n, title, fn, lim, when, after_each):
    began = time.monotonic()
    try:
        if when:
            why = when()
            if why:
                raise Skip(why)
        signal.setitimer(signal.ITIMER_REAL, lim * slow())
        try:
            fn()
            if after_each:
                after_each()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for fn in AFTER_CASE:
                fn()
        print("ok %d - %s" % (n, title))
        if time.monotonic() - began > float(os.environ.get("NBDWIRE_TIMES", "1e9")):
            diag("%.1f s" % (time.monotonic() - began))
        good = True
    except Skip as e:
        print("ok %d - %s # SKIP %s" % (n, title, e))
        good = True
    except (Fail, OSError) as e:
        print("not ok %d - %s" % (n, title))
        diag("%s: %s" % (type(e).__name__, e))
        tb = traceback.extract_tb(e.__traceback__)
        mine = [f for f in tb if os.path.basename(f.filename) not in HELPERS]
        for f in (mine or tb)[-3:]:
            diag("at %s:%d: %s" % (os.path.basename(f.filename), f.lineno, f.line))
        good = False
    except Exception:
        print("not ok %d - %s" % (n, title))
        diag(traceback.format_exc())
        good = False
    if not good:
        diag("after %.1f s" % (time.monotonic() - began))
        for s in list(SERVERS):
            s.report()
    sys.stdout.flush()
    return good


# ---- the daemon --------------------------------------------------------------------------

SERVERS = []


def _try_connect(addr):
    unix = addr[0] == "unix"
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET, socket.SOCK_STREAM) as s:
        s.settimeout(1)
        s.connect(addr[1] if unix else addr[1:])


def suite_args(own):
    """SLUICE_SERVE_ARGS without what the case says itself: a word is not given twice."""
    words = shlex.split(os.environ.get("SLUICE_SERVE_ARGS", ""))
    starts = [i for i, w in enumerate(words) if w.startswith("--")] + [len(words)]
    return [w for a, b in zip(starts, starts[1:]) if words[a] not in own for w in words[a:b]]


class Server:
    """One `sluice serve`, started and ready.  With NBDWIRE_PEER, that peer instead."""

    def __init__(self, *images, unix=None, tcp=None, read_only=False, args=(), env=None,
                 wait=True, control=True, listen=True, serve_args=True):
        if not images:
            images = ("wire=memory:16M",)
        self.images = images
        self.log_path = tmpname(".log")
        self.addr = None
        self.lines = []
        self.control = None
        self.unix_path = None
        if unix is None and tcp is None:
            unix = True
        if unix is True:
            unix = tmpname(".sock")
        if tcp is True:
            tcp = "127.0.0.1:0"
        env = dict(os.environ, **(env or {}))
        if PEER:
            argv = self._peer_argv(images, unix, tcp, read_only)
        else:
            argv = [SLUICE, "serve"]
            if listen and unix:
                argv += ["--nbd", "unix:" + unix]
            if listen and tcp:
                argv += ["--nbd", tcp]
            if read_only:
                argv.append("--read-only")
            if control:
                self.control = tmpname(".ctl") if control is True else control
                argv += ["--control", self.control]
            argv += list(args)
            if serve_args:
                argv += suite_args(args)
            argv += list(images)
        if unix:
            self.unix_path = unix
        self.argv = argv
        self.title = shlex.join(argv)
        self.out_path = self.log_path + ".out"
        with open(self.out_path, "wb") as out, open(self.log_path, "wb") as err:
            self.proc = popen(argv, stdout=out, stderr=err, env=env, cwd=tmpdir())
        self.pid = self.proc.pid
        self.code = None
        SERVERS.append(self)
        if wait:
            self.wait_ready()

    def status(self):
        """What `sluice status --json` says of it."""
        return json.loads(run([SLUICE, "status", "--json", "--control", self.control]).stdout)

    # -- peers, only to try the tests themselves --

    def _peer_argv(self, images, unix, tcp, read_only):
        if len(images) != 1:
            raise Skip("%s serves one image" % PEER)
        name, _, image = images[0].rpartition("=")
        name = name or os.path.splitext(os.path.basename(image.split(":")[0]))[0]
        if tcp:
            s = socket.socket()
            s.bind(("127.0.0.1", 0))
            self.peer_port = s.getsockname()[1]
            s.close()
            self.addr = ("tcp", "127.0.0.1", self.peer_port)
        else:
            self.addr = ("unix", unix)
        if PEER == "nbdkit":
            argv = ["nbdkit", "-f", "--newstyle"]
            argv += ["-p", str(self.peer_port), "-i", "127.0.0.1"] if tcp else ["-U", unix]
            if read_only:
                argv.append("-r")
            if image.startswith("memory:") or image.startswith("null:"):
                argv += image.split(":")
            else:
                argv += ["file", os.path.abspath(image)]
            return argv
        if PEER == "qemu-nbd":
            if image.startswith("memory:"):
                size = parse_size(image.split(":")[1])
                image = make_file(size)
            argv = ["qemu-nbd", "-t", "-e", "0", "-x", name, "-D", "a peer", "--discard=unmap"]
            argv += ["-p", str(self.peer_port), "-b", "127.0.0.1"] if tcp else ["-k", unix]
            if read_only:
                argv.append("-r")
            if image.startswith("null:"):
                return argv + ["--image-opts", "driver=raw,file.driver=null-co,file.read-zeroes=on,"
                               "file.size=%d" % parse_size(image.split(":")[1])]
            return argv + ["-f", "raw", os.path.abspath(image)]
        raise Skip("no such peer: " + PEER)

    # -- start --

    def stdout(self):
        with open(self.out_path, errors="replace") as f:
            return f.read()

    def stderr(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def wait_ready(self, timeout=20):
        end = time.monotonic() + timeout * slow()
        while True:
            code = self.proc.poll()
            if PEER:
                try:
                    _try_connect(self.addr)
                    return self
                except OSError:
                    pass
            else:
                self.lines = self.stdout().splitlines()
                if "ready" in self.lines:
                    self._find_addr()
                    return self
            if code is not None:
                self.code = code
                SERVERS.remove(self)
                raise Fail("exit %d before ready: %s\nstdout:\n%s\nstderr:\n%s" %
                           (code, self.title, self.stdout(), self.stderr()))
            if time.monotonic() > end:
                raise Fail("not ready after %d s: %s\nstdout:\n%s\nstderr:\n%s" %
                           (timeout, self.title, self.stdout(), self.stderr()))
            time.sleep(0.01)

    def _find_addr(self):
        """From the export lines: the socket, or the real port."""
        text = "\n".join(self.lines)
        m = re.search(r"nbd://([^/\s:]+|\[[^\]]+\]):(\d+)", text)
        if self.unix_path:
            self.addr = ("unix", self.unix_path)
        elif m:
            self.addr = ("tcp", m.group(1).strip("[]"), int(m.group(2)))
        m = re.search(r"nbd://([^/\s:]+|\[[^\]]+\]):(\d+)", text)
        self.tcp_addr = ("tcp", m.group(1).strip("[]"), int(m.group(2))) if m else None
        if self.addr is None:
            raise Fail("no address in the lines before `ready`:\n" + text)

    def uri(self, name=None):
        if name is None:
            name = self.name()
        if self.addr[0] == "unix":
            return "nbd+unix:///%s?socket=%s" % (name, self.addr[1])
        return "nbd://%s:%d/%s" % (self.addr[1], self.addr[2], name)

    def name(self, i=0):
        """The export's name as the contract makes it."""
        return export_name(self.images[i])

    # -- watch --

    def alive(self):
        return self.proc.poll() is None

    def check_alive(self):
        code = self.proc.poll()
        if code is not None:
            raise Fail("the daemon has ended (%s)" %
                       ("signal %d" % -code if code < 0 else "exit %d" % code))

    def rss(self):
        with open("/proc/%d/status" % self.pid) as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * KiB
        return 0

    def fds(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))

    def threads(self):
        return len(os.listdir("/proc/%d/task" % self.pid))

    def settle(self, fds, rss=None, timeout=10, what="the case"):
        """Wait until descriptors and memory are back to where they were."""
        end = time.monotonic() + timeout * slow()
        while True:
            self.check_alive()
            f, r = self.fds(), self.rss()
            if f <= fds and (rss is None or r <= rss):
                return
            if time.monotonic() > end:
                break
            time.sleep(0.02)
        if f > fds:
            left = []
            for fd in os.listdir("/proc/%d/fd" % self.pid):
                try:
                    left.append(fd + "=" + os.readlink("/proc/%d/fd/%s" % (self.pid, fd)))
                except OSError:
                    pass
            raise Fail("%d descriptors %d s after %s, %d before: %s" %
                       (f, timeout, what, fds, " ".join(left)))
        raise Fail("%d KiB resident %d s after %s, at most %d wanted" %
                   (r // KiB, timeout, what, rss // KiB))

    def log_tail(self, lines=15):
        text = self.stderr().splitlines()
        return "\n".join(text[-lines:])

    def report(self):
        code = self.proc.poll()
        state = "runs" if code is None else "ended with %d" % code
        diag("the daemon (pid %d, %s): %s" % (self.pid, state, self.title))
        tail = self.stderr() if os.environ.get("V") else self.log_tail()
        if tail:
            diag(tail)

    # -- end --

    def stop(self, sig=signal.SIGTERM, timeout=15):
        """Ask it to end (0: it was asked already); returns the exit code."""
        if self in SERVERS:
            SERVERS.remove(self)
        if sig and self.proc.poll() is None:
            self.proc.send_signal(sig)
        try:
            self.code = self.proc.wait(timeout * slow())
        except subprocess.TimeoutExpired:
            tail = self.log_tail()
            self.kill()
            raise Fail("still there %d s after signal %d\n%s" % (timeout * slow(), sig, tail))
        return self.code

    def kill(self):
        if self in SERVERS:
            SERVERS.remove(self)
        if self.proc.poll() is None:
            self.proc.kill()
        self.code = self.proc.wait()

    def check_stop(self):
        """End it; it must say 0, and no sanitizer may have spoken."""
        self.check_alive()
        code = self.stop()
        err = self.stderr()
        if not PEER:
            expect(code == 0, "exit code %s\n%s", code, err[-3000:])
        for word in ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:"):
            expect(word not in err, "%s in its messages:\n%s", word, err[-3000:])

    # -- clients --

    # connect() and client() are added by nbdwire.py

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.proc.poll() is None:
            if exc[0] is None:
                self.check_stop()
            else:
                self.report()
                self.kill()
        elif self in SERVERS:
            if exc[0] is not None:
                self.report()
            SERVERS.remove(self)


def export_name(image):
    """NAME of an image: what the contract says, written again here."""
    name, eq, rest = image.partition("=")
    if eq and "/" not in name:
        return name
    for kind in ("memory", "null"):
        if re.match(kind + r":\w+$", image):
            return kind
    base = os.path.basename(image)
    stem = os.path.splitext(base)[0]
    return re.sub(r"[^a-z0-9.-]", "-", stem.lower())


def parse_size(text):
    m = re.match(r"(\d+)([KMGT]?)$", text)
    return int(m.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[m.group(2)]
