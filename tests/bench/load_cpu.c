/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Server CPU out of /proc/PID/stat.  That file sums over all threads of a
 * process, also those that ended; children are found by a walk over /proc,
 * twice per run and outside of the measured window's hot path.
 */
#include "config.h"

#include "tests/bench/load_cpu.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAMILY_MAX = 1024 };

struct stat_line {
	int pid, ppid;
	unsigned long long own_ticks; /* utime + stime */
	long long reaped_ticks; /* cutime + cstime */
};

static bool read_stat(int pid, struct stat_line *st)
{
	char path[64], buf[1024], *p;
	unsigned long long utime, stime;
	long long cutime, cstime;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = 0;
	p = strrchr(buf, ')'); /* the name may hold blanks and brackets */
	if (!p || sscanf(p + 1,
			 " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
			 " %llu %llu %lld %lld",
			 &st->ppid, &utime, &stime, &cutime, &cstime) != 5)
		return false;
	st->pid = pid;
	st->own_ticks = utime + stime;
	st->reaped_ticks = cutime + cstime;
	return true;
}

static int read_all(struct stat_line *all, int max)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	int n = 0;

	if (!dir)
		return 0;
	while (n < max && (e = readdir(dir)) != NULL) {
		int pid = (int)strtol(e->d_name, NULL, 10);

		if (pid > 0 && read_stat(pid, &all[n]))
			n++;
	}
	closedir(dir);
	return n;
}

static bool among(const int *family, int count, int pid)
{
	int i;

	for (i = 0; i < count; i++)
		if (family[i] == pid)
			return true;
	return false;
}

double load_cpu_seconds(int pid)
{
	static struct stat_line all[8192];
	int family[FAMILY_MAX], count = 1, before, i;
	int n = read_all(all, (int)(sizeof(all) / sizeof(all[0])));
	double ticks = -1;

	family[0] = pid;
	do { /* until a round finds no further descendant */
		before = count;
		for (i = 0; i < n && count < FAMILY_MAX; i++)
			if (among(family, count, all[i].ppid) && !among(family, count, all[i].pid))
				family[count++] = all[i].pid;
	} while (count != before);
	for (i = 0; i < n; i++) {
		if (!among(family, count, all[i].pid))
			continue;
		if (ticks < 0)
			ticks = 0;
		ticks += (double)all[i].own_ticks + (double)all[i].reaped_ticks;
	}
	return ticks < 0 ? -1 : ticks / (double)sysconf(_SC_CLK_TCK);
}
