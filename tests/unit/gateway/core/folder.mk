# tests/unit/gateway/core: the core over fake stores, loops turned by hand.

if HAVE_CMOCKA
check_LIBRARIES += %reldir%/libcore_rig.a
GW_CORE_TESTS = \
	%reldir%/access_test \
	%reldir%/drain_test \
	%reldir%/fallback_error_test \
	%reldir%/fallback_test \
	%reldir%/fence_chance_test \
	%reldir%/fence_order_test \
	%reldir%/fence_race_test \
	%reldir%/identity_test \
	%reldir%/inbox_test \
	%reldir%/keep_test \
	%reldir%/kept_test \
	%reldir%/lend_test \
	%reldir%/list_test \
	%reldir%/mem_test \
	%reldir%/pool_test \
	%reldir%/registry_test \
	%reldir%/req_pool_test \
	%reldir%/req_test \
	%reldir%/reset_test \
	%reldir%/share_test \
	%reldir%/status_test \
	%reldir%/volume_test
check_PROGRAMS += $(GW_CORE_TESTS)
TESTS += $(GW_CORE_TESTS)
CHECK_TSAN += %reldir%/fence_race_test
endif

%canon_reldir%_libcore_rig_a_SOURCES = \
	%reldir%/core_rig.c \
	%reldir%/core_rig.h \
	%reldir%/drv_hand.c \
	%reldir%/drv_hand.h

CORE_RIG_LIBS = %reldir%/libcore_rig.a $(HARNESS_FAKE_LIBS) gateway/core/libgw_core.a \
	$(GW_LOOP_LIBS) $(CMOCKA_LIBS)

%canon_reldir%_access_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_drain_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_kept_test_LDADD = tests/sim/libsim.a $(CORE_RIG_LIBS)
%canon_reldir%_reset_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_fallback_error_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_fallback_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_fence_chance_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_fence_order_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_fence_race_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_inbox_test_LDADD = gateway/core/libgw_core.a $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_identity_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_keep_test_LDADD = gateway/core/libgw_core.a $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_lend_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_list_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_mem_test_LDADD = gateway/core/libgw_core.a $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_pool_test_LDADD = gateway/core/libgw_core.a $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_registry_test_LDADD = gateway/core/libgw_core.a $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_req_pool_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_req_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_share_test_LDADD = $(CORE_RIG_LIBS)
%canon_reldir%_status_test_LDADD = gateway/core/libgw_core.a $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_volume_test_LDADD = $(CORE_RIG_LIBS)
