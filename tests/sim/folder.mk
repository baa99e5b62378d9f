# tests/sim: the daemon on virtual time, a scripted network and disks, from a
# seed.  `sim` runs seeds; `sim_planted` runs the same over a core with a planted
# bug and must find it.  One seed again: tests/sim/sim --seed N --trace

check_LIBRARIES += %reldir%/libsim.a %reldir%/libplanted.a
check_PROGRAMS += %reldir%/sim %reldir%/sim_planted
TESTS += %reldir%/sim %reldir%/sim_planted

if HAVE_CMOCKA
GW_SIM_TESTS = \
	%reldir%/drv_sim_test \
	%reldir%/sim_inode_test \
	%reldir%/sim_link_test \
	%reldir%/sim_model_test
check_PROGRAMS += $(GW_SIM_TESTS)
TESTS += $(GW_SIM_TESTS)
endif

%canon_reldir%_libsim_a_SOURCES = \
	%reldir%/drv_sim.c \
	%reldir%/drv_sim.h \
	%reldir%/sim_aoe.c \
	%reldir%/sim_aoe.h \
	%reldir%/sim_aoe_ask.c \
	%reldir%/sim_aoe_faults.c \
	%reldir%/sim_aoe_ghost.c \
	%reldir%/sim_aoe_mix.c \
	%reldir%/sim_aoe_rx.c \
	%reldir%/sim_aoe_turn.c \
	%reldir%/sim_aoe_user.c \
	%reldir%/sim_aoe_user.h \
	%reldir%/sim_aoe_wire.h \
	%reldir%/sim_call.c \
	%reldir%/sim_call.h \
	%reldir%/sim_cover.tbl \
	%reldir%/sim_daemon.c \
	%reldir%/sim_daemon.h \
	%reldir%/sim_disk.c \
	%reldir%/sim_disk.h \
	%reldir%/sim_disk_fs.c \
	%reldir%/sim_disk_fs.h \
	%reldir%/sim_disk_io.c \
	%reldir%/sim_disk_io.h \
	%reldir%/sim_ether.c \
	%reldir%/sim_ether.h \
	%reldir%/sim_home.h \
	%reldir%/sim_host.c \
	%reldir%/sim_host.h \
	%reldir%/sim_initiator.c \
	%reldir%/sim_initiator.h \
	%reldir%/sim_inode.c \
	%reldir%/sim_inode.h \
	%reldir%/sim_iscsi.c \
	%reldir%/sim_iscsi.h \
	%reldir%/sim_iscsi_again.c \
	%reldir%/sim_iscsi_login.c \
	%reldir%/sim_iscsi_login.h \
	%reldir%/sim_iscsi_mix.c \
	%reldir%/sim_iscsi_rx.c \
	%reldir%/sim_iscsi_rx.h \
	%reldir%/sim_iscsi_state.c \
	%reldir%/sim_iscsi_state.h \
	%reldir%/sim_iscsi_timers.c \
	%reldir%/sim_iscsi_tx.c \
	%reldir%/sim_iscsi_tx.h \
	%reldir%/sim_iscsi_wire.h \
	%reldir%/sim_lend.c \
	%reldir%/sim_lend.h \
	%reldir%/sim_link.c \
	%reldir%/sim_link.h \
	%reldir%/sim_model.c \
	%reldir%/sim_model.h \
	%reldir%/sim_nbd.c \
	%reldir%/sim_nbd.h \
	%reldir%/sim_nbd_calm.c \
	%reldir%/sim_nbd_faults.c \
	%reldir%/sim_nbd_hs.c \
	%reldir%/sim_nbd_hs.h \
	%reldir%/sim_nbd_pool.c \
	%reldir%/sim_nbd_power.c \
	%reldir%/sim_nbd_rx.c \
	%reldir%/sim_nbd_rx.h \
	%reldir%/sim_nbd_sixty.c \
	%reldir%/sim_nbd_state.c \
	%reldir%/sim_nbd_state.h \
	%reldir%/sim_nbd_wire.h \
	%reldir%/sim_net.c \
	%reldir%/sim_net.h \
	%reldir%/sim_pipe.c \
	%reldir%/sim_pipe.h \
	%reldir%/sim_rng.h \
	%reldir%/sim_run.c \
	%reldir%/sim_run.h \
	%reldir%/sim_run_aoe.c \
	%reldir%/sim_seeds.c \
	%reldir%/sim_seeds.h \
	%reldir%/sim_sitting.c \
	%reldir%/sim_sitting.h \
	%reldir%/sim_sock.c \
	%reldir%/sim_sock.h \
	%reldir%/sim_trace.c \
	%reldir%/sim_trace.h \
	%reldir%/sim_trace.tbl \
	%reldir%/sim_user.c \
	%reldir%/sim_user.h \
	%reldir%/sim_world.c \
	%reldir%/sim_world.h

# The core once more, with the hooks of gateway/core/plant.h in it.
%canon_reldir%_libplanted_a_SOURCES = $(core_sources)
%canon_reldir%_libplanted_a_CPPFLAGS = $(AM_CPPFLAGS) -DGW_PLANT

GW_SIM_ABOVE = %reldir%/libsim.a protocols/nbd/libpr_nbd.a translators/nbd/libtr_nbd.a \
	protocols/iscsi/libpr_iscsi.a translators/scsi/libtr_scsi.a \
	protocols/aoe/libpr_aoe.a translators/ata/libtr_ata.a \
	$(ST_FILE_LIBS)
GW_SIM_WRAPS = -Wl,--wrap=gw_req_wait,--wrap=gw_credit_wait,--wrap=gw_req_orphan \
	-Wl,--wrap=aoe_order_seen

%canon_reldir%_sim_SOURCES = %reldir%/sim_main.c %reldir%/sim_wraps.c
%canon_reldir%_sim_LDFLAGS = $(AM_LDFLAGS) $(GW_SIM_WRAPS)
%canon_reldir%_sim_LDADD = $(GW_SIM_ABOVE) gateway/core/libgw_core.a $(GW_LOOP_LIBS)

%canon_reldir%_sim_planted_SOURCES = %reldir%/sim_planted.c %reldir%/sim_wraps.c
%canon_reldir%_sim_planted_CPPFLAGS = $(AM_CPPFLAGS) -DGW_PLANT
%canon_reldir%_sim_planted_LDFLAGS = $(AM_LDFLAGS) $(GW_SIM_WRAPS)
%canon_reldir%_sim_planted_LDADD = $(GW_SIM_ABOVE) %reldir%/libplanted.a $(GW_LOOP_LIBS)

%canon_reldir%_drv_sim_test_LDADD = %reldir%/libsim.a $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_sim_inode_test_LDADD = %reldir%/libsim.a $(GW_BASE_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_sim_link_test_LDADD = %reldir%/libsim.a $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_sim_model_test_LDADD = %reldir%/libsim.a $(GW_BASE_LIBS) $(CMOCKA_LIBS)

# Fifty times as many seeds as in check.
check-long: %reldir%/sim$(EXEEXT)
	%reldir%/sim$(EXEEXT) --seeds 1..100000 --seeds 10000001..10030000

.PHONY: check-long
