# tests/wire: small scripts that speak a protocol byte by byte, from simple to intricate.

WIRE_TESTS = \
	%reldir%/510-nbd-hostile.py \
	%reldir%/507-nbd-stream.py \
	%reldir%/500-nbd-greeting.py \
	%reldir%/501-nbd-options.py \
	%reldir%/502-nbd-meta.py \
	%reldir%/503-nbd-commands.py \
	%reldir%/504-nbd-chunks.py \
	%reldir%/505-nbd-flags.py \
	%reldir%/506-nbd-limits.py \
	%reldir%/511-nbd-hostile-data.py \
	%reldir%/520-nbd-vanish.py
TESTS += $(WIRE_TESTS)

WIRE_ISCSI_TESTS = \
	%reldir%/100-iscsi-login.py \
	%reldir%/110-iscsi-keys.py \
	%reldir%/120-iscsi-discovery.py \
	%reldir%/200-iscsi-data.py \
	%reldir%/220-iscsi-digests.py \
	%reldir%/240-iscsi-nop-text.py \
	%reldir%/260-iscsi-tmf.py \
	%reldir%/280-iscsi-sessions.py \
	%reldir%/290-iscsi-hostile-login.py \
	%reldir%/291-iscsi-hostile-full.py \
	%reldir%/700-scsi-basics.py \
	%reldir%/720-iscsi-vanish.py \
	%reldir%/730-iscsi-and-nbd.py
TESTS += $(WIRE_ISCSI_TESTS)

# one loop per processor, and clients that come and go on all of them
CHECK_TSAN += \
	%reldir%/200-iscsi-data.py \
	%reldir%/260-iscsi-tmf.py \
	%reldir%/720-iscsi-vanish.py \
	%reldir%/730-iscsi-and-nbd.py \
	%reldir%/503-nbd-commands.py \
	%reldir%/504-nbd-chunks.py \
	%reldir%/507-nbd-stream.py \
	%reldir%/520-nbd-vanish.py

# In a network namespace of their own; against another target, by hand:
# SLUICE_AOE_PEER=vblade
WIRE_AOE_TESTS = \
	%reldir%/600-aoe-discovery.py \
	%reldir%/610-aoe-config.py \
	%reldir%/620-aoe-ata.py \
	%reldir%/625-aoe-identify.py \
	%reldir%/630-aoe-mask-reserve.py \
	%reldir%/640-aoe-io.py \
	%reldir%/650-aoe-link.py \
	%reldir%/660-aoe-hostile.py \
	%reldir%/665-aoe-flood.py \
	%reldir%/670-aoe-restart.py \
	%reldir%/680-aoe-store.py

TESTS += $(WIRE_AOE_TESTS)
CHECK_TSAN += \
	%reldir%/630-aoe-mask-reserve.py \
	%reldir%/640-aoe-io.py \
	%reldir%/650-aoe-link.py

# one volume over all three protocols at once: trio.py; 740 tries the checker of 750
WIRE_TRIO_TESTS = \
	%reldir%/740-stamps.py \
	%reldir%/750-coherence.py \
	%reldir%/760-states.py \
	%reldir%/770-durability.py
TESTS += $(WIRE_TRIO_TESTS)
CHECK_TSAN += \
	%reldir%/750-coherence.py \
	%reldir%/770-durability.py

EXTRA_DIST += \
	$(WIRE_TESTS) \
	$(WIRE_ISCSI_TESTS) \
	$(WIRE_AOE_TESTS) \
	$(WIRE_TRIO_TESTS) \
	%reldir%/aoehostile.py \
	%reldir%/aoenet.py \
	%reldir%/aoetarget.py \
	%reldir%/aoewire.py \
	%reldir%/hostile.py \
	%reldir%/iscsihostile.py \
	%reldir%/iscsipdu.py \
	%reldir%/iscsitarget.py \
	%reldir%/iscsiwire.py \
	%reldir%/nbdwire.py \
	%reldir%/racers.py \
	%reldir%/scsicdb.py \
	%reldir%/stamps.py \
	%reldir%/suite.py \
	%reldir%/trio.py
