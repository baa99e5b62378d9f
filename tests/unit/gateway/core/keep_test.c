/* SPDX-License-Identifier: BSD-3-Clause
 *
 * keep_test.c - the keeper over a small file system that forgets: power fails
 * after every call, names that were not synced stay or go in every combination,
 * unsynced bytes are there, torn, zero or absent.  What is read afterwards is the
 * state before or the one that was being written, never a mix, and the new one
 * for sure once the commit had succeeded.
 */
#include "config.h"

#include "gateway/api/keep.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/crc32c.h"
#include "gateway/base/err.h"
#include "gateway/base/log.h"
#include "gateway/loop/drv_fs.h"
#include "tests/harness/harness.h"

/* ---- the file system ---------------------------------------------------- */

#define INODES 24
#define NAMES 8
#define PENDING 8

struct blob {
	struct blob *next;
	size_t len;
	uint8_t bytes[];
};

struct name {
	char path[32]; /* "": free */
	int inode;
};

struct change { /* from "": a new name */
	char from[32], to[32];
	int inode;
};

struct disk {
	struct drv_fs fs;
	struct blob *now[INODES], *safe[INODES];
	int inodes;
	struct name names[NAMES], safe_names[NAMES];
	struct change pending[PENDING];
	unsigned n_pending;
	unsigned calls, cut_at, fail_at; /* cut_at: from this call on power is off; 0: never */
};

struct drv_file {
	int inode;
};

static struct disk disk;
static struct drv_file file;
static struct blob *blobs;
static bool file_open;

static struct blob *blob_make(const void *bytes, size_t len)
{
	struct blob *b = malloc(sizeof(*b) + len);

	assert_non_null(b);
	b->len = len;
	if (bytes)
		memcpy(b->bytes, bytes, len);
	else
		memset(b->bytes, 0, len);
	b->next = blobs;
	blobs = b;
	return b;
}

static int forget(void **state)
{
	(void)state;
	while (blobs) {
		struct blob *b = blobs;

		blobs = b->next;
		free(b);
	}
	return 0;
}

static struct name *name_find(struct name *names, const char *path)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (strcmp(names[i].path, path) == 0)
			return &names[i];
	return NULL;
}

static void name_set(struct name *names, const char *path, int inode)
{
	struct name *n = name_find(names, path);

	if (!n)
		n = name_find(names, "");
	assert_non_null(n);
	if (!n)
		return;
	snprintf(n->path, sizeof(n->path), "%s", path);
	n->inode = inode;
}

static void change_apply(struct name *names, const struct change *c)
{
	struct name *from = c->from[0] ? name_find(names, c->from) : NULL;

	if (from && from->inode == c->inode)
		from->path[0] = 0;
	name_set(names, c->to, c->inode);
}

static void change_note(const char *from, const char *to, int inode)
{
	struct change *c = &disk.pending[disk.n_pending++];

	assert_true(disk.n_pending <= PENDING);
	snprintf(c->from, sizeof(c->from), "%s", from);
	snprintf(c->to, sizeof(c->to), "%s", to);
	c->inode = inode;
	change_apply(disk.names, c);
}

/* One more call; what it is to fail with. */
static int call(void)
{
	disk.calls++;
	if (disk.cut_at && disk.calls >= disk.cut_at)
		return -EIO;
	return disk.calls == disk.fail_at ? -ENOSPC : 0;
}

static int fs_open(struct drv_fs *fs, const char *path, unsigned flags, struct drv_file **out,
		   struct gw_err *err)
{
	struct name *n = name_find(disk.names, path);
	int rc = call();

	(void)fs;
	if (!rc && !n && !(flags & DRV_OPEN_CREATE))
		rc = -ENOENT;
	if (rc)
		return gw_err_set(err, -rc, "%s: %m", path);
	assert_false(file_open);
	if (!n) {
		assert_true(disk.inodes < INODES);
		disk.now[disk.inodes] = disk.safe[disk.inodes] = blob_make(NULL, 0);
		change_note("", path, disk.inodes++);
		n = name_find(disk.names, path);
	}
	if (flags & DRV_OPEN_TRUNCATE)
		disk.now[n->inode] = blob_make(NULL, 0);
	file.inode = n->inode;
	file_open = true;
	*out = &file;
	return 0;
}

static void fs_close(struct drv_fs *fs, struct drv_file **f)
{
	(void)fs;
	call();
	file_open = false;
	*f = NULL;
}

static int fs_stat(struct drv_fs *fs, struct drv_file *f, struct drv_stat *out)
{
	int rc = call();

	(void)fs;
	if (!rc)
		*out = (struct drv_stat){ .size_bytes = disk.now[f->inode]->len };
	return rc;
}

static int fs_read(struct drv_fs *fs, struct drv_file *f, void *buf, size_t len, uint64_t offset,
		   size_t *got)
{
	int rc = call();

	(void)fs;
	assert_int_equal(offset, 0);
	if (rc)
		return rc;
	*got = len < disk.now[f->inode]->len ? len : disk.now[f->inode]->len;
	memcpy(buf, disk.now[f->inode]->bytes, *got);
	return 0;
}

static int fs_write(struct drv_fs *fs, struct drv_file *f, const void *buf, size_t len,
		    uint64_t offset)
{
	int rc = call();

	(void)fs;
	assert_int_equal(offset, 0);
	disk.now[f->inode] = blob_make(buf, rc ? len / 3 : len);
	return rc;
}

static int fs_sync(struct drv_fs *fs, struct drv_file *f)
{
	int rc = call();

	(void)fs;
	if (!rc)
		disk.safe[f->inode] = disk.now[f->inode];
	return rc;
}

static int fs_rename(struct drv_fs *fs, const char *from, const char *to)
{
	struct name *n = name_find(disk.names, from);
	int rc = call();

	(void)fs;
	if (rc || !n)
		return rc ? rc : -ENOENT;
	change_note(from, to, n->inode);
	return 0;
}

static int fs_sync_dir(struct drv_fs *fs, const char *path)
{
	int rc = call();

	(void)fs;
	assert_string_equal(path, "d");
	if (rc)
		return rc;
	memcpy(disk.safe_names, disk.names, sizeof(disk.names));
	disk.n_pending = 0;
	return 0;
}

static const struct drv_fs_ops fs_ops = {
	.open = fs_open,
	.close = fs_close,
	.stat = fs_stat,
	.read = fs_read,
	.write = fs_write,
	.sync = fs_sync,
	.rename = fs_rename,
	.sync_dir = fs_sync_dir,
};

static void disk_new(void)
{
	memset(&disk, 0, sizeof(disk));
	disk.fs.ops = &fs_ops;
	file_open = false;
}

#define FATES 4 /* of unsynced bytes */

/* Power comes back: these of the pending changes have survived, unsynced bytes so. */
static void power_on(unsigned survivors, unsigned fate)
{
	for (unsigned i = 0; i < disk.n_pending; i++)
		if (survivors & (1u << i))
			change_apply(disk.safe_names, &disk.pending[i]);
	memcpy(disk.names, disk.safe_names, sizeof(disk.names));
	for (int i = 0; i < disk.inodes; i++) {
		size_t len = disk.now[i]->len;

		if (disk.now[i] != disk.safe[i] && fate == 1)
			disk.safe[i] = disk.now[i];
		else if (disk.now[i] != disk.safe[i] && fate == 2)
			disk.safe[i] = blob_make(disk.now[i]->bytes, len / 2);
		else if (disk.now[i] != disk.safe[i] && fate == 3)
			disk.safe[i] = blob_make(NULL, len);
		disk.now[i] = disk.safe[i];
	}
	disk.n_pending = disk.calls = disk.cut_at = disk.fail_at = 0;
	file_open = false;
}

/* ---- states of a keeper ------------------------------------------------- */

/* State n: "who" is n, "n" keys exist whose length and bytes depend on n. */
static void set_state(struct gw_keep *keep, unsigned n)
{
	char value[400];

	memset(value, 'a' + (int)n % 26, sizeof(value));
	assert_int_equal(gw_keep_set(keep, "who", &n, sizeof(n)), 0);
	for (unsigned i = 0; i < 6; i++) {
		char key[8];

		snprintf(key, sizeof(key), "k%u", i);
		assert_int_equal(gw_keep_set(keep, key, i <= n % 6 ? value : NULL, i * 7 + n), 0);
	}
}

static unsigned get_state(const struct gw_keep *keep)
{
	char value[400];
	unsigned n = 0;
	const void *p;
	size_t bytes;

	p = gw_keep_get(keep, "who", &bytes);
	if (!p)
		return 0;
	assert_int_equal(bytes, sizeof(n));
	memcpy(&n, p, sizeof(n));
	memset(value, 'a' + (int)n % 26, sizeof(value));
	for (unsigned i = 0; i < 6; i++) {
		char key[8];

		snprintf(key, sizeof(key), "k%u", i);
		p = gw_keep_get(keep, key, &bytes);
		if (i > n % 6) {
			assert_null(p);
			continue;
		}
		assert_non_null(p);
		assert_int_equal(bytes, i * 7 + n);
		assert_memory_equal(p, value, bytes);
	}
	return n;
}

static struct gw_keep *keep_open(void)
{
	struct gw_err err = { 0 };
	struct gw_keep *keep = NULL;

	if (gw_keep_open(&disk.fs, "d", "v", &keep, &err))
		fail_msg("%s", err.text);
	return keep;
}

/* Opens, writes state n, closes; the commit's result. */
static int write_state(unsigned n)
{
	struct gw_err err = { 0 };
	struct gw_keep *keep = keep_open();
	int rc;

	set_state(keep, n);
	disk.calls = 0;
	rc = gw_keep_commit(keep, &err);
	if (rc)
		assert_true(rc == -err.errnum && strstr(err.text, "d/v.keep"));
	gw_keep_close(&keep);
	assert_null(keep);
	return rc;
}

static unsigned read_state(void)
{
	struct gw_keep *keep = keep_open();
	unsigned n = get_state(keep);

	gw_keep_close(&keep);
	return n;
}

/* ---- power cuts --------------------------------------------------------- */

#define DEPTH 3

/* From the disk as it is, in state `before`: a commit is cut off in every way. */
static void cut_everywhere(unsigned before, unsigned n, unsigned depth)
{
	struct disk was = disk, then;
	struct gw_keep *keep;
	struct gw_err err;

	for (unsigned cut = 1; cut <= 9; cut++) {
		int rc;

		disk = was;
		keep = keep_open();
		set_state(keep, n);
		disk.calls = 0;
		disk.cut_at = cut;
		rc = gw_keep_commit(keep, &err);
		gw_keep_close(&keep);
		then = disk;
		for (unsigned s = 0; s < 1u << then.n_pending; s++)
			for (unsigned fate = 0; fate < FATES; fate++) {
				unsigned is;

				disk = then;
				power_on(s, fate);
				is = read_state();
				assert_true(is == n || (is == before && rc));
				if (depth > 1)
					cut_everywhere(is, n + 1, depth - 1);
			}
	}
	disk = was;
}

static void power_cuts(void **state)
{
	(void)state;
	disk_new();
	cut_everywhere(0, 1, DEPTH);
	for (unsigned n = 1; n <= 3; n++)
		assert_int_equal(write_state(n), 0);
	assert_int_equal(read_state(), 3);
	cut_everywhere(3, 4, DEPTH);
}

/* Each call fails once: the commit says so, the next one makes it good. */
static void errors(void **state)
{
	(void)state;
	for (unsigned fail = 1; fail <= 7; fail++) {
		struct gw_keep *keep;
		struct gw_err err = { 0 };
		int rc;

		disk_new();
		assert_int_equal(write_state(1), 0);
		assert_int_equal(write_state(2), 0);
		keep = keep_open();
		set_state(keep, 3);
		disk.calls = 0;
		disk.fail_at = fail;
		rc = gw_keep_commit(keep, &err);
		if (fail != 4) /* the close */
			assert_int_equal(rc, -ENOSPC);
		if (rc)
			assert_non_null(strstr(err.text, "d/v.keep: cannot be written"));
		disk.fail_at = 0;
		assert_true(read_state() >= 2);
		assert_int_equal(gw_keep_commit(keep, &err), 0);
		gw_keep_close(&keep);
		assert_int_equal(read_state(), 3);
	}
}

/* ---- damage ------------------------------------------------------------- */

static struct blob **content(const char *path)
{
	struct name *n = name_find(disk.names, path);

	assert_non_null(n);
	return &disk.now[n->inode];
}

static void put_content(const char *path, const void *bytes, size_t len)
{
	struct name *n = name_find(disk.names, path);

	disk.now[n->inode] = disk.safe[n->inode] = blob_make(bytes, len);
}

static char logged[256];

static void note_log(void *arg, enum log_level level, enum log_area area, const char *text)
{
	snprintf(logged, sizeof(logged), "%s", text);
}

static void two_states(void)
{
	disk_new();
	log_set_sink(note_log, NULL);
	logged[0] = 0;
	for (unsigned n = 1; n <= 4; n++)
		assert_int_equal(write_state(n), 0);
	assert_int_equal(read_state(), 4);
}

static void the_log_tells(void **state)
{
	(void)state;
	two_states();
	assert_string_equal(logged, "");
	put_content("d/v.keep", "rubbish", 7);
	assert_int_equal(read_state(), 3);
	assert_string_equal(logged, "d/v.keep cannot be read: the state before it holds");
}

static void each_byte_and_each_length(void **state)
{
	struct blob *whole;
	uint8_t *copy;

	(void)state;
	two_states();
	whole = *content("d/v.keep");
	copy = malloc(whole->len);
	for (size_t i = 0; i < whole->len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(copy, whole->bytes, whole->len);
			copy[i] ^= (uint8_t)(1u << bit);
			put_content("d/v.keep", copy, whole->len);
			assert_int_equal(read_state(), 3);
		}
	for (size_t len = 0; len < whole->len; len++) {
		put_content("d/v.keep", whole->bytes, len);
		assert_int_equal(read_state(), 3);
	}
	put_content("d/v.keep", whole->bytes, whole->len);
	assert_int_equal(read_state(), 4);
	free(copy);
}

/* Whole, but of a version to come: then the state before is not the newest that there
 * is, whatever it holds. */
static void of_the_future(void **state)
{
	struct gw_keep *keep = NULL;
	struct gw_err err = { 0 };
	struct blob *whole;

	(void)state;
	two_states();
	whole = *content("d/v.keep");
	memcpy(whole->bytes, "SLKEEP02", 8);
	be32_put(whole->bytes + whole->len - 4, crc32c(0, whole->bytes, whole->len - 4));
	assert_int_equal(gw_keep_open(&disk.fs, "d", "v", &keep, &err), -ENOTSUP);
	assert_null(keep);
	assert_string_equal(err.text, "d/v.keep: a newer version of Sluice has written it");
	assert_string_equal(logged, "");
}

static void both_are_damaged(void **state)
{
	struct gw_keep *keep = NULL;
	struct gw_err err = { 0 };

	(void)state;
	two_states();
	put_content("d/v.keep", "rubbish", 7);
	put_content("d/v.keep.old", "rubbish, longer than the head of a file", 39);
	assert_int_equal(gw_keep_open(&disk.fs, "d", "v", &keep, &err), -EUCLEAN);
	assert_null(keep);
	assert_string_equal(err.text, "d/v.keep: neither it nor the state before can be read");
}

/* The newer one is damaged, so the older one is all there is: the next commit must
 * not put the damaged one in its place before the new one stands. */
static void damaged_then_cut(void **state)
{
	(void)state;
	two_states();
	put_content("d/v.keep", "rubbish", 7);
	assert_int_equal(read_state(), 3);
	cut_everywhere(3, 5, 2);
	assert_int_equal(write_state(5), 0);
	assert_int_equal(read_state(), 5);
	assert_int_equal(write_state(6), 0);
	cut_everywhere(6, 7, 2);
}

/* ---- bounds ------------------------------------------------------------- */

static void bounds(void **state)
{
	static uint8_t big[GW_KEEP_VALUE_MAX + 1];
	char key[GW_KEEP_KEY_MAX + 2];
	struct gw_keep *keep;
	size_t bytes;

	(void)state;
	disk_new();
	keep = keep_open();
	assert_int_equal(gw_keep_set(keep, "", "x", 1), -EINVAL);
	memset(key, 'k', sizeof(key));
	key[GW_KEEP_KEY_MAX + 1] = 0;
	assert_int_equal(gw_keep_set(keep, key, "x", 1), -EINVAL);
	key[GW_KEEP_KEY_MAX] = 0;
	assert_int_equal(gw_keep_set(keep, key, "x", 1), 0);
	assert_int_equal(gw_keep_set(keep, "big", big, sizeof(big)), -E2BIG);
	assert_int_equal(gw_keep_set(keep, "big", big, sizeof(big) - 1), 0);
	assert_int_equal(gw_keep_set(keep, "none", "", 0), 0);
	assert_non_null(gw_keep_get(keep, "none", &bytes));
	assert_int_equal(bytes, 0);
	assert_int_equal(gw_keep_set(keep, "absent", NULL, 0), 0);
	assert_null(gw_keep_get(keep, "absent", &bytes));
	for (unsigned i = 3; i < GW_KEEP_RECORDS_MAX; i++) {
		snprintf(key, sizeof(key), "r%u", i);
		assert_int_equal(gw_keep_set(keep, key, &i, sizeof(i)), 0);
	}
	assert_int_equal(gw_keep_set(keep, "one more", "x", 1), -ENOSPC);
	assert_int_equal(gw_keep_set(keep, "r77", NULL, 0), 0);
	assert_int_equal(gw_keep_set(keep, "one more", "x", 1), 0);
	assert_int_equal(gw_keep_commit(keep, NULL), 0);
	gw_keep_close(&keep);
	keep = keep_open();
	assert_non_null(gw_keep_get(keep, "one more", &bytes));
	assert_null(gw_keep_get(keep, "r77", &bytes));
	assert_non_null(gw_keep_get(keep, "big", &bytes));
	assert_int_equal(bytes, GW_KEEP_VALUE_MAX);
	gw_keep_close(&keep);
	gw_keep_close(&keep);
}

/* Whatever could be set can be written and read again. */
static void what_was_set_can_be_read(void **state)
{
	static uint8_t big[GW_KEEP_VALUE_MAX];
	struct gw_keep *keep;
	unsigned had = 0;
	size_t bytes;
	char key[GW_KEEP_KEY_MAX + 1];

	(void)state;
	disk_new();
	keep = keep_open();
	/* first small, then grown: a record that is there may not grow for ever */
	for (unsigned i = 0; i < GW_KEEP_RECORDS_MAX; i++) {
		snprintf(key, sizeof(key), "%0*u", i % 2 ? 1 : GW_KEEP_KEY_MAX, i);
		assert_int_equal(gw_keep_set(keep, key, big, 1), 0);
	}
	for (size_t size = sizeof(big); size > 4; size = size * 3 / 4)
		for (unsigned i = 0; i < GW_KEEP_RECORDS_MAX; i++) {
			snprintf(key, sizeof(key), "%0*u", i % 2 ? 1 : GW_KEEP_KEY_MAX, i);
			gw_keep_get(keep, key, &bytes);
			if (bytes < size && gw_keep_set(keep, key, big, size) == 0)
				had++;
		}
	assert_true(had > 100);
	assert_int_equal(gw_keep_commit(keep, NULL), 0);
	gw_keep_close(&keep);
	keep = keep_open();
	for (unsigned i = 0; i < GW_KEEP_RECORDS_MAX; i++) {
		snprintf(key, sizeof(key), "%0*u", i % 2 ? 1 : GW_KEEP_KEY_MAX, i);
		assert_non_null(gw_keep_get(keep, key, &bytes));
	}
	gw_keep_close(&keep);
}

static void name_too_long(void **state)
{
	struct gw_keep *keep = NULL;
	struct gw_err err = { 0 };
	char folder[900];

	(void)state;
	disk_new();
	memset(folder, 'f', sizeof(folder));
	folder[899] = 0;
	assert_int_equal(gw_keep_open(&disk.fs, folder, "v", &keep, &err), -ENAMETOOLONG);
	assert_int_equal(gw_keep_open(&disk.fs, "d", folder, &keep, &err), -ENAMETOOLONG);
	folder[600] = 0;
	assert_int_equal(gw_keep_open(&disk.fs, folder, "v", &keep, &err), -ENAMETOOLONG);
	assert_null(keep);
}

#define CASE(name) cmocka_unit_test_teardown(name, forget)
HARNESS_MAIN(CASE(power_cuts), CASE(errors), CASE(the_log_tells), CASE(each_byte_and_each_length),
	     CASE(of_the_future), CASE(both_are_damaged), CASE(damaged_then_cut), CASE(bounds),
	     CASE(what_was_set_can_be_read), CASE(name_too_long))
