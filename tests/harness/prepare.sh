# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# What quickstart and check share: say what is done, install what is missing,
# configure and build out of the tree.  What is done is not done again.  The
# caller stands at the top of the sources; nothing here is a test.

say() {
	printf '==> %s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

jobs_here() {
	nproc 2>/dev/null || echo 2
}

# packages_of KIND...: their names out of packages.txt
packages_of() {
	for kind in "$@"; do
		sed -n "s/^$kind \\([^ ]*\\).*/\\1/p" packages.txt
	done
}

packages_missing() {
	for package in $(packages_of "$@"); do
		case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
		'install ok installed') ;;
		*) echo "$package" ;;
		esac
	done
}

# prepare_packages KIND...: installs what is missing, or says what is needed
prepare_packages() {
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		for tool in gcc make autoreconf automake pkg-config python3; do
			command -v $tool >/dev/null && continue
			die "$tool is missing, and this is not Debian, so you have to install it. \
Sluice needs what Debian calls: $(packages_of "$@" | tr '\n' ' ')"
		done
		say "this is not Debian; configure will say what it misses"
		return 0
	fi
	missing=$(packages_missing "$@" | tr '\n' ' ')
	if [ -z "$missing" ]; then
		say "all packages are installed"
		return 0
	fi
	[ "$(id -u)" -eq 0 ] || die "packages are missing and only root can install them. As root:
    apt-get install $missing"
	say "installing ${missing% } (log: build/packages.log)"
	mkdir -p build
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086
	{
		apt-get update && apt-get -o DPkg::Lock::Timeout=300 install -y \
			--no-install-recommends $missing
	} >build/packages.log 2>&1 || {
		tail -n 20 build/packages.log >&2
		die "the packages could not be installed: see above; is the network there, \
and does this Debian (12 or later) have them?"
	}
}

# logged LOG COMMAND...: its output goes to LOG, and its end to people if it fails
logged() {
	log=$1
	shift
	"$@" >"$log" 2>&1 && return 0
	tail -n 30 "$log" >&2
	return 1
}

# prepare_configure: makes configure where it is absent or older than its sources
prepare_configure() {
	newer=configure.ac
	if [ -f configure ]; then
		newer=$(find configure.ac Makefile.am m4 -newer configure ! -type d)
	fi
	[ -z "$newer" ] && [ -f Makefile.in ] && return 0
	say "making configure (log: build/autoreconf.log)"
	mkdir -p build
	logged build/autoreconf.log autoreconf -fi ||
		die "autoreconf failed: see above"
}

# prepare_build FOLDER CONFIGURE-WORD...: configures where the words are new, and
# builds everything, without the tests
prepare_build() {
	folder=$1
	shift
	mkdir -p "$folder"
	if [ ! -f "$folder/Makefile" ] || [ "$(cat "$folder/words" 2>/dev/null)" != "$*" ]; then
		say "configuring $folder: ${*:-as it comes} (log: $folder/configure.log)"
		rm -f "$folder/words"
		top=$PWD
		(cd "$folder" && logged configure.log "$top/configure" "$@") || return 1
		printf '%s\n' "$*" >"$folder/words"
		(cd "$folder" && logged make.log make clean) || return 1
		touch "$folder/config.h" # configure leaves it older than its stamp
	fi
	if make -C "$folder" -q all-am >/dev/null 2>&1; then
		say "$folder is up to date"
		return 0
	fi
	say "building in $folder (log: $folder/make.log)"
	logged "$folder/make.log" make -C "$folder" -j "$(jobs_here)"
}
