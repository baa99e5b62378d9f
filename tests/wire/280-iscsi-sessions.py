#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""iSCSI, sessions among each other (RFC 7143 6.3.1, 6.3.4, 6.3.5): reinstatement, ISID and TSIH in all
mixtures, deadlines of the login, how many may stand there."""
import os
import resource
import sys
import threading
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from iscsitarget import *   # noqa: E402

srv = None
DATA = pattern(64 * KiB, 280)
LOGIN_TIME = float(os.environ.get("ISCSIWIRE_LOGIN", 20))      # the target's 15 s, and some
base = (0, 0)


def setup():
    global srv, base
    srv = Target(make_file(16 * MiB, "wire.img"))
    with srv.login() as c:
        write(c, 0, DATA)
    cs = [srv.login() for _ in range(40)]
    for c in cs:
        c.close()
    time.sleep(0.3)
    base = (srv.fds(), srv.rss())


def teardown():
    srv.check_stop()


def after():
    close_all()
    srv.check_alive()
    good_client(srv, 0, DATA)
    srv.settle(base[0], base[1] + 32 * MiB * slow())


def again(old):
    """A session of the same initiator port; TSIH 0."""
    return Session(old.s.name, old.s.isid)


@case("reinstatement: the same name and ISID, TSIH 0: the old session ends, the new one works")
def _():
    c = srv.login()
    for _ in range(10):
        new = srv.login(session=again(c))
        c.expect_closed(drain=4096)
        expect(new.s.tsih, "TSIH")
        read(new, 0, 8)
        c = new


@case("reinstatement with writes that wait: they end without an answer, and write nothing")
def _():
    keys = {"InitialR2T": "Yes", "ImmediateData": "No"}
    with srv.login() as w:
        write(w, 1024, bytes(8 * 4096))
    for _ in range(5):
        c = srv.login(keys)
        c.auto_r2t = False
        tasks = [c.start(cdb.write16(1024 + i * 8, 8), pattern(4096, 281)) for i in range(8)]
        for t in tasks:
            c.wait_r2t(t)
        new = srv.login(session=again(c))
        try:
            c.send(*c.data_out(tasks[0], 0, 4096, tasks[0].queue[0]["ttt"]))
        except Closed:
            pass
        c.expect_closed(drain=4096)
        same_bytes(bytes(read(new, 1024, 64)), bytes(8 * 4096), "what the old session left")


@case("reinstatement with writes under way: none of them lands after the new session's own")
def _():
    for i in range(20):
        c = srv.login({"InitialR2T": "No"})
        for k in range(16):
            c.start(cdb.write16(2048, 128), pattern(65536, 282 + i))
        new = srv.login(session=again(c))
        mine = pattern(65536, 283 + i)
        write(new, 2048, mine)
        time.sleep(0.01)
        same_bytes(bytes(read(new, 2048, 128)), mine, "what the new session wrote")
        c.close()
        new.close()


@case("another ISID, another name, another kind of session: nobody's end")
def _():
    c = srv.login()
    others = [Session(c.s.name, c.s.isid ^ 1), Session(c.s.name + "x", c.s.isid),
              Session(c.s.name.upper(), c.s.isid)]
    cs = [srv.login(session=s) for s in others[:2]]
    d = srv.connect()
    d.s = again(c)
    d.login(None, discovery=True)       # unnamed: only its like may reinstate it (7.4.2.1)
    for x in [c] + cs:
        read(x, 0, 8)


@case("one ISID to two targets: two sessions")
def _():
    if PEER:
        raise Skip("a peer serves one image")
    with Target("one=memory:4M", "two=memory:4M") as s:
        stem = s.target.rpartition(":")[0]
        cs = []
        for name in ("one", "two"):
            c = s.connect()
            c.s = again(cs[0]) if cs else Session()
            c.login(stem + ":" + name)
            settle_attention(c)
            cs.append(c)
        for i, c in enumerate(cs):
            write(c, 0, pattern(4096, 284 + i))
        for i, c in enumerate(cs):
            same_bytes(bytes(read(c, 0, 8)), pattern(4096, 284 + i))


@case("unnamed discovery sessions reinstate each other, named ones too")
def _():
    for named in (None, srv.target):
        d = srv.connect()
        d.login(named, discovery=True)
        new = srv.connect()
        new.s = again(d)
        new.login(named, discovery=True)
        d.expect_closed(drain=4096)


@each("TSIH that is not 0", (
    ("of no session, with a new ISID", lambda c: (new_isid(), c.s.tsih ^ 0x5a5a, 1), ("020a",)),
    ("of a session, with a new ISID", lambda c: (new_isid(), c.s.tsih, 1), ("020a",)),
    ("of no session, with its ISID", lambda c: (c.s.isid, c.s.tsih ^ 0x5a5a, 1), ("020a",)),
    ("of its session, a new CID: more connections than agreed",
     lambda c: (c.s.isid, c.s.tsih, 2), ("0206", "0208", "0302"))))
def _(make, codes):
    for security in (False, True):
        c = srv.login({"MaxConnections": "1"})
        n = srv.connect()
        n.s.isid, n.s.tsih, n.cid = make(c)
        n.s.cmdsn = c.s.cmdsn
        try:
            n.login(srv.target, security=security)
            raise Fail("the login succeeds")
        except Refused as e:
            expect_in("%04x" % e.code, codes, "login status")
            n.expect_closed()
        except Closed:
            pass
        read(c, 0, 8)


def rejoin(old):
    """A connection that takes the place of this one: the same ISID, TSIH and CID."""
    n = begin_rejoin(old)
    end_rejoin(n)
    return n


def begin_rejoin(old):
    n = srv.connect()
    n.s, n.cid = old.s, old.cid
    n.offered, n.target_keys, n.agreed = {}, {}, {}
    n.send(n.login_pdu(n.names(srv.target)))
    return n


def end_rejoin(n):
    """What had not come by the old connection may take its numbers again."""
    n.login_rsp()
    n._settle()
    n.stage = FULL
    n.s.cmdsn = n.s.expcmdsn


@case("connection reinstatement: the same ISID, TSIH and CID: the old one ends, the session goes on")
def _():
    c = srv.login()
    tsih = c.s.tsih
    for i in range(20):
        n = rejoin(c)
        expect_eq(n.s.tsih, tsih, "TSIH")
        c.expect_closed(drain=4096)
        write(n, 4096, pattern(4096, 290 + i))
        same_bytes(bytes(read(n, 4096, 8)), pattern(4096, 290 + i))
        c = n


@case("connection reinstatement: CmdSN goes on where the session stood, StatSN begins anew")
def _():
    c = srv.login()
    for _ in range(7):
        read(c, 0, 8)
    before = c.s.expcmdsn
    n = rejoin(c)
    expect_eq(n.s.expcmdsn, before, "ExpCmdSN")
    read(n, 0, 8)
    expect_eq(n.s.expcmdsn, before + 1, "ExpCmdSN after one command more")


@case("connection reinstatement with writes that wait for data: they end without an answer")
def _():
    with srv.login() as w:
        write(w, 1024, bytes(8 * 4096))
    c = srv.login({"InitialR2T": "Yes", "ImmediateData": "No"})
    for _ in range(5):
        c.auto_r2t = False
        tasks = [c.start(cdb.write16(1024 + i * 8, 8), pattern(4096, 285)) for i in range(8)]
        for t in tasks:
            c.wait_r2t(t)
        n = rejoin(c)
        c.expect_closed(drain=4096)
        n.auto_r2t = True
        # the target transfer tags died with them
        n.send(*n.data_out(tasks[0], 0, 4096, tasks[0].queue[0]["ttt"]))
        same_bytes(bytes(read(n, 1024, 64)), bytes(8 * 4096), "what the old connection left")
        c = n


@case("connection reinstatement with writes under way: none lands after the new connection's own")
def _():
    c = srv.login({"InitialR2T": "No"})
    for i in range(20):
        for k in range(16):
            c.start(cdb.write16(2048, 128), pattern(65536, 286 + i))
        n = rejoin(c)
        mine = pattern(65536, 287 + i)
        write(n, 2048, mine)
        time.sleep(0.01)
        same_bytes(bytes(read(n, 2048, 128)), mine, "what the new connection wrote")
        c.close()
        c = n


@case("connection reinstatement with commands that wait for an earlier CmdSN: they may be sent again (7.2.1)")
def _():
    c = srv.login()
    hole = c.s.cmdsn
    c.s.cmdsn += 1                      # the first one is lost
    data = [pattern(4096, 295 + i) for i in range(3)]
    c.start(cdb.write16(3072, 8), data[1])
    c.start(cdb.write16(3080, 8), data[2])
    n = rejoin(c)
    c.expect_closed(drain=4096)
    expect_eq(n.s.expcmdsn, hole, "ExpCmdSN")
    tasks = [n.start(cdb.write16(3064 + 8 * i, 8), data[i]) for i in range(3)]
    for t in tasks:
        ok(n.wait(t))
    same_bytes(bytes(read(n, 3064, 24)), b"".join(data), "what was sent again")


@case("connection reinstatement twice at once: the last one has the session")
def _():
    c = srv.login()
    for _ in range(10):
        ns = [begin_rejoin(c) for _ in range(3)]
        c.expect_closed(drain=4096)
        alive = []
        for n in ns:
            try:
                end_rejoin(n)
                alive.append(n)
            except (Closed, Refused):
                pass
        expect(alive, "none of three logins gets the session")
        for n in alive[:-1]:
            n.expect_closed(drain=4096)
        c = alive[-1]
        read(c, 0, 8)


@each("a login for the place of a connection that is not finished: the connection lives", (
    ("closed", lambda n: n.close()), ("reset", lambda n: n.reset()), ("silent", lambda n: None),
    ("a bad key", lambda n: n.send(n.login_pdu({"InitiatorName": n.s.name}, OPERATIONAL, FULL)))))
def _(leave):
    c = srv.login()
    n = srv.connect()
    n.s, n.cid = Session(c.s.name, c.s.isid), c.cid
    n.s.tsih, n.s.cmdsn = c.s.tsih, c.s.cmdsn
    n.send(n.login_pdu(dict(n.names(srv.target), AuthMethod="None"), SECURITY, OPERATIONAL))
    n.login_rsp()
    leave(n)
    for _ in range(3):
        read(c, 0, 8)


@each("who may not take the place of a connection", (
    ("another initiator", lambda c: Session(c.s.name + "x", c.s.isid)),
    ("another ISID", lambda c: Session(c.s.name, c.s.isid ^ 1))))
def _(session):
    c = srv.login()
    n = srv.connect()
    n.s, n.cid = session(c), c.cid
    n.s.tsih = c.s.tsih
    try:
        n.login(srv.target)
        raise Fail("the login succeeds")
    except Refused as e:
        expect_eq("%04x" % e.code, "020a", "login status")
    read(c, 0, 8)


@case("after its connection is lost a session of level 0 is gone, as Time2Retain told")
def _():
    c = srv.login()
    keys = c.target_keys
    expect_eq(keys.get("DefaultTime2Retain", "0"), "0", "DefaultTime2Retain")
    c.close()
    time.sleep(0.2)
    n = srv.connect()
    n.s, n.cid = c.s, c.cid
    try:
        n.login(srv.target)
        raise Fail("the login succeeds")
    except Refused as e:
        expect_eq("%04x" % e.code, "020a", "login status")


@each("what must stay the same within a login changes: refused, or the first value counts", (
    ("ISID", {"isid": 0x801234567890}), ("TSIH", {"tsih": 0x7777}), ("CID", {"cid": 99}),
    ("ITT", {"itt": 0x99}), ("Version-max", {"vmax": 3}), ("CmdSN", {"cmdsn": 0x12345678})))
def _(change):
    for first in (SECURITY, OPERATIONAL):
        c = srv.connect()
        keys = dict(c.names(srv.target), **({"AuthMethod": "None"} if first == SECURITY else {}))
        c.send(c.login_pdu(keys, first, OPERATIONAL, transit=first == SECURITY))
        c.login_rsp()
        c.send(c.login_pdu({}, OPERATIONAL, FULL, **change))
        try:
            p = c.login_rsp(ok=False)
        except Closed:
            continue
        if p["cls"]:
            expect_eq(p["cls"], 2, "status class")
            continue
        expect_eq(p["isid"], change.get("isid", c.s.isid), "ISID of the answer")
        c.stage = FULL
        if "cmdsn" not in change and p["flags"] & T:
            c.ping()


def quietly(fn, *args):
    try:
        fn(*args)
    except (OSError, Closed):
        pass


@case("logins that do not end are ended: silent, half a header, half the text, between stages, dribbled, "
      "round upon round; a session in full feature phase may be silent", limit=LOGIN_TIME + 30)
def _():
    if PEER:
        raise Skip("about our own deadline")
    probe = srv.connect()
    whole = probe.login_pdu(probe.names(srv.target)).encode()
    stuck = [(b"nothing", b""), (b"a byte", whole[:1]), (b"half a header", whole[:24]),
             (b"a header", whole[:48]), (b"half the text", whole[:70]), (b"all but a byte", whole[:-1])]
    cs = []
    for what, raw in stuck:
        c = srv.connect()
        c.sock.sendall(raw)
        cs.append((what, c))
    for csg, keys in ((SECURITY, {"AuthMethod": "None"}), (OPERATIONAL, {})):
        c = srv.connect()
        c.send(c.login_pdu(dict(c.names(srv.target), **keys), csg, 0, transit=False))
        c.login_rsp()
        cs.append(("between requests, stage %d" % csg, c))
    idle = srv.login()
    dribble, rounds = srv.connect(), srv.connect()
    rounds.send(rounds.login_pdu(rounds.names(srv.target), OPERATIONAL, 0, transit=False))
    rounds.login_rsp()
    began = time.monotonic()
    ends = {}

    def drip():
        for b in whole[:48] + bytes(10000):
            dribble.sock.sendall(bytes([b]))
            time.sleep(0.3)

    def turn():
        while True:
            rounds.send(rounds.login_pdu({}, OPERATIONAL, 0, transit=False))
            p = rounds.login_rsp(ok=False)
            if p["cls"]:
                return
            time.sleep(0.3)

    def until(what, fn):
        quietly(fn)
        ends[what] = time.monotonic() - began
    ts = [threading.Thread(target=until, args=a, daemon=True) for a in (("dribbled", drip), ("rounds", turn))]
    for t in ts:
        t.start()
    for what, c in cs:
        try:
            c.expect_closed(max(LOGIN_TIME - (time.monotonic() - began), 0.1), drain=200)
        except Fail as e:
            raise Fail("%s: %s" % (what, e))
    for t in ts:
        t.join(max(LOGIN_TIME + 3 - (time.monotonic() - began), 0.1))
    expect_eq(sorted(ends), ["dribbled", "rounds"], "logins that were ended")
    diag("the last was ended after %.1f s" % max(list(ends.values()) + [time.monotonic() - began]))
    read(idle, 0, 8)


def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))


def still_open(c):
    c.sock.setblocking(False)
    try:
        return c.sock.recv(65536) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


@case("a flood of connections without a login: a bound, the oldest makes room, honest ones go on", limit=60)
def _():
    many_files()
    honest = srv.login()
    cs = []
    for i in range(400):
        try:
            c = srv.connect(2)
            if i % 2:
                c.sock.sendall(c.login_pdu(c.names(srv.target)).encode()[:i % 60])
            cs.append(c)
        except OSError:
            break
    time.sleep(0.3)
    left = [still_open(c) for c in cs]
    diag("%d connections taken, %d kept" % (len(cs), sum(left)))
    if not PEER:
        expect(sum(left) <= 160, "%d connections without a login are kept", sum(left))
        expect(sum(left[-60:]) >= 59, "of the newest 60 only %d are kept", sum(left[-60:]))
    read(honest, 0, 8)
    good_client(srv, 0, DATA)


@case("many sessions at once: all work, or those beyond the bound are told so", limit=90)
def _():
    many_files()
    cs, refusals = [], []
    for i in range(50 if PEER else 300):
        c = srv.connect()
        try:
            c.login(srv.target, ALL_KEYS if PEER.startswith("iscsi:") else None)
            cs.append(c)
        except (Refused, Closed) as e:
            refusals.append(getattr(e, "code", 0))
            if len(refusals) > 5:
                break
    diag("%d sessions; refusals %s" % (len(cs), ["%04x" % r for r in refusals]))
    least = 32 if PEER else 48 if small_pool() else 100
    expect(len(cs) >= least, "only %d sessions", len(cs))
    expect(all(r in (0, 0x302, 0x301) for r in refusals), "refusals %r", refusals)
    for c in cs:
        settle_attention(c)
    tasks = [(c, c.start(cdb.read16(0, 128), read=65536)) for c in cs]
    for c, t in tasks:
        same_bytes(bytes(ok(c.wait(t)).data), DATA)
    close_all()


@case("connections that come and go from 6 threads, at every point of a login, while others work", limit=60)
def _():
    stop = time.monotonic() + 3
    errors = []

    def churn(seed):
        import random
        rnd = random.Random(seed)
        while time.monotonic() < stop:
            try:
                c = srv.connect()
                k = rnd.randrange(5)
                if k == 1:
                    c.sock.sendall(c.login_pdu(c.names(srv.target)).encode()[:rnd.randrange(200)])
                if k == 2:
                    c.send(c.login_pdu(c.names(srv.target)))
                if k > 2:
                    c.login(srv.target, ALL_KEYS if PEER.startswith("iscsi:") else None)
                if k == 4:
                    for i in range(4):
                        c.start(cdb.read16(i, 128), read=65536)
                c.reset() if rnd.random() < 0.5 else c.close()
            except (Closed, Refused, OSError):
                pass
            except Exception as e:
                errors.append(repr(e))
                return

    def work():
        try:
            with srv.login() as c:
                while time.monotonic() < stop:
                    same_bytes(bytes(read(c, 0, 128)), DATA)
        except Exception as e:
            errors.append("an honest client: %r" % e)
    ts = [threading.Thread(target=churn, args=(i,), daemon=True) for i in range(6)]
    ts += [threading.Thread(target=work, daemon=True) for _ in range(2)]
    for t in ts:
        t.start()
    for t in ts:
        t.join(30)
    expect(not errors, "%s", "\n".join(errors))


main(setup, after, teardown, limit=300)
