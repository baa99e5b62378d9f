/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who holds a port, a lock or a device (drv_holder.h).  Linux does not say it
 * directly: a socket's inode stands in /proc/net, a lock's owner in
 * /proc/locks (not for OFD locks, which belong to an open file: those show in
 * the fdinfo of whoever has it open), and then all of /proc/PID/fd is searched.
 */
#include "config.h"

#include "gateway/loop/drv_holder.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "gateway/base/scope.h"

static void add_pid(struct str *s, int pid)
{
	char path[64], name[64] = "";
	scope_file FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f && fgets(name, sizeof(name), f))
		name[strcspn(name, "\n")] = 0;
	str_addf(s, "pid %d", pid);
	if (*name) {
		str_add(s, " (");
		str_add_escaped(s, name, strlen(name));
		str_add(s, ")");
	}
}

static bool add_pid_or_nobody(struct str *s, int pid)
{
	if (pid > 0)
		add_pid(s, pid);
	else
		str_add(s, "another process");
	return pid > 0;
}

#define FLAG_EXITING 0x4u /* PF_EXITING of the kernel: as good as gone */

/* False: it is gone, about to end, or has SIGKILL before it.  /proc/PID/stat:
 * "pid (name) state", 9th the flags, 31st the pending signals. */
static bool is_alive(int pid)
{
	char path[64], row[1024];
	scope_file FILE *f = NULL;
	const char *rest;
	unsigned flags;
	unsigned long pending;
	char state;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f || !fgets(row, sizeof(row), f))
		return false;
	rest = strrchr(row, ')');
	if (!rest ||
	    sscanf(rest + 1,
		   " %c %*s %*s %*s %*s %*s %u %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		   "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu",
		   &state, &flags, &pending) != 3)
		return true;
	return state != 'Z' && state != 'X' && !(flags & FLAG_EXITING) &&
	       !(pending & 1UL << (SIGKILL - 1));
}

/* ---- all descriptors of all processes ----------------------------------- */

typedef bool match_fn(int pid, const char *fd, const void *what);

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool search_process(int pid, match_fn *match, const void *what)
{
	char path[64];
	scope_with(close_dir) DIR *dir = NULL;
	const struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (*entry->d_name != '.' && match(pid, entry->d_name, what))
			return true;
	return false;
}

/* The first living process with a descriptor that matches, or 0. */
static int search(match_fn *match, const void *what)
{
	scope_with(close_dir) DIR *dir = opendir("/proc");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		uint64_t pid;

		if (!str_parse_u64(entry->d_name, &pid) && pid <= INT_MAX &&
		    search_process((int)pid, match, what) && is_alive((int)pid))
			return (int)pid;
	}
	return 0;
}

/* ---- ports -------------------------------------------------------------- */

static bool is_socket(int pid, const char *fd, const void *what)
{
	char path[PATH_MAX], to[64], want[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, fd);
	n = readlink(path, to, sizeof(to) - 1);
	if (n <= 0)
		return false;
	to[n] = 0;
	snprintf(want, sizeof(want), "socket:[%lu]", *(const unsigned long *)what);
	return !strcmp(to, want);
}

/* A row of /proc/net/tcp or tcp6: "sl local:port remote:port st ... inode". */
static unsigned long listening_inode(const char *row, unsigned port)
{
	unsigned long inode;
	unsigned state, local;

	if (sscanf(row, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu",
		   &local, &state, &inode) != 3)
		return 0;
	return local == port && state == 0x0a ? inode : 0;
}

/* A row of /proc/net/unix: "num: refs proto flags type st inode path". */
static unsigned long unix_inode(const char *row, const char *want)
{
	unsigned long inode;
	char path[120];

	if (sscanf(row, "%*s %*s %*s %*s %*s %*s %lu %119s", &inode, path) != 2)
		return 0;
	return strcmp(path, want) ? 0 : inode;
}

static unsigned long find_inode(const char *table, const struct loop_addr *addr)
{
	scope_file FILE *f = fopen(table, "re");
	char row[512];
	unsigned long inode = 0;

	while (f && !inode && fgets(row, sizeof(row), f)) {
		if (addr->family == LOOP_ADDR_UNIX)
			inode = unix_inode(row, addr->path);
		else
			inode = listening_inode(row, addr->port);
	}
	return inode;
}

bool drv_holder_port(struct str *s, const struct loop_addr *addr)
{
	unsigned long inode = 0;

	if (addr->family == LOOP_ADDR_UNIX)
		inode = find_inode("/proc/net/unix", addr);
	if (addr->family == LOOP_ADDR_INET)
		inode = find_inode("/proc/net/tcp", addr);
	/* One that listens on all of IPv6 has the port of IPv4 as well. */
	if (!inode && addr->family != LOOP_ADDR_UNIX)
		inode = find_inode("/proc/net/tcp6", addr);
	return add_pid_or_nobody(s, inode ? search(is_socket, &inode) : 0);
}

/* ---- locks -------------------------------------------------------------- */

/* "1: FLOCK  ADVISORY  WRITE 1234 fd:00:5678 0 EOF": is it this file's? */
static int lock_owner(const char *row, const struct stat *file)
{
	unsigned major, minor;
	unsigned long inode;
	int pid;

	if (sscanf(row, "%*d: %*s %*s %*s %d %x:%x:%lu", &pid, &major, &minor, &inode) != 4)
		return 0;
	if (inode != file->st_ino || makedev(major, minor) != file->st_dev)
		return 0;
	return pid;
}

/* Does this descriptor hold a lock of that file? */
static bool holds_lock(int pid, const char *fd, const void *what)
{
	const struct stat *file = what;
	char path[PATH_MAX], row[256];
	scope_file FILE *f = NULL;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, fd);
	if (pid == getpid() || stat(path, &st) || st.st_ino != file->st_ino ||
	    st.st_dev != file->st_dev)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, fd);
	f = fopen(path, "re");
	while (f && fgets(row, sizeof(row), f))
		if (str_starts(row, "lock:"))
			return true;
	return false;
}

bool drv_holder_lock(struct str *s, const struct stat *file)
{
	scope_file FILE *f = NULL;
	char row[256];
	int pid = search(holds_lock, file);

	/* Not seen at its descriptors (another user's?): the kernel's own list. */
	if (!pid)
		f = fopen("/proc/locks", "re");
	while (f && pid <= 0 && fgets(row, sizeof(row), f))
		pid = lock_owner(row, file);
	if (pid > 0 && !is_alive(pid))
		pid = 0;
	if (pid != getpid())
		return add_pid_or_nobody(s, pid);
	str_add(s, "this process");
	return true;
}

/* ---- block devices ------------------------------------------------------ */

static bool add_mount(struct str *s, dev_t device)
{
	scope_file FILE *f = fopen("/proc/self/mountinfo", "re");
	char row[1024], where[512];
	unsigned major, minor;

	while (f && fgets(row, sizeof(row), f)) {
		if (sscanf(row, "%*d %*d %u:%u %*s %511s", &major, &minor, where) != 3)
			continue;
		if (makedev(major, minor) != device)
			continue;
		str_addf(s, "mounted on %s", where);
		return true;
	}
	return false;
}

static bool add_stacked(struct str *s, dev_t device)
{
	char path[96];
	scope_with(close_dir) DIR *dir = NULL;
	const struct dirent *entry;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/holders", major(device), minor(device));
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		str_addf(s, "part of %s", entry->d_name);
		return true;
	}
	return false;
}

static bool has_device(int pid, const char *fd, const void *what)
{
	const struct stat *device = what;
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, fd);
	return pid != getpid() && !stat(path, &st) && S_ISBLK(st.st_mode) &&
	       st.st_rdev == device->st_rdev;
}

bool drv_holder_device(struct str *s, const struct stat *device)
{
	if (add_mount(s, device->st_rdev) || add_stacked(s, device->st_rdev))
		return true;
	str_add(s, "in use by ");
	return add_pid_or_nobody(s, search(has_device, device));
}

/* ---- nobody -------------------------------------------------------------- */

bool drv_holder_wait(unsigned *waited_ms)
{
	const struct timespec step = { .tv_nsec = DRV_LINGER_STEP_MS * 1000000L };

	if (*waited_ms >= DRV_LINGER_MS)
		return false;
	*waited_ms += DRV_LINGER_STEP_MS;
	nanosleep(&step, NULL); /* allowed: on a helper, and only at an opening */
	return true;
}
