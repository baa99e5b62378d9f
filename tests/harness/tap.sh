# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# What a shell test stands on.  A test begins with
#
#	. "${SRCDIR:?run me by make check}/tests/harness/tap.sh"
#	need qemu-img nbdinfo
#	start_daemon memory:64M
#	is "$(nbdinfo --size "$URI")" 67108864 "the size is told"
#	tap_done
#
# and runs alone, out of a fresh build, with
#	SRCDIR=... BUILDDIR=... sh tests/outside/some.sh
# Every process started here ends with the test, by its own id.

: "${SRCDIR:?the top of the sources}" "${BUILDDIR:?the top of the build}"
SLUICED="$BUILDDIR/gateway/daemon/sluiced"
SLUICE="$BUILDDIR/gateway/cli/sluice"
export SLUICED

tap_count=0
tap_failed=0
tap_planned=
tap_pids=
TMP=$(mktemp -d "${TMPDIR:-/tmp}/sluice-test.XXXXXX") || exit 99
HOME_RUN="$TMP/run"
mkdir -m 700 "$HOME_RUN"
XDG_RUNTIME_DIR=$HOME_RUN
export TMP XDG_RUNTIME_DIR

tap_cleanup() {
	for tap_pid in $tap_pids; do
		kill -TERM "$tap_pid" 2>/dev/null
	done
	for tap_pid in $tap_pids; do
		tap_wait_gone "$tap_pid" "${TAP_PATIENCE-70}" || kill -KILL "$tap_pid" 2>/dev/null
		wait "$tap_pid" 2>/dev/null
	done
	if [ -z "${KEEP_TMP-}" ]; then rm -rf "$TMP"; else diag "kept: $TMP"; fi
}
trap tap_cleanup EXIT
trap 'exit 1' HUP INT TERM

# tap_wait_gone PID TENTHS: true when the process is gone (or a zombie)
tap_wait_gone() {
	tap_left=$2
	while kill -0 "$1" 2>/dev/null; do
		case $(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) in
		Z* | '') return 0 ;;
		esac
		[ "$tap_left" -gt 0 ] || return 1
		tap_left=$((tap_left - 1))
		sleep 0.1
	done
}

# --- results -------------------------------------------------------------------

diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

plan() {
	tap_planned=$1
	echo "1..$1"
}

ok() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $*"
}

not_ok() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $*"
}

# skip "reason" "what": one case that cannot run here
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - ${2-} # SKIP $1"
}

# skip_all "reason": the whole test, before its first case
skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

# bail "reason": nothing that follows makes sense
bail() {
	echo "Bail out! $*"
	exit 1
}

# try "what" COMMAND...: ok if it succeeds; its output is shown if it does not
try() {
	tap_what=$1
	shift
	if "$@" >"$TMP/try.out" 2>&1; then
		ok "$tap_what"
	else
		tap_rc=$?
		not_ok "$tap_what"
		diag "exit $tap_rc: $*"
		diag "$(tail -n 30 "$TMP/try.out")"
		return 1
	fi
}

# try_not "what" COMMAND...: ok if it fails (but does not die of a signal)
try_not() {
	tap_what=$1
	shift
	"$@" >"$TMP/try.out" 2>&1
	tap_rc=$?
	if [ "$tap_rc" -gt 0 ] && [ "$tap_rc" -lt 128 ]; then
		ok "$tap_what"
	else
		not_ok "$tap_what"
		diag "exit $tap_rc, a failure was wanted: $*"
		diag "$(tail -n 30 "$TMP/try.out")"
		return 1
	fi
}

# is GOT WANTED "what"
is() {
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		not_ok "$3"
		diag "got:    $1"
		diag "wanted: $2"
		return 1
	fi
}

# has TEXT PART "what"
has() {
	case $1 in
	*"$2"*) ok "$3" ;;
	*)
		not_ok "$3"
		diag "got:          $1"
		diag "should have:  $2"
		return 1
		;;
	esac
}

tap_done() {
	[ -n "$tap_planned" ] || echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
	exit
}

# --- what is needed --------------------------------------------------------------

# need CMD...: skips the whole test, with the reason, where one is missing
need() {
	for tap_cmd in "$@"; do
		command -v "$tap_cmd" >/dev/null 2>&1 || skip_all "$tap_cmd is not installed"
	done
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip_all "needs root"
}

# A TCP port of loopback that nobody listens on now.
free_port() {
	"${PYTHON:-python3}" -c '
import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# --- processes -------------------------------------------------------------------

# at_exit PID: end this process, which the test started, with the test
at_exit() {
	tap_pids="$tap_pids $1"
}

# wait_line FILE REGEX SECONDS PID: true when a line of the file matches
wait_line() {
	tap_left=$(($3 * 20))
	until grep -q "$2" "$1" 2>/dev/null; do
		kill -0 "$4" 2>/dev/null || return 1
		[ "$tap_left" -gt 0 ] || return 1
		tap_left=$((tap_left - 1))
		sleep 0.05
	done
}

# serve_words: what every daemon of a test is started with, before its own words
: "${DAEMON_WORDS=}"

# start_daemon WORD...: runs `sluiced serve WORD...` and waits for `ready`.
# Without --nbd among the words it listens on a Unix socket of its own.  Sets
# PID, OUT (its output), CONTROL, and for that socket SOCKET and URI.
start_daemon() {
	tap_n=$((${tap_n-0} + 1))
	OUT="$TMP/daemon.$tap_n.out"
	CONTROL="$TMP/control.$tap_n"
	SOCKET="$TMP/nbd.$tap_n"
	URI="nbd+unix:///?socket=$SOCKET"
	case " $* " in
	*" --nbd "*) set -- --control "$CONTROL" "$@" ;;
	*) set -- --nbd "unix:$SOCKET" --control "$CONTROL" "$@" ;;
	esac
	# shellcheck disable=SC2086
	"$SLUICED" serve $DAEMON_WORDS "$@" >"$OUT" 2>&1 &
	PID=$!
	at_exit "$PID"
	wait_line "$OUT" '^ready$' 30 "$PID" && return 0
	diag "sluiced serve $* did not become ready:"
	diag "$(cat "$OUT")"
	return 1
}

# stop_daemon [PID]: SIGTERM, wait; leaves the exit status in RC
stop_daemon() {
	tap_pid=${1-$PID}
	kill -TERM "$tap_pid" 2>/dev/null
	tap_wait_gone "$tap_pid" 150 || {
		diag "process $tap_pid did not end within 15 seconds"
		kill -KILL "$tap_pid"
	}
	wait "$tap_pid"
	RC=$?
}
