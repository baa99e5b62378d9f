/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pledge: what fsync promises, written down and redeemed:
 *
 *	pledge write FOLDER BOOK	new files, each synced with its folder, then
 *					noted in BOOK, until a signal or an error
 *	pledge check FOLDER BOOK	each file that BOOK notes is there, whole
 *
 * BOOK lies where the disk under test cannot lose it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 64 << 10 };

static volatile sig_atomic_t ended;
static uint8_t text[TEXT_MAX];

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static int complain(const char *what, unsigned number)
{
	fprintf(stderr, "pledge: file %u: %s: %s\n", number, what, strerror(errno));
	return 1;
}

/* The bytes of that file; returns how many. */
static size_t invent(unsigned number)
{
	uint64_t x = number * 0x9e3779b97f4a7c15u + 1;
	size_t length = 1 + (x >> 40) % TEXT_MAX;

	for (size_t i = 0; i < length; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		text[i] = (uint8_t)(x >> 56);
	}
	return length;
}

static bool write_one(int folder, unsigned number)
{
	size_t length = invent(number);
	char name[16];
	bool good;
	int fd;

	snprintf(name, sizeof(name), "%u", number);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd < 0)
		return false;
	good = write(fd, text, length) == (ssize_t)length && !fsync(fd);
	return !close(fd) && good && !fsync(folder);
}

static int write_all(int folder, FILE *book)
{
	struct sigaction act = { .sa_handler = on_signal };
	unsigned number;

	sigaction(SIGTERM, &act, NULL);
	for (number = 1; !ended; number++) {
		if (!write_one(folder, number))
			return complain("write", number);
		if (fprintf(book, "%u\n", number) < 0 || fflush(book))
			return complain("book", number);
	}
	return 0;
}

static bool check_one(int folder, unsigned number)
{
	static uint8_t got[TEXT_MAX + 1];
	size_t length = invent(number);
	char name[16];
	ssize_t n;
	int fd;

	snprintf(name, sizeof(name), "%u", number);
	fd = openat(folder, name, O_RDONLY);
	if (fd < 0)
		return false;
	n = read(fd, got, sizeof(got));
	close(fd);
	if (n != (ssize_t)length)
		errno = n < 0 ? errno : EBADMSG;
	else if (memcmp(got, text, length))
		errno = EILSEQ;
	else
		return true;
	return false;
}

static int check_all(int folder, FILE *book)
{
	unsigned number, count = 0, bad = 0;

	while (fscanf(book, "%u", &number) == 1) {
		count++;
		if (!check_one(folder, number))
			bad += (unsigned)complain("not as it was promised", number);
	}
	printf("%u files were promised, %u of them are broken\n", count, bad);
	return bad || !count;
}

int main(int argc, char **argv)
{
	bool writing = argc == 4 && !strcmp(argv[1], "write");
	int folder;
	FILE *book;

	if (argc != 4 || (!writing && strcmp(argv[1], "check"))) {
		fprintf(stderr, "usage: pledge write|check FOLDER BOOK\n");
		return 2;
	}
	folder = open(argv[2], O_RDONLY | O_DIRECTORY);
	book = fopen(argv[3], writing ? "w" : "r");
	if (folder < 0 || !book)
		return complain("open", 0);
	return writing ? write_all(folder, book) : check_all(folder, book);
}
