/* SPDX-License-Identifier: BSD-3-Clause
 *
 * main.c - sluiced: what starts after what, and ends before what.
 *
 * The two functions start() and stop() stand on one screen and mirror each
 * other.  What happens in between is life.c's.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/base/str.h"
#include "gateway/core/admin.h"
#include "gateway/ctl/conf_apply.h"
#include "gateway/ctl/ctl_path.h"
#include "gateway/ctl/ctl_stale.h"
#include "gateway/daemon/builtins.h"
#include "gateway/daemon/life.h"
#include "gateway/daemon/options.h"
#include "gateway/daemon/process.h"
#include "gateway/daemon/serve.h"
#include "gateway/daemon/state.h"

#define EXIT_FAILED 1
#define EXIT_WORDS 2 /* the command line is wrong; nothing was tried */
#define STATE_PATH_MAX 512
#define THREADS_MOST 4 /* that nobody asked for */

struct daemon {
	struct serve serve; /* what the words say */
	int signals;
	struct loop_set *loops;
	struct gw *gw;
	struct conf_applier *applier;
	char control[CTL_PATH_MAX];
	struct life *life;
};

static unsigned threads_of(const struct serve *serve)
{
	unsigned cpus = process_cpus();

	if (serve->threads)
		return serve->threads;
	return cpus < THREADS_MOST ? cpus : THREADS_MOST;
}

/* A socket of our own in the first folder that we can have. */
static int own_control(struct daemon *d, struct gw_err *err)
{
	struct loop *loop = loop_set_get(d->loops, 0);
	char folder[CTL_PATH_MAX];
	int rc = 0;

	for (unsigned i = 0;
	     ctl_path_folder(i, process_uid(), process_runtime_dir(), folder, sizeof(folder));
	     i++) {
		struct gw_err why = GW_ERR_NONE;

		if (!ctl_path_socket(folder, process_pid(), d->control, sizeof(d->control)))
			rc = gw_err_set(&why, ENAMETOOLONG, "%s: %m for a socket", folder);
		else
			rc = process_private_dir(folder, &why);
		if (!rc) {
			ctl_stale_sweep(loop, folder);
			return 0;
		}
		*err = why;
	}
	return rc;
}

static int choose_control(struct daemon *d, struct gw_err *err)
{
	if (!d->serve.control)
		return own_control(d, err);
	if (!str_copy(d->control, sizeof(d->control), d->serve.control))
		return gw_err_set(err, ENAMETOOLONG,
				  "--control: the path of a socket has at most %d bytes",
				  CTL_PATH_MAX - 1);
	return 0;
}

/* Who we are to others, and where we keep what must survive; who has no such place
 * learns of it when something is to be kept. */
static int choose_state(struct daemon *d, struct gw_err *err)
{
	const struct state_env env = process_state_env();
	char host[GW_HOST_MAX], folder[STATE_PATH_MAX];

	process_host(host, sizeof(host));
	gw_host_is(d->gw, host);
	if (d->serve.state)
		return gw_state_in(d->gw, d->serve.state, err);
	if (!state_folder(process_uid(), &env, folder, sizeof(folder)))
		return 0;
	return gw_state_in(d->gw, folder, err);
}

static int begin_life(struct daemon *d, struct gw_err *err)
{
	const struct life_args args = {
		.gw = d->gw,
		.applier = d->applier,
		.conf = d->serve.conf,
		.control = d->control,
		.signals = d->signals,
	};

	return life_create(&args, &d->life, err);
}

/* ---- start and stop ----------------------------------------------------- */

static int start(struct daemon *d, struct gw_err *err)
{
	int rc;

	process_prepare();
	rc = process_signals_open(&d->signals, err);
	if (!rc)
		rc = loop_set_create(threads_of(&d->serve), d->serve.engine, &d->loops, err);
	if (!rc) {
		loop_set_busy_poll(d->loops, d->serve.busy_poll);
		rc = choose_control(d, err);
	}
	if (!rc)
		rc = gw_create(d->loops, &d->serve.limits, &d->gw, err);
	if (!rc)
		rc = choose_state(d, err);
	if (!rc)
		rc = conf_apply_create(d->gw, &d->applier, err);
	if (!rc)
		rc = begin_life(d, err);
	if (!rc)
		rc = loop_set_start(d->loops, err);
	return rc;
}

static void stop(struct daemon *d)
{
	/* The loops have ended. */
	life_destroy(&d->life);
	conf_apply_destroy(&d->applier);
	gw_destroy(&d->gw);
	/* The control socket went with its server. */
	loop_set_destroy(&d->loops);
	process_signals_close(&d->signals);
	serve_end(&d->serve);
}

static int run(struct daemon *d)
{
	struct gw_err err = GW_ERR_NONE;
	int code;

	if (start(d, &err)) {
		process_complain("%s", err.text);
		stop(d);
		return EXIT_FAILED;
	}
	life_begin(d->life);
	loop_set_run(d->loops);
	code = life_exit_code(d->life);
	if (life_hangs(d->life))
		process_leave(code ? code : EXIT_FAILED);
	stop(d);
	return code;
}

/* ---- words -------------------------------------------------------------- */

static int print(void (*add)(struct str *s))
{
	static char text[16384];
	struct str s = STR_IN(text);

	add(&s);
	fputs(text, stdout);
	return s.cut || fflush(stdout) ? EXIT_FAILED : 0;
}

static void add_version(struct str *s)
{
	str_addf(s, "sluiced %s\n", PACKAGE_VERSION);
}

static void add_usage(struct str *s)
{
	str_add(s, "usage: sluiced serve [OPTION]... IMAGE...\n"
		   "       sluiced serve --help\n"
		   "       sluiced --version\n"
		   "See sluiced(8).\n");
}

static int build(const struct options *options, struct serve *out, struct gw_err *err)
{
	char folder[SERVE_FOLDER_MAX];
	const struct serve_place place = { .is_block = process_is_block,
					   .folder = process_folder(folder, sizeof(folder)) };

	return serve_build(options, &place, out, err);
}

static int serve(int argc, char **argv)
{
	struct daemon d = { .signals = -1 };
	struct gw_err err = GW_ERR_NONE;
	struct options options;
	int rc;

	if (argc == 1 && !strcmp(argv[0], "--options"))
		return print(options_rows); /* tests/doc */
	rc = options_parse(argc, argv, &options, &err);
	if (!rc && options_has(&options, OPTIONS_HELP)) {
		options_end(&options);
		return print(options_help);
	}
	if (!rc) {
		rc = build(&options, &d.serve, &err);
		options_end(&options);
	}
	if (rc) {
		process_complain("%s", err.text);
		return EXIT_WORDS;
	}
	return run(&d);
}

int main(int argc, char **argv)
{
	struct gw_err err = GW_ERR_NONE;

	if (builtins_register(&err)) {
		process_complain("%s", err.text);
		return EXIT_FAILED;
	}
	if (argc > 1 && !strcmp(argv[1], "serve"))
		return serve(argc - 2, argv + 2);
	if (argc == 2 && !strcmp(argv[1], "--version"))
		return print(add_version);
	if (argc == 2 && !strcmp(argv[1], "--help"))
		return print(add_usage);
	if (argc > 1)
		process_complain("'%s' is not a word that sluiced knows", argv[1]);
	else
		process_complain("what shall I do? The word 'serve' is missing");
	process_complain("see 'sluiced --help'");
	return EXIT_WORDS;
}
