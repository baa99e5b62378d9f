#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# frames.sh PROGRAM: the unit test of links on this kernel, with VLAN interfaces,
# which not every kernel has.
here=$(dirname "$0")
. "$here/disk.sh"

all_cases() {
	"$1" >/tmp/frames.out 2>&1
	status=$?
	grep -v '^ok' /tmp/frames.out
	[ $status -eq 0 ] && grep -q '^ok' /tmp/frames.out
}

with_vlans() {
	! grep '^# .*kernel' /tmp/frames.out
}

wanted ip tc unshare
step "modules" modprobe -a af_packet veth 8021q sch_tbf
step "frames" all_cases "$1"
step "nothing was left out" with_vlans
