/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_seeds.h - which scenario, on how many loops, a seed stands for.
 */
#ifndef TESTS_SIM_SIM_SEEDS_H
#define TESTS_SIM_SIM_SEEDS_H

#include "tests/sim/sim_run.h"

#define SIM_SCENARIOS 28
/* From here on seeds are dealt to the scenarios with AoE, below to those without: a
 * seed stays what it was when scenarios came. */
#define SIM_SEEDS_AOE 10000000u

struct sim_seed {
	uint64_t seed;
	const struct sim_scenario *scenario;
	unsigned loops;
};

/* Scenarios by their shares, loops 1, 2 and 4 in equal parts. */
struct sim_seed sim_seeds_of(uint64_t seed);
const struct sim_scenario *sim_seeds_scenario(unsigned index);
unsigned sim_seeds_index(const struct sim_scenario *scenario);
const struct sim_scenario *sim_seeds_find(const char *name); /* null: unknown */
/* The daemon's log: silent, or all of it on stdout as comments. */
void sim_seeds_quiet(bool trace);

#endif
