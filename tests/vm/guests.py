# SPDX-License-Identifier: BSD-3-Clause
"""What the tests with virtual machines share: a guest's script is run, its steps are told with
their times, and what it asks of the host is done.  The machine is tests/vm/vm."""
import os
import sys
sys.dont_write_bytecode = True
FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, "..", "wire"))
from suite import *   # noqa: E402
import suite          # noqa: E402
import aoenet         # noqa: E402

VM = os.path.join(FOLDER, "vm")
TOOLS = os.path.join(suite.BUILDDIR, "tests", "vm")
MISSING = 77            # the exit status of vm and of guests' scripts where something is missing


def start(words, env=(), **kw):
    """A machine that runs these words; its output is text in .stdout."""
    kw.setdefault("stderr", subprocess.STDOUT)
    return popen([sys.executable, VM, *words], stdout=subprocess.PIPE, text=True, errors="replace",
                 env=dict(os.environ, BUILDDIR=suite.BUILDDIR, **dict(env)), **kw)


def need_machine():
    """Skip the whole test where no machine can be started; says why."""
    p = run([sys.executable, VM, "-n"], check=False)
    if p.returncode == MISSING:
        raise Skip(p.stderr.strip())
    for tool in ("churn", "pledge"):
        if not os.access(os.path.join(TOOLS, tool), os.X_OK):
            raise Skip("%s is not built (make check-vm builds it)" % os.path.join(TOOLS, tool))


def guest(script, *words, limit=140, on=None, machine=()):
    """Run guest/SCRIPT to its end.  `on` says what is done when it asks for a WORD; `machine` are
    more words for vm."""
    path = os.path.join(FOLDER, "guest", script)
    p = start(["-t", str(limit * slow()), "-i", *machine, "env", "TOOLS=" + TOOLS, "sh", path,
               *map(str, words)], stdin=subprocess.PIPE)
    tail = []
    code = None
    try:
        for line in p.stdout:
            line = line.rstrip()
            if line.startswith("host: "):
                on[line[6:]]()
                p.stdin.write("done\n")
                p.stdin.flush()
            elif line.startswith("step: "):
                diag(line[6:])
            else:
                tail.append(line)
        code = p.wait()
    finally:
        if code is None:        # the case is over for another reason: no machine goes on
            p.kill()
            diag("\n".join(tail[-30:]))
    if code == MISSING:
        raise Skip(tail[-1] if tail else "the guest does not say why")
    expect(code == 0, "status %d of the machine; the end of what it says:\n%s", code,
           "\n".join(tail[-60:]))


def free_port():
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Tap:
    """A tap interface of the host: frames go between it and a machine's eth1.  To be made in a
    network namespace of the test's own (aoenet.enter()), whose loopback it brings up too."""

    def __init__(self):
        self.name = "tap0"
        aoenet.ip("link", "set", "lo", "up")
        p = aoenet.ip("tuntap", "add", "dev", self.name, "mode", "tap", check=False)
        if p.returncode:
            raise Skip("no tap interface can be made: " + p.stderr.strip())

    def up(self, mtu=None):
        aoenet.ip("link", "set", self.name, *(["mtu", str(mtu)] if mtu else []), "up")

    def down(self):
        aoenet.ip("link", "set", self.name, "down")


class Replaceable:
    """A server, and after its end another one in its place.  The last one has to end well."""

    def __init__(self, make):
        self.make = make
        self.server = make()

    def kill(self):
        self.server.kill()

    def replace(self):
        """After kill -9."""
        self.kill()
        self.again()

    def restart(self):
        self.server.check_stop()
        self.again()

    def again(self):
        """The kernel takes a dead daemon's ring apart in the background: image and port are held
        for a moment."""
        end = time.monotonic() + 10 * slow()
        while True:
            try:
                self.server = self.make()
                return
            except Fail as e:
                if not re.search("is locked by|in use by", str(e)) or time.monotonic() > end:
                    raise
                diag("the killed daemon still holds its image or its port")
                time.sleep(0.2)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.server.kill()
        else:
            self.server.check_stop()
