/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames on the real system (drv_host_link.h): a packet socket bound to one
 * interface and one type, another for what goes, and a route socket that hears of
 * interfaces.
 *
 * The packet sockets stay the same for the link's whole life: when their
 * interface is removed and comes again they are bound anew, which needs no
 * privilege.  recvmmsg and sendmmsg, because nothing else measured better
 * (tests/bench/README, frames).  On the socket for what goes, the kernel is told how
 * much of each frame is header: then it puts the data into pages of their own.
 * Otherwise a jumbo frame lies in one piece of 8 KiB, which the processor that takes
 * it gives back to the one that sent it, and that is dear.
 */
#include "config.h"

#include "gateway/loop/drv_host_link.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gateway/base/bytes.h"
#include "gateway/base/check.h"
#include "gateway/base/log.h"
#include "gateway/base/num.h"
#include "gateway/base/scope.h"
#include "gateway/base/str.h"
#include "gateway/base/table.h"

#define JUMBO 9000u /* the MTU may grow while the link is open */
#define OVERHEAD 1024u /* of the kernel's for each frame; it doubles the sum */
#define HEAR_MOST 256 /* messages of news taken away at once */

_Static_assert(DRV_LINK_NAME == IFNAMSIZ, "a name is as long as the kernel's");
_Static_assert(DRV_LINK_HEADER == ETH_HLEN, "and so is a header");

/* ---- what an interface is ------------------------------------------------ */

static int ask(int sock, const char *name, unsigned long what, struct ifreq *answer)
{
	memset(answer, 0, sizeof(*answer));
	str_copy(answer->ifr_name, sizeof(answer->ifr_name), name);
	return ioctl(sock, what, answer) ? -errno : 0;
}

/* 0, or -errno: -ENODEV there is none, -EINVAL it is no Ethernet. */
static int read_facts(int sock, const char *name, struct drv_link_facts *facts)
{
	const short up = IFF_UP | IFF_RUNNING;
	struct drv_link_facts out = { 0 };
	struct ifreq answer;
	int rc;

	rc = ask(sock, name, SIOCGIFINDEX, &answer);
	out.index = (uint32_t)answer.ifr_ifindex;
	if (!rc)
		rc = ask(sock, name, SIOCGIFHWADDR, &answer);
	if (!rc && answer.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EINVAL;
	memcpy(out.mac, answer.ifr_hwaddr.sa_data, sizeof(out.mac));
	if (!rc)
		rc = ask(sock, name, SIOCGIFMTU, &answer);
	out.mtu_bytes = (uint32_t)answer.ifr_mtu;
	if (!rc)
		rc = ask(sock, name, SIOCGIFFLAGS, &answer);
	out.up = (answer.ifr_flags & up) == up;
	if (!rc)
		*facts = out;
	return rc;
}

static int bind_one(int sock, uint32_t index, uint16_t ethertype)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET, .sll_ifindex = (int)index };

	be16_put(&name.sll_protocol, ethertype);
	return bind(sock, (struct sockaddr *)&name, sizeof(name)) ? -errno : 0;
}

/* Who is bound to no type hears nothing. */
static int bind_to(const struct drv_link *link, uint32_t index)
{
	int rc = bind_one(link->sock, index, link->ethertype);

	return rc ? rc : bind_one(link->out, index, 0);
}

/* Lets pass what is for us: to our address (0), to all (1), to many (2); what goes
 * to others, or to a VLAN that has no interface, is 3, what we send 4.  What goes to
 * a VLAN that has one, or to our bond, passes here on its way but bears the
 * other's index.  Index 0: nothing passes. */
static int filter(int sock, uint32_t index)
{
	struct sock_filter rows[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, PACKET_MULTICAST, 2, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, index, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = { TABLE_LEN(rows), rows };

	return setsockopt(sock, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static void host_look(struct drv_links *links, struct drv_link *link, struct drv_link_facts *facts)
{
	struct drv_link_facts now = { 0 };

	(void)links;
	if (read_facts(link->news, link->name, &now))
		now = (struct drv_link_facts){ 0 };
	/* An index is not used twice, so another one is another interface. */
	if (now.index && now.index != link->index && bind_to(link, now.index))
		now = (struct drv_link_facts){ 0 }; /* gone again; there will be news */
	/* One that was renamed is there still, and not ours any more. */
	if (now.index != link->index)
		filter(link->sock, now.index);
	link->index = now.index;
	*facts = now;
}

static bool host_hear(struct drv_links *links, struct drv_link *link)
{
	char byte;

	(void)links;
	/* The words do not matter, for we look ourselves; lost ones neither. */
	for (int i = 0; i < HEAR_MOST; i++)
		if (recv(link->news, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) < 0 && errno == EAGAIN)
			return true;
	return false;
}

/* ---- making the sockets -------------------------------------------------- */

/* The forced size needs CAP_NET_ADMIN; the other ends at the system's bound. */
static void make_room(const char *name, int sock, bool rx, unsigned frames, uint32_t mtu)
{
	int size = (int)num_min((uint64_t)frames * (num_max(mtu, JUMBO) + OVERHEAD), INT32_MAX / 2);
	uint64_t need = (uint64_t)frames * (mtu + OVERHEAD);
	socklen_t len = sizeof(int);
	int got = 0;

	if (setsockopt(sock, SOL_SOCKET, rx ? SO_RCVBUFFORCE : SO_SNDBUFFORCE, &size, len))
		setsockopt(sock, SOL_SOCKET, rx ? SO_RCVBUF : SO_SNDBUF, &size, len);
	getsockopt(sock, SOL_SOCKET, rx ? SO_RCVBUF : SO_SNDBUF, &got, &len);
	if ((uint64_t)got / 2 < need)
		log_warn(LOOP,
			 "%s: the kernel keeps %d bytes of frames, %llu are wanted; "
			 "raise net.core.%s_max",
			 name, got / 2, (unsigned long long)need, rx ? "rmem" : "wmem");
}

static int refuse_socket(const char *name, struct gw_err *err)
{
	if (errno == EPERM || errno == EACCES)
		return gw_err_set(err, EPERM, "%s: frames need root or the capability CAP_NET_RAW",
				  name);
	return gw_err_set(err, errno, "%s: cannot make a packet socket: %m", name);
}

static int make_socket(const char *name, uint32_t index, bool stamped, int *sock,
		       struct gw_err *err)
{
	scope_fd int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = stamped;

	if (fd < 0)
		return refuse_socket(name, err);
	if (filter(fd, index) || setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)))
		return gw_err_set(err, errno, "%s: cannot set up a packet socket: %m", name);
	*sock = scope_take_fd(&fd);
	return 0;
}

/* Each frame begins with a struct virtio_net_hdr for the kernel, packet(7). */
static int make_out(const char *name, int *out, struct gw_err *err)
{
	scope_fd int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		return refuse_socket(name, err);
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)))
		return gw_err_set(err, errno, "%s: cannot set up a packet socket: %m", name);
	*out = scope_take_fd(&fd);
	return 0;
}

static int make_news(const char *name, int *sock, struct gw_err *err)
{
	struct sockaddr_nl group = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	scope_fd int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&group, sizeof(group)))
		return gw_err_set(err, errno, "%s: cannot hear of interfaces: %m", name);
	*sock = scope_take_fd(&fd);
	return 0;
}

static int find(int sock, const char *name, struct drv_link_facts *facts, struct gw_err *err)
{
	int rc = read_facts(sock, name, facts);

	if (rc == -ENODEV)
		return gw_err_set(err, ENODEV, "there is no interface %s (see 'ip link')", name);
	if (rc == -EINVAL)
		return gw_err_set(err, EINVAL, "%s is no Ethernet interface", name);
	return rc ? gw_err_set(err, -rc, "%s: cannot ask for the interface: %m", name) : 0;
}

static void host_close(struct drv_links *links, struct drv_link *link)
{
	(void)links;
	if (link->sock >= 0)
		close(link->sock);
	if (link->out >= 0)
		close(link->out);
	if (link->news >= 0)
		close(link->news);
	link->sock = link->out = link->news = -1;
	link->index = 0;
}

static int host_open(struct drv_links *links, const struct drv_link_want *want,
		     struct drv_link *link, struct drv_link_facts *facts, struct gw_err *err)
{
	struct drv_link out = { .ethertype = want->ethertype,
				.stamped = want->stamped,
				.sock = -1,
				.out = -1,
				.news = -1 };
	struct drv_link_facts now;
	int rc;

	if (!*want->name || !str_copy(out.name, sizeof(out.name), want->name))
		return gw_err_set(err, EINVAL, "'%s' is no name of an interface", want->name);
	/* Hear first, look second: so nothing is missed in between. */
	rc = make_news(out.name, &out.news, err);
	if (!rc)
		rc = find(out.news, out.name, &now, err);
	if (!rc)
		rc = make_socket(out.name, now.index, want->stamped, &out.sock, err);
	if (!rc)
		rc = make_out(out.name, &out.out, err);
	if (!rc && bind_to(&out, now.index))
		rc = gw_err_set(err, errno, "cannot listen on %s: %m", out.name);
	if (rc) {
		host_close(links, &out);
		return rc;
	}
	make_room(out.name, out.sock, true, want->rx_frames, now.mtu_bytes);
	make_room(out.name, out.out, false, want->tx_frames, now.mtu_bytes);
	out.index = now.index;
	*link = out;
	*facts = now;
	return 0;
}

/* ---- frames that come ---------------------------------------------------- */

union stamp {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(struct timespec))];
};

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* How long ago, by the clock of the stamp; 0 if that is not known. */
static int64_t age_ns(struct msghdr *msg, int64_t wall_ns)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct timespec ts;
	int64_t age;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS ||
	    c->cmsg_len < CMSG_LEN(sizeof(ts)))
		return 0;
	memcpy(&ts, CMSG_DATA(c), sizeof(ts));
	age = wall_ns - ((int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec);
	return age > 0 ? age : 0; /* less: somebody set the clock */
}

static unsigned receive(int sock, struct mmsghdr *msgs, unsigned n)
{
	int rc = -1;

	/* Once more after an error: it told of the past (the interface went down). */
	for (int i = 0; i < 3 && rc < 0 && !(i && errno == EAGAIN); i++)
		rc = recvmmsg(sock, msgs, n, MSG_DONTWAIT | MSG_TRUNC, NULL);
	return rc > 0 ? (unsigned)rc : 0;
}

static unsigned host_take(struct drv_links *links, struct drv_link *link,
			  struct drv_frame *const *frames, unsigned n)
{
	struct mmsghdr msgs[DRV_LINK_BATCH];
	union stamp stamps[DRV_LINK_BATCH];
	int64_t now_ns, wall_ns;
	unsigned got;

	(void)links;
	GW_CHECK(n <= DRV_LINK_BATCH);
	for (unsigned i = 0; i < n; i++)
		msgs[i].msg_hdr = (struct msghdr){
			.msg_iov = frames[i]->iov,
			.msg_iovlen = frames[i]->niov,
			.msg_control = link->stamped ? &stamps[i] : NULL,
			.msg_controllen = link->stamped ? sizeof(stamps[i]) : 0,
		};
	got = receive(link->sock, msgs, n);
	if (!got)
		return 0;
	wall_ns = link->stamped ? clock_ns(CLOCK_REALTIME) : 0;
	now_ns = clock_ns(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < got; i++) {
		struct drv_frame *frame = frames[i];

		frame->bytes = msgs[i].msg_len;
		frame->cut = msgs[i].msg_hdr.msg_flags & MSG_TRUNC;
		frame->came.ns = now_ns - age_ns(&msgs[i].msg_hdr, wall_ns);
	}
	return got;
}

static uint32_t host_lost(struct drv_links *links, struct drv_link *link)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	(void)links;
	if (getsockopt(link->sock, SOL_PACKET, PACKET_STATISTICS, &stats, &len))
		return 0;
	return stats.tp_drops;
}

/* ---- frames that go ------------------------------------------------------ */

/* Would the next frame fail as well?  Too long, no frame at all, or lent by a file that
 * was cut, is one frame's own; a full queue or an interface that is down is
 * everybody's. */
static bool is_its_own(int errnum)
{
	return errnum == EMSGSIZE || errnum == EINVAL || errnum == EFAULT;
}

struct message {
	struct virtio_net_hdr told;
	struct iovec iov[1 + DRV_LINK_PIECES];
};

/* What the kernel is told of a frame: its first piece is its header. */
static void tell(const struct drv_frame *frame, struct message *message, struct msghdr *msg)
{
	GW_CHECK(frame->niov <= DRV_LINK_PIECES);
	message->told = (struct virtio_net_hdr){ .hdr_len = (uint16_t)frame->iov[0].iov_len };
	message->iov[0] = (struct iovec){ &message->told, sizeof(message->told) };
	for (unsigned i = 0; i < frame->niov; i++)
		message->iov[1 + i] = frame->iov[i];
	*msg = (struct msghdr){ .msg_iov = message->iov, .msg_iovlen = 1 + frame->niov };
}

static void host_give(struct drv_links *links, struct drv_link *link,
		      struct drv_frame *const *frames, unsigned n)
{
	struct message messages[DRV_LINK_BATCH];
	struct mmsghdr msgs[DRV_LINK_BATCH];
	unsigned done = 0;

	(void)links;
	GW_CHECK(n <= DRV_LINK_BATCH);
	for (unsigned i = 0; i < n; i++)
		tell(frames[i], &messages[i], &msgs[i].msg_hdr);
	while (done < n) {
		int sent = -1, res = -ENETDOWN;
		unsigned end = n;

		if (link->index) {
			sent = sendmmsg(link->out, msgs + done, n - done, MSG_DONTWAIT);
			res = sent < 0 ? -errno : 0;
		}
		if (sent > 0)
			end = done + (unsigned)sent;
		else if (is_its_own(-res))
			end = done + 1;
		for (; done < end; done++)
			frames[done]->res = res;
	}
}

const struct drv_link_ops drv_host_link_ops = {
	.open = host_open,
	.close = host_close,
	.hear = host_hear,
	.look = host_look,
	.take = host_take,
	.give = host_give,
	.lost = host_lost,
};
