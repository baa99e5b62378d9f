/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_seeds.c - the list of scenarios, and how the seeds are dealt to them.
 */
#include "config.h"

#include "tests/sim/sim_seeds.h"

#include <stdio.h>
#include <string.h>

#include "gateway/base/log.h"

static const struct sim_scenario *const all[SIM_SCENARIOS] = {
	&sim_nbd_calm,	  &sim_nbd_cuts,      &sim_nbd_stalls,	 &sim_nbd_errors,  &sim_nbd_power,
	&sim_nbd_pool,	  &sim_nbd_sixty,     &sim_nbd_storm,	 &sim_nbd_stop,	   &sim_nbd_kill,
	&sim_iscsi_mix,	  &sim_iscsi_digests, &sim_iscsi_cuts,	 &sim_iscsi_tasks, &sim_iscsi_pool,
	&sim_iscsi_storm, &sim_iscsi_again,   &sim_iscsi_timers, &sim_aoe_calm,	   &sim_aoe_lossy,
	&sim_aoe_links,	  &sim_aoe_lists,     &sim_aoe_blocks,	 &sim_aoe_others,  &sim_aoe_frozen,
	&sim_aoe_outage,  &sim_aoe_faulty,    &sim_aoe_ghost,
};

#define WITHOUT_AOE 18

struct sim_seed sim_seeds_of(uint64_t seed)
{
	bool aoe = seed > SIM_SEEDS_AOE;
	unsigned first = aoe ? WITHOUT_AOE : 0, end = aoe ? SIM_SCENARIOS : WITHOUT_AOE;
	uint64_t shares = 0, n = aoe ? seed - SIM_SEEDS_AOE : seed, pick;

	for (unsigned k = first; k < end; k++)
		shares += all[k]->share;
	pick = n % shares;
	while (pick >= all[first]->share)
		pick -= all[first++]->share;
	return (struct sim_seed){ seed, all[first], 1u << (n / shares % 3) };
}

const struct sim_scenario *sim_seeds_scenario(unsigned index)
{
	return all[index];
}

unsigned sim_seeds_index(const struct sim_scenario *scenario)
{
	unsigned i = 0;

	while (all[i] != scenario)
		i++;
	return i;
}

const struct sim_scenario *sim_seeds_find(const char *name)
{
	for (unsigned i = 0; i < SIM_SCENARIOS; i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}

static void silent(void *arg, enum log_level level, enum log_area area, const char *text)
{
}

static void as_comment(void *arg, enum log_level level, enum log_area area, const char *text)
{
	printf("# log %s %s: %s\n", log_level_name(level), log_area_name(area), text);
}

void sim_seeds_quiet(bool trace)
{
	log_set_sink(trace ? as_comment : silent, NULL);
	if (trace)
		log_set_all(LOG_LEVEL_DEBUG);
}
