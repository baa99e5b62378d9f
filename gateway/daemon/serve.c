/* SPDX-License-Identifier: BSD-3-Clause
 *
 * serve.c - from words to a wanted state.  Promises in serve.h.
 *
 * Each option of our own has one function below; options of a front end are
 * handed on as they came, for only it knows what they mean.
 */
#include "config.h"

#include "gateway/daemon/serve.h"

#include <errno.h>
#include <string.h>

#include "gateway/base/num.h"
#include "gateway/base/str.h"
#include "gateway/core/registry.h"
#include "gateway/daemon/image.h"

#define BLOCK_MIN 512
#define BLOCK_MAX 65536
#define TARGET_MAX 8192
#define BUSY_POLL_MOST_US 10000

/* What holds for every image, beside what is being built. */
struct draft {
	struct serve serve;
	struct conf_volume all;
};

static int take_read_only(struct draft *d, const char *value, struct gw_err *err)
{
	d->all.read_only = true;
	return 0;
}

static int take_size(struct draft *d, const char *value, struct gw_err *err)
{
	uint64_t bytes;

	if (str_parse_size(value, &bytes) || !bytes)
		return gw_err_set(err, EINVAL, "--size: '%s' is not a size (like 512M, 1G, 2T)",
				  value);
	d->all.size_text = value;
	return 0;
}

static int take_block_size(struct draft *d, const char *value, struct gw_err *err)
{
	uint64_t bytes;

	if (str_parse_size(value, &bytes) || !num_is_pow2(bytes) || bytes < BLOCK_MIN ||
	    bytes > BLOCK_MAX)
		return gw_err_set(err, EINVAL,
				  "--block-size: '%s' is not 512, 1K, 2K, 4K, 8K, 16K, 32K or 64K",
				  value);
	d->all.block_bytes = (uint32_t)bytes;
	return 0;
}

static int take_write_through(struct draft *d, const char *value, struct gw_err *err)
{
	d->all.write_through = true;
	return 0;
}

static int take_direct(struct draft *d, const char *value, struct gw_err *err)
{
	d->all.direct = true;
	return 0;
}

static int take_threads(struct draft *d, const char *value, struct gw_err *err)
{
	uint64_t n;

	if (str_parse_u64(value, &n) || n < 1 || n > LOOP_MAX)
		return gw_err_set(err, EINVAL, "--threads: '%s' is not a number from 1 to %d",
				  value, LOOP_MAX);
	d->serve.threads = (unsigned)n;
	return 0;
}

static int take_engine(struct draft *d, const char *value, struct gw_err *err)
{
	if (!strcmp(value, "uring"))
		d->serve.engine = &drv_uring;
	else if (!strcmp(value, "aio"))
		d->serve.engine = &drv_aio;
	else
		return gw_err_set(err, EINVAL, "--engine: '%s' is neither uring nor aio", value);
	if (!d->serve.engine->create)
		return gw_err_set(err, EINVAL, "--engine: this build does not have %s", value);
	return 0;
}

static int take_busy_poll(struct draft *d, const char *value, struct gw_err *err)
{
	uint64_t us;

	if (!strcmp(value, "auto")) {
		d->serve.busy_poll = LOOP_BUSY_AUTO;
		return 0;
	}
	if (str_parse_u64(value, &us) || us > BUSY_POLL_MOST_US)
		return gw_err_set(err, EINVAL,
				  "--busy-poll: '%s' is neither a number of microseconds up to %d "
				  "nor auto",
				  value, BUSY_POLL_MOST_US);
	d->serve.busy_poll = span_us((int64_t)us);
	return 0;
}

static int take_pool(struct draft *d, const char *value, struct gw_err *err)
{
	uint64_t bytes = GW_POOL_MIN_BYTES;

	if (strcmp(value, "min") && str_parse_size(value, &bytes))
		return gw_err_set(err, EINVAL, "--pool: '%s' is neither a size nor 'min'", value);
	if (bytes < GW_POOL_MIN_BYTES)
		return gw_err_set(err, EINVAL, "--pool: %s is too small; %u MiB are the least",
				  value, GW_POOL_MIN_BYTES >> 20);
	d->serve.limits.pool_bytes = bytes;
	return 0;
}

static int take_state(struct draft *d, const char *value, struct gw_err *err)
{
	if (*value != '/')
		return gw_err_set(err, EINVAL, "--state: '%s' does not begin with /", value);
	d->serve.state = value;
	return 0;
}

static int take_control(struct draft *d, const char *value, struct gw_err *err)
{
	d->serve.control = value;
	return 0;
}

static int take_help(struct draft *d, const char *value, struct gw_err *err)
{
	return 0; /* main has seen to it */
}

static int (*const takes[OPTIONS_OWN_COUNT])(struct draft *d, const char *value,
					     struct gw_err *err) = {
	[OPTIONS_READ_ONLY] = take_read_only,
	[OPTIONS_SIZE] = take_size,
	[OPTIONS_BLOCK_SIZE] = take_block_size,
	[OPTIONS_WRITE_THROUGH] = take_write_through,
	[OPTIONS_DIRECT] = take_direct,
	[OPTIONS_THREADS] = take_threads,
	[OPTIONS_ENGINE] = take_engine,
	[OPTIONS_BUSY_POLL] = take_busy_poll,
	[OPTIONS_POOL] = take_pool,
	[OPTIONS_STATE] = take_state,
	[OPTIONS_CONTROL] = take_control,
	[OPTIONS_HELP] = take_help,
};

static int take_words(struct draft *d, const struct options *options, struct gw_err *err)
{
	int rc = 0;

	for (unsigned i = 0; !rc && i < options->n_words; i++) {
		const struct options_word *word = &options->words[i];
		const struct gw_setting setting = { word->row->name, word->value };

		if (word->front)
			rc = conf_add_setting(d->serve.conf, word->front, &setting, err);
		else
			rc = takes[word->own](d, word->value, err);
	}
	return rc;
}

/* The target of an image, a path from the root.  False: it is too long. */
static bool find_target(const struct image *image, const char *folder, char *buf, size_t len)
{
	const char *rest = image->target;
	struct str s = str_begin(buf, len);

	if (image->is_path && *rest != '/' && *folder) {
		while (str_starts(rest, "./"))
			rest += 1 + strspn(rest + 1, "/");
		str_addf(&s, "%s/", folder);
	}
	str_add(&s, rest);
	return !s.cut;
}

static int take_image(struct draft *d, const char *word, const struct serve_place *place,
		      struct gw_err *err)
{
	struct conf_volume volume = d->all;
	char target[TARGET_MAX];
	struct image image;
	int rc = image_parse(word, place->is_block, &image, err);

	if (rc)
		return rc;
	if (!find_target(&image, place->folder, target, sizeof(target)))
		return gw_err_set(err, EINVAL, "the path of image '%s' is too long", image.name);
	volume.name = image.name;
	volume.store = image.store;
	volume.target = target;
	return conf_add_volume(d->serve.conf, &volume, err);
}

static int take_images(struct draft *d, const struct options *options,
		       const struct serve_place *place, struct gw_err *err)
{
	int rc = 0;

	for (unsigned i = 0; !rc && i < options->n_images; i++)
		rc = take_image(d, options->images[i], place, err);
	return rc;
}

/* Nobody named a protocol: each that has defaults serves them. */
static int take_defaults(struct draft *d, struct gw_err *err)
{
	const struct gw_front_ops *ops;
	int rc = 0;

	if (d->serve.conf->n_fronts)
		return 0;
	for (unsigned f = 0; !rc && (ops = gw_registry_front_at(f)); f++)
		for (unsigned i = 0; !rc && ops->defaults && i < ops->n_defaults; i++)
			rc = conf_add_setting(d->serve.conf, ops->name, &ops->defaults[i], err);
	return rc;
}

int serve_build(const struct options *options, const struct serve_place *place, struct serve *out,
		struct gw_err *err)
{
	struct draft d = { .serve.busy_poll = LOOP_BUSY_AUTO };
	int rc;

	if (!options->n_images)
		return gw_err_set(err, EINVAL,
				  "nothing to serve: name an image, as in 'sluice serve disk.img'");
	d.serve.conf = conf_new();
	if (!d.serve.conf)
		return gw_err_set(err, ENOMEM, "no memory for the command line");
	rc = take_words(&d, options, err);
	if (!rc)
		rc = take_images(&d, options, place, err);
	if (!rc)
		rc = take_defaults(&d, err);
	if (rc)
		serve_end(&d.serve);
	else
		*out = d.serve;
	return rc;
}

void serve_end(struct serve *serve)
{
	conf_destroy(&serve->conf);
}
