/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_main.c - the program: seeds in, TAP out.
 *
 *   sim [--seed N | --seeds A..B ...] [--loops 1|2|4] [--scenario NAME] [--trace]
 *
 * A seed alone decides its scenario and its loops, unless told otherwise; so
 * `sim --seed N --trace` plays again whatever a run found.
 */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/sim_run.h"
#include "tests/sim/sim_seeds.h"

#define SAME_RUNS 108 /* every scenario on every number of loops */
#define SERIES_MAX 4u

static volatile uint64_t seed_now;

static void say(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		_exit(1);
}

/* Our own bug, or the daemon's GW_CHECK: which seed was it? */
static void on_crash(int sig)
{
	char digits[24], *p = digits + sizeof(digits) - 1;
	uint64_t n = seed_now;

	*p = 0;
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	say("\nBail out! a crash in seed ");
	say(p);
	say("\n");
	signal(sig, SIG_DFL);
	raise(sig);
}

struct series {
	uint64_t first, last;
};

struct words {
	struct series series[SERIES_MAX];
	unsigned n_series; /* 0: none was named */
	unsigned loops;
	const struct sim_scenario *scenario;
	bool trace;
};

static struct sim_seed seed_of(const struct words *w, uint64_t n)
{
	struct sim_seed seed = sim_seeds_of(n);

	seed.loops = w->loops ? w->loops : seed.loops;
	seed.scenario = w->scenario ? w->scenario : seed.scenario;
	return seed;
}

struct tally {
	unsigned seeds, failed;
	uint64_t worst;
};

static struct tally tallies[SIM_SCENARIOS][3];
static uint64_t cover[SIM_COVER_COUNT];

static void tell_failure(const struct sim_seed *seed, const struct sim_result *r)
{
	printf("# seed %llu (%s, %u loops): %s\n", (unsigned long long)seed->seed,
	       seed->scenario->name, seed->loops, r->failure);
	printf("# replay: tests/sim/sim --seed %llu --loops %u --scenario %s --trace\n",
	       (unsigned long long)seed->seed, seed->loops, seed->scenario->name);
}

static void run_one(const struct sim_seed *seed, bool trace)
{
	struct tally *t = &tallies[sim_seeds_index(seed->scenario)][seed->loops / 2];
	struct sim_result r;

	seed_now = seed->seed;
	sim_run_seed(seed->scenario, seed->seed, seed->loops, trace, &r);
	for (unsigned i = 0; i < SIM_COVER_COUNT; i++)
		cover[i] += r.cover[i];
	t->seeds++;
	t->failed += r.failed;
	if (r.failed)
		tell_failure(seed, &r);
	if (trace)
		printf("# hash %016llx, %llu steps, %.3f s of virtual time\n",
		       (unsigned long long)r.hash, (unsigned long long)r.steps,
		       (double)r.virtual_ns / 1e9);
	fflush(stdout);
}

static unsigned number, bad;

static void ok(bool good, const char *name, const char *detail)
{
	printf("%s %u - %s: %s\n", good ? "ok" : "not ok", ++number, name, detail);
	bad += !good;
}

static void tell_scenarios(void)
{
	char name[64], detail[128];

	for (unsigned i = 0; i < SIM_SCENARIOS; i++) {
		for (unsigned k = 0; k < 3; k++) {
			const struct tally *t = &tallies[i][k];

			if (!t->seeds)
				continue;
			snprintf(name, sizeof(name), "%s, %u loop%s", sim_seeds_scenario(i)->name,
				 1u << k, k ? "s" : "");
			snprintf(detail, sizeof(detail), "%u of %u seeds find nothing",
				 t->seeds - t->failed, t->seeds);
			ok(!t->failed, name, detail);
		}
	}
}

static uint64_t count_of(const struct series *series)
{
	return series->last - series->first + 1;
}

/* Some seeds a second time, with everything at other addresses. */
static void tell_sameness(const struct words *w, const struct series *series)
{
	uint64_t n = count_of(series), runs = n < SAME_RUNS ? n : SAME_RUNS, same = 0;
	char detail[128];

	for (uint64_t i = 0; i < runs; i++) {
		struct sim_seed seed = seed_of(w, series->first + i * (n / runs));
		struct sim_result once, again;
		void *moved;

		seed_now = seed.seed;
		sim_run_seed(seed.scenario, seed.seed, seed.loops, false, &once);
		moved = malloc(1000 + 50000 * i);
		sim_run_seed(seed.scenario, seed.seed, seed.loops, false, &again);
		free(moved);
		same += once.hash == again.hash && once.steps == again.steps;
		if (once.hash != again.hash)
			printf("# seed %llu is another run when repeated\n",
			       (unsigned long long)seed.seed);
	}
	snprintf(detail, sizeof(detail), "%llu of %llu have the same trace when repeated",
		 (unsigned long long)same, (unsigned long long)runs);
	ok(same == runs, "the same seed is the same run", detail);
}

/* Seeds that somebody chose cannot reach the numbers that those of `check` must. */
static void tell_cover(bool all)
{
	char detail[128];

	for (unsigned i = 0; i < SIM_COVER_COUNT; i++) {
		unsigned needed = all ? sim_cover_needed((enum sim_cover)i) : 0;

		if (!needed) {
			printf("# %s: %llu times\n", sim_cover_words((enum sim_cover)i),
			       (unsigned long long)cover[i]);
			continue;
		}
		snprintf(detail, sizeof(detail), "%llu times, at least %u",
			 (unsigned long long)cover[i], needed);
		ok(cover[i] >= needed, sim_cover_words((enum sim_cover)i), detail);
	}
}

static void usage(void)
{
	fprintf(stderr, "usage: sim [--seed N | --seeds A..B ...] [--loops 1|2|4]"
			" [--scenario NAME] [--trace]\nscenarios:\n");
	for (unsigned i = 0; i < SIM_SCENARIOS; i++)
		fprintf(stderr, "  %-10s %s\n", sim_seeds_scenario(i)->name,
			sim_seeds_scenario(i)->words);
	exit(2);
}

static void take_seeds(struct words *w, const char *text)
{
	struct series *series = &w->series[w->n_series];
	char *end;

	if (w->n_series++ == SERIES_MAX)
		usage();
	series->first = series->last = strtoull(text, &end, 10);
	if (strncmp(end, "..", 2) == 0)
		series->last = strtoull(end + 2, &end, 10);
	if (*end || series->last < series->first)
		usage();
}

static struct words take_words(int argc, char **argv)
{
	static const struct option rows[] = { { "seed", 1, 0, 's' },  { "seeds", 1, 0, 's' },
					      { "loops", 1, 0, 'l' }, { "scenario", 1, 0, 'c' },
					      { "trace", 0, 0, 't' }, { 0, 0, 0, 0 } };
	struct words w = { .series = { { 1, 1600 }, { SIM_SEEDS_AOE + 1, SIM_SEEDS_AOE + 3000 } } };
	int c;

	while ((c = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (c == 's')
			take_seeds(&w, optarg);
		else if (c == 'l')
			w.loops = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'c')
			w.scenario = sim_seeds_find(optarg);
		else if (c == 't')
			w.trace = true;
		if (c == '?' || (c == 'c' && !w.scenario) ||
		    (c == 'l' && w.loops != 1 && w.loops != 2 && w.loops != 4))
			usage();
	}
	return w;
}

int main(int argc, char **argv)
{
	struct words w = take_words(argc, argv);
	bool all;

	setvbuf(stdout, NULL, w.trace ? _IOFBF : _IOLBF, 0);
	signal(SIGABRT, on_crash);
	signal(SIGSEGV, on_crash);
	sim_seeds_quiet(w.trace);
	sim_daemon_register();
	all = !w.n_series && !w.scenario;
	if (!w.n_series)
		w.n_series = 2;
	for (unsigned i = 0; i < w.n_series; i++)
		for (uint64_t n = w.series[i].first; n <= w.series[i].last; n++) {
			struct sim_seed seed = seed_of(&w, n);

			run_one(&seed, w.trace);
		}
	tell_scenarios();
	for (unsigned i = 0; i < w.n_series && !w.trace; i++)
		tell_sameness(&w, &w.series[i]);
	tell_cover(all);
	printf("1..%u\n", number);
	return bad != 0;
}
