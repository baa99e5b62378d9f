/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of tests/sim/drv_sim.c and what it stands on, through the loop's own
 * interface: mail, jobs, disk operations, streams, cuts; and that the same seed
 * is the same run.
 */
#include "config.h"

#include "tests/sim/drv_sim.h"

#include <errno.h>
#include <string.h>

#include "gateway/loop/loop.h"
#include "tests/harness/harness.h"
#include "tests/sim/sim_disk_io.h"
#include "tests/sim/sim_host.h"
#include "tests/sim/sim_lend.h"
#include "tests/sim/sim_sock.h"

static struct sim_host *h;
static struct loop *loop;

static void begin(uint64_t seed, unsigned loops)
{
	h = sim_host_new(seed);
	sim_host_boot(h, loops);
	loop = loop_set_get(h->loops, 0);
}

static void end(void)
{
	assert_false(h->world->failed);
	sim_host_down(h);
	sim_host_free(&h);
}

/* ---- mail --------------------------------------------------------------- */

struct letter {
	struct loop_mail mail;
	unsigned number;
};

static unsigned letters_read;
static void read_letter(struct loop_mail *mail)
{
	struct letter *l = SIM_OF(mail, struct letter, mail);

	assert_int_equal(l->number, letters_read);
	letters_read++;
}

static void mail_of_one_sender_keeps_order(void **state)
{
	struct letter l[20];

	begin(3, 2);
	letters_read = 0;
	for (unsigned i = 0; i < 20; i++) {
		l[i] = (struct letter){ .mail.run = read_letter, .number = i };
		loop_post(loop_set_get(h->loops, 1), &l[i].mail);
	}
	assert_int_equal(letters_read, 0);
	sim_host_run(h, SIM_S);
	assert_int_equal(letters_read, 20);
	end();
}

/* ---- operations --------------------------------------------------------- */

struct task {
	struct drv_op op;
	struct iovec iov;
	uint8_t buf[8192];
	int64_t res;
	unsigned done;
	uint64_t at_ns;
};

static void task_done(struct drv_op *op, int64_t res)
{
	struct task *t = SIM_OF(op, struct task, op);

	t->res = res;
	t->done++;
	t->at_ns = h->world->now_ns;
}

static struct task *task(enum drv_kind kind, struct drv_file *file, uint64_t offset, char fill)
{
	struct task *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	memset(t->buf, fill, sizeof(t->buf));
	t->iov = (struct iovec){ t->buf, sizeof(t->buf) };
	t->op = (struct drv_op){ .done = task_done,
				 .kind = (uint8_t)kind,
				 .file = file,
				 .iov = &t->iov,
				 .niov = 1,
				 .offset = offset };
	return t;
}

static int64_t await(struct task *t)
{
	loop_submit(loop, &t->op);
	assert_int_equal(t->done, 0);
	sim_host_run(h, 200 * SIM_S);
	assert_int_equal(t->done, 1);
	return t->res;
}

static int64_t run(enum drv_kind kind, struct drv_file *file, uint64_t offset, char fill)
{
	struct task *t = task(kind, file, offset, fill);
	int64_t res = await(t);

	free(t);
	return res;
}

static struct drv_file *open_file(const char *path, unsigned flags)
{
	struct drv_fs *fs = loop_fs(loop);
	struct drv_file *file = NULL;
	struct gw_err err;

	assert_int_equal(fs->ops->open(fs, path, flags, &file, &err), 0);
	return file;
}

static void close_file(struct drv_file *file)
{
	loop_fs(loop)->ops->close(loop_fs(loop), &file);
}

static void writes_reads_and_syncs(void **state)
{
	struct drv_file *file;
	struct task *t;

	begin(4, 1);
	file = open_file("x", DRV_OPEN_WRITE | DRV_OPEN_CREATE);
	assert_int_equal(run(DRV_WRITE, file, 4096, 'w'), 8192);
	t = task(DRV_READ, file, 8192, '?');
	assert_int_equal(await(t), 4096); /* short at the end of the file */
	assert_int_equal(t->buf[4095], 'w');
	free(t);
	assert_int_equal(file->inode->dirty, 16);
	assert_int_equal(run(DRV_SYNC, file, 0, 0), 0);
	assert_int_equal(file->inode->dirty, 0);
	h->disk->fail_next[DRV_WRITE] = EIO;
	assert_int_equal(run(DRV_WRITE, file, 0, 'x'), -EIO);
	h->disk->faults.capacity_sectors = 40;
	assert_int_equal(run(DRV_WRITE, file, 1 << 20, 'x'), 8192);
	assert_int_equal(run(DRV_WRITE, file, 2 << 20, 'x'), -ENOSPC);
	close_file(file);
	end();
}

static void a_stalled_write_lands_late(void **state)
{
	struct drv_file *file;
	struct task *slow, *fast;

	begin(5, 1);
	file = open_file("x", DRV_OPEN_WRITE | DRV_OPEN_CREATE);
	slow = task(DRV_WRITE, file, 0, 's');
	fast = task(DRV_WRITE, file, 65536, 'f');
	h->disk->stall_next_ns[DRV_WRITE] = 60 * SIM_S;
	loop_submit(loop, &slow->op);
	loop_submit(loop, &fast->op);
	sim_host_run(h, 59 * SIM_S);
	assert_int_equal(fast->done, 1);
	assert_int_equal(slow->done, 0);
	assert_true(sim_disk_io_writing(h->disk, 0, 1));
	sim_host_run(h, 3 * SIM_S);
	assert_int_equal(slow->done, 1);
	close_file(file);
	free(slow);
	free(fast);
	end();
}

static void a_durable_write_survives_and_one_in_flight_may(void **state)
{
	struct drv_file *file;
	struct task *t;
	uint8_t got[512];
	unsigned kept = 0;

	begin(6, 1);
	file = open_file("x", DRV_OPEN_WRITE | DRV_OPEN_CREATE);
	sim_disk_sync_names(h->disk);
	t = task(DRV_WRITE, file, 0, 'd');
	t->op.flags = DRV_DURABLE;
	assert_int_equal(await(t), 8192);
	free(t);
	t = task(DRV_WRITE, file, 0, 'e');
	h->disk->stall_next_ns[DRV_WRITE] = 5 * SIM_S;
	loop_submit(loop, &t->op);
	sim_host_run(h, SIM_S);
	assert_int_equal(t->done, 0);
	sim_host_power_cut(h);
	sim_host_run(h, SIM_S);
	assert_int_equal(t->res, -EIO);
	assert_int_equal(run(DRV_READ, file, 0, '?'), -EIO); /* a dead machine */
	close_file(file);
	sim_host_power_on(h);
	for (unsigned i = 0; i < 16; i++) {
		sim_inode_read(sim_disk_find(h->disk, "x"), i * 512, got, 512);
		assert_true(got[0] == 'd' || got[0] == 'e');
		kept += got[0] == 'e';
	}
	assert_in_range(kept, 0, 16);
	free(t);
	end();
}

static int64_t make_and_rename(struct drv_op *op)
{
	struct drv_fs *fs = loop_fs(loop);

	assert_false(loop_is_home(loop));
	return fs->ops->rename(fs, "dir/new", "dir/old");
}

static void a_job_runs_elsewhere_and_names_are_volatile(void **state)
{
	struct drv_fs *fs;
	struct drv_file *file;
	struct task *t;

	begin(7, 1);
	fs = loop_fs(loop);
	assert_int_equal(fs->ops->make_dir(fs, "dir"), 0);
	assert_int_equal(fs->ops->sync_dir(fs, "."), 0);
	file = open_file("dir/new", DRV_OPEN_WRITE | DRV_OPEN_CREATE);
	close_file(file);
	t = task(DRV_JOB, NULL, 0, 0);
	t->op.job = make_and_rename;
	assert_int_equal(await(t), 0);
	free(t);
	assert_non_null(sim_disk_find(h->disk, "dir/old"));
	assert_null(sim_disk_find(h->disk, "dir/new"));
	assert_null(h->disk->safe.n > 1 ? "names are durable too early" : NULL);
	assert_int_equal(fs->ops->sync_dir(fs, "dir"), 0);
	sim_host_power_cut(h);
	sim_host_power_on(h);
	assert_non_null(sim_disk_find(h->disk, "dir/old"));
	assert_null(sim_disk_find(h->disk, "dir/new"));
	end();
}

static void one_writer_or_many_readers(void **state)
{
	struct drv_file *one, *two;
	struct gw_err err;
	struct drv_fs *fs;

	begin(8, 1);
	fs = loop_fs(loop);
	one = open_file("x", DRV_OPEN_WRITE | DRV_OPEN_CREATE);
	two = open_file("x", DRV_OPEN_READ);
	assert_int_equal(fs->ops->lock(fs, one, true, &err), 0);
	assert_int_equal(fs->ops->lock(fs, two, false, &err), -EWOULDBLOCK);
	close_file(one);
	assert_int_equal(fs->ops->lock(fs, two, false, &err), 0);
	close_file(two);
	end();
}

/* What is sent from there is what the file has at that moment. */
static void lent_bytes_change(void **state)
{
	struct drv_file *file;
	const void *at;
	uint8_t got[100];

	begin(15, 1);
	file = open_file("disk.img", DRV_OPEN_READ | DRV_OPEN_WRITE | DRV_OPEN_CREATE);
	h->disk->lend_odds = SIM_LEND_ALWAYS;
	assert_null(loop_lend(loop, file, 0, 1)); /* it is empty */
	assert_int_equal(run(DRV_WRITE, file, 0, 'a'), 8192);
	assert_null(loop_lend(loop, file, 8000, 193));
	at = loop_lend(loop, file, 8000, 192);
	assert_non_null(at);
	assert_true(sim_lend_copy(h->world, got, at, 100));
	assert_int_equal(got[99], 'a');
	assert_int_equal(run(DRV_WRITE, file, 0, 'b'), 8192);
	assert_true(sim_lend_copy(h->world, got, (const uint8_t *)at + 92, 100));
	assert_int_equal(got[99], 'b');
	assert_true(sim_lend_copy(h->world, got, "memory", 7));
	assert_string_equal(got, "memory");
	assert_int_equal(loop_fs(loop)->ops->truncate(loop_fs(loop), file, 8100), 0);
	assert_false(sim_lend_copy(h->world, got, (const uint8_t *)at + 92, 100));
	loop_torn(loop);
	assert_null(loop_lend(loop, file, 0, 192));
	sim_host_run(h, 5 * SIM_S);
	assert_non_null(loop_lend(loop, file, 0, 192));
	h->disk->fail_next[DRV_READ] = EIO; /* then it must be read */
	assert_null(loop_lend(loop, file, 0, 192));
	close_file(file);
	end();
}

/* ---- streams: an echo ---------------------------------------------------- */

static struct {
	struct drv_op accept, recv, send;
	struct iovec recv_iov, send_iov;
	uint8_t buf[3000];
	int sock;
	unsigned accepted;
	int64_t ended;
	bool over;
} echo;

static void echo_recv(void)
{
	echo.recv_iov = (struct iovec){ echo.buf, sizeof(echo.buf) };
	loop_submit(loop, &echo.recv);
}

static void echo_sent(struct drv_op *op, int64_t res)
{
	if (res > 0)
		echo_recv();
	else
		echo.over = true;
}

static void echo_got(struct drv_op *op, int64_t res)
{
	if (res <= 0) {
		echo.ended = res;
		echo.over = true;
		return;
	}
	echo.send_iov = (struct iovec){ echo.buf, (size_t)res };
	loop_submit(loop, &echo.send);
}

static void echo_accepted(struct drv_op *op, int64_t res)
{
	if (res == -ECANCELED)
		return;
	echo.accepted++;
	echo.sock = (int)res;
	echo.recv = (struct drv_op){ .done = echo_got,
				     .kind = DRV_RECV,
				     .sock = echo.sock,
				     .iov = &echo.recv_iov,
				     .niov = 1 };
	echo.send = (struct drv_op){ .done = echo_sent,
				     .kind = DRV_SEND,
				     .sock = echo.sock,
				     .iov = &echo.send_iov,
				     .niov = 1 };
	echo_recv();
}

static const struct loop_addr port = { .family = LOOP_ADDR_INET, .port = 7 };

static void echo_listen(void)
{
	struct loop_addr addr = port;
	int sock;

	memset(&echo, 0, sizeof(echo));
	assert_int_equal(loop_listen(loop, &addr, &sock, NULL), 0);
	echo.accept = (struct drv_op){ .done = echo_accepted, .kind = DRV_ACCEPT, .sock = sock };
	loop_submit(loop, &echo.accept);
}

static void echo_stop(void)
{
	assert_true(echo.over);
	loop_sock_close(loop, echo.sock);
	loop_cancel(loop, &echo.accept);
	sim_host_run(h, SIM_S);
	loop_sock_close(loop, echo.accept.sock);
	assert_int_equal(sim_sock_open(h->net), 0);
}

static struct {
	struct sim_conn *conn;
	uint8_t out[20000], in[20000];
	size_t got;
	int closed;
	bool decided;
} client;

static void on_connected(void *arg)
{
	sim_net_send(client.conn, client.out, sizeof(client.out));
}

static size_t on_data(void *arg, const uint8_t *buf, size_t len)
{
	memcpy(client.in + client.got, buf, len);
	client.got += len;
	return len;
}

static void on_closed(void *arg, int errnum)
{
	client.closed = errnum ? errnum : -1;
}

static void on_decided(void *arg)
{
	client.decided = true;
}

static const struct sim_conn_ops client_ops = { on_connected, on_data, on_closed, on_decided };

static void client_start(void)
{
	memset(&client, 0, sizeof(client));
	for (size_t i = 0; i < sizeof(client.out); i++)
		client.out[i] = (uint8_t)(i * 7 + i / 256);
	client.conn = sim_net_connect(h->net, &port, &client_ops, NULL);
}

static uint64_t echo_run(uint64_t seed)
{
	uint64_t hash;

	begin(seed, 1);
	echo_listen();
	client_start();
	sim_host_run(h, 10 * SIM_S);
	assert_int_equal(client.got, sizeof(client.out));
	assert_memory_equal(client.in, client.out, sizeof(client.out));
	sim_net_close(client.conn);
	sim_host_run(h, 10 * SIM_S);
	assert_int_equal(echo.ended, 0);
	assert_true(client.decided);
	echo_stop();
	hash = h->world->trace.hash;
	end();
	return hash;
}

static void an_echo_gives_back_every_byte(void **state)
{
	for (uint64_t seed = 1; seed < 40; seed++)
		echo_run(seed);
}

static void the_same_seed_is_the_same_run(void **state)
{
	void *other;
	uint64_t once;

	for (uint64_t seed = 1; seed < 10; seed++) {
		once = echo_run(seed);
		other = malloc(seed * 1000); /* other addresses */
		assert_int_equal(echo_run(seed), once);
		assert_int_not_equal(echo_run(seed + 100), once);
		free(other);
	}
}

static void a_cut_is_learned_by_both(void **state)
{
	for (unsigned seed = 1; seed < 20; seed++) {
		begin(seed, 1);
		echo_listen();
		client_start();
		sim_host_run(h, 100 * SIM_US + seed * 100 * SIM_US);
		sim_net_cut(client.conn, SIM_CUT_BOTH);
		sim_host_run(h, 100 * SIM_S);
		assert_int_equal(client.closed, ECONNRESET);
		if (echo.accepted)
			echo_stop();
		assert_true(client.decided || !echo.accepted);
		if (!echo.accepted) {
			loop_cancel(loop, &echo.accept);
			sim_host_run(h, SIM_S);
			loop_sock_close(loop, echo.accept.sock);
		}
		end();
	}
}

static void a_slow_reader_fills_the_window(void **state)
{
	begin(11, 1);
	echo_listen();
	client_start();
	client.conn->send_room = 1000;
	client.conn->down.window = 2000;
	sim_host_run(h, 2 * SIM_MS);
	sim_net_pause(client.conn, true);
	sim_host_run(h, 10 * SIM_S);
	assert_true(client.got < sizeof(client.out));
	assert_int_equal(echo.send.busy, 1);
	sim_net_pause(client.conn, false);
	sim_host_run(h, 10 * SIM_S);
	assert_int_equal(client.got, sizeof(client.out));
	sim_net_reset(client.conn);
	sim_host_run(h, 10 * SIM_S);
	assert_int_equal(echo.ended, -ECONNRESET);
	echo_stop();
	end();
}

static void nobody_listens(void **state)
{
	begin(12, 1);
	client_start();
	sim_host_run(h, SIM_S);
	assert_int_equal(client.closed, ECONNREFUSED);
	end();
}

/* ---- timers -------------------------------------------------------------- */

static struct loop_timer timer;
static uint64_t fired_ns;

static void timer_fires(struct loop_timer *t)
{
	fired_ns = h->world->now_ns;
}

static void a_timer_fires_on_time_and_nothing_in_between(void **state)
{
	uint64_t steps, start;

	begin(13, 1);
	start = h->world->now_ns;
	loop_timer_init(&timer, timer_fires);
	loop_timer_arm(loop, &timer, instant_add(loop_now(loop), span_s(3600)));
	sim_host_run(h, SIM_S);
	steps = h->steps;
	sim_host_run(h, 3598 * SIM_S);
	assert_in_range(h->steps - steps, 0, 2);
	sim_host_run(h, 10 * SIM_S);
	assert_in_range(fired_ns - start, 3600 * SIM_S, 3600 * SIM_S + SIM_MS);
	end();
}

HARNESS_MAIN(cmocka_unit_test(mail_of_one_sender_keeps_order),
	     cmocka_unit_test(writes_reads_and_syncs), cmocka_unit_test(a_stalled_write_lands_late),
	     cmocka_unit_test(a_durable_write_survives_and_one_in_flight_may),
	     cmocka_unit_test(a_job_runs_elsewhere_and_names_are_volatile),
	     cmocka_unit_test(one_writer_or_many_readers), cmocka_unit_test(lent_bytes_change),
	     cmocka_unit_test(an_echo_gives_back_every_byte),
	     cmocka_unit_test(the_same_seed_is_the_same_run),
	     cmocka_unit_test(a_cut_is_learned_by_both),
	     cmocka_unit_test(a_slow_reader_fills_the_window), cmocka_unit_test(nobody_listens),
	     cmocka_unit_test(a_timer_fires_on_time_and_nothing_in_between))
