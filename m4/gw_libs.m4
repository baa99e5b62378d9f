dnl SPDX-License-Identifier: BSD-3-Clause
dnl
dnl Optional libraries.  Each gives a switch --with-NAME (auto, yes, no), the
dnl makefile variables PREFIX_CFLAGS and PREFIX_LIBS, the conditional and the
dnl config.h macro HAVE_PREFIX, and gw_have_PREFIX for the summary.

dnl GW_LIB_DONE(PREFIX, debian package): what follows from gw_have_PREFIX
AC_DEFUN([GW_LIB_DONE], [
	AS_IF([test "x$gw_have_$1" = xyes],
		[AC_DEFINE([HAVE_$1], [1], [the build has $1])],
		[test "x$gw_want_$1" = xyes],
		[AC_MSG_ERROR([$1 was asked for and not found (Debian: apt-get install $2)])])
	AM_CONDITIONAL([HAVE_$1], [test "x$gw_have_$1" = xyes])
])

dnl GW_LIB_PKG(name, PREFIX, pkg-config words, debian package, what it is for)
AC_DEFUN([GW_LIB_PKG], [
	AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1], [$5 (automatic)])],
		[gw_want_$2=$withval], [gw_want_$2=auto])
	gw_have_$2=no
	AS_IF([test "x$gw_want_$2" != xno],
		[PKG_CHECK_MODULES([$2], [$3], [gw_have_$2=yes], [gw_have_$2=no])])
	GW_LIB_DONE([$2], [$4])
])

dnl libaio has no pkg-config file
AC_DEFUN([GW_LIB_AIO], [
	AC_ARG_WITH([libaio], [AS_HELP_STRING([--with-libaio],
			[asynchronous O_DIRECT where io_uring is absent (automatic)])],
		[gw_want_LIBAIO=$withval], [gw_want_LIBAIO=auto])
	gw_have_LIBAIO=no
	AS_IF([test "x$gw_want_LIBAIO" != xno], [
		AC_CHECK_HEADER([libaio.h], [
			AC_CHECK_LIB([aio], [io_submit],
				[gw_have_LIBAIO=yes; LIBAIO_LIBS=-laio], [:])
		])
	])
	AC_SUBST([LIBAIO_LIBS])
	GW_LIB_DONE([LIBAIO], [libaio-dev])
])
