# SPDX-License-Identifier: BSD-3-Clause
#
# How each server of the bench is started, found to be ready and ended: bench.py
# knows no more of them than class Server says.
import fnmatch
import json
import os
import shutil
import socket
import subprocess
import time

BUILD = os.environ.get('BUILDDIR', '.')
SLUICED = os.path.join(BUILD, 'gateway/daemon/sluiced')
IQN = 'iqn.2026-11.org.sluice:bench'
SHELF = '7.0'
STREAM_CASES = '4k-*-1,4k-*-32,256k-*'
FRAME_CASES = '1k-*,4k-*'       # what goes into one frame
# Wired pairs in the network name space: the end of servers, that of load.
LINKS = {'1k': ('tgt1500', 'ini1500', 1500), '4k': ('tgt9000', 'ini9000', 9000)}


class Failed(Exception):
    pass


def fits(case, patterns):
    return any(fnmatch.fnmatch(case.name, p) for p in patterns.split(','))


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


def measured(words):
    out = subprocess.run(words, capture_output=True, text=True)
    if out.returncode != 0:
        raise Failed('%s: %s' % (os.path.basename(words[0]),
                                 out.stderr.strip()))
    return json.loads(out.stdout)


# --- what is common -----------------------------------------------------------

class Server:
    """One way to start one server. argv() gives the words; program is what
    must be there; ready_line is what it prints when it is up, if anything."""
    ready_line = None
    proto = 'nbd'
    table = None        # in which it is shown; None: that of its protocol
    cases = STREAM_CASES
    export = ''
    words = ()          # for load
    peer = True         # somebody else's: sluice is held against the best
    fill = False        # memory: written once before it is measured
    device = False      # wants a block device over the file
    env = {}

    def __init__(self, program, version=None):
        self.program = shutil.which(program) or program
        self.version_words = version

    def here(self):
        return os.access(self.program, os.X_OK)

    def why_not(self, folder):
        """Why it cannot run here, with files in this folder; '' if it can."""
        return '' if self.here() else 'no ' + os.path.basename(self.program)

    def version(self):
        if not self.version_words:
            return ''
        out = subprocess.run([self.program] + self.version_words,
                             capture_output=True, text=True)
        lines = (out.stdout + out.stderr).strip().splitlines()
        return lines[0] if lines else ''

    def takes(self, case):
        return fits(case, self.cases)

    def where(self, run):
        """For load."""
        return '127.0.0.1:%d' % run.port

    def is_up(self, run, said):
        if self.ready_line:
            return self.ready_line in said.split('\n')
        return listens(run.port)

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
    cases = '*'
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


# --- NBD ----------------------------------------------------------------------

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


# --- iSCSI --------------------------------------------------------------------

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


# --- AoE ----------------------------------------------------------------------

class Frames(Server):
    """What all that speak AoE share: no port, but a wire."""
    proto = 'aoe'
    export = SHELF
    cases = FRAME_CASES

    def why_not(self, folder):
        if os.environ.get('SLUICE_BENCH_NETNS') != 'wired':
            return 'no veth pair in a name space'
        return super().why_not(folder)

    def where(self, run):
        return LINKS[run.case.block][1]

    def wire(self, run):
        return LINKS[run.case.block][0]


class AoeBare(Frames):
    ready_line = 'ready'
    peer = False
    export = '0.0'

    def argv(self, run):
        return [self.program, self.wire(run), 'aoe']


class AoeSluice(Frames):
    ready_line = 'ready'
    peer = False

    def __init__(self, program, options=(), image=None, table=None,
                 cases=FRAME_CASES):
        super().__init__(program, ['--version'])
        self.options, self.image = options, image
        self.table, self.cases = table, cases
        self.fill = image is not None

    def argv(self, run):
        return [self.program, 'serve', '--aoe',
                '%s:%s' % (self.wire(run), SHELF), '--control',
                os.path.join(run.folder, 'control'), '--state', run.folder,
                *self.options, self.image or run.image]


class Vblade(Frames):
    """It tells on one line what it serves, and then serves."""
    def __init__(self, options=(), table=None, cases=FRAME_CASES):
        super().__init__('vblade')
        self.options, self.table, self.cases = options, table, cases

    def version(self):
        out = subprocess.run(['dpkg-query', '-W', 'vblade'],
                             capture_output=True, text=True)
        return ' '.join(out.stdout.split())

    def argv(self, run):
        return [self.program, '-b', '64', *self.options, *SHELF.split('.'),
                self.wire(run), run.image]

    def is_up(self, run, said):
        return ' sectors ' in said


def all_servers():
    sluiced = SLUICED
    asleep = ['--busy-poll', '0']
    bare = os.path.join(BUILD, 'tests/bench/bare')
    digests = ['--digests']
    durable = {'table': 'aoe, durable', 'cases': '1k-write-*,4k-write-*'}
    return {
        'bare': Bare(bare, 'nbd'),
        'floor': Floor(os.path.join(BUILD, 'tests/bench/floor')),
        'sluice': Sluice(sluiced),
        'sluice-aio': Sluice(sluiced, ['--engine', 'aio']),
        'sluice-1': Sluice(sluiced, ['--threads', '1']),
        'sluice-2': Sluice(sluiced, ['--threads', '2']),
        'sluice-asleep': Sluice(sluiced, asleep),
        'sluice-mem': Sluice(sluiced, image='memory:1G'),
        'nbdkit': Nbdkit('nbdkit', ['--version']),
        'qemu-uring': QemuNbd('qemu-nbd', 'io_uring'),
        'qemu-tuned': QemuTuned('qemu-nbd', 'io_uring'),
        'qemu-threads': QemuNbd('qemu-nbd', 'threads'),
        'nbd-server': NbdServer('nbd-server', ['-V']),
        'iscsi-bare': Bare(bare, 'iscsi'),
        'iscsi-sluice': Sluice(sluiced, proto='iscsi'),
        'iscsi-sluice-1': Sluice(sluiced, ['--threads', '1'], proto='iscsi'),
        'iscsi-sluice-2': Sluice(sluiced, ['--threads', '2'], proto='iscsi'),
        'iscsi-sluice-asleep': Sluice(sluiced, asleep, proto='iscsi'),
        'iscsi-sluice-mem': Sluice(sluiced, image='memory:1G', proto='iscsi'),
        'iscsi-sluice-crc': Sluice(sluiced, proto='iscsi', words=digests),
        'tgt': Tgt(),
        'tgt-tuned': Tgt(TGT_TUNED),
        'tgt-crc': Tgt(TGT_TUNED + ('HeaderDigest=CRC32C',
                                    'DataDigest=CRC32C'), digests),
        'istgt': Istgt(),
        'aoe-bare': AoeBare(bare),
        'aoe-sluice': AoeSluice(sluiced, ['--aoe-write-back']),
        'aoe-sluice-asleep': AoeSluice(sluiced, ['--aoe-write-back', *asleep]),
        'aoe-sluice-mem': AoeSluice(sluiced, ['--aoe-write-back'],
                                    'memory:1G', cases='4k-*'),
        'aoe-sluice-durable': AoeSluice(sluiced, **durable),
        'vblade': Vblade(),
        'vblade-sync': Vblade(['-s'], **durable),
    }
