# man: all manual pages.

dist_man_MANS += \
	%reldir%/sluice-aoe.7 \
	%reldir%/sluice-block.7 \
	%reldir%/sluice-file.7 \
	%reldir%/sluice-iscsi.7 \
	%reldir%/sluice-memory.7 \
	%reldir%/sluice-nbd.7 \
	%reldir%/sluice-null.7 \
	%reldir%/sluice-store.3 \
	%reldir%/sluice.8 \
	%reldir%/sluiced.8
