/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lock on an image: against another process with flock, against qemu's own
 * tools where they are installed, and against each other.
 */
#include "config.h"

#include "tests/unit/gateway/loop/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/loop/drv_lock.h"

const struct drv_ops *rig_driver = &drv_aio;

static char *folder;
static char path[300];

static void up(void)
{
	int fd;

	folder = rig_folder("/var/tmp");
	assert_non_null(folder);
	snprintf(path, sizeof(path), "%s/image", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	close(fd);
}

static int open_image(int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* What another process does, until it is told to end. */
static pid_t start_holder(int how)
{
	int ready[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		int fd = open_image(O_RDWR);
		struct flock byte = { .l_type = F_RDLCK, .l_start = 101, .l_len = 1 };

		if (how == 'q') /* as qemu does, writing */
			fcntl(fd, F_OFD_SETLK, &byte);
		else
			flock(fd, how == 'x' ? LOCK_EX : LOCK_SH);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void stop_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void refused_by(pid_t pid, bool exclusive)
{
	struct gw_err err = GW_ERR_NONE;
	int fd = open_image(exclusive ? O_RDWR : O_RDONLY);
	char want[64];

	assert_int_equal(drv_lock_take(fd, path, exclusive, &err), -EWOULDBLOCK);
	snprintf(want, sizeof(want), "is locked by pid %d (", (int)pid);
	if (!strstr(err.text, want) || !strstr(err.text, path))
		fail_msg("%s", err.text);
	close(fd);
}

static void taken(bool exclusive)
{
	struct gw_err err = GW_ERR_NONE;
	int fd = open_image(exclusive ? O_RDWR : O_RDONLY);

	if (drv_lock_take(fd, path, exclusive, &err))
		fail_msg("%s", err.text);
	close(fd);
}

static void another_writes(void **state)
{
	pid_t pid;

	(void)state;
	up();
	pid = start_holder('x');
	refused_by(pid, true);
	refused_by(pid, false);
	stop_holder(pid);
	taken(true);
	taken(false);
	rig_folder_remove(folder);
}

static void another_reads(void **state)
{
	pid_t pid;

	(void)state;
	up();
	pid = start_holder('s');
	refused_by(pid, true);
	taken(false);
	stop_holder(pid);
	taken(true);
	rig_folder_remove(folder);
}

static void one_that_locks_like_qemu(void **state)
{
	pid_t pid;

	(void)state;
	up();
	pid = start_holder('q');
	refused_by(pid, true);
	refused_by(pid, false);
	stop_holder(pid);
	taken(true);
	rig_folder_remove(folder);
}

static void among_ourselves(void **state)
{
	struct gw_err err = GW_ERR_NONE;
	int a, b;

	(void)state;
	up();
	a = open_image(O_RDWR);
	b = open_image(O_RDONLY);
	assert_int_equal(drv_lock_take(a, path, true, &err), 0);
	assert_int_equal(drv_lock_take(b, path, false, &err), -EWOULDBLOCK);
	assert_non_null(strstr(err.text, "this process"));
	drv_lock_drop(a);
	assert_int_equal(drv_lock_take(b, path, false, &err), 0);
	assert_int_equal(drv_lock_take(a, path, false, &err), 0);
	close(a);
	close(b);
	rig_folder_remove(folder);
}

/* ---- the real qemu ------------------------------------------------------- */

static bool have_qemu(void)
{
	return !system("qemu-io --version >/dev/null 2>&1");
}

static int qemu_writes(void)
{
	char command[500];

	snprintf(command, sizeof(command), "qemu-io -f raw -c 'write 0 4k' %s >/dev/null 2>&1",
		 path);
	return system(command);
}

static int qemu_reads(void)
{
	char command[500];

	snprintf(command, sizeof(command), "qemu-io -r -f raw -c 'read 0 4k' %s >/dev/null 2>&1",
		 path);
	return system(command);
}

static void we_keep_qemu_out(void **state)
{
	int fd;

	(void)state;
	if (!have_qemu()) {
		print_message("# no qemu-io here\n");
		return;
	}
	up();
	assert_int_equal(qemu_writes(), 0);
	fd = open_image(O_RDWR);
	assert_int_equal(drv_lock_take(fd, path, true, NULL), 0);
	assert_int_not_equal(qemu_writes(), 0);
	close(fd); /* (its tools read beside a writer: they say that they share) */
	fd = open_image(O_RDONLY);
	assert_int_equal(drv_lock_take(fd, path, false, NULL), 0);
	assert_int_not_equal(qemu_writes(), 0);
	assert_int_equal(qemu_reads(), 0);
	close(fd);
	assert_int_equal(qemu_writes(), 0);
	rig_folder_remove(folder);
}

/* qemu-io on a pipe holds the image until its input ends. */
static void qemu_keeps_us_out(void **state)
{
	char command[500];
	struct gw_err err = GW_ERR_NONE;
	FILE *qemu;
	int fd, rc = 0;

	(void)state;
	if (!have_qemu()) {
		print_message("# no qemu-io here\n");
		return;
	}
	up();
	snprintf(command, sizeof(command), "exec qemu-io -f raw %s >/dev/null 2>&1", path);
	qemu = popen(command, "w");
	assert_non_null(qemu);
	fd = open_image(O_RDWR);
	for (int i = 0; i < 100 && !rc; i++) {
		rc = drv_lock_take(fd, path, true, &err);
		if (!rc) {
			drv_lock_drop(fd);
			usleep(50000);
		}
	}
	assert_int_equal(rc, -EWOULDBLOCK);
	if (!strstr(err.text, "(qemu-io)"))
		fail_msg("%s", err.text);
	assert_int_equal(drv_lock_take(fd, path, false, &err), -EWOULDBLOCK);
	pclose(qemu);
	assert_int_equal(drv_lock_take(fd, path, true, &err), 0);
	close(fd);
	rig_folder_remove(folder);
}

HARNESS_MAIN(cmocka_unit_test(another_writes), cmocka_unit_test(another_reads),
	     cmocka_unit_test(one_that_locks_like_qemu), cmocka_unit_test(among_ourselves),
	     cmocka_unit_test(we_keep_qemu_out), cmocka_unit_test(qemu_keeps_us_out))
