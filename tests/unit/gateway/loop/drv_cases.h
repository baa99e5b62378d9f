/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cases that every real driver must pass (drv_cases.tbl); drv_uring_test.c
 * and drv_aio_test.c run the same list.
 */
#ifndef TESTS_UNIT_GATEWAY_LOOP_DRV_CASES_H
#define TESTS_UNIT_GATEWAY_LOOP_DRV_CASES_H

#include "tests/unit/gateway/loop/rig.h"

#define ROW(name) void name(void **state);
#include "tests/unit/gateway/loop/drv_cases.tbl"
#undef ROW

#endif
