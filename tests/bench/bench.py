#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
#
# "make bench": sluice beside its peers and beside a bare server that only
# moves bytes, all under the same light client (load), on the same file.
# Every case of every round runs all servers right after each other, so what
# disturbs the machine hits all alike; the table shows medians, and ratios as
# medians of pairs of one round.  README says what the figures mean.
import argparse
import collections
import fnmatch
import json
import mmap
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get('BUILDDIR', '.')
Case = collections.namedtuple('Case', 'name op block depth')
CASES = [Case('%s-%s-%d' % (block, op, depth), op, block, depth)
         for block, depths in (('4k', (1, 32)), ('256k', (1, 8, 32)))
         for depth in depths for op in ('read', 'write')]
QUICK_CASES = '4k-*-32,256k-*-8'
MADV_COLD = 20      # <linux/mman.h>; not yet in Python's mmap
IQN = 'iqn.2026-11.org.sluice:bench'
METRICS = ('iops', 'mb_s', 'p50_us', 'p99_us', 'cpu_us')


class Failed(Exception):
    pass


# --- servers: how each is started --------------------------------------------

class Server:
    """One way to start one server. argv() gives the words; program is what
    must be there; ready_line is what it prints when it is up, if anything."""
    ready_line = None
    proto = 'nbd'
    export = ''
    words = ()          # for load
    peer = True         # somebody else's: sluice is held against the best
    fill = False        # memory: written once before it is measured
    env = {}

    def __init__(self, program, version=None):
        self.program = shutil.which(program) or program
        self.version_words = version

    def here(self):
        return os.access(self.program, os.X_OK)

    def version(self):
        if not self.version_words:
            return ''
        out = subprocess.run([self.program] + self.version_words,
                             capture_output=True, text=True)
        lines = (out.stdout + out.stderr).strip().splitlines()
        return lines[0] if lines else ''

    def real_pid(self, child, run):
        return child.pid

    def set_up(self, run):
        """What is to be said to it when it listens."""

    def ask_to_end(self, run):
        """For those that do not end by SIGTERM."""


class Bare(Server):
    ready_line = 'ready'
    peer = False

    def __init__(self, program, proto):
        super().__init__(program)
        self.proto = proto

    def argv(self, run):
        return [self.program, str(run.port), self.proto]


class Floor(Server):
    """No server at all: the same I/O by pread and pwrite on the file."""
    proto = 'none'      # stands beside all
    peer = False

    def run(self, args, case, image):
        block = int(case.block[:-1]) << 10
        return measured([self.program, image, case.op, str(block),
                         str(args.size), str(args.seconds)])


class Sluice(Server):
    ready_line = 'ready'
    peer = False

    def __init__(self, program, options=(), image=None, proto='nbd', words=()):
        super().__init__(program, ['--version'])
        self.options, self.words = options, words
        self.image = image
        self.fill = image is not None
        self.proto = proto
        if proto == 'iscsi':
            self.export = IQN + '/0'
            self.options = ['--target-name', IQN, *options]

    def argv(self, run):
        return [self.program, 'serve', '--' + self.proto,
                '127.0.0.1:%d' % run.port, '--control',
                os.path.join(run.folder, 'control'), *self.options,
                self.image or run.image]


class Nbdkit(Server):
    def argv(self, run):
        return [self.program, '-f', '-i', '127.0.0.1', '-p', str(run.port),
                'file', run.image]


class QemuNbd(Server):
    def __init__(self, program, aio):
        super().__init__(program, ['--version'])
        self.aio = aio

    def argv(self, run):
        return [self.program, '-t', '-e', '16', '-f', 'raw', '-b', '127.0.0.1',
                '-p', str(run.port), '--cache=writeback', '--aio=' + self.aio,
                run.image]


class QemuTuned(QemuNbd):
    """glibc gives qemu's large buffers back to the kernel after every I/O;
    where page faults are dear (virtual machines) that hides all else."""
    env = {'MALLOC_MMAP_THRESHOLD_': str(32 << 20),
           'MALLOC_TRIM_THRESHOLD_': str(1 << 30)}


class NbdServer(Server):
    """Goes to the background by itself (its -d serves one client only): the
    pid is in the file that we told it to write."""
    export = 'image'

    def argv(self, run):
        conf = os.path.join(run.folder, 'nbd-server.conf')
        with open(conf, 'w') as f:
            f.write('[generic]\nport = %d\nlistenaddr = 127.0.0.1\n'
                    '[image]\nexportname = %s\n' % (run.port, run.image))
        return [self.program, '-C', conf, '-p', self.pid_file(run)]

    @staticmethod
    def pid_file(run):
        return os.path.join(run.folder, 'nbd-server.pid')

    def real_pid(self, child, run):
        wait_for(lambda: child.poll() is not None, 'nbd-server to detach')
        wait_for(lambda: read_file(self.pid_file(run)).strip(),
                 'pid file of nbd-server')
        return int(read_file(self.pid_file(run)))


class Tgt(Server):
    """Configured by tgtadm once it runs, and ended by it. keys: what differs
    from the parameters that it has by itself."""
    proto = 'iscsi'
    export = IQN + '/1'     # its LUN 0 is a controller

    def __init__(self, keys=(), words=()):
        super().__init__('tgtd', ['-V'])
        self.keys, self.words = keys, words

    def here(self):
        return super().here() and bool(shutil.which('tgtadm'))

    def argv(self, run):
        return [self.program, '-f', '-C', self.number(run), '--iscsi',
                'portal=127.0.0.1:%d' % run.port]

    @staticmethod
    def number(run):
        """Its control socket has a number, not a path; to 32767."""
        return str(run.port % 32768)

    def set_up(self, run):
        target = ['--lld', 'iscsi', '--tid', '1']
        self.admin(run, '--op', 'new', '--mode', 'target', *target, '-T', IQN)
        for key in self.keys:
            name, _, value = key.partition('=')
            self.admin(run, '--op', 'update', '--mode', 'target', *target,
                       '--name', name, '--value', value)
        self.admin(run, '--op', 'new', '--mode', 'logicalunit', *target,
                   '--lun', '1', '--backing-store', run.image)
        self.admin(run, '--op', 'bind', '--mode', 'target', *target,
                   '--initiator-address', 'ALL')

    def ask_to_end(self, run):
        target = ['--lld', 'iscsi', '--tid', '1']
        self.admin(run, '--op', 'delete', '--force', '--mode', 'target',
                   *target)
        self.admin(run, '--op', 'delete', '--mode', 'system')

    def admin(self, run, *words):
        out = subprocess.run(['tgtadm', '-C', self.number(run), *words],
                             capture_output=True, text=True)
        if out.returncode:
            raise Failed('tgtadm %s: %s' % (' '.join(words),
                                            out.stderr.strip()))


class Istgt(Server):
    proto = 'iscsi'
    export = IQN + '/0'
    CONF = """[Global]
  NodeBase "%(base)s"
  PidFile %(folder)s/istgt.pid
  AuthFile %(folder)s/auth.conf
  MediaDirectory %(folder)s
  Timeout 30
  NopInInterval 20
  DiscoveryAuthMethod Auto
  MaxSessions 16
  MaxConnections 4
  MaxR2T 32
  MaxOutstandingR2T 16
  DefaultTime2Wait 2
  DefaultTime2Retain 60
  FirstBurstLength 262144
  MaxBurstLength 1048576
  MaxRecvDataSegmentLength 262144
  InitialR2T Yes
  ImmediateData Yes
  DataPDUInOrder Yes
  DataSequenceInOrder Yes
  ErrorRecoveryLevel 0
[UnitControl]
  AuthMethod None
  AuthGroup None
  Portal UC1 127.0.0.1:%(control)d
  Netmask 127.0.0.1
[PortalGroup1]
  Portal DA1 127.0.0.1:%(port)d
[InitiatorGroup1]
  InitiatorName "ALL"
  Netmask 127.0.0.1
[LogicalUnit1]
  TargetName bench
  Mapping PortalGroup1 InitiatorGroup1
  AuthMethod None
  UseDigest Auto
  UnitType Disk
  QueueDepth 64
  LUN0 Storage %(image)s Auto
"""

    def __init__(self):
        super().__init__('istgt', ['-V'])

    def argv(self, run):
        conf = os.path.join(run.folder, 'istgt.conf')
        with open(conf, 'w') as f:
            f.write(self.CONF % {
                'base': IQN.rpartition(':')[0], 'folder': run.folder,
                'port': run.port, 'control': free_port(),
                'image': run.image})
        with open(os.path.join(run.folder, 'auth.conf'), 'w') as f:
            os.fchmod(f.fileno(), 0o600)
        return [self.program, '-c', conf, '-D', '-q']


# What an administrator who reads its manual would set.
TGT_TUNED = ('MaxRecvDataSegmentLength=262144', 'InitialR2T=No',
             'FirstBurstLength=262144', 'MaxBurstLength=1048576',
             'MaxXmitDataSegmentLength=262144')


def all_servers():
    sluiced = os.path.join(BUILD, 'gateway/daemon/sluiced')
    bare = os.path.join(BUILD, 'tests/bench/bare')
    digests = ['--digests']
    return {
        'bare': Bare(bare, 'nbd'),
        'floor': Floor(os.path.join(BUILD, 'tests/bench/floor')),
        'sluice': Sluice(sluiced),
        'sluice-aio': Sluice(sluiced, ['--engine', 'aio']),
        'sluice-2': Sluice(sluiced, ['--threads', '2']),
        'sluice-mem': Sluice(sluiced, image='memory:1G'),
        'nbdkit': Nbdkit('nbdkit', ['--version']),
        'qemu-uring': QemuNbd('qemu-nbd', 'io_uring'),
        'qemu-tuned': QemuTuned('qemu-nbd', 'io_uring'),
        'qemu-threads': QemuNbd('qemu-nbd', 'threads'),
        'nbd-server': NbdServer('nbd-server', ['-V']),
        'iscsi-bare': Bare(bare, 'iscsi'),
        'iscsi-sluice': Sluice(sluiced, proto='iscsi'),
        'iscsi-sluice-2': Sluice(sluiced, ['--threads', '2'], proto='iscsi'),
        'iscsi-sluice-mem': Sluice(sluiced, image='memory:1G', proto='iscsi'),
        'iscsi-sluice-crc': Sluice(sluiced, proto='iscsi', words=digests),
        'tgt': Tgt(),
        'tgt-tuned': Tgt(TGT_TUNED),
        'tgt-crc': Tgt(TGT_TUNED + ('HeaderDigest=CRC32C',
                                    'DataDigest=CRC32C'), digests),
        'istgt': Istgt(),
    }


DEFAULT_SERVERS = ('bare,floor,sluice,nbdkit,qemu-uring,qemu-tuned,'
                   'qemu-threads,nbd-server,'
                   'iscsi-bare,iscsi-sluice,tgt,tgt-tuned,istgt')
PROTOS = ('nbd', 'iscsi')


# --- running one --------------------------------------------------------------

def read_file(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ''


def wait_for(what, name, seconds=15):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise Failed('waited %d s for %s' % (seconds, name))
        time.sleep(0.01)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def listens(port):
    """By /proc: a connection to try it would be one more client."""
    want = ':%04X' % port
    for path in ('/proc/net/tcp', '/proc/net/tcp6'):
        for line in read_file(path).splitlines()[1:]:
            words = line.split()
            if words[1].endswith(want) and words[3] == '0A':
                return True
    return False


def alive(pid):
    state = read_file('/proc/%d/stat' % pid).rpartition(')')[2].split()
    return bool(state) and state[0] != 'Z'


class Running:
    """A started server, from ready to its end; only its own pid is killed."""
    def __init__(self, server, folder, image):
        self.server, self.folder, self.image = server, folder, image
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
        line = self.server.ready_line
        if line:
            return line in read_file(self.log).split('\n')
        return listens(self.port)

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


def load(run, *words):
    words = [os.path.join(BUILD, 'tests/bench/load'), '--json',
             '--connect', '127.0.0.1:%d' % run.port,
             '--proto', run.server.proto, '--export', run.server.export,
             *run.server.words, *map(str, words)]
    return measured(words)


def measured(words):
    out = subprocess.run(words, capture_output=True, text=True)
    if out.returncode != 0:
        raise Failed('%s: %s' % (os.path.basename(words[0]),
                                 out.stderr.strip()))
    return json.loads(out.stdout)


def run_one(args, server, case, folder, image):
    if isinstance(server, Floor):
        result = server.run(args, case, image)
    else:
        result = run_server(args, server, case, folder, image)
    if case.op != 'read':
        settle(image, args.cache)
    if result['errors']:
        raise Failed('%d I/Os failed' % result['errors'])
    return result


def run_server(args, server, case, folder, image):
    with Running(server, folder, image) as run:
        if server.fill:
            load(run, '--op', 'write', '--pattern', 'seq', '--block-size',
                 '1m', '--depth', 4, '--ios', 1024, '--seconds', 60)
        return load(run, '--op', case.op, '--block-size', case.block,
                    '--depth', case.depth, '--conns', args.conns,
                    '--seconds', args.seconds, '--warmup', args.warmup,
                    '--region', args.size, '--server-pid', run.pid)


def settle(image, cache):
    """Nobody pays for another's dirty pages, and all find the page cache in
    the same state: the size of its folios decides what a small write costs."""
    fd = os.open(image, os.O_RDWR)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    while os.read(fd, 1 << 20):
        pass
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
            row = {'case': case.name, 'server': name, 'runs': len(its)}
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
            print('  %-24s %9.0f %8.0f %9.1f %9.1f %8.2f   %*s %5s %5s' % (
                r['server'], *(r[m] for m in METRICS),
                len(base) + 12, ratio(r['iops_ratio']),
                ratio(r['p99_us_ratio']), ratio(r['cpu_us_ratio'])))
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
    args.rounds = args.rounds or (1 if args.quick else 5)
    args.seconds = args.seconds or (1 if args.quick else 2)
    args.cases = args.cases or (QUICK_CASES if args.quick else '*')
    return args


def move_to_netns(args):
    """Runs this program again where the loopback is ours to configure: BBR
    paces even there, and halves large transfers of whoever sends best."""
    path = '/proc/sys/net/ipv4/tcp_congestion_control'
    now, want = read_file(path).strip(), args.congestion
    if not want:
        want = 'system' if now in ('reno', 'cubic') else 'reno'
    if want in ('system', now) or os.environ.get('SLUICE_BENCH_NETNS'):
        return
    unshare = ['unshare', '-n' if os.geteuid() == 0 else '-rn', 'sh', '-c',
               'ip link set lo up && echo "$0" >%s && exec "$@"' % path, want]
    if subprocess.run(unshare + ['true'], capture_output=True).returncode:
        print('bench: cannot set TCP to %s, it stays %s' % (want, now))
        return
    os.environ['SLUICE_BENCH_NETNS'] = '1'
    os.execvp('unshare', unshare + [sys.executable] + sys.argv)


def chosen(args):
    known, names = all_servers(), []
    for name in args.servers.split(','):
        if name not in known:
            sys.exit('bench: no server %s; there are: %s' % (
                name, ', '.join(known)))
        if args.proto and known[name].proto not in (args.proto, 'none'):
            continue
        if known[name].here():
            names.append(name)
            print('%-14s %s' % (name, known[name].version()))
        else:
            print('%-14s left out: no %s' % (name, known[name].program))
    cases = [c for c in CASES if any(fnmatch.fnmatch(c.name, pattern)
                                     for pattern in args.cases.split(','))]
    if not names or not cases:
        sys.exit('bench: nothing to run')
    return {n: known[n] for n in names}, cases


def run_all(args, servers, cases, folder, image):
    runs, failures = [], []
    names = list(servers)
    for rnd in range(args.rounds):
        for case in cases:
            turn = (rnd + cases.index(case)) % len(names)
            for name in names[turn:] + names[:turn]:
                try:
                    r = run_one(args, servers[name], case, folder, image)
                except Failed as e:
                    failures.append('%s, %s: %s' % (name, case.name, e))
                    print('FAILED ' + failures[-1], file=sys.stderr)
                    continue
                runs.append(dict(r, server=name, case=case.name, round=rnd))
        print('round %d of %d done' % (rnd + 1, args.rounds),
              file=sys.stderr, flush=True)
    return runs, failures


def main():
    args = arguments()
    move_to_netns(args)
    servers, cases = chosen(args)
    about = machine(args.dir)
    print('%(cpu)s, %(cores)d cores, Linux %(kernel)s, %(folder)s on '
          '%(file_system)s, TCP %(tcp)s' % about)
    print('%d rounds of %g s, %d connection(s); about %d minutes' % (
        args.rounds, args.seconds, args.conns, 1 + args.rounds * len(cases) *
        len(servers) * (args.seconds + args.warmup + 0.5) / 60), flush=True)
    folder = tempfile.mkdtemp(prefix='sluice-bench-', dir=args.dir)
    try:
        image = os.path.join(folder, 'image')
        make_image(image, args.size)
        settle(image, args.cache)
        runs, failures = run_all(args, servers, cases, folder, image)
    finally:
        shutil.rmtree(folder)
    tables = {}
    for proto in PROTOS:
        its = {n: s for n, s in servers.items() if s.proto in (proto, 'none')}
        base = next((n for n in its if 'sluice' in n), next(iter(its), None))
        if all(s.proto == 'none' for s in its.values()):
            continue
        tables[proto] = summary(runs, its, cases, base)
        print('\n--- %s, one client' % proto)
        print_table(tables[proto], cases, base, its)
    if args.json:
        with open(args.json, 'w') as f:
            json.dump({'machine': about, 'tables': tables,
                       'versions': {n: s.version()
                                    for n, s in servers.items()},
                       'runs': runs, 'failures': failures}, f, indent=1)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
