/* SPDX-License-Identifier: BSD-3-Clause
 *
 * process.h - what belongs to the process and not to the gateway: its limits,
 * signals, identity, standard output, and the one who started it.
 *
 * The only file of the daemon that calls the system by itself; everything that
 * serves goes through the driver.  Main thread only.
 */
#ifndef GATEWAY_DAEMON_PROCESS_H
#define GATEWAY_DAEMON_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/daemon/state.h"

/* Before any thread: standard descriptors, SIGPIPE, descriptors for all, and a
 * process that cleans memory must not wait for memory (PR_SET_IO_FLUSHER). */
void process_prepare(void);

/* ---- signals ------------------------------------------------------------ */

/* Blocks SIGTERM, SIGINT and SIGHUP (where it is not ignored) in this thread and
 * all it makes; from now on they are read from the descriptor. */
int process_signals_open(int *fd, struct gw_err *err);
/* The next that waits; 0: none. */
int process_signals_read(int fd);
const char *process_signal_name(int signal);
/* From now on a signal ends the process at once with 1, whatever hangs; one that
 * comes within 40 ms is the same wish twice. */
void process_signals_end_at_once(void);
void process_signals_close(int *fd);

/* ---- who and where ------------------------------------------------------ */

uint32_t process_pid(void);
uint32_t process_uid(void);
const char *process_runtime_dir(void); /* $XDG_RUNTIME_DIR; may be null */
/* The folder in which we were started; "": it is gone, or too long. */
const char *process_folder(char *buf, size_t len);
struct state_env process_state_env(void);
/* machine-id(5), or the host's name where there is none. */
void process_host(char *buf, size_t len);
unsigned process_cpus(void); /* that we may run on; 1 at least */
bool process_is_block(const char *path);
/* Makes the folder, or checks that it is nobody's but ours (mode 0700). */
int process_private_dir(const char *path, struct gw_err *err);

/* ---- what is said ------------------------------------------------------- */

/* A line on standard output, whole and at once. */
void process_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A line on standard error with the program's name. */
void process_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* To the service manager, where there is one (sd_notify(3)). */
void process_notify(const char *state);
/* No cleaning up: something hangs that would have to be waited for. */
void process_leave(int code) __attribute__((noreturn));

#endif
