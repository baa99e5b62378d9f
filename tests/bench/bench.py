#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
#
# "make bench": sluice beside its peers and beside a bare server that only
# moves bytes, all under the same light client (load), on the same file.
# Every case of every round runs all servers right after each other, so what
# disturbs the machine hits all alike; the table shows medians, and ratios as
# medians of pairs of one round.  At the end the goals of the project (bench_goals.py),
# for which a few more pairs run.  README says what the figures mean.
import argparse
import collections
import contextlib
import functools
import json
import mmap
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

import bench_goals
from bench_device import Device, device_servers
from bench_idle import idle
from bench_servers import (BUILD, LINKS, Failed, Floor, all_servers, fits,
                           free_port, measured, read_file, wait_for)

# conns: None is what --conns says
Case = collections.namedtuple('Case', 'name op block depth conns',
                              defaults=[None])
CASES = [Case('%s-%s-%d' % (block, op, depth), op, block, depth)
         for block, depths in (('1k', (1, 32)), ('4k', (1, 16, 32)),
                               ('256k', (1, 8, 32)))
         for depth in depths for op in ('read', 'write')]
QUICK_CASES = '4k-*-32,256k-*-8'
MADV_COLD = 20      # <linux/mman.h>; not yet in Python's mmap
MANY_SECONDS = 4    # of several connections, at least
METRICS = ('iops', 'mb_s', 'p50_us', 'p99_us', 'cpu_us')


DEFAULT_SERVERS = ('bare,floor,sluice,nbdkit,qemu-uring,qemu-tuned,'
                   'qemu-threads,nbd-server,'
                   'iscsi-bare,iscsi-sluice,tgt,tgt-tuned,istgt,'
                   'aoe-bare,aoe-sluice,aoe-sluice-mem,vblade,'
                   'aoe-sluice-durable,vblade-sync')
PROTOS = ('nbd', 'iscsi', 'aoe')


# --- running one --------------------------------------------------------------

def alive(pid):
    state = read_file('/proc/%d/stat' % pid).rpartition(')')[2].split()
    return bool(state) and state[0] != 'Z'


class Running:
    """A started server, from ready to its end; only its own pid is killed."""
    def __init__(self, server, case, folder, image):
        self.server, self.case = server, case
        self.folder, self.image = folder, image
        self.port = free_port()
        self.pid = self.child = None
        self.log = os.path.join(folder, 'log')

    def __enter__(self):
        out = open(self.log, 'w')
        self.child = subprocess.Popen(
            self.server.argv(self), stdin=subprocess.DEVNULL, stdout=out,
            stderr=out, start_new_session=True,
            env={**os.environ, **self.server.env})
        out.close()
        try:
            self.pid = self.server.real_pid(self.child, self)
            wait_for(self.ready, 'the server to be ready')
            self.server.set_up(self)
        except Failed as e:
            self.__exit__()
            raise Failed('%s; it said: %s' % (
                e, read_file(self.log).strip()[-400:]))
        return self

    def ready(self):
        if not alive(self.pid):
            raise Failed('the server ended')
        return self.server.is_up(self, read_file(self.log))

    def __exit__(self, *_):
        pid = self.pid or self.child.pid
        try:
            self.server.ask_to_end(self)
        except Failed:
            pass
        for sig in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.kill(pid, sig)
                wait_for(self.gone, 'the end of %d' % pid, 20)
                break
            except ProcessLookupError:
                break
            except Failed:
                pass
        self.child.wait()

    def gone(self):
        self.child.poll()
        return not alive(self.pid or self.child.pid)


def load_words(run, *words):
    return [os.path.join(BUILD, 'tests/bench/load'), '--json',
            '--connect', run.server.where(run),
            '--proto', run.server.proto, '--export', run.server.export,
            *run.server.words, *map(str, words)]


def read_through(fd):
    while os.read(fd, 1 << 20):
        pass


def fetch(image):
    """What the machine has taken of the page cache while others were measured is back:
    some give away what lies cold for a minute."""
    fd = os.open(image, os.O_RDONLY)
    read_through(fd)
    os.close(fd)


def run_one(args, server, case, folder, image):
    if case.op == 'read' and not server.device:
        fetch(image)
    with (Device(image) if server.device
          else contextlib.nullcontext(image)) as its:
        if isinstance(server, Floor):
            result = server.run(args, case, its)
        else:
            result = run_server(args, server, case, folder, its)
    if case.op == 'write' or server.device:
        settle(image, args.cache)
    if result['errors']:
        raise Failed('%d I/Os failed' % result['errors'])
    if result['resent']:
        print('%s, %s: %d of %d requests sent again: no answer in time' % (
            server.program, case.name, result['resent'], result['ios']),
            file=sys.stderr)
    return result


def seconds_of(args, case):
    """Who of many gets how much is told by seconds: the scheduler moves the
    server's threads and ours between the same processors."""
    many = (case.conns or args.conns) > 1
    return max(args.seconds, MANY_SECONDS) if many else args.seconds


def run_server(args, server, case, folder, image):
    with Running(server, case, folder, image) as run:
        if case.op == 'idle':
            return idle(run.pid, load_words(run))
        if server.fill:
            block = '4k' if server.proto == 'aoe' else '1m'
            measured(load_words(
                run, '--op', 'write', '--pattern', 'seq', '--block-size',
                block, '--depth', 4, '--ios', (1 << 30) // size_arg(block),
                '--seconds', 60))
        return measured(load_words(
            run, '--op', case.op, '--block-size', case.block, '--depth',
            case.depth, '--conns', case.conns or args.conns,
            '--seconds', seconds_of(args, case), '--warmup', args.warmup,
            '--region', args.size, '--server-pid', run.pid))


def settle(image, cache):
    """Nobody pays for another's dirty pages, and all find the page cache in
    the same state: the size of its folios decides what a small write costs."""
    fd = os.open(image, os.O_RDWR)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    read_through(fd)
    if cache == 'pages':
        with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as m:
            for at in range(0, len(m), 64 << 10):
                m[at]                       # mapped, and then a part is cold
                m.madvise(MADV_COLD, at, 4096)
    os.close(fd)


def make_image(path, size):
    block = bytes(range(1, 252)) * 4178     # a bit more than 1 MiB, no zeroes
    with open(path, 'wb') as f:
        left = size
        while left > 0:
            left -= f.write(block[:min(left, 1 << 20)])


# --- figures ------------------------------------------------------------------

def median(values):
    return statistics.median(values) if values else None


def summary(runs, names, cases, base):
    """Per case and server: medians, and the base's ratio in pairs."""
    table = []
    for case in cases:
        mine = {r['round']: r for r in runs
                if r['case'] == case.name and r['server'] == base}
        for name in names:
            its = [r for r in runs
                   if r['case'] == case.name and r['server'] == name]
            if not its:
                continue
            row = {'case': case.name, 'server': name, 'runs': len(its),
                   'resent': sum(r['resent'] for r in its)}
            for m in METRICS:
                row[m] = median([r[m] for r in its])
                row[m + '_ratio'] = median(
                    [mine[r['round']][m] / r[m] for r in its
                     if r['round'] in mine and r[m] > 0])
            table.append(row)
    return table


def against_best(rows, servers):
    """The base against the best peer of each column of one case."""
    peers = [r for r in rows if servers[r['server']].peer]
    words = []
    for metric, pick, label in (('iops', max, 'IOPS'), ('p50_us', min, 'p50'),
                                ('p99_us', min, 'p99'),
                                ('cpu_us', min, 'CPU/IO')):
        seen = [r for r in peers if r[metric + '_ratio'] is not None]
        if seen:
            best = pick(seen, key=lambda r: r[metric])
            words.append('%s %.2f x %s' % (label, best[metric + '_ratio'],
                                           best['server']))
    return ', '.join(words)


def print_table(table, cases, base, servers):
    def ratio(x):
        return '-' if x is None else '%.2f' % x
    for case in cases:
        rows = [r for r in table if r['case'] == case.name]
        print('\n%-26s %9s %8s %9s %9s %8s   %s: IOPS  p99  CPU' % (
            '%s %s, depth %d' % (case.block, case.op, case.depth),
            'IOPS', 'MB/s', 'p50 us', 'p99 us', 'CPU us', base + ' / it'))
        for r in rows:
            print('  %-24s %9.0f %8.0f %9.1f %9.1f %8.2f   %*s %5s %5s%s' % (
                r['server'], *(r[m] for m in METRICS),
                len(base) + 12, ratio(r['iops_ratio']),
                ratio(r['p99_us_ratio']), ratio(r['cpu_us_ratio']),
                '   %d sent again' % r['resent'] if r['resent'] else ''))
        best = against_best(rows, servers) if 'sluice' in base else ''
        if best:
            print('  %s to the best peer: %s' % (base, best))


def machine(folder):
    model = [line.split(':', 1)[1].strip()
             for line in read_file('/proc/cpuinfo').splitlines()
             if line.startswith('model name')]
    out = subprocess.run(['stat', '-f', '-c', '%T', folder],
                         capture_output=True, text=True)
    return {'cpu': model[0] if model else platform.machine(),
            'cores': os.cpu_count(), 'kernel': platform.release(),
            'tcp': read_file('/proc/sys/net/ipv4/tcp_congestion_control')
                   .strip(),
            'file_system': out.stdout.strip(), 'folder': folder}


# --- the whole ----------------------------------------------------------------

def size_arg(text):
    units = {'k': 10, 'm': 20, 'g': 30}
    shift = units.get(text[-1:].lower(), 0)
    return int(text[:-1] if shift else text) << shift


def arguments():
    p = argparse.ArgumentParser(description='sluice beside its peers')
    p.add_argument('--servers', default=DEFAULT_SERVERS,
                   help='of ' + ','.join(all_servers()))
    p.add_argument('--cases', help='names or patterns, of ' +
                   ','.join(c.name for c in CASES))
    p.add_argument('--proto', choices=PROTOS, help='only its servers')
    p.add_argument('--goals', nargs='?', const='*', metavar='PATTERNS',
                   help='only what the goals of the project need, or those '
                   'whose names fit, as nbd-*,idle-*')
    p.add_argument('--quick', action='store_true',
                   help='1 round, 1 s, only ' + QUICK_CASES)
    p.add_argument('--rounds', type=int)
    p.add_argument('--seconds', type=float)
    p.add_argument('--warmup', type=float, default=0.3)
    p.add_argument('--conns', type=int, default=1)
    p.add_argument('--size', type=size_arg, default=1 << 30)
    p.add_argument('--cache', choices=('folios', 'pages'), default='folios',
                   help='the file in the page cache as read-ahead brings it '
                   '(default), or split into pages')
    p.add_argument('--dir', default='/var/tmp', help='on a real disk')
    p.add_argument('--congestion', metavar='NAME', help='TCP congestion '
                   'control, in a network name space of its own; or "system" '
                   '(default: reno if the system has one that paces)')
    p.add_argument('--json', metavar='FILE')
    args = p.parse_args()
    args.whole = not (args.goals or args.quick or args.proto or args.cases or
                      args.conns != 1 or args.servers != DEFAULT_SERVERS)
    if args.goals and args.conns != 1:
        p.error('goals have their own connections')
    args.rounds = args.rounds or (1 if args.quick else 5)
    args.seconds = args.seconds or (1 if args.quick else 2)
    args.cases = args.cases or (QUICK_CASES if args.quick else '*')
    return args


def wires():
    """Commands that make the pairs of LINKS."""
    lines = []
    for tgt, ini, mtu in LINKS.values():
        lines.append('ip link add %s mtu %d type veth peer name %s mtu %d' % (
            tgt, mtu, ini, mtu))
        lines += ['ip link set %s up' % end for end in (tgt, ini)]
    return lines


def move_to_netns(args):
    """Runs this program again where the network is ours to configure.  There
    are wires for AoE; and TCP is not BBR, which paces even on loopback, and
    halves large transfers of whoever sends best."""
    path = '/proc/sys/net/ipv4/tcp_congestion_control'
    now, want = read_file(path).strip(), args.congestion
    if not want:
        want = 'system' if now in ('reno', 'cubic') else 'reno'
    if os.environ.get('SLUICE_BENCH_NETNS'):
        return
    lines = ['ip link set lo up', 'exec "$@"']
    if want not in ('system', now):
        lines.insert(1, 'echo "$0" >' + path)
    for more in (wires(), []):
        script = ' && '.join(lines[:-1] + more + lines[-1:])
        unshare = ['unshare', '-n' if os.geteuid() == 0 else '-rn', 'sh', '-c',
                   script, want]
        if not subprocess.run(unshare + ['true'],
                              capture_output=True).returncode:
            os.environ['SLUICE_BENCH_NETNS'] = 'wired' if more else 'bare'
            os.execvp('unshare', unshare + [sys.executable] + sys.argv)
    print('bench: no network name space; TCP stays ' + now)


@functools.lru_cache
def everybody():
    return {**all_servers(), **device_servers()}


def chosen(args):
    """The servers and cases of the tables."""
    known, names = everybody(), []
    for name in args.servers.split(','):
        if name not in known:
            sys.exit('bench: no server %s; there are: %s' % (
                name, ', '.join(known)))
        if args.proto and known[name].proto not in (args.proto, 'none'):
            continue
        why = known[name].why_not(args.dir)
        print('%-14s %s' % (name, 'left out: ' + why if why
                            else known[name].version()))
        if not why:
            names.append(name)
    cases = [c for c in CASES if fits(c, args.cases) and
             any(known[n].takes(c) for n in names if known[n].proto != 'none')]
    if not names or not cases:
        sys.exit('bench: nothing to run')
    return {n: known[n] for n in names}, cases


def case_of(name):
    """A case by its name: BLOCK-OP-DEPTH, or BLOCK-OP-DEPTHxCONNECTIONS."""
    if '-' not in name:
        return Case(name, name, '4k', 1)
    block, op, count = name.split('-')
    depth, _, conns = count.partition('x')
    return Case(name, op, block, int(depth), int(conns) if conns else None)


def schedule(servers, cases, goals):
    """[[(server, case)]]: what the tables need, and what the goals need beside
    it.  The runs of one list are right after each other."""
    plan = {c.name: [(n, c) for n in servers if servers[n].takes(c)]
            for c in cases}
    there = {(n, at) for at in plan for n, _ in plan[at]}
    for g in goals:
        for name, case in bench_goals.pairs(g):
            if (name, case) not in there:
                plan.setdefault(g.ours[1], []).append((name, case_of(case)))
                there.add((name, case))
    return list(plan.values())


def goals_of(args, servers, cases):
    """Which are to be shown, and why servers of theirs cannot run.  A run of
    some servers or cases shows those that it answers anyhow."""
    goals, absent = [], {}
    if args.goals or args.whole:
        goals = bench_goals.chosen(args.goals or '*')
    elif args.conns == 1:
        there = {(n, c.name) for its in schedule(servers, cases, [])
                 for n, c in its}
        goals = [g for g in bench_goals.GOALS
                 if there.issuperset(bench_goals.pairs(g))]
    for name in {n for g in goals for n, _ in bench_goals.pairs(g)}:
        why = everybody()[name].why_not(args.dir)
        if why:
            absent[name] = why
    if args.goals and not goals:
        sys.exit('bench: no such goal; there are: ' +
                 ', '.join(g.name for g in bench_goals.GOALS))
    return goals, absent


def run_all(args, plan, folder, image):
    runs, failures = [], []
    for rnd in range(args.rounds):
        for at, its in enumerate(plan):
            turn = (rnd + at) % len(its)
            for name, case in its[turn:] + its[:turn]:
                try:
                    r = run_one(args, everybody()[name], case, folder, image)
                except Failed as e:
                    failures.append('%s, %s: %s' % (name, case.name, e))
                    print('FAILED ' + failures[-1], file=sys.stderr)
                    continue
                runs.append(dict(r, server=name, case=case.name, round=rnd))
        print('round %d of %d done' % (rnd + 1, args.rounds),
              file=sys.stderr, flush=True)
    return runs, failures


def show_tables(runs, servers, cases):
    tables = {}
    for title in dict.fromkeys(s.table or s.proto for s in servers.values()):
        its = {n: s for n, s in servers.items()
               if title == (s.table or s.proto) or s.proto == 'none'}
        mine = [c for c in cases if any(s.takes(c) for s in its.values()
                                        if s.proto != 'none')]
        base = next((n for n in its if 'sluice' in n), next(iter(its), None))
        if title == 'none':
            continue
        tables[title] = summary(runs, its, mine, base)
        print('\n--- %s, one client' % title)
        print_table(tables[title], mine, base, its)
    return tables


def measure(args, plan):
    folder = tempfile.mkdtemp(prefix='sluice-bench-', dir=args.dir)
    try:
        image = os.path.join(folder, 'image')
        make_image(image, args.size)
        settle(image, args.cache)
        return run_all(args, plan, folder, image)
    finally:
        shutil.rmtree(folder)


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    move_to_netns(args)
    servers, cases = ({}, []) if args.goals else chosen(args)
    goals, absent = goals_of(args, servers, cases)
    plan = schedule(servers, cases, [
        g for g in goals if not bench_goals.why_not(g, absent)])
    about = machine(args.dir)
    print('%(cpu)s, %(cores)d cores, Linux %(kernel)s, %(folder)s on '
          '%(file_system)s, TCP %(tcp)s' % about)
    print('%d rounds of %g s, %d connection(s); about %d minutes' % (
        args.rounds, args.seconds, args.conns, 1 + args.rounds *
        sum(map(len, plan)) * (args.seconds + args.warmup + 1) / 60), flush=True)
    runs, failures = measure(args, plan)
    tables = show_tables(runs, servers, cases)
    rows = [bench_goals.judge(g, runs, absent) for g in goals]
    if goals:
        bench_goals.print_goals(goals, rows, args.rounds)
    if args.json:
        versions = {n: everybody()[n].version()
                    for n in dict(pair for its in plan for pair in its)}
        with open(args.json, 'w') as f:
            json.dump({'machine': about, 'tables': tables, 'goals': rows,
                       'versions': versions, 'runs': runs,
                       'failures': failures}, f, indent=1)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
