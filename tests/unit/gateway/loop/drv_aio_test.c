/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cases of drv_cases.h on drv_aio.
 */
#include "config.h"

#include "tests/unit/gateway/loop/drv_cases.h"

const struct drv_ops *rig_driver = &drv_aio;

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test(name),
#include "tests/unit/gateway/loop/drv_cases.tbl"
#undef ROW
	};
	struct loop_set *set = NULL;
	struct gw_err err = GW_ERR_NONE;

	harness_begin();
	if (loop_set_create(1, rig_driver, &set, &err))
		harness_skip_all(err.text);
	loop_set_destroy(&set);
	return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL) != 0;
}
