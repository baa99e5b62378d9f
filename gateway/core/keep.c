/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keep.c - named records in one file that survive power loss (gateway/api/keep.h).
 *
 *   "SLKEEP01" generation:8 count:4 { key_len:1 key value_len:4 value }* crc32c:4
 *
 * commit: NAME.keep.new written and synced, NAME.keep becomes NAME.keep.old, .new
 * becomes NAME.keep, the folder is synced.  Whatever is cut off, one of .keep and
 * .keep.old is whole and at most one commit (never acknowledged) behind.
 */
#include "config.h"

#include "gateway/api/keep.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/crc32c.h"
#include "gateway/base/err.h"
#include "gateway/base/log.h"
#include "gateway/loop/drv_fs.h"

#define MAGIC "SLKEEP01" /* name and version */
#define NAME_BYTES 6
#define HEAD_BYTES 20
#define FILE_MAX (8u << 20)

struct record {
	char key[GW_KEEP_KEY_MAX + 1];
	uint8_t *value;
	uint32_t bytes;
};

struct gw_keep {
	struct drv_fs *fs;
	char folder[512];
	char path[800]; /* of NAME.keep */
	uint64_t generation;
	bool damaged; /* NAME.keep could not be read: it must not take the place of .old */
	unsigned n;
	struct record record[GW_KEEP_RECORDS_MAX];
};

static struct record *find(const struct gw_keep *keep, const char *key)
{
	for (unsigned i = 0; i < keep->n; i++)
		if (strcmp(keep->record[i].key, key) == 0)
			return (struct record *)(uintptr_t)&keep->record[i];
	return NULL;
}

static void forget_all(struct gw_keep *keep)
{
	for (unsigned i = 0; i < keep->n; i++)
		free(keep->record[i].value);
	keep->n = 0;
}

/* ---- bytes to records; pure but for the copies -------------------------- */

static int parse_record(struct gw_keep *keep, const uint8_t *at, size_t left, size_t *used)
{
	char key[GW_KEEP_KEY_MAX + 1];
	size_t key_len, len;

	if (left < 1 || at[0] == 0 || at[0] > GW_KEEP_KEY_MAX || left < 1u + at[0] + 4u)
		return -EUCLEAN;
	key_len = at[0];
	memcpy(key, at + 1, key_len);
	key[key_len] = 0;
	len = be32_get(at + 1 + key_len);
	if (len > GW_KEEP_VALUE_MAX || left - 5 - key_len < len)
		return -EUCLEAN;
	*used = 5 + key_len + len;
	return gw_keep_set(keep, key, at + 5 + key_len, len);
}

/* Name and checksum stay where they are in every version. */
static int look(const uint8_t *bytes, size_t len)
{
	if (len < HEAD_BYTES + 4 || memcmp(bytes, MAGIC, NAME_BYTES) != 0 ||
	    be32_get(bytes + len - 4) != crc32c(0, bytes, len - 4))
		return -EUCLEAN;
	return memcmp(bytes, MAGIC, 8) ? -ENOTSUP : 0;
}

static int parse(struct gw_keep *keep, const uint8_t *bytes, size_t len)
{
	size_t at = HEAD_BYTES, end = len - 4, used;
	uint32_t count;
	int rc = look(bytes, len);

	if (rc)
		return rc;
	keep->generation = be64_get(bytes + 8);
	count = be32_get(bytes + 16);
	for (uint32_t i = 0; i < count; i++, at += used) {
		rc = parse_record(keep, bytes + at, end - at, &used);
		if (rc)
			return rc;
	}
	return at == end ? 0 : -EUCLEAN;
}

static size_t format(const struct gw_keep *keep, uint8_t *out)
{
	size_t at = HEAD_BYTES;

	memcpy(out, MAGIC, 8);
	be64_put(out + 8, keep->generation);
	be32_put(out + 16, keep->n);
	for (unsigned i = 0; i < keep->n; i++) {
		const struct record *r = &keep->record[i];
		size_t key_len = strlen(r->key);

		out[at] = (uint8_t)key_len;
		memcpy(out + at + 1, r->key, key_len);
		be32_put(out + at + 1 + key_len, r->bytes);
		memcpy(out + at + 5 + key_len, r->value, r->bytes);
		at += 5 + key_len + r->bytes;
	}
	be32_put(out + at, crc32c(0, out, at));
	return at + 4;
}

static size_t format_bytes(const struct gw_keep *keep)
{
	size_t sum = HEAD_BYTES + 4;

	for (unsigned i = 0; i < keep->n; i++)
		sum += 5 + strlen(keep->record[i].key) + keep->record[i].bytes;
	return sum;
}

/* ---- files -------------------------------------------------------------- */

static int read_bytes(struct gw_keep *keep, struct drv_file *file)
{
	struct drv_stat st;
	uint8_t *bytes;
	size_t got = 0;
	int rc = keep->fs->ops->stat(keep->fs, file, &st);

	if (rc)
		return rc;
	if (st.size_bytes < HEAD_BYTES + 4 || st.size_bytes > FILE_MAX)
		return -EUCLEAN;
	bytes = malloc(st.size_bytes);
	if (!bytes)
		return -ENOMEM;
	rc = keep->fs->ops->read(keep->fs, file, bytes, st.size_bytes, 0, &got);
	if (!rc)
		rc = got == st.size_bytes ? parse(keep, bytes, got) : -EUCLEAN;
	free(bytes);
	return rc;
}

static int read_one(struct gw_keep *keep, const char *path)
{
	struct drv_file *file = NULL;
	struct gw_err err = { 0 };
	int rc = keep->fs->ops->open(keep->fs, path, DRV_OPEN_READ, &file, &err);

	if (rc)
		return rc;
	rc = read_bytes(keep, file);
	keep->fs->ops->close(keep->fs, &file);
	if (rc)
		forget_all(keep);
	return rc;
}

static const char *with_suffix(const struct gw_keep *keep, const char *suffix, char *buf,
			       size_t len)
{
	snprintf(buf, len, "%s%s", keep->path, suffix);
	return buf;
}

/* The newest whole state. */
static int read_newest(struct gw_keep *keep, struct gw_err *err)
{
	char old[816];
	int rc = read_one(keep, keep->path), rc_old = 0;

	if (rc == -ENOTSUP)
		return gw_err_set(err, ENOTSUP, "%s: a newer version of Sluice has written it",
				  keep->path);
	keep->damaged = rc && rc != -ENOENT;
	if (rc)
		rc_old = read_one(keep, with_suffix(keep, ".old", old, sizeof(old)));
	if (rc_old && !(rc == -ENOENT && rc_old == -ENOENT))
		return gw_err_set(err, EUCLEAN, "%s: neither it nor the state before can be read",
				  keep->path);
	if (keep->damaged)
		log_warn(VOLUME, "%s cannot be read: the state before it holds", keep->path);
	return 0;
}

int gw_keep_open(struct drv_fs *fs, const char *folder, const char *name, struct gw_keep **out,
		 struct gw_err *err)
{
	struct gw_keep *keep;
	int rc;

	if (strlen(folder) + strlen(name) + 8 > sizeof(keep->path) ||
	    strlen(folder) >= sizeof(keep->folder))
		return gw_err_set(err, ENAMETOOLONG, "%s/%s: the name is too long", folder, name);
	keep = calloc(1, sizeof(*keep));
	if (!keep)
		return gw_err_set(err, ENOMEM, "no memory");
	keep->fs = fs;
	snprintf(keep->folder, sizeof(keep->folder), "%s", folder);
	snprintf(keep->path, sizeof(keep->path), "%s/%s.keep", folder, name);
	rc = read_newest(keep, err);
	if (rc)
		gw_keep_close(&keep);
	else
		*out = keep;
	return rc;
}

void gw_keep_close(struct gw_keep **keepp)
{
	struct gw_keep *keep = *keepp;

	*keepp = NULL;
	if (!keep)
		return;
	forget_all(keep);
	free(keep);
}

const void *gw_keep_get(const struct gw_keep *keep, const char *key, size_t *bytes)
{
	const struct record *r = find(keep, key);

	if (!r)
		return NULL;
	*bytes = r->bytes;
	return r->value;
}

static void drop(struct gw_keep *keep, struct record *r)
{
	free(r->value);
	*r = keep->record[--keep->n];
}

int gw_keep_set(struct gw_keep *keep, const char *key, const void *value, size_t bytes)
{
	struct record *r = find(keep, key);
	size_t was = r ? r->bytes : 0, head = r ? 0 : 5 + strlen(key);
	uint8_t *copy;

	if (!*key || strlen(key) > GW_KEEP_KEY_MAX)
		return -EINVAL;
	if (bytes > GW_KEEP_VALUE_MAX)
		return -E2BIG;
	if (!value) {
		if (r)
			drop(keep, r);
		return 0;
	}
	if ((!r && keep->n == GW_KEEP_RECORDS_MAX) ||
	    format_bytes(keep) - was + head + bytes > FILE_MAX)
		return -ENOSPC;
	copy = malloc(bytes ? bytes : 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, bytes);
	if (r) {
		free(r->value);
	} else {
		r = &keep->record[keep->n++];
		snprintf(r->key, sizeof(r->key), "%s", key);
	}
	r->value = copy;
	r->bytes = (uint32_t)bytes;
	return 0;
}

static int write_new(struct gw_keep *keep, const char *path, const uint8_t *bytes, size_t len)
{
	const struct drv_fs_ops *ops = keep->fs->ops;
	struct drv_file *file = NULL;
	struct gw_err err = { 0 };
	int rc = ops->open(keep->fs, path, DRV_OPEN_WRITE | DRV_OPEN_CREATE | DRV_OPEN_TRUNCATE,
			   &file, &err);

	if (rc)
		return rc;
	rc = ops->write(keep->fs, file, bytes, len, 0);
	if (!rc)
		rc = ops->sync(keep->fs, file);
	ops->close(keep->fs, &file);
	return rc;
}

static int replace(struct gw_keep *keep, const uint8_t *bytes, size_t len)
{
	const struct drv_fs_ops *ops = keep->fs->ops;
	char new[816], old[816];
	int rc = write_new(keep, with_suffix(keep, ".new", new, sizeof(new)), bytes, len);

	if (!rc && !keep->damaged)
		rc = ops->rename(keep->fs, keep->path, with_suffix(keep, ".old", old, sizeof(old)));
	if (rc == -ENOENT)
		rc = 0; /* the first commit has nothing before it */
	if (!rc)
		rc = ops->rename(keep->fs, new, keep->path);
	if (!rc)
		keep->damaged = false;
	if (!rc)
		rc = ops->sync_dir(keep->fs, keep->folder);
	return rc;
}

int gw_keep_commit(struct gw_keep *keep, struct gw_err *err)
{
	uint8_t *bytes = malloc(format_bytes(keep));
	int rc;

	if (!bytes)
		return gw_err_set(err, ENOMEM, "%s: no memory", keep->path);
	keep->generation++;
	rc = replace(keep, bytes, format(keep, bytes));
	free(bytes);
	if (rc)
		return gw_err_set(err, -rc, "%s: cannot be written: %m", keep->path);
	return 0;
}
