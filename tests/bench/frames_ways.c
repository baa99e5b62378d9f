/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames: the kernel's ways to receive (frames.h), each used as it wants to be.
 */
#include "config.h"

#include "tests/bench/frames.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/ether.h"

#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

static uint8_t heads[FRAMES_BURST][FRAMES_HEAD];
static uint8_t places[FRAMES_BURST][FRAMES_DATA];
static unsigned batch;
static int sock = -1;

static bool refuse(const char *what)
{
	fprintf(stderr, "frames: %s: %s\n", what, strerror(errno));
	if (sock >= 0)
		close(sock);
	sock = -1;
	return false;
}

/* ---- recvmmsg ------------------------------------------------------------ */

static bool mmsg_open(const char *interface, unsigned at)
{
	batch = at;
	sock = ether_socket(interface, true);
	return sock >= 0;
}

static unsigned mmsg_take(void)
{
	struct mmsghdr msgs[FRAMES_BURST];
	struct iovec iov[FRAMES_BURST][2];
	int n;

	for (unsigned i = 0; i < batch; i++) {
		iov[i][0] = (struct iovec){ heads[i], FRAMES_HEAD };
		iov[i][1] = (struct iovec){ places[i], FRAMES_DATA };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = iov[i], .msg_iovlen = 2 };
	}
	n = recvmmsg(sock, msgs, batch, MSG_DONTWAIT | MSG_TRUNC, NULL);
	return n > 0 ? (unsigned)n : 0;
}

static void sock_close(void)
{
	close(sock);
	sock = -1;
}

const struct frames_way frames_recvmmsg = { "recvmmsg", mmsg_open, mmsg_take, sock_close };

/* ---- TPACKET_V3: a ring of blocks that the kernel copies into ------------- */

#define BLOCK_BYTES (1u << 16)
#define BLOCKS 64u

static uint8_t *map;
static unsigned block;

static bool tpacket_open(const char *interface, unsigned at)
{
	struct tpacket_req3 req = { .tp_block_size = BLOCK_BYTES,
				    .tp_block_nr = BLOCKS,
				    .tp_frame_size = 8192,
				    .tp_frame_nr = BLOCK_BYTES / 8192 * BLOCKS,
				    .tp_retire_blk_tov = 1 };
	int version = TPACKET_V3;

	batch = at;
	block = 0;
	sock = ether_socket(interface, false);
	if (sock < 0)
		return false;
	if (setsockopt(sock, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(sock, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)))
		return refuse("TPACKET_V3");
	map = mmap(NULL, (size_t)BLOCK_BYTES * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED, sock, 0);
	if (map == MAP_FAILED)
		return refuse("TPACKET_V3: mmap");
	return ether_bind(sock, interface);
}

/* Out of the ring, for the kernel wants it back long before a store is done. */
static void copy_out(struct tpacket3_hdr *frame, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *at = (uint8_t *)frame + frame->tp_mac;

		memcpy(heads[i % FRAMES_BURST], at, FRAMES_HEAD);
		memcpy(places[i % FRAMES_BURST], at + FRAMES_HEAD, FRAMES_DATA);
		frame = (struct tpacket3_hdr *)(void *)((uint8_t *)frame + frame->tp_next_offset);
	}
}

static unsigned tpacket_take(void)
{
	struct tpacket_block_desc *d = (void *)(map + (size_t)block * BLOCK_BYTES);
	struct tpacket_hdr_v1 *h = &d->hdr.bh1;
	unsigned n;

	if (!(__atomic_load_n(&h->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) {
		usleep(100); /* until the block's time is over */
		return 0;
	}
	n = h->num_pkts;
	copy_out((void *)((uint8_t *)d + h->offset_to_first_pkt), n);
	__atomic_store_n(&h->block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	block = (block + 1) % BLOCKS;
	return n;
}

static void tpacket_close(void)
{
	munmap(map, (size_t)BLOCK_BYTES * BLOCKS);
	sock_close();
}

const struct frames_way frames_tpacket = { "tpacket_v3", tpacket_open, tpacket_take,
					   tpacket_close };

/* ---- io_uring: recvmsg multishot ------------------------------------------ */

#ifdef HAVE_LIBURING

#define RING_BUFS 256u
#define RING_BUF (FRAMES_HEAD + FRAMES_DATA + 28u) /* and what io_uring puts before it */

static struct io_uring ring;
static struct io_uring_buf_ring *bufs;
static uint8_t ring_memory[RING_BUFS][RING_BUF];
static struct msghdr ring_msg;
static bool armed;

static void ring_arm(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_recvmsg_multishot(sqe, sock, &ring_msg, MSG_TRUNC);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = 0;
	armed = true;
}

static void ring_give_back(unsigned id, unsigned offset)
{
	io_uring_buf_ring_add(bufs, ring_memory[id], RING_BUF, (unsigned short)id,
			      io_uring_buf_ring_mask(RING_BUFS), (int)offset);
}

static bool ring_open(const char *interface, unsigned at)
{
	const unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			       IORING_SETUP_CQSIZE;
	struct io_uring_params params = { .flags = flags, .cq_entries = 4096 };
	struct io_uring_buf_reg reg = { .ring_entries = RING_BUFS };

	if (!mmsg_open(interface, at))
		return false;
	if (posix_memalign((void **)&bufs, 4096, RING_BUFS * sizeof(struct io_uring_buf)))
		return refuse("memory");
	reg.ring_addr = (uintptr_t)bufs;
	errno = ENOSYS;
	if (io_uring_queue_init_params(64, &ring, &params) ||
	    io_uring_register_buf_ring(&ring, &reg, 0))
		return refuse("io_uring");
	io_uring_buf_ring_init(bufs);
	for (unsigned i = 0; i < RING_BUFS; i++)
		ring_give_back(i, i);
	io_uring_buf_ring_advance(bufs, RING_BUFS);
	ring_arm();
	io_uring_submit(&ring);
	return true;
}

/* The frame stays in its buffer: the kernel chose it, and no request of ours
 * could have. */
static unsigned ring_take(void)
{
	struct io_uring_cqe *cqes[FRAMES_BURST];
	unsigned n, got = 0;

	io_uring_submit_and_get_events(&ring);
	n = io_uring_peek_batch_cqe(&ring, cqes, batch);
	for (unsigned i = 0; i < n; i++) {
		armed = armed && cqes[i]->flags & IORING_CQE_F_MORE;
		if (cqes[i]->res < 0)
			continue;
		ring_give_back(cqes[i]->flags >> IORING_CQE_BUFFER_SHIFT, got++);
	}
	io_uring_buf_ring_advance(bufs, (int)got);
	io_uring_cq_advance(&ring, n);
	if (!armed)
		ring_arm();
	return got;
}

static void ring_close(void)
{
	io_uring_queue_exit(&ring);
	free(bufs);
	sock_close();
}

#else

static bool ring_open(const char *interface, unsigned at)
{
	(void)interface;
	(void)at;
	errno = ENOSYS;
	return refuse("io_uring is not built in");
}

static unsigned ring_take(void)
{
	return 0;
}

static void ring_close(void)
{
}

#endif

const struct frames_way frames_ring = { "multishot", ring_open, ring_take, ring_close };
