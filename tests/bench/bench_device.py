# SPDX-License-Identifier: BSD-3-Clause
#
# A block device for the bench, a loop device over its file, and those that are measured
# on it past the page cache: fio without any server, and sluiced --direct.
import functools
import json
import os
import shutil
import subprocess
import tempfile

from bench_servers import SLUICED, Failed, Floor, Sluice, read_file, wait_for


def said(words):
    try:
        out = subprocess.run(words, capture_output=True, text=True)
    except OSError as e:
        raise Failed('%s: %s' % (words[0], e.strerror)) from None
    if out.returncode:
        lines = (out.stderr.strip() or 'status %d' % out.returncode).splitlines()
        raise Failed('%s: %s' % (words[0], lines[-1]))
    return out.stdout.strip()


def forget(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


class Device:
    """With it: the name of a loop device over a file, which passes the page cache; and none
    of the file is there, or each first write would pay for throwing a folio out.  It is
    detached at once: the kernel does so when nobody has it open any more, so however
    the bench ends, the device does not outlive it."""
    def __init__(self, path):
        forget(path)
        self.name = said(['losetup', '--direct-io=on', '--find', '--show', path])
        try:
            self.fd = os.open(self.name, os.O_RDONLY)
        finally:
            said(['losetup', '--detach', self.name])
        if self.fact('dio').strip() != '1':
            self.__exit__()
            raise Failed('the file of a loop device cannot be read past the page cache here')

    def fact(self, name):
        return read_file('/sys/block/%s/loop/%s' % (os.path.basename(self.name), name))

    def __enter__(self):
        return self.name

    def __exit__(self, *_):
        os.close(self.fd)
        wait_for(lambda: not self.fact('backing_file'), 'the end of ' + self.name)


@functools.lru_cache
def why_no_device(folder):
    if not shutil.which('losetup'):
        return 'no losetup'
    with tempfile.NamedTemporaryFile(prefix='sluice-bench-', dir=folder) as f:
        f.truncate(1 << 20)
        try:
            with Device(f.name):
                return ''
        except (Failed, OSError) as e:
            return 'no loop device (root can): %s' % e


class OnDevice:
    """Instead of the file it gets a Device over it."""
    device = True
    table = 'nbd, block device'

    def why_not(self, folder):
        return super().why_not(folder) or why_no_device(folder)


class Fio(OnDevice, Floor):
    proto = 'nbd'       # beside whom it is measured

    def run(self, args, case, image):
        out = said([self.program, '--name=device', '--filename=' + image, '--direct=1',
                    '--ioengine=io_uring', '--iodepth=%d' % case.depth,
                    '--rw=rand' + case.op, '--bs=' + case.block, '--numjobs=1',
                    '--time_based', '--runtime=%dms' % (args.seconds * 1000),
                    '--ramp_time=%dms' % (args.warmup * 1000), '--output-format=json'])
        job = json.loads(out[out.index('{'):])['jobs'][0]
        its = job[case.op]
        late = its['clat_ns'].get('percentile', {})
        return {'ios': its['total_ios'], 'errors': job['error'], 'resent': 0,
                'seconds': its['runtime'] / 1000, 'iops': its['iops'],
                'mb_s': its['bw_bytes'] / 1e6,
                'p50_us': late.get('50.000000', 0) / 1000,
                'p99_us': late.get('99.000000', 0) / 1000,
                'cpu_us': (job['usr_cpu'] + job['sys_cpu']) * 1e4 / max(its['iops'], 1)}


class DirectSluice(OnDevice, Sluice):
    pass


def device_servers():
    return {'fio': Fio('fio', ['--version']),
            'sluice-direct': DirectSluice(SLUICED, ['--direct'])}
