# SPDX-License-Identifier: BSD-3-Clause
#
# What a daemon costs while nobody asks it for anything: memory, wake-ups, memory per
# session.
import glob
import re
import subprocess
import time

from bench_servers import Failed, read_file

AFTER_START, COUNTED, SETTLED, HELD = 5, 10, 1, 3       # seconds
SESSIONS = 64


def figure(path, name):
    found = re.search(r'^%s:\s*(\d+)' % name, read_file(path), re.M)
    return int(found.group(1)) if found else 0


def kib_of(pid, name):
    kib = figure('/proc/%d/status' % pid, name)
    if not kib:
        raise Failed('no %s of %d' % (name, pid))
    return kib


def sleeps(pid):
    """{thread: how often it went to sleep}; each wake-up ends in one."""
    return {path: figure(path, 'voluntary_ctxt_switches')
            for path in glob.glob('/proc/%d/task/*/status' % pid)}


def wakeups_s(pid):
    before = sleeps(pid)
    time.sleep(COUNTED)
    after = sleeps(pid)
    return sum(n - before.get(path, 0) for path, n in after.items()) / COUNTED


def with_sessions(pid, load):
    """Its own memory while SESSIONS are logged in, of which each has read a block."""
    words = [*load, '--conns', SESSIONS, '--depth', 1, '--ios', 1, '--hold', HELD]
    with subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as child:
        child.stdout.readline()         # its report: all are there
        time.sleep(SETTLED)
        kib = kib_of(pid, 'RssAnon')
        _, err = child.communicate()
    if child.returncode:
        raise Failed('load --hold: ' + err.strip())
    return kib


def idle(pid, load):
    """The figures of a server that has just started; load: how to reach it."""
    time.sleep(AFTER_START)
    resident = kib_of(pid, 'VmRSS')
    woken = wakeups_s(pid)
    alone = kib_of(pid, 'RssAnon')
    return {'ios': SESSIONS, 'errors': 0, 'resent': 0, 'resident_mib': resident / 1024,
            'wakeups_s': woken,
            'session_kib': (with_sessions(pid, load) - alone) / SESSIONS}
