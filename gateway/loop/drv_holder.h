/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who holds it?  For the sentence after "address in use" or "image locked":
 * looks through /proc for the process that has the port or the lock.  What
 * cannot be seen (other users' processes, other namespaces) stays unsaid.
 * Called when something failed, so it may be slow; it never fails itself.
 */
#ifndef GATEWAY_LOOP_DRV_HOLDER_H
#define GATEWAY_LOOP_DRV_HOLDER_H

#include <sys/stat.h>

#include "gateway/base/str.h"
#include "gateway/loop/drv.h"

/* Each adds "pid 12 (name)", or "another process" where it cannot be found; true:
 * somebody was found, and is not about to end. */
bool drv_holder_port(struct str *s, const struct loop_addr *addr);
/* flock, fcntl and OFD locks. */
bool drv_holder_lock(struct str *s, const struct stat *file);
/* A block device: where it is mounted, what is stacked on it, or who has it
 * open. */
bool drv_holder_device(struct str *s, const struct stat *device);
/* For those who may block and found nobody: waits a step; false: it has been long
 * enough (DRV_LINGER_MS).  waited_ms begins at 0. */
bool drv_holder_wait(unsigned *waited_ms);

#endif
