/* SPDX-License-Identifier: BSD-3-Clause
 *
 * loop_doors.c - the listeners of one front end (loop_doors.h).  What a door does by
 * itself is loop_door.c.
 */
#include "config.h"

#include "gateway/loop/loop_doors.h"

void loop_doors_init(struct loop_doors *doors)
{
	STAILQ_INIT(&doors->list);
}

void loop_doors_add(struct loop_doors *doors, struct loop_door *door)
{
	STAILQ_INSERT_TAIL(&doors->list, door, link);
}

void loop_doors_start(struct loop_doors *doors, void (*changed)(void *arg), void *arg)
{
	struct loop_door *door;

	STAILQ_FOREACH (door, &doors->list, link) {
		door->changed = changed;
		door->arg = arg;
		loop_door_start(door);
	}
}

void loop_doors_drain(struct loop_doors *doors)
{
	struct loop_door *door;

	STAILQ_FOREACH (door, &doors->list, link)
		loop_door_drain(door);
}

void loop_doors_kill(struct loop_doors *doors)
{
	struct loop_door *door;

	STAILQ_FOREACH (door, &doors->list, link)
		loop_door_kill(door);
}

bool loop_doors_empty(const struct loop_doors *doors)
{
	const struct loop_door *door;

	STAILQ_FOREACH (door, &doors->list, link)
		if (!loop_door_empty(door))
			return false;
	return true;
}

void loop_doors_close(struct loop_doors *doors)
{
	struct loop_door *door;

	STAILQ_FOREACH (door, &doors->list, link)
		loop_door_close(door);
}
