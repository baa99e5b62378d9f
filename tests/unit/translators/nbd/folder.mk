# tests/unit/translators/nbd: one program for each file of translators/nbd.

if HAVE_CMOCKA
TR_NBD_TESTS = %reldir%/nbdx_test
check_PROGRAMS += $(TR_NBD_TESTS)
TESTS += $(TR_NBD_TESTS)
endif

%canon_reldir%_nbdx_test_LDADD = translators/nbd/libtr_nbd.a gateway/core/libgw_core.a \
	$(GW_BASE_LIBS) $(CMOCKA_LIBS)
