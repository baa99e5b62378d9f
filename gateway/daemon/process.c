/* SPDX-License-Identifier: BSD-3-Clause
 *
 * process.c - the process we are.  Promises in process.h.
 */
#include "config.h"

#include "gateway/daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "gateway/base/log.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57 /* Linux 5.6 */
#endif

static const struct {
	int number;
	const char *name;
} stops[] = { { SIGTERM, "SIGTERM" }, { SIGINT, "SIGINT" }, { SIGHUP, "SIGHUP" } };
#define N_STOPS (sizeof(stops) / sizeof(stops[0]))

/* A socket must never become descriptor 1 of somebody who prints. */
static void fill_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd ? O_WRONLY : O_RDONLY);
}

static void raise_fds(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_warn(DAEMON, "cannot raise the number of open files: %s", strerror(errno));
}

void process_prepare(void)
{
	fill_standard_fds();
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	raise_fds();
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
		log_debug(DAEMON,
			  "PR_SET_IO_FLUSHER: %s; clients on this very host may starve us "
			  "of memory",
			  strerror(errno));
}

/* ---- signals ------------------------------------------------------------ */

static bool is_ignored(int number)
{
	struct sigaction now;

	return !sigaction(number, NULL, &now) && now.sa_handler == SIG_IGN;
}

static void stop_set(sigset_t *set)
{
	sigemptyset(set);
	for (unsigned i = 0; i < N_STOPS; i++)
		if (stops[i].number != SIGHUP || !is_ignored(SIGHUP)) /* nohup(1) */
			sigaddset(set, stops[i].number);
}

int process_signals_open(int *fd, struct gw_err *err)
{
	sigset_t set;
	int got;

	stop_set(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return gw_err_set(err, errno, "cannot block signals: %m");
	got = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (got < 0)
		return gw_err_set(err, errno, "cannot read signals: %m");
	*fd = got;
	return 0;
}

int process_signals_read(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

const char *process_signal_name(int number)
{
	for (unsigned i = 0; i < N_STOPS; i++)
		if (stops[i].number == number)
			return stops[i].name;
	return "a signal";
}

/* One wish can come as two signals: timeout(1) and its like tell the process and
 * then its group.  Nobody's finger is that quick. */
#define ECHO_NS 40000000

static int64_t first_signal_ns;

static int64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts); /* allowed: safe in a handler, where no loop is */
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void end_at_once(int number)
{
	static const char last[] = "sluiced: ended by a second signal; what was not flushed may "
				   "be lost\n";

	(void)number;
	if (monotonic_ns() - first_signal_ns < ECHO_NS)
		return;
	(void)!write(STDERR_FILENO, last, sizeof(last) - 1);
	_exit(1);
}

/* The one signal handler here, and not a descriptor: the second signal must end
 * also a main thread that waits for something broken.  It calls
 * clock_gettime(), write() and _exit() alone. */
void process_signals_end_at_once(void)
{
	struct sigaction action = { .sa_handler = end_at_once };
	sigset_t set;

	first_signal_ns = monotonic_ns();
	stop_set(&set);
	for (unsigned i = 0; i < N_STOPS; i++)
		if (sigismember(&set, stops[i].number))
			sigaction(stops[i].number, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void process_signals_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- who and where ------------------------------------------------------ */

uint32_t process_pid(void)
{
	return (uint32_t)getpid();
}

uint32_t process_uid(void)
{
	return geteuid();
}

const char *process_runtime_dir(void)
{
	return getenv("XDG_RUNTIME_DIR");
}

const char *process_folder(char *buf, size_t len)
{
	return getcwd(buf, len) && *buf == '/' ? buf : "";
}

void process_host(char *buf, size_t len)
{
	FILE *file = fopen("/etc/machine-id", "re");
	bool found = file && fgets(buf, (int)len, file);

	if (file)
		fclose(file);
	if (found)
		buf[strcspn(buf, "\n")] = 0;
	if (found && *buf)
		return;
	if (gethostname(buf, len))
		*buf = 0;
	buf[len - 1] = 0;
}

struct state_env process_state_env(void)
{
	return (struct state_env){ .state_directory = getenv("STATE_DIRECTORY"),
				   .xdg_state_home = getenv("XDG_STATE_HOME"),
				   .home = getenv("HOME") };
}

unsigned process_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) < 1)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

bool process_is_block(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISBLK(st.st_mode);
}

int process_private_dir(const char *path, struct gw_err *err)
{
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST)
		return gw_err_set(err, errno, "cannot make the folder %s: %m", path);
	if (lstat(path, &st))
		return gw_err_set(err, errno, "cannot look at the folder %s: %m", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return gw_err_set(err, EPERM,
				  "%s is not a folder of this user alone (mode 0700): remove it, "
				  "or say --control PATH",
				  path);
	return 0;
}

/* ---- what is said ------------------------------------------------------- */

void process_say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout); /* who does not listen does not matter */
}

void process_complain(const char *fmt, ...)
{
	char text[GW_ERR_TEXT];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "sluiced: %s\n", text);
}

void process_notify(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

void process_leave(int code)
{
	fflush(stdout);
	_exit(code);
}
