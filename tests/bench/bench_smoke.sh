#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The bench itself works: load gets answers from bare over TCP-shaped and Unix
# streams, and the figures are figures.  No word on how fast: that is for
# "make bench".  Runs alone: BUILDDIR=build tests/bench/bench_smoke.sh
B=${BUILDDIR:-.}/tests/bench
T=$(mktemp -d) || exit 1
HERE=$(dirname "$0")
SERVER=
n=0
export PYTHONDONTWRITEBYTECODE=1

end() {
	[ -n "$SERVER" ] && kill "$SERVER" 2>/dev/null
	rm -rf "$T"
}
trap end EXIT

is() {		# is WHAT: by the status of what ran before
	status=$?
	n=$((n + 1))
	if [ $status -eq 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' "$T/out" "$T/err" 2>/dev/null
	fi
}

load() {
	timeout 30 "$B/load" --connect "unix:$T/s" --region 64m --warmup 0.05 \
		--seconds 0.3 --json "$@" >"$T/out" 2>"$T/err"
}

# sane BLOCK [CONNECTIONS]: every figure there, above zero, in an order that can be
sane() {
	${PYTHON:-python3} -c '
import json, sys
r = json.load(open(sys.argv[1]))
block = int(sys.argv[2])
assert r["errors"] == 0, "errors"
assert r["ios"] > 50 and 0.29 < r["seconds"] < 5, "too few"
assert abs(r["iops"] * r["seconds"] / r["ios"] - 1) < 0.01, "iops"
assert abs(r["mb_s"] * 1e6 / (r["iops"] * block) - 1) < 0.01, "mb_s"
assert 0 < r["p50_us"] <= r["p99_us"] <= r["p999_us"], "quantiles"
assert r["client_cpu_us"] > 0 and r["cpu_us"] >= 0, "cpu"
if len(sys.argv) > 3:
    conns = int(sys.argv[3])
    assert 0 < r["least_ios"] <= r["most_ios"], "least and most"
    assert r["least_ios"] * conns <= r["ios"] <= r["most_ios"] * conns, "the sum"
' "$T/out" "$@" 2>>"$T/err"
}

# the judge of the goals, on runs that nobody made
goals_judged() {
	PYTHONPATH=$HERE ${PYTHON:-python3} -c '
import bench_goals
import bench

def runs(server, *iops):
    return [dict(server=server, case="c", round=r, iops=x) for r, x in enumerate(iops)]

goal = bench_goals.goal("g", "us", "a,b", "c", "iops", ">=", 2)
seen = runs("us", 200, 300, 400) + runs("a", 50, 150, 100) + runs("b", 100, 50, 100)
row = bench_goals.judge(goal, seen, {})
assert row["value"] == 2 and row["reached"] is True and row["rounds"] == 3, row
row = bench_goals.judge(goal, [r for r in seen if r["round"] != 2] + runs("us", 1), {})
assert row["value"] < 2 and row["reached"] is False, row
row = bench_goals.judge(goal, runs("us", 200), {})
assert row["reached"] is None and row["why"], row
row = bench_goals.judge(goal, seen, {"b": "no b"})
assert row["reached"] is None and row["value"] is None and row["why"] == "no b", row
shown = bench_goals.judge(goal._replace(others=[], sign=""), seen, {})
assert shown["value"] == 300 and shown["reached"] is None and not shown["why"], shown
assert len({g.name for g in bench_goals.GOALS}) == len(bench_goals.GOALS)
for g in bench_goals.GOALS:
    for server, case in bench_goals.pairs(g):
        assert server in bench.everybody() and bench.case_of(case).name == case, g
' >"$T/out" 2>"$T/err"
}

start_bare() {		# start_bare PROTOCOL
	rm -f "$T/ready"
	"$B/bare" "unix:$T/s" "$1" >"$T/ready" &
	SERVER=$!
	i=0
	while [ $i -lt 100 ] && ! grep -qs ready "$T/ready"; do
		sleep 0.1
		i=$((i + 1))
	done
	grep -q ready "$T/ready"
}

end_bare() {
	kill "$SERVER" && wait "$SERVER" 2>/dev/null
	SERVER=
}

echo 1..23
start_bare iscsi
is "bare is ready for iSCSI"
load --proto iscsi --op read --server-pid $SERVER && sane 4096
is "iSCSI: reads of 4 KiB, 32 in flight"
load --proto iscsi --op write --depth 1 --server-pid $SERVER && sane 4096
is "iSCSI: writes of 4 KiB, one in flight"
load --proto iscsi --op mix --block-size 1m --depth 4 --conns 2 --server-pid $SERVER &&
	sane 1048576 2
is "iSCSI: 1 MiB both ways over two connections"
! load --proto iscsi --digests && grep -q 'no digests' "$T/err"
is "iSCSI: a server without digests is an error where they were asked for"
end_bare
start_bare nbd
is "bare is ready for NBD"
load --op read --server-pid $SERVER && sane 4096 1
is "reads of 4 KiB, 32 in flight"
load --op write --server-pid $SERVER && sane 4096
is "writes of 4 KiB"
load --op mix --depth 1 --pattern seq --server-pid $SERVER && sane 4096
is "a mix, one in flight"
load --op mix --block-size 256k --depth 8 --conns 3 --server-pid $SERVER &&
	sane 262144 3
is "256 KiB both ways over three connections"
load --ios 77 --seconds 20 && grep -q '"ios": 77,' "$T/out"
is "--ios ends the run after as many"
began=$(date +%s)
load --ios 1 --depth 1 --conns 3 --hold 2 && grep -q '"ios": 3,' "$T/out" &&
	[ $(($(date +%s) - began)) -ge 2 ]
is "--hold stays connected after the report"
! load --block-size 2m --region 1m && grep -q smaller "$T/err"
is "a region below one request is refused"
end_bare
! load && grep -q 'cannot connect' "$T/err"
is "no server is an error that says so"
dd if=/dev/zero of="$T/file" bs=64k count=16 2>/dev/null &&
	"$B/floor" "$T/file" write 4096 1048576 0.3 >"$T/out" 2>"$T/err" && sane 4096
is "the floor of writes"
"$B/floor" "$T/file" read 262144 1048576 0.3 >"$T/out" 2>"$T/err" && sane 262144
is "the floor of reads"
goals_judged
is "goals: the best of each round, medians of pairs, yes, no and not measured"
${PYTHON:-python3} "$HERE/bench.py" --goals 'nbd-aio-4k-read-*' --rounds 1 --seconds 0.2 \
	--warmup 0.1 --size 16m --dir "$T" --json "$T/goals" >"$T/out" 2>"$T/err" &&
	grep -Eq '^  nbd-aio-4k-read-32-iops +[0-9.]+ x sluice, .* >= 0.5 x +(yes|no)$' "$T/out"
is "goals: only what they need is run"
[ "$(id -u)" = 0 ] && new=-n || new=-rn

# bare at one end of a wire, load at the other; the server sleeps for a while from
# $NAP seconds on, if that is set
aoe() {
	unshare $new sh -c '
		ip link add near mtu 9000 type veth peer name far mtu 9000 &&
			ip link set near up && ip link set far up || exit 1
		b=$1 t=$2 i=0
		shift 2
		"$b/bare" far aoe >"$t/ready" &
		server=$!
		while [ $i -lt 100 ] && ! grep -qs ready "$t/ready"; do
			sleep 0.1
			i=$((i + 1))
		done
		if [ -n "$NAP" ]; then
			(sleep "$NAP"; kill -STOP $server; sleep 0.8; kill -CONT $server) &
		fi
		timeout 30 "$b/load" --proto aoe --connect near --export 7.1 --region 64m \
			--warmup 0.05 --seconds 0.3 --server-pid $server --json "$@"
		status=$?
		kill $server
		exit $status
	' sh "$B" "$T" "$@" >"$T/out" 2>"$T/err"
}

if ! unshare $new ip link add near type veth peer name far 2>/dev/null; then
	for i in 19 20 21 22 23; do
		echo "ok $i # SKIP no network name space, ip(8) or veth"
	done
	exit
fi
unshare $new sh -c '
	ip link add near mtu 9000 type veth peer name far mtu 9000 &&
	ip link set near up && ip link set far up && exec timeout 30 "$1" near far 0.1
' sh "$B/frames" >"$T/out" 2>"$T/err" &&
	awk 'NR > 1 && !($(NF - 1) > 0 && $(NF - 1) < 1000 && $NF < 1000) { exit 1 }
		END { exit NR != 11 }' "$T/out"
is "frames by all ways"
aoe --op read && sane 4096 && grep -q '"depth": 32, "resent": 0,' "$T/out"
is "AoE: reads of 4 KiB, 32 in flight"
aoe --op mix --block-size 1k --depth 1 && sane 1024
is "AoE: 1 KiB both ways, one in flight"
NAP=0.3 aoe --op write --seconds 1.6 &&
	grep -q '"errors": 0,.*"resent": [1-9]' "$T/out"
is "AoE: what gets no answer in time is sent again, and told"
! aoe --block-size 16k && grep -q 'does not fit a frame' "$T/err"
is "AoE: a block that fits no frame is refused"
