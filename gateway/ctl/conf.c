/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conf.c - build, copy and compare a wanted state.  Promises in conf.h.
 *
 * Lists are arrays that grow by one: a conf is built once and has few entries.
 */
#include "config.h"

#include "gateway/ctl/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/volume.h"

struct conf *conf_new(void)
{
	return calloc(1, sizeof(struct conf));
}

/* Strings of a conf are its own; only here are they anything but const. */
static void free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

static void free_volume(struct conf_volume *volume)
{
	free_text(volume->name);
	free_text(volume->store);
	free_text(volume->target);
	free_text(volume->size_text);
}

static void free_front(struct conf_front *front)
{
	for (unsigned i = 0; i < front->n_settings; i++) {
		free_text(front->settings[i].key);
		free_text(front->settings[i].value);
	}
	free(front->settings);
	free_text(front->name);
}

void conf_destroy(struct conf **address)
{
	struct conf *conf = *address;

	if (!conf)
		return;
	for (unsigned i = 0; i < conf->n_volumes; i++)
		free_volume(&conf->volumes[i]);
	for (unsigned i = 0; i < conf->n_fronts; i++)
		free_front(&conf->fronts[i]);
	free(conf->volumes);
	free(conf->fronts);
	free(conf);
	*address = NULL;
}

/* Copies a text that may be null; false: no memory. */
static bool copy_text(const char *from, const char **to)
{
	*to = from ? strdup(from) : NULL;
	return !from == !*to;
}

/* Room for one more at the end of an array; false: no memory. */
static bool grow(void *array, unsigned n, size_t size)
{
	void **at = array;
	void *more = reallocarray(*at, (size_t)n + 1, size);

	if (!more)
		return false;
	memset((char *)more + (size_t)n * size, 0, size);
	*at = more;
	return true;
}

bool conf_name_is_good(const char *name)
{
	size_t len = strlen(name);

	return len && len < GW_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

/* ---- volumes ------------------------------------------------------------ */

const struct conf_volume *conf_find_volume(const struct conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->n_volumes; i++)
		if (!strcmp(conf->volumes[i].name, name))
			return &conf->volumes[i];
	return NULL;
}

static int check_volume(const struct conf *conf, const struct conf_volume *volume,
			struct gw_err *err)
{
	const struct conf_volume *other = conf_find_volume(conf, volume->name);

	if (!conf_name_is_good(volume->name))
		return gw_err_set(err, EINVAL,
				  "'%s' is not a name: 1 to %d of a-z, 0-9, '.' and '-'",
				  volume->name, GW_NAME_MAX - 1);
	if (other)
		return gw_err_set(err, EEXIST,
				  "two images are named '%s': %s and %s; write NAME=IMAGE to "
				  "name one of them differently",
				  volume->name, other->target, volume->target);
	if (conf->n_volumes >= CONF_VOLUMES_MAX)
		return gw_err_set(err, E2BIG, "%s: there are at most %u volumes", volume->name,
				  CONF_VOLUMES_MAX);
	return 0;
}

int conf_add_volume(struct conf *conf, const struct conf_volume *volume, struct gw_err *err)
{
	struct conf_volume mine = *volume;
	bool good;
	int rc;

	rc = check_volume(conf, volume, err);
	if (rc)
		return rc;
	good = copy_text(volume->name, &mine.name);
	good = copy_text(volume->store, &mine.store) && good;
	good = copy_text(volume->target, &mine.target) && good;
	good = copy_text(volume->size_text, &mine.size_text) && good;
	if (!good || !grow(&conf->volumes, conf->n_volumes, sizeof(mine))) {
		free_volume(&mine);
		return gw_err_set(err, ENOMEM, "%s: no memory", volume->name);
	}
	conf->volumes[conf->n_volumes++] = mine;
	return 0;
}

bool conf_drop_volume(struct conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->n_volumes; i++) {
		if (strcmp(conf->volumes[i].name, name))
			continue;
		free_volume(&conf->volumes[i]);
		conf->n_volumes--;
		memmove(&conf->volumes[i], &conf->volumes[i + 1],
			(conf->n_volumes - i) * sizeof(conf->volumes[0]));
		return true;
	}
	return false;
}

/* ---- front ends --------------------------------------------------------- */

static struct conf_front *find_front(const struct conf *conf, const char *name)
{
	for (unsigned i = 0; i < conf->n_fronts; i++)
		if (!strcmp(conf->fronts[i].name, name))
			return &conf->fronts[i];
	return NULL;
}

const struct conf_front *conf_find_front(const struct conf *conf, const char *name)
{
	return find_front(conf, name);
}

static int append_setting(struct conf_front *front, const struct gw_setting *setting,
			  struct gw_err *err)
{
	struct gw_setting mine = { 0 };
	bool good;

	if (front->n_settings >= CONF_SETTINGS_MAX)
		return gw_err_set(err, E2BIG, "%s: there are at most %u settings", front->name,
				  CONF_SETTINGS_MAX);
	good = copy_text(setting->key, &mine.key);
	good = copy_text(setting->value, &mine.value) && good;
	if (!good || !grow(&front->settings, front->n_settings, sizeof(mine))) {
		free_text(mine.key);
		free_text(mine.value);
		return gw_err_set(err, ENOMEM, "%s: no memory", front->name);
	}
	front->settings[front->n_settings++] = mine;
	return 0;
}

int conf_add_front(struct conf *conf, const struct conf_front *front, struct gw_err *err)
{
	struct conf_front mine = { 0 };
	int rc = 0;

	if (find_front(conf, front->name))
		return gw_err_set(err, EEXIST, "%s is there already", front->name);
	if (conf->n_fronts >= CONF_FRONTS_MAX)
		return gw_err_set(err, E2BIG, "there are at most %u protocols", CONF_FRONTS_MAX);
	if (!copy_text(front->name, &mine.name) ||
	    !grow(&conf->fronts, conf->n_fronts, sizeof(mine)))
		rc = gw_err_set(err, ENOMEM, "%s: no memory", front->name);
	for (unsigned i = 0; !rc && i < front->n_settings; i++)
		rc = append_setting(&mine, &front->settings[i], err);
	if (rc) {
		free_front(&mine);
		return rc;
	}
	conf->fronts[conf->n_fronts++] = mine;
	return 0;
}

int conf_add_setting(struct conf *conf, const char *name, const struct gw_setting *setting,
		     struct gw_err *err)
{
	const struct conf_front added = { .name = name };

	if (!find_front(conf, name)) {
		int rc = conf_add_front(conf, &added, err);

		if (rc)
			return rc;
	}
	return append_setting(find_front(conf, name), setting, err);
}

bool conf_drop_front(struct conf *conf, const char *name)
{
	struct conf_front *front = find_front(conf, name);
	unsigned i;

	if (!front)
		return false;
	i = (unsigned)(front - conf->fronts);
	free_front(front);
	conf->n_fronts--;
	memmove(front, front + 1, (conf->n_fronts - i) * sizeof(*front));
	return true;
}

/* ---- whole -------------------------------------------------------------- */

struct conf *conf_copy(const struct conf *conf)
{
	struct conf *copy = conf_new();
	bool good = copy;

	for (unsigned i = 0; good && i < conf->n_volumes; i++)
		good = !conf_add_volume(copy, &conf->volumes[i], NULL);
	for (unsigned i = 0; good && i < conf->n_fronts; i++)
		good = !conf_add_front(copy, &conf->fronts[i], NULL);
	if (!good)
		conf_destroy(&copy);
	return copy;
}

static bool same_text(const char *a, const char *b)
{
	return !a == !b && (!a || !strcmp(a, b));
}

bool conf_volume_same(const struct conf_volume *a, const struct conf_volume *b)
{
	return same_text(a->name, b->name) && same_text(a->store, b->store) &&
	       same_text(a->target, b->target) && same_text(a->size_text, b->size_text) &&
	       a->block_bytes == b->block_bytes && a->read_only == b->read_only &&
	       a->direct == b->direct && a->write_through == b->write_through;
}

bool conf_front_same(const struct conf_front *a, const struct conf_front *b)
{
	if (!same_text(a->name, b->name) || a->n_settings != b->n_settings)
		return false;
	for (unsigned i = 0; i < a->n_settings; i++)
		if (!same_text(a->settings[i].key, b->settings[i].key) ||
		    !same_text(a->settings[i].value, b->settings[i].value))
			return false;
	return true;
}
