#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""iSCSI, task management (RFC 7143 4.2.3, 11.5, 11.6; RFC 7144 section 6).

A task that waits is a write whose R2T is not answered."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from iscsitarget import *   # noqa: E402

srv = None
REFUSED = (TMF_UNSUPPORTED, TMF_UNAUTHORIZED, TMF_REJECTED)
R2T_ONLY = {"InitialR2T": "Yes", "ImmediateData": "No"}


def setup():
    global srv
    srv = Target()


def teardown():
    srv.check_stop()


def waiting(c, n=1, at=0):
    """Writes that wait for data which we do not send."""
    c.auto_r2t = False
    tasks = [c.start(cdb.write16(at + i * 8, 8), pattern(4096, 260)) for i in range(n)]
    for t in tasks:
        c.wait_r2t(t)
    return tasks


def silent(c, *tasks):
    """No answer to these may come any more."""
    for _ in range(3):
        c.ping()
    for t in tasks:
        expect(not t.done, "an aborted task was answered: %s", t)
        c.tasks.pop(t.itt)
    c.auto_r2t = True


def drain(c, *tasks):
    """Answer the open R2Ts of aborted tasks, as 4.2.3.3 has the initiator do."""
    for t in tasks:
        while t.queue:
            c.serve_r2t(t)


def unharmed(c, at=0, n=8):
    settle_attention(c)
    same_bytes(bytes(read(c, at, n)), bytes(n * 512), "what an aborted write was for")


@case("ABORT TASK of a write that waits: done, no answer to it, no byte of it")
def _():
    for immediate in (True, False):
        c = srv.login(R2T_ONLY)
        write(c, 0, bytes(4096))
        t, = waiting(c)
        expect_eq(c.tmf(ABORT_TASK, t, immediate=immediate), TMF_DONE, "response")
        silent(c, t)
        unharmed(c)
        c.close()


@case("ABORT TASK of one of many: the others live")
def _():
    c = srv.login(R2T_ONLY)
    tasks = waiting(c, 8)
    for t in tasks[1::2]:
        expect_eq(c.tmf(ABORT_TASK, t), TMF_DONE, "response")
    c.auto_r2t = True
    for t in tasks[::2]:
        drain(c, t)
        ok(c.wait(t))
    silent(c, *tasks[1::2])


@case("ABORT TASK half way through the data: the rest of it is taken and thrown away")
def _():
    c = srv.login(dict(R2T_ONLY, MaxBurstLength="4096"))
    c.auto_r2t, c.out_size = False, 512
    t = c.start(cdb.write16(0, 64), pattern(32768, 261))
    p = c.wait_r2t(t)
    pdus = c.data_out(t, p["offset"], p["length"], p["ttt"], lun=p["lun"])
    c.send(*pdus[:3])
    expect_eq(c.tmf(ABORT_TASK, t), TMF_DONE, "response")
    c.want_reject = True                # data of a task that is gone may be rejected (11.17.1)
    c.send(*pdus[3:])
    c.ping()
    c.want_reject = False
    silent(c, t)


@case("ABORT TASK of a task that has ended, or never was (11.6.1 a to c)")
def _():
    c = srv.login()
    t = ok(c.scsi(cdb.tur()))
    # its CmdSN is behind the window: does not exist
    expect_eq(c.tmf(ABORT_TASK, t), TMF_NO_TASK, "response for an ended task")
    expect_in(c.tmf(ABORT_TASK, rtt=0x55aa55aa, refcmdsn=(c.s.cmdsn - 1000) & NONE32), (TMF_NO_TASK,),
              "response for a CmdSN long ago")
    expect_in(c.tmf(ABORT_TASK, rtt=0x55aa55aa, refcmdsn=(c.s.cmdsn + 100000) & NONE32), (TMF_NO_TASK,),
              "response for a CmdSN beyond the window")


@case("ABORT TASK of a command that never came plugs its gap (7.11, 11.6.1 b)")
def _():
    c = srv.login()
    gap = c.s.cmdsn
    c.s.cmdsn = (c.s.cmdsn + 1) & NONE32
    t = c.start(cdb.tur())              # waits for the gap
    c.quiet(0.2)
    expect_eq(c.tmf(ABORT_TASK, rtt=0x0badcafe, refcmdsn=gap), TMF_DONE, "response")
    ok(c.wait(t))


@case("ABORT TASK for a wrong LUN, or of a task management function")
def _():
    c = srv.login(R2T_ONLY)
    t, = waiting(c)
    expect_in(c.tmf(ABORT_TASK, t, lun=77 << 48), (TMF_NO_LUN, TMF_NO_TASK, TMF_REJECTED), "response")
    c.auto_r2t = True
    drain(c, t)
    ok(c.wait(t))
    expect_in(c.tmf(ABORT_TASK, rtt=c.s.next_itt + 1, refcmdsn=c.s.cmdsn), (TMF_REJECTED, TMF_NO_TASK),
              "response for itself")


@each("all of a LUN's tasks", (("ABORT TASK SET", ABORT_TASK_SET), ("CLEAR TASK SET", CLEAR_TASK_SET),
                               ("LOGICAL UNIT RESET", LUN_RESET)))
def _(function):
    for count in (0, 1, 8):
        c = srv.login(R2T_ONLY)
        write(c, 0, bytes(4096))
        tasks = waiting(c, count)
        t = c.start_tmf(function)
        if function != LUN_RESET:       # the target waits for the answers to its R2Ts (4.2.3.3)
            drain(c, *tasks)
        expect_eq(c.wait(t).pdu["response"], TMF_DONE, "response")
        tasks = [x for x in tasks if not x.done]
        silent(c, *tasks)
        unharmed(c) if count == 1 and function == LUN_RESET else settle_attention(c)
        write(c, 0, pattern(4096, 262))
        c.close()


@each("not immediate: the function waits for the commands before it, acts on none after", (
    ("ABORT TASK SET", ABORT_TASK_SET), ("LOGICAL UNIT RESET", LUN_RESET)))
def _(function):
    c = srv.login(R2T_ONLY)
    old = waiting(c, 2)
    t = c.start_tmf(function, immediate=False)
    new = c.start(cdb.tur())
    drain(c, *old)
    c.wait(t)
    expect_eq(t.pdu["response"], TMF_DONE, "response")
    c.wait(new)
    silent(c, *[x for x in old if not x.done])


@each("without a LUN of that number", (
    ("ABORT TASK SET", ABORT_TASK_SET), ("CLEAR TASK SET", CLEAR_TASK_SET), ("CLEAR ACA", CLEAR_ACA),
    ("LOGICAL UNIT RESET", LUN_RESET)))
def _(function):
    c = srv.login()
    allowed = (TMF_NO_LUN,) + ((TMF_UNSUPPORTED, TMF_REJECTED) if function == CLEAR_ACA else ())
    expect_in(c.tmf(function, lun=77 << 48), allowed, "response")
    c.ping()


@case("CLEAR ACA without an ACA: done, or not supported")
def _():
    c = srv.login()
    expect_in(c.tmf(CLEAR_ACA), (TMF_DONE, TMF_UNSUPPORTED, TMF_REJECTED), "response")


@case("TARGET WARM RESET: done or not supported; another session sees a unit attention if done")
def _():
    c, other = srv.login(R2T_ONLY), srv.login(R2T_ONLY)
    t, = waiting(other, 1, 64)
    r = c.tmf(WARM_RESET)
    expect_in(r, (TMF_DONE,) + REFUSED, "response")
    if r == TMF_DONE:
        expect(not t.done, "answered: %s", t)
        got = other.scsi(cdb.tur())
        fails(got)
        expect_eq(got.sense[0], cdb.ATTENTION, "sense key of the other session")
    for x in (c, other):
        settle_attention(x)
        ok(x.scsi(cdb.tur()))


@case("LOGICAL UNIT RESET: the other sessions' tasks end, and each sees one unit attention")
def _():
    c, other = srv.login(R2T_ONLY), srv.login(R2T_ONLY)
    t, = waiting(other, 1, 64)
    expect_eq(c.tmf(LUN_RESET), TMF_DONE, "response")
    for x in (c, other):
        got = x.scsi(cdb.tur())
        fails(got, (6, 0x29, 0), (6, 0x29, 1), (6, 0x29, 2), (6, 0x29, 3))
        ok(x.scsi(cdb.tur()))
    expect(not t.done or t.status == cdb.ABORTED, "answered: %s", t)


@case("TARGET COLD RESET: not supported or not allowed; or all connections end")
def _():
    c, other = srv.login(), srv.login()
    try:
        r = c.tmf(COLD_RESET)
        if r != TMF_DONE:
            expect_in(r, REFUSED, "response")
            ok(other.scsi(cdb.tur()))
            return
        c.expect_closed()
    except Closed:
        pass
    other.expect_closed(drain=4096)
    good_client(srv)


@case("TASK REASSIGN: not supported at level 0, for a foreign task, for none (7.2.2)")
def _():
    c, other = srv.login(R2T_ONLY), srv.login(R2T_ONLY)
    mine, = waiting(c)
    theirs, = waiting(other)
    for rtt in (mine.itt, theirs.itt, 0x0badcafe, NONE32):
        expect_in(c.tmf(TASK_REASSIGN, rtt=rtt, lun=0),
                  (TMF_NO_REASSIGN, TMF_NO_TASK, TMF_ALLEGIANT, TMF_REJECTED, TMF_UNSUPPORTED),
                  "response for %#x" % rtt)
    for x, t in ((c, mine), (other, theirs)):
        x.auto_r2t = True
        drain(x, t)
        ok(x.wait(t))


def refused_all(keys):
    for f in (QUERY_TASK, QUERY_TASK_SET, I_T_NEXUS_RESET, QUERY_ASYNC_EVENT):
        c = srv.login(keys)
        t, = waiting(c)
        a = c.start_tmf(f, t if f == QUERY_TASK else None)
        c.want_reject = True
        try:
            while not a.done and not c.rejects:
                c.pump()
            expect(not a.done or a.pdu["response"] in REFUSED, "function %d: %s", f, a.pdu)
        except Closed:
            pass
        c.close()


@case("RFC 7144's functions without iSCSIProtocolLevel 2: refused, or the end")
def _():
    refused_all(R2T_ONLY)


@case("RFC 7144's functions where iSCSIProtocolLevel 2 is offered: done where it is taken, or refused")
def _():
    keys = dict(R2T_ONLY, iSCSIProtocolLevel="2")
    c = srv.login(keys)
    if c.s.param("iSCSIProtocolLevel") != "2":
        refused_all(keys)
        return
    expect_in(c.tmf(QUERY_TASK_SET), (TMF_DONE,) + REFUSED, "response without a task")
    t, = waiting(c)
    for f, t_arg in ((QUERY_TASK, t), (QUERY_TASK_SET, None)):
        expect_in(c.tmf(f, t_arg), (TMF_SUCCEEDED,) + REFUSED, "response to function %d" % f)
    expect_in(c.tmf(QUERY_TASK, t, lun=77 << 48), (TMF_NO_LUN, TMF_NO_TASK) + REFUSED, "response")
    expect_in(c.tmf(QUERY_ASYNC_EVENT), (TMF_DONE, TMF_SUCCEEDED) + REFUSED, "response")
    a = c.start_tmf(I_T_NEXUS_RESET, lun=0)
    try:
        expect_in(c.wait(a).pdu["response"], (TMF_DONE,) + REFUSED, "response to I_T NEXUS RESET")
        if a.pdu["response"] == TMF_DONE:
            c.expect_closed()
    except Closed:
        pass


@each("functions that are none: rejected or not supported", [(str(f), f) for f in (0, 13, 64, 127)])
def _(function):
    c = srv.login()
    c.want_reject = True
    t = c.start_tmf(function)
    try:
        while not t.done and not c.rejects:
            c.pump()
    except Closed:
        return
    if t.done:
        expect_in(t.pdu["response"], (TMF_UNSUPPORTED, TMF_REJECTED), "response")


@case("aborts that race with their commands: each task ends by an answer or by an abort", limit=60)
def _():
    c = srv.login()
    for i in range(200):
        t, pdus = c.command(cdb.write16(i % 64 * 8, 8), pattern(4096, 263))
        p = Pdu(TMF | IMMEDIATE, itt=c.s.itt(), rtt=t.itt, lun=t.lun << 48, flags=F | ABORT_TASK,
                refcmdsn=t.cmdsn, cmdsn=c.s.cmdsn, expstatsn=c.expstatsn)
        a = Task(p["itt"], "TMF")
        c.tasks[a.itt] = a
        c.send(*pdus, p)
        c.wait(a)
        expect_in(a.pdu["response"], (TMF_DONE, TMF_NO_TASK), "response")
        if a.pdu["response"] == TMF_NO_TASK:
            expect(t.done, "the task does not exist, but was not answered")
        c.tasks.pop(t.itt, None)
    ok(c.scsi(cdb.tur()))


main(setup, None if PEER else lambda: srv.check_alive(), teardown, limit=200)
