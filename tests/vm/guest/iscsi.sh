#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# open-iscsi and iscsi_tcp, in the virtual machine:
#
#	iscsi.sh work PORTAL IQN BLOCK DIGEST BYTES	file systems
#	iscsi.sh kill PORTAL IQN BLOCK DIGEST BYTES	the daemon dies, the session recovers
#	iscsi.sh lose PORTAL IQN BLOCK DIGEST BYTES	it dies, the session is given up
#
# DIGEST is None or CRC32C, for headers and data.  A line "host: kill" asks the
# host for kill -9 and a new daemon at the same port.
here=$(dirname "$0")
. "$here/disk.sh"

PORTAL=$2
IQN=$3
BLOCK=$4
DIGEST=$5
BYTES=$6

# initiator: iscsid with a configuration of its own, whatever the host's is
initiator() {
	mount -t tmpfs iscsi /etc/iscsi &&
		echo "InitiatorName=iqn.2026-11.org.sluice:guest" >/etc/iscsi/initiatorname.iscsi &&
		: >/etc/iscsi/iscsid.conf &&
		mkdir -p /run/lock/iscsi && iscsid
}

node() {
	iscsiadm -m node -T "$IQN" -p "$PORTAL" "$@"
}

# login: a record made by hand, for the target may know its address by another
# name than the guest does
login() {
	node -o new &&
		node -o update -n "node.conn[0].iscsi.HeaderDigest" -v "$DIGEST" &&
		node -o update -n "node.conn[0].iscsi.DataDigest" -v "$DIGEST" &&
		node -o update -n node.session.timeo.replacement_timeout -v "${1-120}" &&
		node -l
}

# digests: were agreed on as asked for
digests() {
	iscsiadm -m session -P 2 | grep -E '^[[:space:]]*(Header|Data)Digest:' >/dev/shm/digests
	same "$(grep -c ": $DIGEST\$" /dev/shm/digests)" 2 "digests that are $DIGEST"
}

# find_disk: sets DISK, once the session's disk is there
find_disk() {
	for DISK in /dev/sd?; do
		[ -b "$DISK" ] && return 0
	done
	return 1
}

attach() {
	login "$@" && within 20 find_disk && find_disk
}

begin() {
	wanted iscsid iscsiadm sfdisk mkfs.ext4 mkfs.xfs fio fstrim
	step "modules" modprobe -a iscsi_tcp sd_mod
	step "iscsid" initiator
	step "login" attach "$@"
	step "digests" digests
	step "geometry" geometry "$DISK" "$BLOCK" "$BYTES"
}

broken() {
	dmesg | grep -q "detected conn error"
}

end() {
	step "logout" node -u
	step "no disk is left" within 10 test ! -e "$DISK"
}

case $1 in
work)
	begin
	disk_work "$DISK" "${DISK}1" "${DISK}2"
	step "the kernel has met no error" calm
	end
	;;
kill)
	begin 120
	under_load "$DISK"
	step "the connection breaks" within 30 broken
	step "the load goes on" more_promises 30 60
	step "and has met no error" stop_load
	step "umount" umount /mnt/x
	after_load "$DISK"
	end
	;;
lose)
	begin 1
	under_load "$DISK"
	step "the load ends with errors" broken_load
	umount /mnt/x
	node -u
	step "login anew" within 30 attach
	after_load "$DISK"
	end
	;;
esac
