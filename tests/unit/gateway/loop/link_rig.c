/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pair of virtual interfaces in a network of our own (link_rig.h).
 */
#include "config.h"

#include "tests/unit/gateway/loop/link_rig.h"

#include <linux/capability.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/base/bytes.h"

#define INSIDE "LINK_RIG_INSIDE"

/* ---- a network of our own ------------------------------------------------ */

static bool __attribute__((format(printf, 1, 0))) run(const char *format, va_list args)
{
	char command[512];

	vsnprintf(command, sizeof(command), format, args);
	return system(command) == 0;
}

void link_rig_sh(const char *format, ...)
{
	va_list args;
	bool ok;

	va_start(args, format);
	ok = run(format, args);
	va_end(args);
	if (!ok)
		fail_msg("failed: %s", format);
}

bool link_rig_try(const char *format, ...)
{
	va_list args;
	bool ok;

	va_start(args, format);
	ok = run(format, args);
	va_end(args);
	return ok;
}

void link_rig_enter(char **argv)
{
	/* Root may be without user name spaces, others cannot do without. */
	const char *flags = geteuid() ? "-rn" : "-n";

	if (getenv(INSIDE)) {
		if (!link_rig_try("ip link add near type veth peer name far 2>/dev/null && "
				  "ip link del near"))
			harness_skip_all("no virtual Ethernet here: ip(8) or the kernel's veth");
		return;
	}
	if (!link_rig_try("unshare %s true 2>/dev/null", flags))
		harness_skip_all("cannot make a network name space with unshare(1)");
	setenv(INSIDE, "1", 1);
	execlp("unshare", "unshare", flags, argv[0], (char *)NULL);
	harness_skip_all("cannot run unshare(1)");
}

void link_rig_veth(void)
{
	link_rig_try("ip link del far 2>/dev/null"); /* of a case that failed */
	link_rig_sh("ip link add near address 02:00:00:00:00:01 mtu 9000 type veth "
		    "peer name far address 02:00:00:00:00:02 mtu 9000 && "
		    "ip link set near up && ip link set far up");
}

void link_rig_set_caps(uint32_t low)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	assert_int_equal(syscall(SYS_capget, &head, data), 0);
	data[0].effective = low & data[0].permitted;
	assert_int_equal(syscall(SYS_capset, &head, data), 0);
}

/* ---- the far side -------------------------------------------------------- */

int link_rig_socket(const char *name)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(name) };
	int sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), size = 1 << 22;

	assert_true(sock >= 0);
	be16_put(&to.sll_protocol, LINK_RIG_TYPE);
	setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	assert_int_equal(bind(sock, (struct sockaddr *)&to, sizeof(to)), 0);
	return sock;
}

static void fill(uint8_t *buf, const uint8_t *to, const uint8_t *from, unsigned number, size_t len)
{
	memcpy(buf, to, 6);
	memcpy(buf + 6, from, 6);
	be16_put(buf + 12, LINK_RIG_TYPE);
	rig_fill(buf + DRV_LINK_HEADER, len - DRV_LINK_HEADER, number);
}

void link_rig_far_send(int sock, const uint8_t *to, unsigned number, size_t len)
{
	uint8_t buf[LINK_RIG_MTU + DRV_LINK_HEADER];

	fill(buf, to, LINK_RIG_FAR, number, len);
	assert_int_equal(send(sock, buf, len, 0), (ssize_t)len);
}

int link_rig_far_recv(int sock, uint8_t *buf, size_t room)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	ssize_t n;

	do {
		if (poll(&p, 1, 200) <= 0)
			return -1;
		n = recvfrom(sock, buf, room, 0, (struct sockaddr *)&from, &len);
	} while (n < 0 || from.sll_pkttype == PACKET_OUTGOING);
	return (int)n;
}

bool link_rig_is(const struct link_slot *slot, unsigned number, size_t len)
{
	uint8_t want[LINK_RIG_MTU + DRV_LINK_HEADER];

	rig_fill(want, len - DRV_LINK_HEADER, number);
	return slot->frame.bytes == len && !slot->frame.cut &&
	       !memcmp(slot->head + DRV_LINK_HEADER, want, LINK_RIG_HEAD - DRV_LINK_HEADER) &&
	       !memcmp(slot->data, want + LINK_RIG_HEAD - DRV_LINK_HEADER, len - LINK_RIG_HEAD);
}

/* ---- the link ------------------------------------------------------------ */

static void received(struct loop_link *link, struct drv_frame *const *frames, unsigned n)
{
	struct link_rig *r = link->owner;

	for (unsigned i = 0; i < n; i++)
		r->got[r->received++ % 1024] = (struct link_slot *)frames[i];
	if (r->close_when_received)
		loop_link_close(link);
}

static void sent(struct loop_link *link, struct drv_frame *frame)
{
	struct link_rig *r = link->owner;

	r->res[r->sent++ % 1024] = frame->res;
}

static void changed(struct loop_link *link, const struct drv_link_facts *was)
{
	struct link_rig *r = link->owner;

	r->was = *was;
	r->changed++;
}

static void closed(struct loop_link *link)
{
	struct link_rig *r = link->owner;

	assert_int_equal(link->link.sock, -1);
	memset(link, 0xee, sizeof(*link)); /* whoever touches it now is found out */
	r->closed++;
}

static const struct loop_link_ops ops = { received, sent, changed, closed };

void link_rig_up(struct link_rig *r, const struct drv_ops *drv)
{
	rig_driver = drv;
	*r = (struct link_rig){ .closed = 1 };
	rig_up(&r->rig);
	link_rig_veth();
	r->far = link_rig_socket("far");
	r->slots = calloc(LINK_RIG_SLOTS, sizeof(*r->slots));
	r->out = calloc(LINK_RIG_SLOTS, sizeof(*r->out));
	assert_non_null(r->slots);
	assert_non_null(r->out);
}

void link_rig_open(struct link_rig *r, const char *name, unsigned rx_frames)
{
	struct drv_link_want want = { .name = name,
				      .ethertype = LINK_RIG_TYPE,
				      .rx_frames = rx_frames,
				      .tx_frames = 64,
				      .stamped = true };
	struct gw_err err = GW_ERR_NONE;

	if (loop_link_open(&r->link, r->rig.loop, &want, &ops, r, &err))
		fail_msg("%s", err.text);
	loop_link_start(&r->link);
	r->closed = 0;
}

void link_rig_settle(struct link_rig *r)
{
	for (int i = 0; i < 200 && !r->link.facts.up; i++)
		rig_for_ms(&r->rig, 5);
	assert_true(r->link.facts.up);
	rig_for_ms(&r->rig, 2);
	r->changed = 0;
}

void link_rig_down(struct link_rig *r)
{
	if (!r->closed) {
		loop_link_close(&r->link);
		rig_until(&r->rig, &r->closed, 1);
	}
	rig_down(&r->rig);
	close(r->far);
	free(r->slots);
	free(r->out);
	link_rig_try("ip link del far 2>/dev/null");
}

void link_rig_lend(struct link_rig *r, unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++) {
		struct link_slot *slot = &r->slots[i];

		memset(slot, 0, sizeof(*slot));
		slot->iov[0] = (struct iovec){ slot->head, sizeof(slot->head) };
		slot->iov[1] = (struct iovec){ slot->data, sizeof(slot->data) };
		slot->frame.iov = slot->iov;
		slot->frame.niov = 2;
		loop_link_lend(&r->link, &slot->frame);
	}
}

void link_rig_send(struct link_rig *r, unsigned number, size_t len)
{
	struct link_slot *slot = &r->out[number % LINK_RIG_SLOTS];
	uint8_t buf[LINK_RIG_MTU + 100];

	fill(buf, LINK_RIG_FAR, r->link.facts.mac, number, len);
	memcpy(slot->head, buf, LINK_RIG_HEAD);
	memcpy(slot->data, buf + LINK_RIG_HEAD, len - LINK_RIG_HEAD);
	slot->iov[0] = (struct iovec){ slot->head, LINK_RIG_HEAD };
	slot->iov[1] = (struct iovec){ slot->data, len - LINK_RIG_HEAD };
	slot->frame.iov = slot->iov;
	slot->frame.niov = 2;
	loop_link_send(&r->link, &slot->frame);
}
