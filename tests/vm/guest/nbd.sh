#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# nbd.ko and nbd-client, in the virtual machine:
#
#	nbd.sh work PORT BLOCK CONNECTIONS BYTES	file systems
#	nbd.sh kill PORT BLOCK CONNECTIONS BYTES	the daemon dies, the kernel reconnects
#	nbd.sh lose PORT BLOCK CONNECTIONS BYTES	it dies, the device is given up
#
# The export is called disk.  The host is asked for kill -9 and a new daemon
# at the same port.
here=$(dirname "$0")
. "$here/disk.sh"
. "$here/attach.sh"

PORT=$2
BLOCK=$3
CONNECTIONS=$4
BYTES=$5

attach() {
	nbd_attach "$@" -b "$BLOCK" -C "$CONNECTIONS"
}

connected() {
	same "$(ss -Htn "dport = :$PORT" | grep -c ESTAB)" "$CONNECTIONS" "connections"
}

begin() {
	wanted nbd-client sfdisk mkfs.ext4 mkfs.xfs fio ss fstrim
	step "modules" modprobe nbd
	step "attach" attach /dev/nbd0 "$@"
	step "connections" connected
	step "geometry" geometry /dev/nbd0 "$BLOCK" "$BYTES"
}

end() {
	step "detach" nbd-client -d "$1"
	step "no connection is left" within 10 nbd_gone
}

case $1 in
work)
	begin
	disk_work /dev/nbd0 /dev/nbd0p1 /dev/nbd0p2
	step "the kernel has met no error" calm
	end /dev/nbd0
	;;
kill)
	begin -t 3
	step "the kernel shall wait for a dead server" nbd_link patience 0 60
	under_load /dev/nbd0 kill
	step "new connections" nbd_link reconnect 0 $HOST "$PORT" disk "$CONNECTIONS" 30
	step "the load goes on" more_promises 30 30
	step "and has met no error" stop_load
	step "umount" umount /mnt/x
	after_load /dev/nbd0
	end /dev/nbd0
	;;
lose)
	begin -t 3
	under_load /dev/nbd0 kill
	step "the load ends with errors" broken_load
	umount /mnt/x
	nbd-client -d /dev/nbd0
	step "attach anew" within 30 attach /dev/nbd1
	after_load /dev/nbd1
	end /dev/nbd1
	;;
esac
