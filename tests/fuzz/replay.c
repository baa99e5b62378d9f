/* SPDX-License-Identifier: BSD-3-Clause
 *
 * replay.c - runs inputs through a fuzz program without a fuzzer, as TAP.
 *
 * Words are files or folders of files (sorted, so that a run is the same
 * everywhere); none: $SRCDIR/tests/fuzz/seeds/NAME, where NAME is this program's
 * without fuzz_.  Each input is also run cut short at every length up to 256
 * bytes, and at some behind.
 */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

static unsigned n_cases;

static void run_cut(const uint8_t *data, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);

	if (!exact)
		abort();
	memcpy(exact, data, n);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

static size_t step_of(size_t n)
{
	const char *slow = getenv("REPLAY_CUTS");
	size_t cuts = slow ? strtoul(slow, NULL, 10) : 256;

	return cuts && n > cuts ? n / cuts + 1 : 1;
}

static int run_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t n, step;

	if (!file) {
		printf("not ok %u - %s cannot be read\n", ++n_cases, path);
		return 1;
	}
	n = fread(data, 1, sizeof(data), file);
	fclose(file);
	step = step_of(n);
	for (size_t len = 0; len < n; len += step)
		run_cut(data, len);
	run_cut(data, n);
	printf("ok %u - %s\n", ++n_cases, path);
	return 0;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int run_path(const char *path)
{
	struct dirent **names;
	struct stat st;
	int n, bad = 0;

	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return run_file(path);
	n = scandir(path, &names, visible, alphasort);
	for (int i = 0; i < n; i++) {
		char inner[4096];

		snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name);
		bad |= run_path(inner);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return bad;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/'), *top = getenv("SRCDIR");
	char path[4096];
	int bad = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++)
		bad |= run_path(argv[i]);
	if (argc < 2) {
		name = name ? name + 1 : argv[0];
		if (!strncmp(name, "lt-", 3))
			name += 3;
		snprintf(path, sizeof(path), "%s/tests/fuzz/seeds/%s", top ? top : ".",
			 strncmp(name, "fuzz_", 5) ? name : name + 5);
		bad |= run_path(path);
	}
	printf("1..%u\n", n_cases);
	return bad;
}
