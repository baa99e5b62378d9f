# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2086
# The client as a whole: its words, what it prints, how it finds daemons.
. "${SRCDIR:?run me by make check}/tests/harness/tap.sh"

# ends CODE PART WORD...: the client ends so, with this on stderr
ends() {
	want=$1 part=$2
	shift 2
	said=$(timeout 20 "$SLUICE" "$@" 2>&1 >/dev/null)
	is $? "$want" "exit $want: sluice $*"
	has "$said" "$part" "it says: $part"
}

ends 2 "did you mean 'status'?" statsu
ends 2 "'sluice help' lists them" frobnicate
ends 2 "'--bogus' is not understood" status --bogus
ends 2 "--control needs a value: --control PATH" status --control
ends 2 "'--json=1' is not understood" status --json=1
ends 2 "status takes no --volume" status --volume a
ends 2 "--protocol needs a value: --protocol NAME" sessions --protocol
ends 1 "$TMP/nobody: no daemon listens here" status --control "$TMP/nobody"
ends 2 "nothing to serve" serve
"$SLUICE" >"$TMP/said" 2>&1
is $? 2 "no word: exit 2"
has "$(cat "$TMP/said")" "usage: sluice serve" "and the usage"
for word in help --help; do
	has "$("$SLUICE" $word)" "status" "$word lists the verbs"
done
has "$("$SLUICE" serve --help)" "--read-only" "serve --help is the daemon's"
is "$("$SLUICE" --version | wc -l)" 1 "--version is one line"

# --- status ----------------------------------------------------------------------

start_daemon memory:1G "$(truncate -s 1M "$TMP/a.img" && echo "$TMP/a.img")" ||
	bail "no daemon"
is "$("$SLUICE" sessions --control "$CONTROL" --volume a | wc -l)" 1 "sessions: nobody is there"
has "$("$SLUICE" sessions --json --control "$CONTROL")" '"sessions": []' "nor in JSON"
said=$("$SLUICE" status --control "$CONTROL")
is $? 0 "status: exit 0"
has "$said" "pid $PID, serving for" "it tells the daemon"
has "$said" "VOLUMES" "and its volumes"
has "$said" "$TMP/a.img" "with their images"
has "$said" "nbd-client" "and how to attach them"
has "$("$SLUICE" version --control="$CONTROL")" "pid $PID" "--control=PATH is understood as well"
"$SLUICE" status --json --control "$CONTROL" >"$TMP/json"
is "$("${PYTHON:-python3}" - "$TMP/json" <<'EOF'
import json, sys
s = json.load(open(sys.argv[1]))
assert sorted(s) == ["connections", "daemon", "exports", "left_out", "loops", "volumes"], s.keys()
assert [v["name"] for v in s["volumes"]] == ["memory", "a"]
assert s["volumes"][0]["size_bytes"] == 1 << 30
assert all(isinstance(e["attach"], list) for e in s["exports"])
assert len(s["loops"]) == s["daemon"]["loops"]
print("good")
EOF
)" good "--json is whole"
stop_daemon
ends 1 "no daemon listens here" status --control "$CONTROL"

# --- finding daemons -----------------------------------------------------------------
# root's folder is everybody's: there these run as somebody else, in a folder of
# this test, and from copies, for he may not reach the build.

AS=
if [ "$(id -u)" -eq 0 ]; then
	AS="setpriv --reuid 65534 --regid 65534 --clear-groups"
	chown 65534 "$HOME_RUN"
	chmod 755 "$TMP"
	mkdir "$TMP/bin" && cp "$SLUICE" "$SLUICED" "$TMP/bin"
	SLUICE="$TMP/bin/sluice" SLUICED="$TMP/bin/sluiced"
fi
if ! $AS "$SLUICE" --version >/dev/null 2>&1 || ! $AS "$SLUICED" --version >/dev/null 2>&1; then
	skip "another user cannot run the programs of this build" "finding daemons"
	tap_done
fi

said=$($AS "$SLUICE" status 2>&1)
is $? 1 "no daemon: exit 1"
has "$said" "$HOME_RUN/sluice" "it says where it looked"

# own N: a daemon with a socket of its own; sets PID
own() {
	OUT="$TMP/own.$1"
	: >"$OUT"
	$AS "$SLUICE" serve --nbd "unix:$HOME_RUN/n$1" "v$1=memory:1M" >"$OUT" 2>&1 &
	PID=$!
	at_exit "$PID"
	wait_line "$OUT" '^ready$' 30 "$PID" || bail "$(cat "$OUT")"
}
own 1
FIRST=$PID
is "$(stat -c %a "$HOME_RUN/sluice")" 700 "the folder is this user's alone"
has "$($AS "$SLUICE" status)" "v1" "the one that runs is found"
own 2
said=$($AS "$SLUICE" status 2>"$TMP/err")
is $? 1 "two daemons: exit 1"
has "$said" "serve-$FIRST.sock" "the first is listed"
has "$said" "serve-$PID.sock" "the second too"
has "$(cat "$TMP/err")" "--control PATH" "and how to choose is said"
has "$($AS "$SLUICE" status --control "$HOME_RUN/sluice/serve-$PID.sock")" "v2" "choosing works"
is "$($AS "$SLUICE" status --json 2>/dev/null | grep -c '"control"')" 2 "--json lists them as well"

kill -KILL "$PID"
tap_wait_gone "$PID" 50
wait "$PID" 2>/dev/null
is "$(ls "$HOME_RUN/sluice" | wc -l)" 2 "a killed daemon leaves its socket"
has "$($AS "$SLUICE" status)" "v1" "the client finds the living one"
is "$(ls "$HOME_RUN/sluice" | wc -l)" 1 "and removes the dead one's socket"
own 3
kill -KILL "$PID"
tap_wait_gone "$PID" 50
wait "$PID" 2>/dev/null
# the kernel lets go of its socket a moment later
n=0
until $AS "$SLUICE" status --control "$HOME_RUN/sluice/serve-$PID.sock" 2>&1 |
	grep -q "no daemon listens" || [ $((n += 1)) -gt 100 ]; do
	sleep 0.05
done
own 4
is "$(ls "$HOME_RUN/sluice" | wc -l)" 2 "so does a daemon when it starts"
stop_daemon "$FIRST"
is "$RC" 0 "exit 0"
has "$($AS "$SLUICE" status)" "v4" "the other is the one then"
stop_daemon
is "$(ls "$HOME_RUN/sluice" | wc -l)" 0 "nothing is left at the end"

tap_done
