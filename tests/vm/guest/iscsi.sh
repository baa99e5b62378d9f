#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# open-iscsi and iscsi_tcp, in the virtual machine:
#
#	iscsi.sh work PORTAL IQN BLOCK DIGEST BYTES	file systems
#	iscsi.sh kill PORTAL IQN BLOCK DIGEST BYTES	the daemon dies, the session recovers
#	iscsi.sh lose PORTAL IQN BLOCK DIGEST BYTES	it dies, the session is given up
#
# DIGEST is None or CRC32C, for headers and data.  The host is asked for
# kill -9 and a new daemon at the same port.
here=$(dirname "$0")
. "$here/disk.sh"
. "$here/attach.sh"

PORTAL=$2
IQN=$3
BLOCK=$4
DIGEST=$5
BYTES=$6

# digests: were agreed on as asked for
digests() {
	iscsiadm -m session -P 2 | grep -E '^[[:space:]]*(Header|Data)Digest:' >/dev/shm/digests
	same "$(grep -c ": $DIGEST\$" /dev/shm/digests)" 2 "digests that are $DIGEST"
}

begin() {
	wanted iscsid iscsiadm sfdisk mkfs.ext4 mkfs.xfs fio fstrim
	step "modules" modprobe -a iscsi_tcp sd_mod
	step "iscsid" iscsi_initiator
	step "login" iscsi_attach "$DIGEST" "$1"
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
	begin 120
	disk_work "$DISK" "${DISK}1" "${DISK}2"
	step "the kernel has met no error" calm
	end
	;;
kill)
	begin 120
	under_load "$DISK" kill
	step "the connection breaks" within 30 broken
	step "the load goes on" more_promises 30 60
	step "and has met no error" stop_load
	step "umount" umount /mnt/x
	after_load "$DISK"
	end
	;;
lose)
	begin 1
	under_load "$DISK" kill
	step "the load ends with errors" broken_load
	umount /mnt/x
	node -u
	step "login anew" within 30 iscsi_attach "$DIGEST" 120
	after_load "$DISK"
	end
	;;
esac
