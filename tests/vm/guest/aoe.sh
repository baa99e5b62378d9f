#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The kernel's aoe driver and aoetools, in the virtual machine:
#
#	aoe.sh work MTU BYTES	file systems
#	aoe.sh kill MTU BYTES	the daemon ends, then dies; nobody notices
#	aoe.sh down MTU BYTES	so with 20 s without a link
#	aoe.sh lose MTU BYTES	the daemon dies, the driver gives up
#
# The disk is e7.1 on eth1.  The host is asked: restart and kill bring a new daemon,
# die does not, start does then; down and up are the link's.
here=$(dirname "$0")
. "$here/disk.sh"
. "$here/attach.sh"

MTU=$2
BYTES=$3
PAYLOAD=$(((MTU - 36) / 512 * 512)) # 14 of the Ethernet header are not in the MTU
TRIM=no # the driver has no word for it

# shown STATE: what aoe-stat tells of the disk, in its words
shown() {
	aoe-stat | awk -v disk="e$SHELF.$SLOT" '$1 == disk { print $3, $4, $5 }' >/dev/shm/stat
	same "$(cat /dev/shm/stat)" "eth1 $PAYLOAD $1" "interface, bytes in a frame, state"
}

# pinged: aoeping gets the answers to a query and to IDENTIFY DEVICE
pinged() {
	aoeping -s 5 -I "$SHELF" "$SLOT" eth1 | grep -q "^model: SLUICE"
}

# labelled: a config string can be set once, and is read again
labelled() {
	aoecfg -c set -s "a label" "$SHELF" "$SLOT" eth1
	same "$(aoecfg -c read "$SHELF" "$SLOT" eth1)" "a label" "config string"
}

begin() {
	wanted aoe-discover aoe-stat aoe-flush aoeping aoecfg sfdisk mkfs.ext4 mkfs.xfs fio
	step "the driver, MTU $MTU" aoe_driver "$@"
	step "aoe-discover" aoe_attach
	step "aoe-stat: eth1, $PAYLOAD, up" shown up
	step "geometry" geometry "$AOE_DISK" 512 "$BYTES"
}

# given_up: by the driver, in whose eyes the disk is down
given_up() {
	aoe-stat | grep -q "down"
}

# end: the driver lets go of a disk that nobody uses
end() {
	step "aoe-flush" aoe-flush -a
	step "no disk is left" within 10 test ! -e "$AOE_DISK"
}

# silence: no promise can be made for 20 s, but for those that were nearly made
silence() {
	sleep 3
	promised=$(wc -l <"$BOOK")
	sleep 17
	same "$(wc -l <"$BOOK")" "$promised" "promises"
}

# nothing_lost: the load goes on, to its end, and so does the file system
nothing_lost() {
	step "the load goes on" more_promises 30 60
	step "and has met no error" stop_load
	step "umount" umount /mnt/x
	after_load "$AOE_DISK"
	step "the kernel has met no error" calm
	end
}

case $1 in
work)
	begin
	step "aoeping" pinged
	step "aoecfg" labelled
	disk_work "$AOE_DISK" "${AOE_DISK}p1" "${AOE_DISK}p2"
	step "the kernel has met no error" calm
	end
	;;
kill)
	begin
	under_load "$AOE_DISK" restart
	step "the load goes on" more_promises 30 60
	ask kill
	nothing_lost
	;;
down)
	begin
	under_load "$AOE_DISK" down
	step "20 s without a link" silence
	ask up
	nothing_lost
	;;
lose)
	begin aoe_deadsecs=3
	under_load "$AOE_DISK" die
	step "the load ends with errors" broken_load
	step "aoe-stat: down" given_up
	umount /mnt/x
	end
	ask start
	step "aoe-discover anew" within 30 aoe_attach
	after_load "$AOE_DISK"
	end
	;;
esac
