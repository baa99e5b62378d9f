/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loop_device.c - see loop_device.h.
 */
#include "config.h"

#include "tests/unit/plugins/loop_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gateway/base/check.h"
#include "gateway/base/scope.h"

static char name[32], backing[96], why[160];
static int device = -1;
static unsigned ending;

static const char *no(const char *what)
{
	snprintf(why, sizeof(why), "%s: %s", what, strerror(errno));
	loop_device_drop();
	return NULL;
}

static int make_backing(const char *folder, uint64_t bytes)
{
	int fd;

	snprintf(backing, sizeof(backing), "%s/sluice-loop-XXXXXX", folder);
	fd = mkstemp(backing);
	if (fd >= 0 && !ftruncate(fd, (off_t)bytes))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Another test may take the number that we were told: then the next one. */
static int configure(int control, const struct loop_config *config)
{
	for (int tries = 0; tries < 20; tries++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE);

		if (n < 0)
			return -1;
		snprintf(name, sizeof(name), "/dev/loop%d", n);
		device = open(name, O_RDWR | O_CLOEXEC);
		if (device < 0)
			return -1;
		if (!ioctl(device, LOOP_CONFIGURE, config))
			return 0;
		close(device);
		device = -1;
		if (errno != EBUSY)
			return -1;
	}
	return -1;
}

const char *loop_device_make(const char *folder, uint64_t bytes, unsigned block_bytes)
{
	scope_fd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	scope_fd int file = -1;
	struct loop_config config = { .block_size = block_bytes };

	loop_device_drop(); /* of a case that failed */
	if (!ending++)
		atexit(loop_device_drop); /* also where a case fails */
	if (control < 0)
		return no("/dev/loop-control");
	file = make_backing(folder, bytes);
	if (file < 0)
		return no(backing);
	config.fd = (uint32_t)file;
	if (configure(control, &config))
		return no("a loop device");
	/* Our own descriptor is no hindrance to one that wants it exclusively. */
	return name;
}

const char *loop_device_why(void)
{
	return why;
}

void loop_device_below(uint64_t offset, void *to, size_t bytes)
{
	scope_fd int fd = open(backing, O_RDONLY | O_CLOEXEC);

	GW_CHECK(pread(fd, to, bytes, (off_t)offset) == (ssize_t)bytes);
}

void loop_device_clear(void)
{
	static const char zeroes[65536];
	uint64_t at = 0;

	while (pwrite(device, zeroes, sizeof(zeroes), (off_t)at) == (ssize_t)sizeof(zeroes))
		at += sizeof(zeroes);
	GW_CHECK(!fsync(device));
}

void loop_device_resize(uint64_t bytes)
{
	GW_CHECK(!truncate(backing, (off_t)bytes));
	GW_CHECK(!ioctl(device, LOOP_SET_CAPACITY));
}

void loop_device_drop(void)
{
	if (device >= 0) {
		ioctl(device, LOOP_CLR_FD, 0);
		close(device);
	}
	device = -1;
	if (backing[0])
		unlink(backing);
	backing[0] = '\0';
}
