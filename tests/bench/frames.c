/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames: what a received and a sent Ethernet frame with 4 KiB of data costs, by
 * the way in which the kernel is asked for it and by how many at once.  Needs
 * two interfaces that are wired together, and CAP_NET_RAW:
 *
 *	unshare -rn sh -c 'ip link add near mtu 9000 type veth peer name far mtu 9000
 *		ip link set near up; ip link set far up; frames near far 1'
 *
 * One thread puts a burst on the wire and then takes it off, so CPU time is
 * counted without anybody waiting.  What a way costs in the softirq shows in the
 * sender's column, for there it runs.
 */
#include "config.h"

#include "tests/bench/frames.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gateway/base/table.h"
#include "tests/bench/ether.h"

#define PATIENCE 2000 /* empty takes before frames count as lost */

static uint8_t header[FRAMES_HEAD] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 2, 0x88, 0xa2 };
static uint8_t data[FRAMES_DATA];

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* ---- one figure ---------------------------------------------------------- */

static bool send_burst(int sock, unsigned batch)
{
	struct iovec iov[2] = { { header, sizeof(header) }, { data, sizeof(data) } };
	struct mmsghdr msgs[FRAMES_BURST] = { 0 };
	unsigned done = 0;

	for (unsigned i = 0; i < batch; i++)
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = iov, .msg_iovlen = 2 };
	while (done < FRAMES_BURST) {
		unsigned left = FRAMES_BURST - done;
		int n = sendmmsg(sock, msgs, left < batch ? left : batch, 0);

		if (n <= 0) {
			fprintf(stderr, "frames: send: %s\n", strerror(errno));
			return false;
		}
		done += (unsigned)n;
	}
	return true;
}

static unsigned take_burst(const struct frames_way *way)
{
	unsigned got = 0;

	for (int empty = 0; got < FRAMES_BURST && empty < PATIENCE;) {
		unsigned n = way->take();

		got += n;
		empty = n ? 0 : empty + 1;
	}
	return got;
}

struct sums {
	uint64_t sent, got;
	int64_t send_ns, take_ns, ns;
};

static bool run(const struct frames_way *way, int out, unsigned batch, double seconds,
		struct sums *sums)
{
	int64_t began = clock_ns(CLOCK_MONOTONIC), end = began + (int64_t)(seconds * 1e9);

	while (clock_ns(CLOCK_MONOTONIC) < end) {
		int64_t a = clock_ns(CLOCK_PROCESS_CPUTIME_ID), b;

		if (!send_burst(out, batch))
			return false;
		b = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		sums->got += take_burst(way);
		sums->take_ns += clock_ns(CLOCK_PROCESS_CPUTIME_ID) - b;
		sums->send_ns += b - a;
		sums->sent += FRAMES_BURST;
	}
	sums->ns = clock_ns(CLOCK_MONOTONIC) - began;
	return true;
}

static bool measure(const struct frames_way *way, const char *near, int out, unsigned batch,
		    double seconds)
{
	struct sums warm = { 0 }, s = { 0 };
	bool ok;

	if (!way->open(near, batch))
		return false;
	ok = run(way, out, batch, seconds / 4, &warm) && run(way, out, batch, seconds, &s);
	way->close();
	if (ok && s.got)
		printf("%-10s %3u %9.0f %7.2f %7.2f %7.2f %6llu\n", way->name, batch,
		       (double)s.got * 1e9 / (double)s.ns, (double)s.send_ns / 1e3 / (double)s.sent,
		       (double)s.take_ns / 1e3 / (double)s.got,
		       (double)s.send_ns / 1e3 / (double)s.sent +
			       (double)s.take_ns / 1e3 / (double)s.got,
		       (unsigned long long)(s.sent - s.got));
	return ok && s.got;
}

int main(int argc, char **argv)
{
	static const struct frames_way *const ways[] = { &frames_recvmmsg, &frames_tpacket,
							 &frames_ring, &frames_link,
							 &frames_link_aio };
	static const unsigned batches[] = { 1, 32 };
	double seconds = argc > 3 ? strtod(argv[3], NULL) : 1;
	bool ok = true;
	int out;

	if (argc < 3) {
		fputs("usage: frames NEAR FAR [SECONDS]\n", stderr);
		return 2;
	}
	out = ether_socket(argv[2], true);
	if (out < 0)
		return 1;
	memset(data, 0x5a, sizeof(data));
	printf("%-10s %3s %9s %7s %7s %7s %6s\n", "way", "at", "frames/s", "send us", "take us",
	       "sum us", "lost");
	for (size_t w = 0; w < TABLE_LEN(ways); w++)
		for (size_t b = 0; b < TABLE_LEN(batches); b++)
			ok = measure(ways[w], argv[1], out, batches[b], seconds) && ok;
	close(out);
	return !ok;
}
