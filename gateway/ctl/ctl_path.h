/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_path.h - where control sockets lie; agreed between daemon and client.
 *
 * Pure: whoever asks says who he is.  Each user has one folder, of mode 0700; a
 * daemon that is told nothing else makes serve-PID.sock in it.
 */
#ifndef GATEWAY_CTL_CTL_PATH_H
#define GATEWAY_CTL_CTL_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTL_PATH_MAX 108 /* of a Unix socket, with the final 0 */

/* The i-th folder to try, best first: /run/sluice for root, $XDG_RUNTIME_DIR/sluice
 * for others (where that is set, and absolute), then /tmp/sluice-UID.  A daemon
 * takes the first that it can have, a client looks into all.  False: no more. */
bool ctl_path_folder(unsigned i, uint32_t uid, const char *xdg_runtime_dir, char *buf, size_t len);
/* FOLDER/serve-PID.sock; false: too long. */
bool ctl_path_socket(const char *folder, uint32_t pid, char *buf, size_t len);
/* Is this the name of such a socket?  Then of which process. */
bool ctl_path_is_socket(const char *name, uint32_t *pid);

#endif
