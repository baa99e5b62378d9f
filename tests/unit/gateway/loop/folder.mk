# tests/unit/gateway/loop: both real drivers run one list of cases; the doors, whose
# floods are large, stand over the simulated one.

if HAVE_CMOCKA
GW_LOOP_TESTS = \
	%reldir%/drv_aio_test \
	%reldir%/drv_copy_test \
	%reldir%/drv_file_test \
	%reldir%/drv_folio_test \
	%reldir%/drv_host_fs_test \
	%reldir%/drv_lend_test \
	%reldir%/drv_lock_test \
	%reldir%/drv_op_test \
	%reldir%/drv_sock_test \
	%reldir%/drv_uring_test \
	%reldir%/loop_addr_test \
	%reldir%/loop_door_test \
	%reldir%/loop_doors_test \
	%reldir%/loop_link_test \
	%reldir%/loop_mail_test \
	%reldir%/loop_pool_test \
	%reldir%/loop_stream_test \
	%reldir%/loop_timer_test \
	%reldir%/loop_wait_test
check_PROGRAMS += $(GW_LOOP_TESTS)
TESTS += $(GW_LOOP_TESTS)
endif

LOOP_RIG = \
	%reldir%/rig.c \
	%reldir%/rig.h

LOOP_CASES = \
	$(LOOP_RIG) \
	%reldir%/drv_cases.h \
	%reldir%/drv_cases.tbl \
	%reldir%/drv_cases_armed.c \
	%reldir%/drv_cases_file.c \
	%reldir%/drv_cases_splice.c \
	%reldir%/drv_cases_loop.c \
	%reldir%/drv_cases_sock.c

%canon_reldir%_drv_aio_test_SOURCES = %reldir%/drv_aio_test.c $(LOOP_CASES)
%canon_reldir%_drv_uring_test_SOURCES = %reldir%/drv_uring_test.c $(LOOP_CASES)
%canon_reldir%_drv_copy_test_SOURCES = %reldir%/drv_copy_test.c $(LOOP_RIG)
%canon_reldir%_drv_file_test_SOURCES = %reldir%/drv_file_test.c $(LOOP_RIG)
%canon_reldir%_drv_folio_test_SOURCES = %reldir%/drv_folio_test.c $(LOOP_RIG)
%canon_reldir%_drv_host_fs_test_SOURCES = %reldir%/drv_host_fs_test.c $(LOOP_RIG)
%canon_reldir%_drv_lend_test_SOURCES = %reldir%/drv_lend_test.c $(LOOP_RIG)
%canon_reldir%_drv_lock_test_SOURCES = %reldir%/drv_lock_test.c $(LOOP_RIG)
%canon_reldir%_loop_link_test_SOURCES = \
	%reldir%/link_cases.h \
	%reldir%/link_cases.tbl \
	%reldir%/link_cases_frames.c \
	%reldir%/link_cases_life.c \
	%reldir%/link_rig.c \
	%reldir%/link_rig.h \
	%reldir%/loop_link_test.c \
	$(LOOP_RIG)
%canon_reldir%_loop_stream_test_SOURCES = %reldir%/loop_stream_test.c $(LOOP_RIG)

%canon_reldir%_drv_aio_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_drv_copy_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_drv_file_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_drv_folio_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_drv_host_fs_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_drv_lend_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_drv_lock_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_drv_op_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_drv_sock_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_drv_uring_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_loop_addr_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_loop_door_test_LDADD = tests/sim/libsim.a $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_loop_doors_test_LDADD = tests/sim/libsim.a $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_loop_link_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_loop_mail_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_loop_pool_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_loop_stream_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_loop_timer_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
%canon_reldir%_loop_wait_test_LDADD = $(GW_LOOP_LIBS) $(CMOCKA_LIBS)
