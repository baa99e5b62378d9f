/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cli_find.c - look into the folders of control sockets (cli_find.h).
 */
#include "config.h"

#include "gateway/cli/cli_find.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/scope.h"
#include "gateway/cli/cli_call.h"

static bool next_folder(unsigned i, char *buf, size_t len)
{
	return ctl_path_folder(i, geteuid(), getenv("XDG_RUNTIME_DIR"), buf, len);
}

#define LAST_BREATH_MS 500

/* Waits so long for whoever is behind the socket to go. */
static int knock(const struct cli_daemon *daemon, int wait_ms)
{
	scope_fd int sock = -1;
	int rc = cli_call_connect(daemon->path, &sock);

	if (!rc && wait_ms)
		poll(&(struct pollfd){ .fd = sock, .events = POLLIN }, 1, wait_ms);
	return rc;
}

/* Both signs, for a daemon that starts has its socket before it listens.  And the
 * socket of one that was killed still listens for a moment after the process is
 * gone, until the kernel has taken its ring down; but one whose process is not
 * seen may live in another container that shares the folder. */
static bool is_alive(const struct cli_daemon *daemon)
{
	bool gone = kill((pid_t)daemon->pid, 0) && errno == ESRCH;
	int rc = knock(daemon, gone ? LAST_BREATH_MS : 0);

	if (gone && !rc)
		rc = knock(daemon, 0);
	if (gone && rc == -ECONNREFUSED)
		unlink(daemon->path);
	return !rc;
}

static void close_folder(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* /tmp is everybody's: what somebody else has put there is not asked, nor tidied. */
static bool is_ours(const char *folder)
{
	struct stat st;

	return !lstat(folder, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 077);
}

static unsigned look_into(const char *folder, struct cli_daemon *out, unsigned most)
{
	scope_with(close_folder) DIR *dir = is_ours(folder) ? opendir(folder) : NULL;
	const struct dirent *entry;
	unsigned n = 0;

	while (dir && n < most && (entry = readdir(dir))) {
		struct cli_daemon daemon;

		if (!ctl_path_is_socket(entry->d_name, &daemon.pid) ||
		    !ctl_path_socket(folder, daemon.pid, daemon.path, sizeof(daemon.path)))
			continue;
		if (is_alive(&daemon))
			out[n++] = daemon;
	}
	return n;
}

static int by_pid(const void *a, const void *b)
{
	const struct cli_daemon *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

unsigned cli_find_daemons(struct cli_daemon *out, unsigned most)
{
	char folder[CTL_PATH_MAX];
	unsigned n = 0;

	for (unsigned i = 0; next_folder(i, folder, sizeof(folder)); i++)
		n += look_into(folder, out + n, most - n);
	qsort(out, n, sizeof(*out), by_pid);
	return n;
}

void cli_find_folders(struct str *s)
{
	char folder[CTL_PATH_MAX];

	for (unsigned i = 0; next_folder(i, folder, sizeof(folder)); i++)
		str_addf(s, "%s%s", i ? ", " : "", folder);
}
