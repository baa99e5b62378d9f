# SPDX-License-Identifier: BSD-3-Clause
# The shell harness tests itself: each script below is run by itself, and what
# it says is looked at.
. "${SRCDIR:?run me by make check}/tests/harness/tap.sh"

# script TEXT: what a test of this text prints; its status is left in $?
script() {
	printf '. "$SRCDIR/tests/harness/tap.sh"\n%s\n' "$1" >"$TMP/script.sh"
	sh "$TMP/script.sh" 2>&1
}

said=$(script 'ok one; is 1 1 two; tap_done')
is $? 0 "all well: exit 0"
is "$said" "ok 1 - one
ok 2 - two
1..2" "two cases and the plan behind them"

said=$(script 'is 1 2 one; tap_done')
is $? 1 "a failure: exit 1"
has "$said" "not ok 1 - one" "it is told"
has "$said" "# wanted: 2" "with what was wanted"

said=$(script 'need no-such-program; ok never; tap_done')
is "$?$said" "01..0 # SKIP no-such-program is not installed" "what is missing skips with the reason"

said=$(script 'try one false; try_not two false; try_not three true; tap_done')
has "$said" "not ok 1 - one" "try wants success"
has "$said" "ok 2 - two" "try_not wants failure"
has "$said" "not ok 3 - three" "and is not content with success"

said=$(script 'sleep 600 & at_exit $!; echo $! $TMP; exit 0')
is "$(kill -0 "${said% *}" 2>/dev/null && echo alive)" "" "what a test started ends with it"
is "$(ls "${said#* }" 2>/dev/null)" "" "and its folder is gone"

script 'TAP_PATIENCE=5; trap "" TERM; sleep 600 & at_exit $!; exit 0' >/dev/null
is $? 0 "even what does not listen"

port=$(free_port)
is "$([ "$port" -gt 1023 ] && [ "$port" -lt 65536 ] && echo yes)" yes "a free port is a port"
tap_done
