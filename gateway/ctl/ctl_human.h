/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_human.h - sizes and ages as people read them, in lines and tables.
 *
 * Not for programs: those get the plain number.  Pure.
 */
#ifndef GATEWAY_CTL_CTL_HUMAN_H
#define GATEWAY_CTL_CTL_HUMAN_H

#include <stdint.h>

#include "gateway/base/str.h"

/* "0 B", "512 B", "1.0 KiB", "64 MiB", "1.5 GiB": three digits at most before
 * the unit, one behind the point where there is one digit before it. */
void ctl_human_size(struct str *s, uint64_t bytes);
/* "42 s", "3 min", "5 h", "12 d": one unit, rounded down. */
void ctl_human_age(struct str *s, uint64_t seconds);

#endif
