# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# Sourced by the guests' scripts: steps that are told with their time, and what
# is done to a disk once it is attached.  TOOLS is the folder of churn and
# pledge.  Exit 77: something is not installed.
set -u

: "${TOOLS:?the folder of churn and pledge}"
TREE=/lib/modules/$(uname -r)/kernel/net/netfilter
SUMS=/dev/shm/sums
BOOK=/dev/shm/book
TRIM=yes

# now: sets NOW, hundredths of a second since boot; starts no program, for each costs 50 ms
now() {
	read -r now_up _ </proc/uptime
	NOW=${now_up%.*}${now_up#*.}
	while [ "${NOW#0}" != "$NOW" ]; do
		NOW=${NOW#0}
	done
}

# step WHAT COMMAND...: does it, says how long it took, ends all if it fails
step() {
	step_what=$1
	now
	step_since=$NOW
	shift
	"$@" >/dev/shm/step 2>&1
	step_status=$?
	now
	step_took=$(((NOW - step_since) / 10))
	echo "step: $((step_took / 10)).$((step_took % 10)) s: $step_what"
	[ $step_status -eq 0 ] && return 0
	echo "FAILED with status $step_status: $*"
	tail -n 40 /dev/shm/step
	dmesg | tail -n 15
	exit 1
}

# wanted PROGRAM...: ends all, with the reason, where one is missing
wanted() {
	for program in "$@"; do
		command -v "$program" >/dev/null || {
			echo "$program is not installed"
			exit 77
		}
	done
}

# ask WORD: what the test on the host is to do; goes on when that is done
ask() {
	echo "host: $1"
	read -r ask_done
}

# within SECONDS COMMAND...: true as soon as the command is
within() {
	now
	within_end=$((NOW + $1 * 100))
	shift
	until "$@" >/dev/null 2>&1; do
		now
		[ "$NOW" -lt $within_end ] || return 1
		sleep 0.2
	done
}

# same GOT WANTED WHAT
same() {
	[ "$1" = "$2" ] || {
		echo "$3: got '$1', not '$2'"
		return 1
	}
}

# geometry DISK BLOCK BYTES: what the kernel has learnt from the server
geometry() {
	same "$(blockdev --getss "$1")" "$2" "logical block size" &&
		same "$(blockdev --getsize64 "$1")" "$3" "size"
}

# forget: nothing of the disks stays in the guest's memory
forget() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}

raw_io() {
	fio --name=verify --filename="$1" --rw=randwrite --bsrange=4k-128k --size=6m \
		--ioengine=libaio --direct=1 --iodepth=16 --verify=crc32c --verify_fatal=1 \
		--do_verify=1 --end_fsync=1 --randrepeat=0 --minimal
}

# divide DISK: p1 for ext4, p2 for XFS, which wants 300 MiB
divide() {
	printf 'label: gpt\n,80M\n,\n' | sfdisk --quiet --wipe always "$1" &&
		within 10 test -b "$2" && within 10 test -b "$3"
}

copy_tree() {
	cp -a "$TREE" "$1/tree" && (cd "$1/tree" && md5sum --quiet -c "$SUMS")
}

compare_tree() {
	(cd "$1/tree" && md5sum --quiet -c "$SUMS" &&
		same "$(find . -type f | wc -l)" "$(wc -l <"$SUMS")" "number of files")
}

# file_system KIND PART SEED: made, filled, forgotten, compared, trimmed, checked
file_system() {
	mkdir -p "/mnt/$1"
	case $1 in
	ext4) step "mkfs.ext4" mkfs.ext4 -q -F "$2" ;;
	xfs) step "mkfs.xfs" mkfs.xfs -q -f "$2" ;;
	esac
	step "$1: mount" mount "$2" "/mnt/$1"
	step "$1: a tree of $(wc -l <"$SUMS") files" copy_tree "/mnt/$1"
	step "$1: 400 random operations" "$TOOLS/churn" "/mnt/$1/churn" "$3" 400
	[ $TRIM = no ] || step "$1: fstrim" fstrim "/mnt/$1"
	step "$1: umount" umount "/mnt/$1"
	forget
	step "$1: mount again" mount "$2" "/mnt/$1"
	step "$1: the tree is what it was" compare_tree "/mnt/$1"
	step "$1: so is the file" "$TOOLS/churn" -c "/mnt/$1/churn" "$3" 400
	step "$1: umount again" umount "/mnt/$1"
	forget
	check_fs "$1" "$2"
}

check_fs() {
	case $1 in
	ext4) step "ext4: e2fsck" e2fsck -fn "$2" ;;
	xfs) step "xfs: xfs_repair -n" xfs_repair -n "$2" ;;
	esac
}

# calm: the kernel's log knows of nothing that went wrong
calm() {
	! dmesg | grep -E "I/O error|conn error|timed out|Unexpected|BUG:|WARNING:"
}

# disk_work DISK PART1 PART2: all of the above
disk_work() {
	step "checksums of $TREE" sh -c "cd $TREE && find . -type f -exec md5sum {} + >$SUMS"
	step "fio: 6 MiB of random writes, verified" raw_io "$1"
	step "sfdisk" divide "$@"
	file_system ext4 "$2" 11
	file_system xfs "$3" 12
}

# --- the daemon dies under load --------------------------------------------------

# start_load FOLDER: promises are made and random operations done until stop_load
start_load() {
	: >/dev/shm/load >/dev/shm/errors
	mkdir "$1/pledges"
	"$TOOLS/pledge" write "$1/pledges" "$BOOK" 2>>/dev/shm/errors &
	PLEDGE=$!
	while [ -e /dev/shm/load ]; do
		"$TOOLS/churn" "$1/churn" 21 200 || {
			echo "churn: status $?"
			break
		}
	done >>/dev/shm/errors 2>&1 &
	CHURN=$!
}

# more_promises COUNT SECONDS: true when that many have been made since
more_promises() {
	more_end=$(($(wc -l <"$BOOK") + $1))
	within "$2" enough_promises $more_end
}

enough_promises() {
	[ "$(wc -l <"$BOOK")" -ge "$1" ]
}

# no_error: neither of the two has met one
no_error() {
	cat /dev/shm/errors
	[ ! -s /dev/shm/errors ]
}

# stop_load: and wait for the last promise; fails if one of the two did
stop_load() {
	rm /dev/shm/load
	kill "$PLEDGE" 2>/dev/null
	wait "$CHURN"
	wait "$PLEDGE" && no_error
}

# broken_load: true when the promises have ended with an error
broken_load() {
	wait "$PLEDGE"
	rm -f /dev/shm/load
	wait "$CHURN"
	! no_error
}

# keep_promises FOLDER
keep_promises() {
	"$TOOLS/pledge" check "$1/pledges" "$BOOK"
}

# under_load DISK WHAT: a file system with work going on, and the host is asked for that
under_load() {
	mkdir -p /mnt/x
	step "mkfs.ext4" mkfs.ext4 -q -F "$1"
	step "mount" mount "$1" /mnt/x
	start_load /mnt/x
	within 10 test -s "$BOOK"
	step "load" more_promises 30 30
	ask "$2"
}

# after_load DISK: what was promised is there, and the file system is whole
after_load() {
	forget
	step "mount again" mount "$1" /mnt/x
	step "$(wc -l <"$BOOK") promises are kept" keep_promises /mnt/x
	step "umount" umount /mnt/x
	check_fs ext4 "$1"
}
