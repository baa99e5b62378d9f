/* SPDX-License-Identifier: BSD-3-Clause
 *
 * drv_hand.h - a driver that a unit test turns by hand, in one thread.
 *
 * It knows jobs, mail and a clock that stands still until the test moves it; no
 * socket, no file.  Who calls is said with drv_hand_at(): the home of a loop is
 * then checked as strictly as with real threads.  Mail keeps its order from one
 * sender to one loop; otherwise it may be late, as the test wants.
 */
#ifndef TESTS_UNIT_GATEWAY_CORE_DRV_HAND_H
#define TESTS_UNIT_GATEWAY_CORE_DRV_HAND_H

#include "gateway/loop/drv.h"
#include "gateway/loop/drv_fs.h"

#define HAND_LOOPS 8
#define HAND_NOBODY HAND_LOOPS /* the main thread, home of no loop */

extern const struct drv_ops drv_hand;

/* Start anew: the clock, the caller, chance. */
void drv_hand_reset(uint64_t seed);
/* The files of all loops, until the next reset; there are none before. */
void drv_hand_use_fs(struct drv_fs *fs);
/* Mail takes up to that long; 0: it is there at once. */
void drv_hand_delay(uint64_t max_ns);
/* Who calls from now on.  Returns who did. */
unsigned drv_hand_at(unsigned index);
int64_t drv_hand_now(void);
void drv_hand_set_now(int64_t ns);
/* Whether loop `index` has something to run now; and when it will have. */
bool drv_hand_ready(unsigned index);
int64_t drv_hand_due(unsigned index);
uint64_t drv_hand_random(void);

#endif
