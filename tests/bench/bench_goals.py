# SPDX-License-Identifier: BSD-3-Clause
#
# What the project wants to reach, a row a goal, and whether a run of bench.py reached
# it.  Nothing is measured here: bench.py runs what pairs() asks for and judge() looks.
import collections
import fnmatch
import operator
import statistics

# What qemu-nbd is, by all ways in which it can be started well.
NBD = 'nbdkit,qemu-uring,qemu-tuned,qemu-threads'
ISCSI = 'tgt,istgt'

# group, ours, the others, case, figure, what is wanted.  Both as SERVER or SERVER@CASE,
# without a case the row's.  Of several others the best counts, in each round anew;
# without any the figure stands for itself.  `*` is read and write, a row each.
# Without an operator a figure is shown and not judged.
TABLE = (
    ('nbd-file', 'sluice', NBD, '4k-*-32', 'iops', '>=', 2.5),
    ('nbd-file', 'sluice', NBD, '4k-read-32', 'cpu_us', '<=', 1 / 4),
    ('nbd-file', 'sluice', NBD, '4k-write-32', 'cpu_us', '<=', 1 / 3),
    ('nbd-file', 'sluice', NBD, '256k-read-8', 'iops', '>=', 1.5),
    ('nbd-file', 'sluice', NBD, '256k-write-8', 'iops', '>=', 1.2),
    ('nbd-file', 'sluice', NBD, '4k-*-1', 'p50_us', '<=', 1),
    ('nbd-file', 'sluice', NBD, '4k-*-1', 'p99_us', '<', 1),
    ('nbd-asleep', 'sluice-asleep', NBD, '4k-*-1', 'p50_us', '', None),
    ('nbd-asleep', 'sluice-asleep', NBD, '4k-*-1', 'p99_us', '', None),
    ('nbd-mem', 'sluice-mem', 'bare', '4k-*-32', 'iops', '>=', 0.85),
    ('nbd-mem', 'sluice-mem', 'bare', '4k-*-32', 'cpu_us', '<=', 1.8),
    ('nbd-mem', 'sluice-mem', 'bare', '256k-*-8', 'iops', '>=', 0.75),
    ('nbd-aio', 'sluice-aio', 'sluice', '4k-*-32', 'iops', '>=', 0.5),
    ('nbd-device', 'sluice-direct', 'fio', '4k-*-32', 'iops', '>=', 0.95),
    ('nbd-conns', 'sluice', 'sluice@4k-read-32x1', '4k-read-32x8', 'iops', '>=', 1),
    ('nbd-conns', 'sluice', '', '4k-read-32x8', 'even', '>=', 0.9),
    ('nbd-1-thread', 'sluice-1', 'sluice-1@4k-read-32x1', '4k-read-32x8', 'iops', '>=', 1),
    ('nbd-1-thread', 'sluice-1', '', '4k-read-32x8', 'even', '>=', 0.9),
    ('nbd-2-to-1', 'sluice-2', 'sluice-1', '4k-read-32x8', 'iops', '', None),
    ('nbd-conns', 'sluice', 'sluice@4k-read-32x1', '4k-read-4x8', 'iops', '', None),
    ('nbd-1-thread', 'sluice-1', 'sluice-1@4k-read-32x1', '4k-read-4x8', 'iops', '', None),
    ('nbd-bare', 'bare', 'bare@4k-read-32x1', '4k-read-4x8', 'iops', '', None),
    ('iscsi-file', 'iscsi-sluice', 'tgt', '4k-*-32', 'iops', '>=', 5),
    ('iscsi-file', 'iscsi-sluice', 'tgt', '4k-read-32', 'cpu_us', '<=', 1 / 8),
    ('iscsi-file', 'iscsi-sluice', 'tgt', '4k-write-32', 'cpu_us', '<=', 1 / 6),
    ('iscsi-file', 'iscsi-sluice', 'tgt', '256k-*-8', 'iops', '>=', 2.5),
    ('iscsi-file', 'iscsi-sluice', ISCSI, '4k-*-1', 'p50_us', '<=', 1),
    ('iscsi-file', 'iscsi-sluice', ISCSI, '4k-*-1', 'p99_us', '<', 1),
    ('iscsi-mem', 'iscsi-sluice-mem', 'iscsi-bare', '4k-*-32', 'iops', '>=', 0.85),
    ('iscsi-mem', 'iscsi-sluice-mem', 'iscsi-bare', '4k-*-32', 'cpu_us', '<=', 1.8),
    ('iscsi-mem', 'iscsi-sluice-mem', 'iscsi-bare', '256k-*-8', 'iops', '>=', 0.75),
    ('iscsi-digests', 'iscsi-sluice-crc', 'iscsi-sluice', '4k-*-32', 'iops', '>=', 0.75),
    ('iscsi-digests', 'iscsi-sluice-crc', 'iscsi-sluice', '256k-*-8', 'iops', '', None),
    ('iscsi-conns', 'iscsi-sluice', 'iscsi-sluice@4k-read-32x1', '4k-read-32x64', 'iops', '>=', 1),
    ('iscsi-conns', 'iscsi-sluice', '', '4k-read-32x64', 'even', '>=', 0.9),
    ('iscsi-conns', 'iscsi-sluice', 'iscsi-sluice@4k-read-32x1', '4k-read-4x64', 'iops', '', None),
    ('aoe-file', 'aoe-sluice', 'vblade', '4k-*-16', 'iops', '>=', 1.5),
    ('aoe-file', 'aoe-sluice', 'vblade', '4k-*-16', 'cpu_us', '<=', 1 / 2),
    ('idle', 'iscsi-sluice', '', 'idle', 'resident_mib', '<=', 24),
    ('idle', 'iscsi-sluice', '', 'idle', 'session_kib', '<=', 256),
    ('idle', 'iscsi-sluice', '', 'idle', 'wakeups_s', '<', 1),
)

# How a figure ends a goal's name, its unit, which of several is the best, how to take
# it from a run.
Figure = collections.namedtuple('Figure', 'word unit best take')
FIGURES = {
    'iops': Figure('iops', 'IOPS', max, operator.itemgetter('iops')),
    'cpu_us': Figure('cpu', 'us', min, operator.itemgetter('cpu_us')),
    'p50_us': Figure('p50', 'us', min, operator.itemgetter('p50_us')),
    'p99_us': Figure('p99', 'us', min, operator.itemgetter('p99_us')),
    'even': Figure('even', 'of the most', max,
                   lambda r: r['least_ios'] / max(r['most_ios'], 1)),
    'resident_mib': Figure('resident', 'MiB', min, operator.itemgetter('resident_mib')),
    'session_kib': Figure('session', 'KiB', min, operator.itemgetter('session_kib')),
    'wakeups_s': Figure('wakeups', '/ s', min, operator.itemgetter('wakeups_s')),
}
JUDGES = {'>=': operator.ge, '<=': operator.le, '<': operator.lt}

# ours and others: (server, case)
Goal = collections.namedtuple('Goal', 'name ours others figure sign bound')


# --- the table as goals -------------------------------------------------------

def pair(text, case):
    server, _, its = text.partition('@')
    return server, its or case


def goal(group, ours, others, case, figure, sign, bound):
    words = [group] + [case] * (case != group) + [FIGURES[figure].word]
    return Goal('-'.join(words), pair(ours, case),
                [pair(o, case) for o in others.split(',') if o], figure, sign, bound)


GOALS = [goal(group, ours, others, case.replace('*', op), *rest)
         for group, ours, others, case, *rest in TABLE
         for op in (('read', 'write') if '*' in case else ('',))]


def chosen(patterns):
    return [g for g in GOALS
            if any(fnmatch.fnmatch(g.name, p) for p in patterns.split(','))]


def pairs(g):
    """The (server, case) that must be measured for it."""
    return [g.ours, *g.others]


# --- judging ------------------------------------------------------------------

def by_round(runs, which, figure):
    """{round: its figure}; a figure of zero was too short to be measured."""
    server, case = which
    found = {r['round']: FIGURES[figure].take(r) for r in runs
             if r['server'] == server and r['case'] == case}
    return {rnd: x for rnd, x in found.items() if x > 0 or figure == 'wakeups_s'}


def beside_best(g, ours, others):
    """Rounds in which all were measured: (ratio, ours, the best's, its name)."""
    out = []
    for rnd in sorted(set(ours).intersection(*others.values())):
        best = FIGURES[g.figure].best(others, key=lambda s: others[s][rnd])
        out.append((ours[rnd] / others[best][rnd], ours[rnd], others[best][rnd], best))
    return out


def why_not(g, absent):
    """Of its servers, who cannot run here and for what reason; '' if all can."""
    return ', '.join(dict.fromkeys(absent[s] for s, _ in pairs(g) if s in absent))


def judge(g, runs, absent):
    """A row of what is shown; reached is None for what is not judged."""
    row = {'name': g.name, 'wanted': wanted(g), 'value': None, 'reached': None, 'rounds': 0,
           'why': why_not(g, absent)}
    ours = by_round(runs, g.ours, g.figure)
    if g.others:
        others = {p[0]: by_round(runs, p, g.figure) for p in g.others}
        seen = beside_best(g, ours, others)
    else:
        seen = [(x, x, None, None) for x in ours.values()]
    if row['why'] or not seen:
        row['why'] = row['why'] or 'no round with a figure of each'
        return row
    row.update(value=statistics.median(s[0] for s in seen), rounds=len(seen),
               ours=statistics.median(s[1] for s in seen))
    if g.others:
        row.update(best=collections.Counter(s[3] for s in seen).most_common(1)[0][0],
                   others=statistics.median(s[2] for s in seen))
    if g.sign:
        row['reached'] = JUDGES[g.sign](row['value'], g.bound)
    return row


# --- words --------------------------------------------------------------------

def short(x):
    return '%.0fk' % (x / 1000) if x >= 10000 else '%.3g' % x if x < 1000 else '%.0f' % x


def wanted(g):
    unit = 'x' if g.others else FIGURES[g.figure].unit
    return '%s %.3g %s' % (g.sign, g.bound, unit) if g.sign else '-'


def where(g, row):
    if row['value'] is None:
        return 'not measured: ' + row['why']
    unit = FIGURES[g.figure].unit
    if not g.others:
        return '%s %s' % (short(row['value']), unit)
    beside = row['best'] if g.others[0][1] == g.ours[1] else g.others[0][1]
    return '%.3g x %s, %s : %s %s' % (row['value'], beside, short(row['ours']),
                                      short(row['others']), unit)


def print_goals(goals, rows, rounds):
    answers = [r['reached'] for r in rows]
    lost = sum(r['value'] is None for r in rows)
    print('\n--- goals, medians of %d round(s): yes %d, no %d, not measured %d' % (
        rounds, answers.count(True), answers.count(False), lost))
    for g, row in zip(goals, rows):
        verdict = {True: 'yes', False: 'no', None: '-'}[row['reached']]
        print('  %-31s %-42s %-18s %s' % (g.name, where(g, row), row['wanted'], verdict))
