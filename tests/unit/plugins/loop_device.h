/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loop_device.h - a block device over a sparse file, where root may have one.
 */
#ifndef TESTS_UNIT_PLUGINS_LOOP_DEVICE_H
#define TESTS_UNIT_PLUGINS_LOOP_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One at a time.  Its name; null: it cannot be had, loop_device_why() says why. */
const char *loop_device_make(const char *folder, uint64_t bytes, unsigned block_bytes);
const char *loop_device_why(void);
/* What has reached the file below, which the device's own cache is no part of. */
void loop_device_below(uint64_t offset, void *to, size_t bytes);
/* All zero again; nobody has it open. */
void loop_device_clear(void);
/* The file below becomes this long, and the device with it. */
void loop_device_resize(uint64_t bytes);
void loop_device_drop(void);

#endif
