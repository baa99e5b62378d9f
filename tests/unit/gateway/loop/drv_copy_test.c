/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is copied is right, at every edge; what is not there ends the copy and not the
 * program; every other SIGBUS ends it, or goes to whom it went before.
 */
#include "config.h"

#include "tests/unit/gateway/loop/rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/loop/drv_copy.h"
#include "gateway/loop/loop_thread.h"

const struct drv_ops *rig_driver = &drv_aio;

#define PAGE 4096U
#define SIZE (4 * PAGE)
#define THREADS 3

static char *folder, path[300];
static uint8_t bytes[SIZE];
static uint8_t *mapped;
static int fd;

static int begin(void **state)
{
	(void)state;
	folder = rig_folder("/var/tmp");
	assert_non_null(folder);
	snprintf(path, sizeof(path), "%s/image", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	rig_fill(bytes, SIZE, 5);
	assert_int_equal(pwrite(fd, bytes, SIZE, 0), SIZE);
	mapped = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mapped, MAP_FAILED);
	return 0;
}

static int end(void **state)
{
	(void)state;
	munmap(mapped, SIZE);
	close(fd);
	rig_folder_remove(folder);
	return 0;
}

/* Not here: then nothing is copied, which is all there is to see. */
static bool is_here(void)
{
	if (drv_copy_ready())
		return true;
	assert_false(drv_copy(bytes, mapped, 1));
	print_message("# skipped: this processor's files are read\n");
	return false;
}

static void every_edge(void **state)
{
	static const size_t lengths[] = { 0, 1, 7, 64, 511, 4095, 4096, 4097, 9000 };
	uint8_t got[SIZE];

	(void)state;
	if (!is_here())
		return;
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (size_t at = 0; at < 70; at += 23) {
			memset(got, 0xee, sizeof(got));
			assert_true(drv_copy(got + at, mapped + 2 * at, lengths[i]));
			assert_memory_equal(got + at, bytes + 2 * at, lengths[i]);
			for (size_t j = 0; j < at; j++)
				assert_int_equal(got[j], 0xee);
			assert_int_equal(got[at + lengths[i]], 0xee);
		}
}

static void a_page_that_is_gone(void **state)
{
	uint8_t got[SIZE];

	(void)state;
	if (!is_here())
		return;
	assert_int_equal(ftruncate(fd, 2 * PAGE), 0);
	for (int again = 0; again < 3; again++) {
		assert_true(drv_copy(got, mapped, 2 * PAGE));
		assert_false(drv_copy(got, mapped, SIZE));
		assert_false(drv_copy(got, mapped + 2 * PAGE, 1));
	}
	assert_int_equal(ftruncate(fd, SIZE), 0);
	assert_true(drv_copy(got, mapped, SIZE));
	assert_memory_equal(got, bytes, 2 * PAGE);
	assert_int_equal(got[2 * PAGE], 0);
}

static atomic_uint copied, refused;
static atomic_bool over;

static void *copy_on(void *arg)
{
	uint8_t got[SIZE];

	(void)arg;
	while (!over)
		if (drv_copy(got, mapped, SIZE))
			copied++;
		else
			refused++;
	return NULL;
}

/* On threads such as loops are, whose signals are the main thread's. */
static void cut_under_threads(void **state)
{
	pthread_t thread[THREADS];

	(void)state;
	if (!is_here())
		return;
	copied = refused = 0;
	over = false;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(loop_thread_start(&thread[i], copy_on, NULL), 0);
	for (int i = 0; i < 20000 && (i < 300 || copied < 100 || refused < 100); i++) {
		assert_int_equal(ftruncate(fd, PAGE), 0);
		usleep(50);
		assert_int_equal(ftruncate(fd, SIZE), 0);
		usleep(50);
	}
	over = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_true(copied && refused);
}

static void leave_by_seven(int number)
{
	(void)number;
	_exit(7);
}

/* How a child ends that touches what is not there without asking; before: whose SIGBUS
 * it was when the copy came. */
static int touch(void (*before)(int number))
{
	int status = 0;
	pid_t child = fork();

	if (!child) {
		struct rlimit no_core = { 0, 0 };
		struct sigaction action = { .sa_handler = before };

		setrlimit(RLIMIT_CORE, &no_core);
		sigaction(SIGBUS, &action, NULL);
		drv_copy_ready();
		drv_copy(bytes, mapped + PAGE, 1);
		_exit(*(volatile uint8_t *)(mapped + PAGE) ? 1 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* The first case of the program: in the children it is not installed yet. */
static void any_other(void **state)
{
	int status;

	(void)state;
	assert_int_equal(ftruncate(fd, PAGE), 0);
	status = touch(SIG_DFL);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
	status = touch(leave_by_seven);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

HARNESS_MAIN(CASE(any_other), CASE(every_edge), CASE(a_page_that_is_gone), CASE(cut_under_threads))
