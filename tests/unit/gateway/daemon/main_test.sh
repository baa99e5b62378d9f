# SPDX-License-Identifier: BSD-3-Clause
# The daemon as a whole: its words, what it prints, how it begins and ends.
. "${SRCDIR:?run me by make check}/tests/harness/tap.sh"

# ends CODE PART WORD...: the daemon ends by itself so, with this on stderr
ends() {
	want=$1 part=$2
	shift 2
	said=$(timeout 20 "$SLUICED" "$@" 2>&1 >/dev/null)
	is $? "$want" "exit $want: sluiced $*"
	has "$said" "$part" "it says: $part"
}

# --- words -------------------------------------------------------------------

ends 2 "'serve' is missing"
ends 2 "'sevre' is not a word" sevre x
ends 2 "nothing to serve" serve
ends 2 "no option '--bogus'" serve --bogus x
ends 2 "--size needs a value: --size SIZE" serve --size
ends 2 "two images are named 'disk': $PWD/a/disk.img and $PWD/b/disk.raw" \
	serve a/disk.img b/disk.raw
has "$("$SLUICED" serve --help)" "--nbd" "--help shows the options of the front ends"
is "$("$SLUICED" --version | wc -l)" 1 "--version is one line"

# --- what cannot be served -----------------------------------------------------

ends 1 "$TMP/absent.img" serve --control "$TMP/c" --nbd "unix:$TMP/n" "$TMP/absent.img"
mkdir "$TMP/empty"
ends 1 "$TMP/no/such/folder" serve --control "$TMP/no/such/folder/c" --nbd "unix:$TMP/n" null:1M
is "$(ls "$TMP/c" "$TMP/n" 2>/dev/null)" "" "no socket is left behind by what failed"

# --- ready ---------------------------------------------------------------------

port=$(free_port)
truncate -s 3M "$TMP/Big Disk.img"
start_daemon --nbd "127.0.0.1:$port" "$TMP/Big Disk.img" ram=memory:1G || bail "no daemon"
# Warnings, such as that of a build without io_uring, are no part of the contract.
SAID="$TMP/said"
grep -v '^[a-z]*: note: ' "$OUT" >"$SAID"
is "$(sed -n 1p "$SAID" | cut -d' ' -f1)" big-disk "the first export comes first"
has "$(sed -n 1p "$SAID")" "3.0 MiB" "its size is told"
has "$(sed -n 1p "$SAID")" "nbd://127.0.0.1:$port/big-disk" "its address is told"
has "$(sed -n 1p "$SAID")" "nbd-client 127.0.0.1 $port -N big-disk /dev/nbd0" "how to attach it too"
has "$(sed -n 2p "$SAID")" "ram " "the second comes second"
is "$(sed -n 3p "$SAID")" ready "then comes ready, and nothing else"
is "$(wc -l <"$SAID")" 3 "one line an export"

said=$("$SLUICED" serve --control "$TMP/c2" --nbd "127.0.0.1:$port" null:1M 2>&1)
is $? 1 "a port in use: exit 1"
has "$said" "127.0.0.1:$port" "the address is named"
has "$said" "$PID" "and its holder"
said=$("$SLUICED" serve --control "$TMP/c2" --nbd "unix:$TMP/n2" "$TMP/Big Disk.img" 2>&1)
is $? 1 "an image in use: exit 1"
has "$said" "Big Disk.img" "the image is named"
has "$said" "$PID" "and its holder"
said=$("$SLUICED" serve --control "$CONTROL" --nbd "unix:$TMP/n2" null:1M 2>&1)
is $? 1 "a control socket in use: exit 1"
has "$said" "$CONTROL" "it is named"

# --- while it serves -------------------------------------------------------------

# The kernel counts how often the main thread went to sleep by itself.
wakeups() {
	sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$PID/status"
}
before=$(wakeups)
truncate -s 5M "$TMP/Big Disk.img"
sleep 6
after=$(wakeups)
is "$([ $((after - before)) -le 12 ] && echo few)" few "idle: $((after - before)) wake-ups in 6 s"
"$SLUICE" status --json --control "$CONTROL" >"$TMP/status"
has "$(cat "$TMP/status")" '"size_bytes": 5242880' "growth of an image is noticed"

stop_daemon
is "$RC" 0 "SIGTERM: exit 0"
has "$(cat "$OUT")" "stopping on SIGTERM" "it says what ended it"
is "$(ls "$CONTROL" 2>/dev/null)" "" "the control socket is gone"

# --- ends ------------------------------------------------------------------------

start_daemon memory:1M || bail "no daemon"
kill -INT "$PID"
tap_wait_gone "$PID" 60
wait "$PID"
is $? 0 "SIGINT: exit 0"
is "$(ls "$SOCKET" 2>/dev/null)" "" "the listener's file is gone"

"$SLUICED" serve --control "$TMP/c3" --nbd "unix:$TMP/n3" null:1M >&- 2>&- <&- &
PID=$!
at_exit "$PID"
tap_left=100
until [ -S "$TMP/n3" ] || [ "$tap_left" -eq 0 ]; do
	tap_left=$((tap_left - 1))
	sleep 0.05
done
sleep 0.2
stop_daemon
is "$RC" 0 "without standard descriptors it serves and ends as well"

# A client that takes no answer holds the connection to the deadline of 5 s; the
# second signal does not wait for it.
start_daemon memory:64M || bail "no daemon"
"${PYTHON:-python3}" -u - "$SOCKET" >"$TMP/client" <<'EOF' &
import socket, struct, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.recv(18)
s.sendall(struct.pack(">I", 3) + struct.pack(">QII", 0x49484156454F5054, 1, 0))
s.recv(10)
for i in range(64):
    s.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, i, 0, 1 << 20))
print("sent")
time.sleep(60)
EOF
CLIENT=$!
at_exit "$CLIENT"
wait_line "$TMP/client" sent 20 "$CLIENT" || bail "the client did not connect"
sleep 0.5
kill -TERM "$PID"
sleep 0.5
is "$(kill -0 "$PID" && echo alive)" alive "the first signal waits for the connection"
kill -TERM "$PID"
tap_wait_gone "$PID" 10
is $? 0 "the second signal ends it at once"
wait "$PID"
is $? 1 "with exit 1"
has "$(cat "$OUT")" "second signal" "and says so"

# timeout(1) tells the process, then its group: two signals, one wish.  On a loaded
# machine the second can come late, and is a second wish then: three attempts.
for attempt in 1 2 3; do
	start_daemon memory:64M || bail "no daemon"
	"${PYTHON:-python3}" -c 'import os, sys, time
os.kill(int(sys.argv[1]), 2); time.sleep(0.005); os.kill(int(sys.argv[1]), 2)' "$PID"
	tap_wait_gone "$PID" 10
	wait "$PID"
	code=$?
	[ "$code" -eq 0 ] && break
done
is "$code" 0 "one wish that comes as two signals ends it in order ($attempt)"

# The same, with one signal: after 5 s the connection is ended by force.
start_daemon memory:64M || bail "no daemon"
begun=$(date +%s)
stop_daemon
is "$RC" 0 "without a client: exit 0"
is "$([ $(($(date +%s) - begun)) -le 2 ] && echo quick)" quick "and at once"

tap_done
