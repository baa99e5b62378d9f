/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_file_test.c - regular files on the real driver: what is refused and made,
 * holes, a full disk, and a file that is cut or grows while it is served.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/scope.h"
#include "tests/harness/harness.h"
#include "tests/unit/plugins/store_rig.h"

#define KIB 1024u
#define HOLE (GW_EXTENT_HOLE | GW_EXTENT_ZERO)

extern const struct gw_store_ops st_file_ops;

static struct rig rig;
static struct rig_extents found;
static uint8_t bytes[256 * KIB], got[256 * KIB];

static int begin(void **state)
{
	(void)state;
	found.most = 0;
	memset(bytes, 0x5a, sizeof(bytes));
	return rig_loops(&rig, 1, NULL) ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	rig_loops_end(&rig);
	rig_scratch_end();
	return 0;
}

static void make_file(const char *path, off_t size)
{
	scope_fd int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
}

static void serve(const char *path, const char *size)
{
	struct gw_store_args args = { .target = path, .size_text = size };

	if (rig_open(&rig, &st_file_ops, args))
		fail_msg("%s", rig.err.text);
}

static void refuse(struct gw_store_args args, int errnum, const char *words)
{
	assert_int_equal(rig_open(&rig, &st_file_ops, args), -errnum);
	assert_non_null(strstr(rig.err.text, args.target));
	if (!strstr(rig.err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", rig.err.text, words);
}

static void expect_run(unsigned i, uint64_t length, uint32_t flags)
{
	assert_true(i < found.n);
	assert_int_equal(found.run[i].length, length);
	assert_int_equal(found.run[i].flags, flags);
}

/* ---- opening ------------------------------------------------------------ */

static void what_is_no_file(void **state)
{
	const char *pipe_path = rig_scratch("/var/tmp", "pipe");

	(void)state;
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	refuse((struct gw_store_args){ .target = "/var/tmp" }, EISDIR, "");
	refuse((struct gw_store_args){ .target = "/var/tmp", .read_only = true }, EISDIR, "folder");
	refuse((struct gw_store_args){ .target = pipe_path }, EINVAL, "neither");
	refuse((struct gw_store_args){ .target = pipe_path, .read_only = true }, EINVAL, "neither");
	refuse((struct gw_store_args){ .target = "/dev/null" }, EINVAL, "neither");
	refuse((struct gw_store_args){ .target = "/no/such/folder/x" }, ENOENT, "does not exist");
	refuse((struct gw_store_args){ .target = "/no/such/folder/x", .size_text = "1M" }, ENOENT,
	       "cannot open");
}

static void sizes_that_are_none(void **state)
{
	struct gw_store_args args = { .target = rig_scratch("/var/tmp", "new.img") };

	(void)state;
	args.size_text = "lots";
	refuse(args, EINVAL, "not a size");
	args.size_text = "511";
	refuse(args, EINVAL, "not a size");
	args.size_text = "7E"; /* more than ext4 can */
	refuse(args, EFBIG, "cannot be made");
	assert_int_equal(access(args.target, F_OK), -1); /* nothing is left behind */
	args.size_text = "1M";
	args.read_only = true;
	refuse(args, ENOENT, "does not exist");
}

static void made_sparse(void **state)
{
	const char *path = rig_scratch("/var/tmp", "new.img");
	struct stat st;

	(void)state;
	serve(path, "100G");
	assert_int_equal(rig.info.size_bytes, 100ull << 30);
	assert_true(rig.info.volatile_cache && !rig.info.fua);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_blocks < 64);
	assert_int_equal(rig_extents(&rig, 0, 100ull << 30, 0, &found), GW_OK);
	assert_int_equal(found.n, 1);
	expect_run(0, 100ull << 30, HOLE);
	rig_close(&rig);
	serve(path, "1M"); /* it is there: its size is its own */
	assert_int_equal(rig.info.size_bytes, 100ull << 30);
	rig_close(&rig);
}

static void empty_and_odd_sizes(void **state)
{
	const char *path = rig_scratch("/var/tmp", "odd.img");

	(void)state;
	make_file(path, 0);
	refuse((struct gw_store_args){ .target = path }, EINVAL, "is empty");
	serve(path, "1M");
	assert_int_equal(rig.info.size_bytes, 1 << 20);
	rig_close(&rig);
	make_file(path, 70000);
	serve(path, NULL);
	assert_int_equal(rig.info.size_bytes, 69632);
	rig_close(&rig);
}

static void in_use(void **state)
{
	const char *path = rig_scratch("/var/tmp", "used.img");
	struct gw_store_args args = { .target = path }, reader = { path, .read_only = true };
	struct rig other;

	(void)state;
	make_file(path, 1 << 20);
	assert_true(rig_loops(&other, 1, NULL));
	assert_int_equal(rig_open(&other, &st_file_ops, args), 0);
	refuse(args, EWOULDBLOCK, "locked by");
	refuse(reader, EWOULDBLOCK, "locked by");
	rig_close(&other);
	assert_int_equal(rig_open(&other, &st_file_ops, reader), 0);
	assert_int_equal(rig_open(&rig, &st_file_ops, reader), 0); /* readers share */
	rig_close(&rig);
	refuse(args, EWOULDBLOCK, "locked by");
	rig_close(&other);
	serve(path, NULL);
	rig_close(&rig);
	rig_loops_end(&other);
}

/* A child that holds the lock until its end of the pipe is closed. */
static pid_t hold(const char *path, int *until)
{
	int ends[2], ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends) | pipe(ready), 0);
	pid = fork();
	if (!pid) {
		int fd = open(path, O_RDWR);

		close(ends[1]);
		if (fd >= 0 && !flock(fd, LOCK_EX) && write(ready[1], "x", 1) == 1)
			while (read(ends[0], &byte, 1) > 0)
				;
		_exit(0);
	}
	close(ends[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*until = ends[1];
	return pid;
}

static void in_use_by_another(void **state)
{
	const char *path = rig_scratch("/var/tmp", "held.img");
	char words[32];
	int until;
	pid_t pid;

	(void)state;
	make_file(path, 1 << 20);
	pid = hold(path, &until);
	snprintf(words, sizeof(words), "pid %d", (int)pid);
	refuse((struct gw_store_args){ .target = path }, EWOULDBLOCK, words);
	refuse((struct gw_store_args){ .target = path, .read_only = true }, EWOULDBLOCK, words);
	close(until);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	serve(path, NULL);
	rig_close(&rig);
}

static void read_only(void **state)
{
	const char *path = rig_scratch("/var/tmp", "ro.img");

	(void)state;
	make_file(path, 1 << 20);
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(rig_open(&rig, &st_file_ops,
				  (struct gw_store_args){ .target = path, .read_only = true }),
			 0);
	assert_true(rig.info.read_only);
	assert_int_equal(rig_read(&rig, 0, got, 4096), GW_OK);
	assert_int_equal(rig_range(&rig, GW_FLUSH, 0, 0, 0), GW_OK);
	rig_close(&rig);
}

/* ---- bytes -------------------------------------------------------------- */

static void holes(void **state)
{
	const char *path = rig_scratch("/var/tmp", "holes.img");
	struct stat st;

	(void)state;
	serve(path, "1M");
	assert_int_equal(rig_write(&rig, 0, bytes, 64 * KIB, 0), GW_OK);
	assert_int_equal(rig_write(&rig, 128 * KIB, bytes, 64 * KIB, GW_FUA), GW_OK);
	assert_int_equal(rig_range(&rig, GW_FLUSH, 0, 0, 0), GW_OK);
	assert_int_equal(rig_extents(&rig, 0, 1 << 20, 0, &found), GW_OK);
	assert_int_equal(found.n, 4);
	expect_run(0, 64 * KIB, GW_EXTENT_DATA);
	expect_run(1, 64 * KIB, HOLE);
	expect_run(2, 64 * KIB, GW_EXTENT_DATA);
	expect_run(3, 832 * KIB, HOLE);
	assert_int_equal(rig_extents(&rig, 10 * KIB, 100 * KIB, GW_EXTENT_ONE, &found), GW_OK);
	assert_int_equal(found.n, 1);
	expect_run(0, 54 * KIB, GW_EXTENT_DATA);
	assert_int_equal(rig_range(&rig, GW_UNMAP, 0, 64 * KIB, GW_FUA), GW_OK);
	assert_int_equal(rig_extents(&rig, 0, 1 << 20, 0, &found), GW_OK);
	assert_int_equal(found.n, 3);
	expect_run(0, 128 * KIB, HOLE);
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_blocks, 128, 144);
	/* NO_HOLE keeps room for 64 KiB. */
	assert_int_equal(rig_range(&rig, GW_ZERO, 128 * KIB, 64 * KIB, GW_NO_HOLE), GW_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_blocks, 128, 144);
	assert_int_equal(rig_read(&rig, 128 * KIB, got, 64 * KIB), GW_OK);
	assert_int_equal(got[0] | got[65535], 0);
	rig_close(&rig);
}

static void cut_while_served(void **state)
{
	const char *path = rig_scratch("/var/tmp", "cut.img");

	(void)state;
	serve(path, "1M");
	assert_int_equal(rig_write(&rig, 0, bytes, sizeof(bytes), 0), GW_OK);
	assert_int_equal(truncate(path, 100 * KIB), 0);
	assert_int_equal(rig_read(&rig, 0, got, 100 * KIB), GW_OK);
	assert_int_equal(rig_read(&rig, 96 * KIB, got, 8 * KIB), GW_MEDIUM_ERROR);
	assert_int_equal(rig_read(&rig, 512 * KIB, got, 4096), GW_MEDIUM_ERROR);
	assert_int_equal(rig.ops->refresh(rig.store, &rig.info, &rig.err), 0);
	assert_int_equal(rig.info.size_bytes, 100 * KIB);
	assert_int_equal(truncate(path, 2 << 20), 0);
	assert_int_equal(rig.ops->refresh(rig.store, &rig.info, &rig.err), 0);
	assert_int_equal(rig.info.size_bytes, 2 << 20);
	assert_int_equal(rig_read(&rig, 2048 * KIB - 4096, got, 4096), GW_OK);
	assert_int_equal(got[0], 0);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(rig.ops->refresh(rig.store, &rig.info, &rig.err), 0);
	assert_int_equal(rig.info.size_bytes, 0);
	rig_close(&rig);
}

/* Cut and grown by somebody while requests are under way: each of them ends,
 * and a read that says OK has only old bytes or zeroes. */
static void cut_under_load(void **state)
{
	const char *path = rig_scratch("/var/tmp", "load.img");
	enum { N = 32 };
	static uint8_t buf[N][4096];
	static struct rig_io rio[N];
	struct iovec iov[N];

	(void)state;
	serve(path, "256K");
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < N; i++) {
			iov[i] = (struct iovec){ buf[i], 4096 };
			memset(buf[i], 0x5a, 4096);
			rio[i] = (struct rig_io){ .io = { .op = i % 4 ? GW_READ : GW_WRITE } };
			rio[i].io.iov = &iov[i];
			rio[i].io.niov = 1;
			rio[i].io.length = 4096;
			rio[i].io.offset = (uint64_t)i * 8192;
			rig_submit(&rig, 0, &rio[i]);
			if (i == N / 2)
				assert_int_equal(truncate(path, round % 3 ? 8192 : 256 * KIB), 0);
		}
		for (unsigned i = 0; i < N; i++) {
			rig_turn_until(&rig, &rio[i].ended);
			if (rio[i].io.op == GW_WRITE)
				assert_int_equal(rio[i].status, GW_OK);
			else if (rio[i].status == GW_OK)
				assert_true(buf[i][0] == 0 || buf[i][0] == 0x5a);
			else
				assert_int_equal(rio[i].status, GW_MEDIUM_ERROR);
		}
	}
	rig_close(&rig);
}

/* ---- a full disk -------------------------------------------------------- */

static void fill_up(const char *path)
{
	unsigned refused = 0;

	serve(path, "64M");
	for (unsigned i = 0; i < 64; i++) {
		enum gw_status status = rig_write(&rig, (uint64_t)i << 20, bytes, sizeof(bytes), 0);

		if (status != GW_OK) {
			assert_int_equal(status, GW_NO_SPACE);
			refused++;
		}
	}
	assert_true(refused > 0 && refused < 64);
	/* What went in is there, and room that is given back can be used. */
	assert_int_equal(rig_read(&rig, 0, got, sizeof(got)), GW_OK);
	assert_memory_equal(got, bytes, sizeof(got));
	assert_int_equal(rig_range(&rig, GW_UNMAP, 0, 2 << 20, 0), GW_OK);
	assert_int_equal(rig_write(&rig, 0, bytes, 64 * KIB, 0), GW_OK);
	rig_close(&rig);
}

/* A small tmpfs, in a mount namespace that ends with this process. */
static void no_space(void **state)
{
	const char *path = rig_scratch("/var/tmp", "full.img");
	char folder[256];

	(void)state;
	snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", folder, "tmpfs", 0, "size=8m")) {
		print_message("# no_space: skipped: cannot mount a small tmpfs (%s)\n",
			      strerror(errno));
		return;
	}
	fill_up(path);
	umount2(folder, MNT_DETACH);
}

static void size_limit(void **state)
{
	const char *path = rig_scratch("/var/tmp", "limit.img");
	struct rlimit before, limit;

	(void)state;
	make_file(path, 2 << 20);
	serve(path, NULL);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	limit = before;
	limit.rlim_cur = 1 << 20;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	/* Also behind the limit and inside the file: the kernel minds the offset. */
	assert_int_equal(rig_write(&rig, 1536 * KIB, bytes, 4096, 0), GW_NO_SPACE);
	assert_int_equal(rig_write(&rig, 512 * KIB, bytes, 4096, 0), GW_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	rig_close(&rig);
}

/* ---- O_DIRECT ----------------------------------------------------------- */

static void direct(void **state)
{
	struct gw_store_args args = { .target = rig_scratch("/var/tmp", "direct.img") };
	uint8_t *page = aligned_alloc(4096, 8192);

	(void)state;
	assert_non_null(page);
	args.direct = true;
	args.size_text = "1000000";
	if (rig_open(&rig, &st_file_ops, args))
		fail_msg("%s", rig.err.text);
	assert_true(rig.info.align_bytes >= 512);
	assert_int_equal(rig.info.size_bytes % rig.info.align_bytes, 0);
	memset(page, 3, 8192);
	assert_int_equal(rig_write(&rig, 4096, page, 8192, GW_FUA), GW_OK);
	memset(page, 0, 8192);
	assert_int_equal(rig_read(&rig, 8192, page, 4096), GW_OK);
	assert_int_equal(page[0], 3);
	assert_int_equal(rig_range(&rig, GW_ZERO, 4096, 4096, GW_NO_HOLE), GW_OK);
	assert_int_equal(rig_read(&rig, 4096, page, 4096), GW_OK);
	assert_int_equal(page[0], 0);
	assert_int_equal(truncate(args.target, 4096), 0);
	assert_int_equal(rig_read(&rig, 4096, page, 4096), GW_MEDIUM_ERROR);
	rig_close(&rig);
	free(page);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

HARNESS_MAIN(CASE(what_is_no_file), CASE(sizes_that_are_none), CASE(made_sparse),
	     CASE(empty_and_odd_sizes), CASE(in_use), CASE(in_use_by_another), CASE(read_only),
	     CASE(holes), CASE(cut_while_served), CASE(cut_under_load), CASE(no_space),
	     CASE(size_limit), CASE(direct))
