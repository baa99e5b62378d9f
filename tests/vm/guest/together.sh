#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# One disk over iSCSI, NBD and AoE at once, in the virtual machine:
#
#	together.sh IQN BYTES STEP
#
# The ports are the usual ones, the disk is e7.1 on eth1.  It is mounted by each
# protocol in turn, and then grows three times by STEP bytes, once under a mount
# of each.  The host is asked to let it grow.
here=$(dirname "$0")
. "$here/disk.sh"
. "$here/attach.sh"

IQN=$1
BYTES=$2
STEP=$3
PORTAL=$HOST:3260
PORT=10809
MTU=9000
ALL="iscsi nbd aoe"
MOUNT=/mnt/x

# disk PROTOCOL: sets DEV
disk() {
	case $1 in
	iscsi) DEV=$DISK ;;
	nbd) DEV=/dev/nbd0 ;;
	aoe) DEV=$AOE_DISK ;;
	esac
}

# forget_disk DEV: nothing of it is in the guest's memory
forget_disk() {
	blockdev --flushbufs "$1" && forget
}

mounted() {
	disk "$1"
	step "$1: mount" mount "$DEV" $MOUNT
}

unmounted() {
	step "$1: umount" umount $MOUNT
	forget_disk "$DEV"
}

# write_by PROTOCOL SEED: a tree of its own, and a file of random operations
write_by() {
	mkdir "$MOUNT/$1" && copy_tree "$MOUNT/$1" && "$TOOLS/churn" "$MOUNT/$1/churn" "$2" 200
}

# compare_by PROTOCOL SEED: what that one wrote is there
compare_by() {
	compare_tree "$MOUNT/$1" && "$TOOLS/churn" -c "$MOUNT/$1/churn" "$2" 200
}

# compare_all: what all of them wrote so far
compare_all() {
	for writer in $ALL; do
		[ ! -d "$MOUNT/$writer" ] || compare_by "$writer" ${#writer} || return
	done
}

# whole PROTOCOL: adds the checksum of all of the disk, read by that one, to a list.
# With larger reads iscsi_tcp closes its window, and TCP waits for seconds.
whole() {
	disk "$1"
	forget_disk "$DEV"
	dd if="$DEV" bs=64k iflag=direct status=none | md5sum >>/dev/shm/whole
}

all_alike() {
	same "$(sort -u /dev/shm/whole | wc -l)" 1 "different checksums" &&
		same "$(wc -l </dev/shm/whole)" 3 "checksums"
}

# size_is BYTES, of DEV
size_is() {
	[ "$(blockdev --getsize64 "$DEV")" -eq "$1" ]
}

# --- what it takes to see that the disk has grown -----------------------------------

# learn PROTOCOL: while it is mounted, too
learn() {
	case $1 in
	iscsi) node -R ;;
	nbd) nbd_link size 0 $HOST "$PORT" disk ;;
	aoe) aoe-revalidate "e$SHELF.$SLOT" ;;
	esac
}

# learn_unused PROTOCOL: by the tools that everybody has
learn_unused() {
	case $1 in
	iscsi) node -R ;;
	nbd) nbd-client -d "$DEV" && nbd_attach "$DEV" -b 512 ;;
	aoe) ;; # nothing: the daemon announces it, and the driver asks
	esac
}

seen() {
	"$1" "$2" && size_is "$BYTES"
}

# aoe_follows: where nobody uses it; by sysfs, for the driver asks anew when a disk is closed
aoe_follows() {
	same "$(cat "/sys/block/etherd!e$SHELF.$SLOT/size")" $((BYTES / 512)) "sectors by AoE"
}

blocks() {
	stat -f -c %b $MOUNT
}

# larger: the file system, by at least nine tenths of STEP
larger() {
	resize2fs "$DEV" || return
	gained=$((($(blocks) - BLOCKS) * $(stat -f -c %S $MOUNT)))
	[ $gained -ge $((STEP * 9 / 10)) ] && return
	echo "the file system has gained $gained bytes"
	return 1
}

# full: the new room holds what is written to it
full() {
	dd if=/dev/urandom of="$MOUNT/big" bs=64k count=$((STEP * 8 / 10 >> 16)) status=none &&
		md5sum "$MOUNT/big" >"/dev/shm/big" && sync "$MOUNT/big" &&
		echo 3 >/proc/sys/vm/drop_caches && md5sum --quiet -c /dev/shm/big
}

# grow_under PROTOCOL: while it is mounted by that one, which first learns what
# the others have made of the disk
grow_under() {
	disk "$1"
	step "$1: knows the size, unused" within 20 seen learn_unused "$1"
	mounted "$1"
	BLOCKS=$(blocks)
	BYTES=$((BYTES + STEP))
	ask grow
	[ "$1" = aoe ] || step "aoe: sees the new size, unasked" within 20 aoe_follows
	step "$1: sees the new size, mounted" within 20 seen learn "$1"
	step "$1: resize2fs while it is mounted" larger
	step "$1: the new room is full and read again" full
	rm "$MOUNT/big"
	unmounted "$1"
}

# --- the work -----------------------------------------------------------------------

wanted iscsid iscsiadm nbd-client aoe-discover aoe-flush aoe-revalidate mkfs.ext4 resize2fs
step "modules" modprobe -a iscsi_tcp sd_mod nbd
step "the aoe driver, MTU $MTU" aoe_driver
step "iscsid" iscsi_initiator
step "iscsi: attach" iscsi_attach None 120
step "nbd: attach" nbd_attach /dev/nbd0 -b 512
step "aoe: attach" aoe_attach
for protocol in $ALL; do
	disk $protocol
	step "$protocol: geometry" geometry "$DEV" 512 "$BYTES"
done

step "checksums of $TREE" sh -c "cd $TREE && find . -type f -exec md5sum {} + >$SUMS"
mkdir -p $MOUNT
disk aoe
step "aoe: mkfs.ext4" mkfs.ext4 -q -F "$DEV"
forget_disk "$DEV"
for protocol in $ALL; do
	mounted $protocol
	step "$protocol: reads what the others wrote" compare_all
	step "$protocol: writes" write_by $protocol ${#protocol}
	unmounted $protocol
done
for protocol in $ALL; do
	mounted $protocol
	step "$protocol: reads what all have written" compare_all
	unmounted $protocol
done
for protocol in $ALL; do
	step "$protocol: checksum of the whole disk" whole $protocol
done
step "all three are alike" all_alike

for protocol in $ALL; do
	grow_under $protocol
done
for protocol in $ALL; do
	disk $protocol
	step "$protocol: sees the size, unused" within 20 seen learn_unused $protocol
	check_fs ext4 "$DEV"
done
mounted iscsi
step "iscsi: all is there" compare_all
unmounted iscsi
step "the kernel has met no error" calm
step "logout" node -u
step "detach" nbd-client -d /dev/nbd0
step "aoe-flush" aoe-flush -a
