/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_stale.c - sweeps by the driver alone.  Promises in ctl_stale.h.
 *
 * Both signs are asked for.  Nobody listening is not enough: a daemon that starts
 * beside us has its socket there a moment before it listens.  A process that is
 * gone is not enough: its number may be of another container that shares the
 * folder.  loop_listen() replaces the file where nobody listens, and refuses
 * where somebody does; closing removes the file.
 */
#include "config.h"

#include "gateway/ctl/ctl_stale.h"

#include "gateway/base/log.h"
#include "gateway/base/str.h"
#include "gateway/ctl/ctl_path.h"
#include "gateway/loop/drv_fs.h"

struct sweep {
	struct loop *loop;
	const char *folder;
};

static void nothing(void *arg, const char *name)
{
	(void)arg;
	(void)name;
}

static bool is_alive(struct loop *loop, uint32_t pid)
{
	struct drv_fs *fs = loop_fs(loop);
	char path[32];
	struct str s = STR_IN(path);

	str_addf(&s, "/proc/%u", pid);
	return fs->ops->list_dir(fs, path, nothing, NULL) == 0;
}

static void look_at(void *arg, const char *name)
{
	const struct sweep *sweep = arg;
	struct loop_addr addr = { .family = LOOP_ADDR_UNIX };
	uint32_t pid;
	int sock;

	if (!ctl_path_is_socket(name, &pid) || is_alive(sweep->loop, pid) ||
	    !ctl_path_socket(sweep->folder, pid, addr.path, sizeof(addr.path)))
		return;
	if (loop_listen(sweep->loop, &addr, &sock, NULL))
		return;
	loop_sock_close(sweep->loop, sock);
	log_note(CONTROL, "removed %s, left behind by a daemon that is gone", addr.path);
}

void ctl_stale_sweep(struct loop *loop, const char *folder)
{
	struct sweep sweep = { loop, folder };
	struct drv_fs *fs = loop_fs(loop);

	fs->ops->list_dir(fs, folder, look_at, &sweep);
}
