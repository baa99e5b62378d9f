/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Listening: the kernel's choice of a port, stale Unix sockets, who holds a
 * port or a name, peers.
 */
#include "config.h"

#include "tests/harness/harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/loop/drv_sock.h"
#include "gateway/loop/loop.h"

static char *folder;

static struct loop_addr parse(const char *text)
{
	struct loop_addr addr;
	struct gw_err err = GW_ERR_NONE;

	if (loop_addr_parse(text, &addr, &err))
		fail_msg("%s", err.text);
	return addr;
}

static int listen_on(struct loop_addr *addr)
{
	struct gw_err err = GW_ERR_NONE;
	int sock = -1;

	if (drv_sock_listen(addr, false, &sock, &err))
		fail_msg("%s", err.text);
	assert_true(fcntl(sock, F_GETFD) & FD_CLOEXEC);
	return sock;
}

static void refused(const struct loop_addr *addr, pid_t pid)
{
	struct gw_err err = GW_ERR_NONE;
	struct loop_addr copy = *addr;
	char text[LOOP_ADDR_TEXT], want[300];
	int sock = -5;

	assert_int_equal(drv_sock_listen(&copy, false, &sock, &err), -EADDRINUSE);
	assert_int_equal(sock, -5);
	snprintf(want, sizeof(want), "cannot listen on %s: it is in use by pid %d (",
		 loop_addr_format(addr, text, sizeof(text)), (int)pid);
	if (!strstr(err.text, want))
		fail_msg("%s", err.text);
}

static void port_holder(void **state)
{
	static const char *const texts[] = { "127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0" };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct loop_addr addr = parse(texts[i]);
		int sock = listen_on(&addr);

		assert_int_not_equal(addr.port, 0);
		refused(&addr, getpid());
		drv_sock_close(sock);
		sock = listen_on(&addr); /* free again, at once */
		drv_sock_close(sock);
	}
}

static void another_process_has_it(void **state)
{
	struct loop_addr addr = parse("127.0.0.1:0");
	int sock = listen_on(&addr);
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		pause();
		_exit(0);
	}
	drv_sock_close(sock);
	refused(&addr, pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static struct loop_addr in_folder(const char *name)
{
	char text[200];

	snprintf(text, sizeof(text), "unix:%s/%s", folder, name);
	return parse(text);
}

static int group_up(void **state)
{
	char name[] = "/tmp/sluice-test-XXXXXX";

	(void)state;
	folder = mkdtemp(name) ? strdup(name) : NULL;
	return !folder;
}

static int group_down(void **state)
{
	(void)state;
	rmdir(folder);
	free(folder);
	return 0;
}

static void unix_socket(void **state)
{
	struct loop_addr addr = in_folder("s");
	int sock = listen_on(&addr);
	int client = socket(AF_UNIX, SOCK_STREAM, 0), served;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct loop_peer peer;

	(void)state;
	refused(&addr, getpid());
	memcpy(name.sun_path, addr.path, sizeof(name.sun_path));
	assert_int_equal(connect(client, (struct sockaddr *)&name, sizeof(name)), 0);
	served = accept(sock, NULL, NULL);
	assert_int_equal(drv_sock_peer(NULL, served, &peer), 0);
	assert_int_equal(peer.addr.family, LOOP_ADDR_UNIX);
	assert_int_equal(peer.uid, getuid());
	assert_int_equal(peer.pid, getpid());
	drv_sock_tune(NULL, served); /* harmless */
	drv_sock_shut(NULL, served);
	drv_sock_close(served);
	assert_int_equal(access(addr.path, F_OK), 0); /* a connection's end is not the end */
	drv_sock_close(sock);
	assert_int_not_equal(access(addr.path, F_OK), 0);
	close(client);
}

static void stale_socket(void **state)
{
	struct loop_addr addr = in_folder("s");
	int sock = listen_on(&addr);

	(void)state;
	close(sock); /* as when the process was killed: the name stays */
	assert_int_equal(access(addr.path, F_OK), 0);
	sock = listen_on(&addr);
	drv_sock_close(sock);
}

static void not_a_socket(void **state)
{
	struct loop_addr addr = in_folder("s");
	struct gw_err err = GW_ERR_NONE;
	int fd = open(addr.path, O_CREAT | O_WRONLY, 0600), sock;

	(void)state;
	close(fd);
	assert_int_equal(drv_sock_listen(&addr, false, &sock, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "there is a file of that name"));
	assert_int_equal(access(addr.path, F_OK), 0); /* not ours to remove */
	unlink(addr.path);
}

/* A listener that no process has: it is on its way in a message. */
static void nobody_has_it(void **state)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct loop_addr addr = parse("127.0.0.1:0");
	struct gw_err err = GW_ERR_NONE;
	int pair[2], sock = listen_on(&addr);

	(void)state;
	control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
					 .cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.head), &sock, sizeof(sock));
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	assert_int_equal(sendmsg(pair[0], &msg, 0), 1);
	close(sock);
	assert_int_equal(drv_sock_listen(&addr, false, &sock, &err), -EAGAIN);
	assert_non_null(strstr(err.text, "it is in use by another process"));
	close(pair[0]);
	close(pair[1]);
	drv_sock_close(listen_on(&addr));
}

static void sentences(void **state)
{
	struct loop_addr addr = parse("192.0.2.1:1");
	struct gw_err err = GW_ERR_NONE;
	int sock;

	(void)state;
	assert_int_equal(drv_sock_listen(&addr, false, &sock, &err), -EADDRNOTAVAIL);
	assert_non_null(strstr(err.text, "cannot listen on 192.0.2.1:1: "));
	addr = parse("unix:/nowhere/at/all");
	assert_int_equal(drv_sock_listen(&addr, false, &sock, &err), -ENOENT);
	assert_non_null(strstr(err.text, "cannot listen on unix:/nowhere/at/all: No such"));
	addr = (struct loop_addr){ 0 };
	assert_int_equal(drv_sock_listen(&addr, false, &sock, &err), -EINVAL);
}

static void nonblock(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	for (int on = 0; on < 2; on++)
		for (int twice = 0; twice < 2; twice++) {
			drv_sock_nonblock(pair[0], on);
			assert_int_equal(!!(fcntl(pair[0], F_GETFL) & O_NONBLOCK), on);
		}
	assert_false(drv_sock_listens(pair[0]));
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_holder),	cmocka_unit_test(another_process_has_it),
		cmocka_unit_test(unix_socket),	cmocka_unit_test(stale_socket),
		cmocka_unit_test(not_a_socket), cmocka_unit_test(nobody_has_it),
		cmocka_unit_test(sentences),	cmocka_unit_test(nonblock),
	};

	harness_begin();
	return cmocka_run_group_tests_name(__FILE__, tests, group_up, group_down) != 0;
}
