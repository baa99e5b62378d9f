/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conf.h - the wanted state as data: which volumes, which front ends.
 *
 * Pure: it knows no file, no socket and no gateway.  `sluice serve` builds one
 * from its words (gateway/daemon/serve.c), a configuration file will; who wants
 * it made true hands it to conf_apply.h.  A conf owns all its strings.
 */
#ifndef GATEWAY_CTL_CONF_H
#define GATEWAY_CTL_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/api/frontend.h"
#include "gateway/base/err.h"

struct conf_volume {
	const char *name; /* [a-z0-9.-] */
	const char *store; /* "file", "memory" ... */
	const char *target; /* what stands behind the store's name */
	const char *size_text; /* make it if it is absent; or null */
	uint32_t block_bytes; /* 0: the store's own */
	bool read_only, direct, write_through;
};

struct conf_front {
	const char *name;
	struct gw_setting *settings; /* in their order */
	unsigned n_settings;
};

struct conf {
	struct conf_volume *volumes; /* in the order of their LUNs */
	unsigned n_volumes;
	struct conf_front *fronts;
	unsigned n_fronts;
};

#define CONF_VOLUMES_MAX 4096u
#define CONF_FRONTS_MAX 64u
#define CONF_SETTINGS_MAX 1024u /* of one front end */

/* Null: no memory. */
struct conf *conf_new(void);
void conf_destroy(struct conf **conf);
/* Null: no memory. */
struct conf *conf_copy(const struct conf *conf);

/* Copies the volume in.  Refused with a sentence that names both where the name
 * is taken (-EEXIST), or where it is no name (-EINVAL). */
int conf_add_volume(struct conf *conf, const struct conf_volume *volume, struct gw_err *err);
/* Adds the front end where it is not there yet (-EEXIST otherwise). */
int conf_add_front(struct conf *conf, const struct conf_front *front, struct gw_err *err);
/* Adds one setting to a front end, and the front end where it is not there yet. */
int conf_add_setting(struct conf *conf, const char *front, const struct gw_setting *setting,
		     struct gw_err *err);
/* False: there is none of this name. */
bool conf_drop_volume(struct conf *conf, const char *name);
bool conf_drop_front(struct conf *conf, const char *name);

/* Null: there is none. */
const struct conf_volume *conf_find_volume(const struct conf *conf, const char *name);
const struct conf_front *conf_find_front(const struct conf *conf, const char *name);

bool conf_volume_same(const struct conf_volume *a, const struct conf_volume *b);
bool conf_front_same(const struct conf_front *a, const struct conf_front *b);
/* Not empty, [a-z0-9.-] only, shorter than GW_NAME_MAX. */
bool conf_name_is_good(const char *name);

#endif
