/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * floor: what the kernel asks for the same I/O on the same file when there is
 * no server and no network: pread or pwrite of random blocks in a loop, one
 * thread.  No server that keeps its file in the page cache can spend less CPU
 * per I/O than this, plus what `bare` spends on the wire.  Prints the figures
 * of `load`, so that bench.py can set both side by side.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load_hist.h"

enum { BLOCK_MOST = 32 << 20 };

static const char usage[] = "usage: floor FILE read|write BLOCK-BYTES REGION-BYTES SECONDS\n";

struct job {
	int fd;
	bool write;
	size_t block_bytes;
	uint64_t blocks;
	double seconds;
	uint8_t *buf;
};

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool one(const struct job *job, uint64_t block)
{
	off_t at = (off_t)(block * job->block_bytes);
	ssize_t n;

	if (job->write)
		n = pwrite(job->fd, job->buf, job->block_bytes, at);
	else
		n = pread(job->fd, job->buf, job->block_bytes, at);
	return n == (ssize_t)job->block_bytes;
}

static int run(const struct job *job)
{
	static struct load_hist hist;
	int64_t began = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	int64_t now = began, last = began, end = began + (int64_t)(job->seconds * 1e9);
	uint64_t state = 88172645463325252ull, ios = 0, errors = 0;
	double seconds, n;

	for (; now < end; last = now) {
		errors += !one(job, next_random(&state) % job->blocks);
		ios++;
		now = clock_ns(CLOCK_MONOTONIC);
		load_hist_add(&hist, (uint64_t)(now - last));
	}
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	seconds = (double)(now - began) / 1e9;
	n = ios ? (double)ios : 1;
	printf("{\"ios\": %llu, \"errors\": %llu, \"seconds\": %.4f, \"iops\": %.1f,"
	       " \"mb_s\": %.2f, \"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f,"
	       " \"cpu_us\": %.3f, \"client_cpu_us\": %.3f,"
	       " \"depth\": 1, \"resent\": 0}\n",
	       (unsigned long long)ios, (unsigned long long)errors, seconds, n / seconds,
	       n * (double)job->block_bytes / seconds / 1e6, load_hist_quantile_us(&hist, 0.50),
	       load_hist_quantile_us(&hist, 0.99), load_hist_quantile_us(&hist, 0.999),
	       (double)cpu / 1e3 / n, (double)cpu / 1e3 / n);
	return errors ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct job job = { .fd = -1 };
	int rc;

	if (argc != 6) {
		fputs(usage, stderr);
		return 2;
	}
	job.fd = open(argv[1], O_RDWR | O_CLOEXEC);
	job.write = strcmp(argv[2], "write") == 0;
	job.block_bytes = strtoul(argv[3], NULL, 10);
	if (job.fd < 0 || job.block_bytes == 0 || job.block_bytes > BLOCK_MOST) {
		fprintf(stderr, "floor: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	job.blocks = strtoull(argv[4], NULL, 10) / job.block_bytes;
	job.seconds = strtod(argv[5], NULL);
	job.buf = aligned_alloc(4096, (job.block_bytes + 4095) / 4096 * 4096);
	if (!job.blocks || !job.buf) {
		fputs(usage, stderr);
		return 2;
	}
	memset(job.buf, 0x5a, job.block_bytes); /* touched, and not zeroes */
	rc = run(&job);
	free(job.buf);
	return rc;
}
