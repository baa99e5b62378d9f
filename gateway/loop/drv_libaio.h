/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * O_DIRECT reads and writes by libaio, for drv_aio.c.  Buffered ones would
 * block in io_submit(); they go to helpers.  What is added in a turn is
 * submitted together; an eventfd rings when some have ended.
 */
#ifndef GATEWAY_LOOP_DRV_LIBAIO_H
#define GATEWAY_LOOP_DRV_LIBAIO_H

#include "gateway/loop/drv_op.h"

struct drv_libaio;

/* Null where it cannot be had (not built in, or the system's limit): the
 * caller then does without. */
struct drv_libaio *drv_libaio_create(void);
void drv_libaio_destroy(struct drv_libaio **aio);

int drv_libaio_bell(const struct drv_libaio *aio); /* the eventfd */
/* Is this the bell?  Then it is silenced. */
bool drv_libaio_rang(struct drv_libaio *aio, int fd);

void drv_libaio_add(struct drv_libaio *aio, struct drv_op *op);
/* True: some were refused; drv_libaio_next() has them, there is nothing to wait
 * for. */
bool drv_libaio_submit(struct drv_libaio *aio);
/* One that ended, with bytes or -errno; null if there is none. */
struct drv_op *drv_libaio_next(struct drv_libaio *aio, int64_t *n);

#endif
