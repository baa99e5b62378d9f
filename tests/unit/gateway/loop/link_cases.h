/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cases that a link must pass over every real driver (link_cases.tbl).
 */
#ifndef TESTS_UNIT_GATEWAY_LOOP_LINK_CASES_H
#define TESTS_UNIT_GATEWAY_LOOP_LINK_CASES_H

#include "tests/unit/gateway/loop/link_rig.h"

#define ROW(name) void name(void **state);
#include "tests/unit/gateway/loop/link_cases.tbl"
#undef ROW

#endif
