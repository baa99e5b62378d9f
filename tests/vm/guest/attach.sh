# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# Sourced by the guests' scripts: how the kernel comes to a disk over each of
# the protocols, as an administrator would do it.  IQN and PORTAL, or PORT, or
# MTU, say where it is; over AoE its name is e7.1.

HOST=10.0.2.2
SHELF=7
SLOT=1
AOE_DISK=/dev/etherd/e$SHELF.$SLOT

# --- iSCSI ----------------------------------------------------------------------

# iscsi_initiator: iscsid with a configuration of its own, whatever the host's is
iscsi_initiator() {
	mount -t tmpfs iscsi /etc/iscsi &&
		echo "InitiatorName=iqn.2026-11.org.sluice:guest" >/etc/iscsi/initiatorname.iscsi &&
		: >/etc/iscsi/iscsid.conf &&
		mkdir -p /run/lock/iscsi && iscsid
}

node() {
	iscsiadm -m node -T "$IQN" -p "$PORTAL" "$@"
}

# iscsi_login DIGEST PATIENCE: a record made by hand, for the target may know its
# address by another name than the guest does
iscsi_login() {
	node -o new &&
		node -o update -n "node.conn[0].iscsi.HeaderDigest" -v "$1" &&
		node -o update -n "node.conn[0].iscsi.DataDigest" -v "$1" &&
		node -o update -n node.session.timeo.replacement_timeout -v "$2" &&
		node -l
}

# find_disk: sets DISK, once the session's disk is there
find_disk() {
	for DISK in /dev/sd?; do
		[ -b "$DISK" ] && return 0
	done
	return 1
}

iscsi_attach() {
	iscsi_login "$@" && within 20 find_disk && find_disk
}

# --- NBD --------------------------------------------------------------------------

# nbd_attach DEVICE WORD...: the export is called disk
nbd_attach() {
	device=$1
	shift
	nbd-client -N disk $HOST "$PORT" "$device" "$@"
}

nbd_gone() {
	! ss -Htn "dport = :$PORT" | grep -q ESTAB
}

# nbd_link: what nbd-client 3.24 lacks: wait for a dead server, bring new sockets,
# and another size.
nbd_link() {
	python3 "$here/nbdlink.py" "$@"
}

# --- AoE --------------------------------------------------------------------------

# aoe_driver PARAMETER...: looks nowhere but on eth1, whose MTU is MTU
aoe_driver() {
	ip link set eth1 mtu "$MTU" up && modprobe aoe aoe_iflist=eth1 "$@"
}

aoe_attach() {
	aoe-discover && within 10 test -b "$AOE_DISK"
}
