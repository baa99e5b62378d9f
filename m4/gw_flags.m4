dnl SPDX-License-Identifier: BSD-3-Clause
dnl
dnl Compiler switches: each is probed and left out where the compiler does not
dnl know it.  GW_WARNINGS fills WARN_CFLAGS, GW_SANITIZERS fills SAN_CFLAGS;
dnl Makefile.am hands both to every object.

dnl GW_CC_FLAG(VARIABLE, FLAG): append FLAG to VARIABLE if the compiler takes it
AC_DEFUN([GW_CC_FLAG], [
	AS_VAR_PUSHDEF([gw_var], [gw_cv_flag_$2])dnl
	AC_CACHE_CHECK([whether $CC takes $2], [gw_var], [
		gw_save_CFLAGS="$CFLAGS"
		CFLAGS="-Werror $2"
		AC_LINK_IFELSE([AC_LANG_PROGRAM()],
			[AS_VAR_SET([gw_var], [yes])],
			[AS_VAR_SET([gw_var], [no])])
		CFLAGS="$gw_save_CFLAGS"
	])
	AS_VAR_IF([gw_var], [yes], [$1="$$1 $2"])
	AC_SUBST([$1])
	AS_VAR_POPDEF([gw_var])dnl
])

AC_DEFUN([GW_WARNINGS], [
	AC_ARG_ENABLE([developer],
		[AS_HELP_STRING([--enable-developer],
			[treat warnings as errors])],
		[], [enable_developer=no])
	m4_foreach_w([gw_flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes
		-Wmissing-prototypes -Wold-style-definition -Wpointer-arith
		-Wvla -Wformat=2 -Wundef -Wwrite-strings -Wdate-time
		-Wimplicit-fallthrough -Wno-unused-parameter
		-Wno-missing-field-initializers -Wno-format-truncation
		-fno-common
		-fstack-protector-strong],
		[GW_CC_FLAG([WARN_CFLAGS], gw_flag)])
	AS_IF([test "x$enable_developer" = xyes],
		[WARN_CFLAGS="$WARN_CFLAGS -Werror"])
])

dnl GW_SANITIZER(switch, flags, help)
AC_DEFUN([GW_SANITIZER], [
	AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$3])],
		[], [enable_$1=no])
	AS_IF([test "x$enable_$1" = xyes], [
		gw_before="$SAN_CFLAGS"
		GW_CC_FLAG([SAN_CFLAGS], [$2])
		AS_IF([test "x$gw_before" = "x$SAN_CFLAGS"],
			[AC_MSG_ERROR([--enable-$1: $CC does not take $2])])
	])
])

AC_DEFUN([GW_SANITIZERS], [
	GW_SANITIZER([asan], [-fsanitize=address],
		[find memory errors while running])
	GW_SANITIZER([ubsan], [-fsanitize=undefined],
		[find undefined behaviour while running])
	GW_SANITIZER([tsan], [-fsanitize=thread],
		[find data races while running])
	GW_SANITIZER([fuzzers], [-fsanitize=fuzzer-no-link],
		[build the fuzz programs for libFuzzer (clang)])
	AS_IF([test "x$enable_asan$enable_tsan" = xyesyes],
		[AC_MSG_ERROR([--enable-asan and --enable-tsan exclude each other])])
	AS_IF([test "x$enable_ubsan" = xyes],
		[GW_CC_FLAG([SAN_CFLAGS], [-fno-sanitize-recover=undefined])])
	AS_IF([test -n "$SAN_CFLAGS"],
		[GW_CC_FLAG([SAN_CFLAGS], [-fno-omit-frame-pointer])])
	AC_SUBST([SAN_CFLAGS])
	AM_CONDITIONAL([FUZZERS], [test "x$enable_fuzzers" = xyes])
	AM_CONDITIONAL([ASAN], [test "x$enable_asan" = xyes])
	AM_CONDITIONAL([TSAN], [test "x$enable_tsan" = xyes])
])
