#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The machine itself: output, status and input pass through, the time limit and the machine's own
death are told apart, and nothing outlives it, whatever happens to those who started it."""
from guests import *   # noqa: F403


def machine(*words, **kw):
    p = start(list(words), **kw)
    out = p.communicate(timeout=60 * slow())[0]
    return p.returncode, out


def running(mark):
    """The processes that have this word in their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                if mark.encode() in f.read() and int(pid) != os.getpid():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def wait_gone(mark):
    end = time.monotonic() + 10 * slow()
    while running(mark):
        expect(time.monotonic() < end, "still there: %r", running(mark))
        time.sleep(0.05)


def booted(mark, **kw):
    """A machine that says so when it is up, and then waits; its kernel line holds the mark."""
    p = start(["-k", mark, "sh", "-c", "echo up; sleep 600"], **kw)
    line = p.stdout.readline()
    expect_eq(line, "up\n", "the first line")
    return p


@case("output, status, user, folder and words pass through", limit=60)
def _():
    code, out = machine("sh", "-c", 'id -u; pwd; printf "%s\\n" "$@"; exit 42', "sh", "two words",
                        "it's \"$HOME\"")
    expect_eq(out, "0\n%s\ntwo words\nit's \"$HOME\"\n" % os.getcwd(), "output")
    expect_eq(code, 42, "status")


@case("more output than any buffer holds comes whole", limit=60)
def _():
    code, out = machine("seq", "100000")
    expect_eq((code, len(out)), (0, 588895), "status and length")


@case("with -i our input is the command's", limit=60)
def _():
    p = start(["-i", "sh", "-c", "read -r line; echo \"<$line>\""], stdin=subprocess.PIPE)
    out = p.communicate("some words\n", timeout=60 * slow())[0]
    expect_eq((p.returncode, out), (0, "<some words>\n"), "status and output")


@case("a disk is a disk, and what is written to it stays", limit=60)
def _():
    image = make_file(1 * MiB)
    code, out = machine("-d", image, "dd", "if=/bin/busybox", "of=/dev/vda", "bs=64k", "count=4",
                        "oflag=direct")
    expect_eq(code, 0, "status (%s)" % out)
    with open(image, "rb") as a, open("/bin/busybox", "rb") as b:
        same_bytes(a.read(256 * KiB), b.read(256 * KiB), "the disk")


@case("the host's files cannot be changed", limit=60)
def _():
    path = make_file(100)
    code, out = machine("sh", "-c", "echo new > %s && cat %s" % (path, path))
    expect_eq((code, out), (0, "new\n"), "status and output")
    with open(path, "rb") as f:
        same_bytes(f.read(), bytes(100), "the file")


@case("time is up: 124, and the log", limit=60)
def _():
    code, out = machine("-t", "4", "-k", "vmtest.time", "sleep", "600")
    expect_eq(code, 124, "status")
    expect("not done after 4 s" in out, "the reason is missing:\n%s", out)
    wait_gone("vmtest.time")


@case("the kernel dies: 125, and its last words", limit=60)
def _():
    code, out = machine("sh", "-c", "echo c >/proc/sysrq-trigger; sleep 60")
    expect_eq(code, 125, "status")
    expect("sysrq triggered crash" in out, "the end of its log is missing:\n%s", out)


@case("SIGTERM, SIGINT and SIGKILL end it, and leave no temporary file", limit=90)
def _():
    folder = tmpname(".tmp")
    os.mkdir(folder)
    for sig in signal.SIGTERM, signal.SIGINT, signal.SIGKILL:
        mark = "vmtest.sig%d" % sig
        p = booted(mark, env={"TMPDIR": folder}, cwd=folder)
        p.send_signal(sig)
        code = p.wait(10 * slow())
        expect_eq(code, -9 if sig == signal.SIGKILL else 128 + sig, "status after signal %d" % sig)
        wait_gone(mark)
        expect_eq(os.listdir(folder), [], "files")


@case("kill -9 of the process that started it ends it", limit=60)
def _():
    mark = "vmtest.parent"
    words = "%s %s -k %s sh -c 'echo up; sleep 600'; true" % (sys.executable, VM, mark)
    shell = popen(["sh", "-c", words], stdout=subprocess.PIPE,
                  env=dict(os.environ, BUILDDIR=suite.BUILDDIR))
    expect_eq(shell.stdout.readline(), b"up\n", "the first line")
    expect(running(mark), "it cannot be seen, so its end cannot either")
    shell.kill()
    wait_gone(mark)


@case("what is missing is said: 77", limit=30)
def _():
    env = dict(os.environ, BUILDDIR=suite.BUILDDIR)
    for change, word in (({"PATH": "/nonesuch"}, "qemu-system-x86"),
                         ({"VM_KERNEL": "0.0"}, "vmlinuz-0.0")):
        p = run([sys.executable, VM, "true"], check=False, env=dict(env, **change))
        expect_eq(p.returncode, 77, "status with %r" % change)
        expect(word in p.stderr, "%r is not named: %s", word, p.stderr)


main(need_machine, limit=600)
