#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# nbd.ko and nbd-client, in the virtual machine:
#
#	nbd.sh work PORT BLOCK CONNECTIONS BYTES	file systems
#	nbd.sh kill PORT BLOCK CONNECTIONS BYTES	the daemon dies, the kernel reconnects
#	nbd.sh lose PORT BLOCK CONNECTIONS BYTES	it dies, the device is given up
#
# The export is called disk.  A line "host: kill" asks the host for kill -9 and
# a new daemon at the same port.
here=$(dirname "$0")
. "$here/disk.sh"

HOST=10.0.2.2
PORT=$2
BLOCK=$3
CONNECTIONS=$4
BYTES=$5

# attach DEVICE WORD...: as an administrator would
attach() {
	device=$1
	shift
	nbd-client -N disk $HOST "$PORT" "$device" -b "$BLOCK" -C "$CONNECTIONS" "$@"
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
	step "no connection is left" within 10 gone
}

gone() {
	[ -z "$(ss -Htn "dport = :$PORT" | grep ESTAB)" ]
}

# What nbd-client 3.24 lacks: wait for a dead server, and bring new sockets.
link() {
	python3 "$here/nbdlink.py" "$@"
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
	step "the kernel shall wait for a dead server" link patience 0 60
	under_load /dev/nbd0
	step "new connections" link reconnect 0 $HOST "$PORT" disk "$CONNECTIONS" 30
	step "the load goes on" more_promises 30 30
	step "and has met no error" stop_load
	step "umount" umount /mnt/x
	after_load /dev/nbd0
	end /dev/nbd0
	;;
lose)
	begin -t 3
	under_load /dev/nbd0
	step "the load ends with errors" broken_load
	umount /mnt/x
	nbd-client -d /dev/nbd0
	step "attach anew" within 30 attach /dev/nbd1
	after_load /dev/nbd1
	end /dev/nbd1
	;;
esac
