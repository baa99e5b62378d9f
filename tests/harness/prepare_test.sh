# SPDX-License-Identifier: BSD-3-Clause
# What quickstart and check say where they cannot go on, and that nothing is
# installed twice.  Programs of the test's own stand in for apt and dpkg.
. "${SRCDIR:?run me by make check}/tests/harness/tap.sh"

bin="$TMP/bin"
tree="$TMP/tree"
mkdir -p "$bin" "$tree/tests/harness"
cp "$SRCDIR/quickstart" "$tree/"
cp "$SRCDIR/tests/harness/prepare.sh" "$tree/tests/harness/"
printf 'build have-this\nbuild lack-this\ntest lack-that too\n' >"$tree/packages.txt"

# stand_in NAME TEXT: a program of that name which is this shell text
stand_in() {
	printf '#!/bin/sh\n%s\n' "$2" >"$bin/$1"
	chmod +x "$bin/$1"
}

stand_in id 'echo 1000'
stand_in apt-get 'echo "$@" >>"$APT_LOG"; exit ${APT_RC-0}'
# shellcheck disable=SC2016
stand_in dpkg-query 'case $* in *have*) printf "install ok installed";; *) exit 1;; esac'
APT_LOG="$TMP/apt.log"
export APT_LOG
: >"$APT_LOG"

# prepare KIND...: prepare_packages in the tree, with the stand-ins before all
prepare() {
	(
		cd "$tree" || exit 99
		PATH="$bin:$PATH"
		. tests/harness/prepare.sh
		prepare_packages "$@"
	) 2>&1
}

said=$(prepare build)
is $? 1 "without root and with packages missing it fails"
has "$said" "apt-get install lack-this" "and names what is missing"
is "$(cat "$APT_LOG")" "" "and installs nothing"
has "$(prepare build test)" "lack-this lack-that" "the test packages are asked for by name"

stand_in id 'echo 0'
prepare build >/dev/null
is $? 0 "root installs"
has "$(cat "$APT_LOG")" "--no-install-recommends lack-this" "only what is missing"
said=$(APT_RC=1 prepare build)
is $? 1 "apt's failure is ours"
has "$said" "could not be installed" "and is said"

stand_in dpkg-query 'printf "install ok installed"'
: >"$APT_LOG"
has "$(prepare build test)" "all packages are installed" "nothing missing: it says so"
is "$(cat "$APT_LOG")" "" "and leaves apt alone"

# No Debian: neither dpkg nor a compiler to be found.
mkdir "$TMP/none"
for tool in sed tr cat mkdir dirname tail; do
	ln -s "$(command -v $tool)" "$TMP/none/"
done
said=$(cd "$tree" && PATH="$TMP/none" /bin/sh ./quickstart 2>&1)
is $? 1 "elsewhere, without a compiler, it fails"
has "$said" "not Debian" "and says that this is not Debian"
has "$said" "have-this lack-this" "and what is needed"
tap_done
