/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames through loop_link over both real drivers, on a pair of virtual
 * interfaces: batches, places that are short, and what an interface goes
 * through.  In a network name space of its own, with or without root.
 */
#include "config.h"

#include "gateway/loop/loop_link.h"

#include "gateway/base/table.h"
#include "tests/unit/gateway/loop/link_cases.h"

const struct drv_ops *rig_driver;

static const struct {
	const char *name;
	CMUnitTestFunction run;
} cases[] = {
#define ROW(name) { #name, name },
#include "tests/unit/gateway/loop/link_cases.tbl"
#undef ROW
};

static bool works(const struct drv_ops *drv)
{
	struct loop_set *set = NULL;
	struct gw_err err = GW_ERR_NONE;
	int rc = loop_set_create(1, drv, &set, &err);

	if (rc)
		printf("# %s: %s\n", drv->name, err.text);
	loop_set_destroy(&set);
	return !rc;
}

int main(int argc, char **argv)
{
	const struct drv_ops *drivers[] = { &drv_uring, &drv_aio };
	struct CMUnitTest tests[2 * TABLE_LEN(cases)];
	char names[2 * TABLE_LEN(cases)][80];
	size_t n = 0;

	harness_begin();
	link_rig_enter(argv);
	for (size_t d = 0; d < TABLE_LEN(drivers); d++) {
		for (size_t i = 0; works(drivers[d]) && i < TABLE_LEN(cases); i++) {
			snprintf(names[n], sizeof(names[n]), "%s: %s", drivers[d]->name,
				 cases[i].name);
			tests[n] = (struct CMUnitTest){ .name = names[n],
							.test_func = cases[i].run,
							.initial_state =
								(void *)(uintptr_t)drivers[d] };
			n++;
		}
	}
	return _cmocka_run_group_tests(__FILE__, tests, n, NULL, NULL) != 0;
}
