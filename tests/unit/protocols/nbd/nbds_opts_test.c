/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_opts_test.c - every option: right, empty, truncated, out of order, over
 * its bounds, while draining.
 *
 * Stand-ins: the door to volumes (access.h, volume.h) with two exports, "disk"
 * and "other"; the empty name means disk.
 */
#include "config.h"

#include "protocols/nbd/nbds_opts.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/table.h"
#include "tests/harness/harness.h"
#include "translators/nbd/nbdx.h"

/* ---- stand-ins ----------------------------------------------------------- */

struct gw_volume {
	const char *name, *description;
	struct gw_facts facts;
};

#define FACTS(size, ro)                                                                     \
	{                                                                                   \
		.state = GW_VOLUME_ONLINE, .size_bytes = size, .block_bytes = 512,          \
		.optimal_bytes = 4096, .caps = GW_CAP_MULTI | GW_CAP_UNMAP, .read_only = ro \
	}

static struct gw_volume volumes[] = {
	{ "disk", "a disk", FACTS(1 << 20, false) },
	{ "other", "another", FACTS(1 << 30, true) },
};
static unsigned n_listed;
static int held; /* grants */

bool gw_access_find(struct gw *gw, const struct gw_who *who, const char *name, struct gw_grant *out)
{
	assert_string_equal(who->protocol, "nbd");
	for (unsigned i = 0; i < TABLE_LEN(volumes); i++)
		if (!strcmp(name, volumes[i].name) || (!*name && !i)) {
			*out = (struct gw_grant){ .volume = &volumes[i], .lun = i };
			held++;
			return true;
		}
	return false;
}

void gw_grant_release(struct gw_grant *grant)
{
	if (grant->volume)
		held--;
	grant->volume = NULL;
}

void gw_access_each(struct gw *gw, const struct gw_who *who,
		    void (*each)(void *arg, const struct gw_grant *grant), void *arg)
{
	for (unsigned i = 0; i < n_listed; i++) {
		struct gw_grant grant = { .volume = &volumes[i % TABLE_LEN(volumes)], .lun = i };

		each(arg, &grant);
	}
}

const char *gw_volume_name(const struct gw_volume *volume)
{
	return volume->name;
}

const char *gw_volume_description(const struct gw_volume *volume)
{
	return volume->description;
}

const struct gw_facts *gw_volume_facts(const struct gw_volume *volume, const struct loop *loop)
{
	return &volume->facts;
}

const char *gw_status_words(enum gw_status status)
{
	return "words";
}

/* ---- a client ------------------------------------------------------------ */

static struct nbds_haggle h;

/* After every case: what it took it gave back. */
static void fresh(void)
{
	nbds_opts_end(&h);
	assert_int_equal(held, 0);
	memset(&h, 0, sizeof(h));
	n_listed = TABLE_LEN(volumes);
}

static enum nbds_hs_event ask(uint32_t option, const void *data, uint32_t len)
{
	struct nbds_option o = { option, len };
	uint8_t *copy = malloc(len ? len : 1);
	enum nbds_hs_event event;

	assert_non_null(copy);
	if (len)
		memcpy(copy, data, len);
	event = nbds_opts_head(&h, &o);
	assert_int_equal(event, len ? NBDS_HS_ON_HEAD : NBDS_HS_ON_WHOLE);
	event = nbds_opts_run(&h, &o, copy);
	free(copy);
	return event;
}

static uint8_t data[8192];

static uint32_t make_name(uint8_t *to, const char *name)
{
	be32_put(to, (uint32_t)strlen(name));
	memcpy(to + 4, name, strlen(name));
	return 4 + (uint32_t)strlen(name);
}

static uint32_t make_go(const char *name, const uint16_t *infos, uint16_t n)
{
	uint32_t at = make_name(data, name);

	be16_put(data + at, n);
	for (uint16_t i = 0; i < n; i++)
		be16_put(data + at + 2 + i * 2, infos[i]);
	return at + 2 + n * 2u;
}

static uint32_t make_meta(const char *name, const char *const *queries, uint32_t n)
{
	uint32_t at = make_name(data, name);

	be32_put(data + at, n);
	at += 4;
	for (uint32_t i = 0; i < n; i++)
		at += make_name(data + at, queries[i]);
	return at;
}

/* Walks the answers: the i-th reply's type, its data; 0: there is none. */
static uint32_t reply(unsigned i, const uint8_t **at, uint32_t *len)
{
	size_t pos = 0;

	for (;; i--) {
		uint32_t n;

		if (pos == h.out.len)
			return 0;
		assert_true(pos + NBDS_OPTION_REPLY_BYTES <= h.out.len);
		assert_int_equal(be32_get(h.out.at + pos + 8), h.option);
		n = be32_get(h.out.at + pos + 16);
		assert_true(pos + NBDS_OPTION_REPLY_BYTES + n <= h.out.len);
		if (!i) {
			if (at)
				*at = h.out.at + pos + NBDS_OPTION_REPLY_BYTES;
			if (len)
				*len = n;
			return be32_get(h.out.at + pos + 12);
		}
		pos += NBDS_OPTION_REPLY_BYTES + n;
	}
}

static void only(uint32_t type)
{
	assert_true(reply(0, NULL, NULL) == type);
	assert_int_equal(reply(1, NULL, NULL), 0);
}

#define ERR(name) NBDS_REP_ERR(NBDS_ERR_##name)

/* ---- options ------------------------------------------------------------- */

static void unknown_ones(void **state)
{
	static const uint32_t options[] = { 0, 4, 5, 12, 255, 0x7fffffff, 0xffffffff };

	fresh();
	for (unsigned i = 0; i < TABLE_LEN(options); i++) {
		assert_int_equal(ask(options[i], NULL, 0), NBDS_HS_ON_ANSWERED);
		only(ERR(UNSUP));
		assert_int_equal(ask(options[i], data, 100), NBDS_HS_ON_ANSWERED);
		only(ERR(UNSUP));
	}
}

static void abort_is_acknowledged(void **state)
{
	fresh();
	assert_int_equal(ask(NBDS_OPT_ABORT, NULL, 0), NBDS_HS_ON_LEAVE);
	only(NBDS_REP_ACK);
	assert_int_equal(ask(NBDS_OPT_ABORT, data, 9), NBDS_HS_ON_LEAVE);
	only(NBDS_REP_ACK);
}

static void no_data_allowed(void **state)
{
	static const uint32_t options[] = { NBDS_OPT_LIST, NBDS_OPT_STRUCTURED_REPLY,
					    NBDS_OPT_EXTENDED_HEADERS };

	fresh();
	for (unsigned i = 0; i < TABLE_LEN(options); i++) {
		assert_int_equal(ask(options[i], data, 1), NBDS_HS_ON_ANSWERED);
		only(ERR(INVALID));
	}
	assert_false(h.structured || h.extended);
}

static void listing(void **state)
{
	const uint8_t *at;
	uint32_t len;

	fresh();
	assert_int_equal(ask(NBDS_OPT_LIST, NULL, 0), NBDS_HS_ON_ANSWERED);
	assert_int_equal(reply(0, &at, &len), NBDS_REP_SERVER);
	assert_int_equal(be32_get(at), 4);
	assert_memory_equal(at + 4, "diska disk", 10);
	assert_int_equal(len, 14);
	assert_int_equal(reply(1, NULL, NULL), NBDS_REP_SERVER);
	assert_int_equal(reply(2, NULL, NULL), NBDS_REP_ACK);
	n_listed = 0;
	ask(NBDS_OPT_LIST, NULL, 0);
	only(NBDS_REP_ACK);
	n_listed = 100000; /* more than an answer holds */
	ask(NBDS_OPT_LIST, NULL, 0);
	only(ERR(TOO_BIG));
}

static void info_tells(void **state)
{
	static const uint16_t all[] = { 0, 1, 2, 3, 4, 0xffff };
	const uint8_t *at;
	uint32_t len;

	fresh();
	assert_int_equal(ask(NBDS_OPT_INFO, data, make_go("", all, 6)), NBDS_HS_ON_ANSWERED);
	assert_int_equal(reply(0, &at, &len), NBDS_REP_INFO);
	assert_int_equal(len, 12);
	assert_int_equal(be16_get(at), NBDS_INFO_EXPORT);
	assert_int_equal(be64_get(at + 2), 1 << 20);
	assert_int_equal(be16_get(at + 10) & (NBDX_HAS_FLAGS | NBDX_SEND_DF), NBDX_HAS_FLAGS);
	assert_int_equal(reply(1, &at, &len), NBDS_REP_INFO);
	assert_int_equal(be16_get(at), NBDS_INFO_NAME);
	assert_memory_equal(at + 2, "disk", 4);
	assert_int_equal(reply(2, &at, &len), NBDS_REP_INFO);
	assert_int_equal(be16_get(at), NBDS_INFO_DESCRIPTION);
	assert_int_equal(reply(3, &at, &len), NBDS_REP_INFO);
	assert_int_equal(be16_get(at), NBDS_INFO_BLOCK_SIZE);
	assert_int_equal(len, 14);
	assert_int_equal(be32_get(at + 2), 512);
	assert_int_equal(be32_get(at + 6), 4096);
	assert_int_equal(be32_get(at + 10), 32 << 20);
	assert_int_equal(reply(4, NULL, NULL), NBDS_REP_ACK);
	assert_int_equal(reply(5, NULL, NULL), 0);
}

static void info_refuses(void **state)
{
	fresh();
	ask(NBDS_OPT_INFO, data, make_go("none", NULL, 0));
	only(ERR(UNKNOWN));
	ask(NBDS_OPT_INFO, NULL, 0);
	only(ERR(INVALID));
	ask(NBDS_OPT_GO, data, make_go("none", NULL, 0));
	only(ERR(UNKNOWN));
	ask(NBDS_OPT_GO, data, make_go("disk", NULL, 0) - 1);
	only(ERR(INVALID));
	be32_put(data, 5);
	memcpy(data + 4, "di\0sk", 5);
	be16_put(data + 9, 0);
	ask(NBDS_OPT_GO, data, 11);
	only(ERR(INVALID));
}

/* CVE-2022-26496, CVE-2017-15118, CVE-2020-10761: names up to and over all bounds
 * are unknown or invalid, and the answer is short. */
static void long_names(void **state)
{
	for (uint32_t len = GW_NAME_MAX - 2; len <= NBDS_NAME_MAX + 2; len++) {
		uint32_t type;

		fresh();
		be32_put(data, len);
		memset(data + 4, 'd', len);
		be16_put(data + 4 + len, 0);
		assert_int_equal(ask(NBDS_OPT_GO, data, len + 6), NBDS_HS_ON_ANSWERED);
		type = reply(0, NULL, NULL);
		assert_true(type == (len <= NBDS_NAME_MAX ? ERR(UNKNOWN) : ERR(INVALID)));
		assert_true(h.out.len <= NBDS_OPTION_REPLY_BYTES + NBDS_TEXT_MAX);
		assert_int_equal(ask(NBDS_OPT_EXPORT_NAME, data + 4, len), NBDS_HS_ON_OFFENCE);
	}
	fresh();
}

static void go_chooses(void **state)
{
	static const uint16_t name[] = { NBDS_INFO_NAME };

	fresh();
	assert_int_equal(ask(NBDS_OPT_GO, data, make_go("other", name, 1)), NBDS_HS_ON_CHOSEN);
	assert_int_equal(h.out.len, 0); /* nothing is said before it is joined */
	assert_ptr_equal(h.grant.volume, &volumes[1]);
	assert_int_equal(held, 1);
	assert_int_equal(nbds_opts_welcome(&h, &volumes[1].facts), NBDS_HS_ON_JOINED);
	assert_int_equal(reply(0, NULL, NULL), NBDS_REP_INFO);
	assert_int_equal(reply(1, NULL, NULL), NBDS_REP_INFO);
	assert_int_equal(reply(2, NULL, NULL), NBDS_REP_ACK);
	assert_true(nbds_opts_terms(&h, &volumes[1].facts) & NBDX_READ_ONLY_EXPORT);
}

static void go_is_refused(void **state)
{
	fresh();
	ask(NBDS_OPT_GO, data, make_go("disk", NULL, 0));
	assert_int_equal(nbds_opts_refuse(&h, NBDS_ERR_SHUTDOWN, "no"), NBDS_HS_ON_REFUSED);
	only(ERR(SHUTDOWN));
	assert_int_equal(held, 0); /* the haggling may go on for long */
	assert_int_equal(ask(NBDS_OPT_EXPORT_NAME, "disk", 4), NBDS_HS_ON_CHOSEN);
	assert_int_equal(nbds_opts_refuse(&h, NBDS_ERR_SHUTDOWN, "no"), NBDS_HS_ON_OFFENCE);
	assert_int_equal(h.out.len, 0);
}

static void export_name(void **state)
{
	for (int zeroes = 0; zeroes < 2; zeroes++) {
		fresh();
		h.no_zeroes = !zeroes;
		assert_int_equal(ask(NBDS_OPT_EXPORT_NAME, zeroes ? "" : "disk", zeroes ? 0 : 4),
				 NBDS_HS_ON_CHOSEN);
		assert_int_equal(nbds_opts_welcome(&h, &volumes[0].facts), NBDS_HS_ON_JOINED);
		assert_int_equal(h.out.len, zeroes ? 134 : 10);
		assert_int_equal(be64_get(h.out.at), 1 << 20);
	}
	assert_int_equal(ask(NBDS_OPT_EXPORT_NAME, "nope", 4), NBDS_HS_ON_OFFENCE);
	assert_int_equal(ask(NBDS_OPT_EXPORT_NAME, "d\0", 2), NBDS_HS_ON_OFFENCE);
	h.extended = true; /* "a client MUST NOT use NBD_OPT_EXPORT_NAME" */
	assert_int_equal(ask(NBDS_OPT_EXPORT_NAME, "disk", 4), NBDS_HS_ON_OFFENCE);
}

static void headers(void **state)
{
	fresh();
	ask(NBDS_OPT_STRUCTURED_REPLY, NULL, 0);
	only(NBDS_REP_ACK);
	ask(NBDS_OPT_STRUCTURED_REPLY, NULL, 0);
	only(NBDS_REP_ACK);
	assert_true(nbds_opts_terms(&h, &volumes[0].facts) & NBDX_SEND_DF);
	ask(NBDS_OPT_EXTENDED_HEADERS, NULL, 0);
	only(NBDS_REP_ACK);
	ask(NBDS_OPT_STRUCTURED_REPLY, NULL, 0);
	only(ERR(EXT_HEADER_REQD));
	assert_true(nbds_opts_terms(&h, &volumes[0].facts) & NBDX_HAS_EXTENDED);
	nbds_opts_forget(&h);
	assert_false(nbds_opts_terms(&h, &volumes[0].facts) &
		     (NBDX_HAS_EXTENDED | NBDX_HAS_STRUCTURED | NBDX_SEND_DF));
}

/* ---- metadata contexts --------------------------------------------------- */

static const char *const full[] = { "base:allocation" }, *const wild[] = { "base:" },
			 *const bad[] = { "base" },
			 *const mixed[] = { "qemu:x", "base:", "base:allocation",
					    "base:allocation" };

static void meta_needs_chunks(void **state)
{
	fresh();
	ask(NBDS_OPT_SET_META_CONTEXT, data, make_meta("disk", full, 1));
	only(ERR(INVALID));
	ask(NBDS_OPT_LIST_META_CONTEXT, data, make_meta("disk", full, 1));
	only(ERR(INVALID));
	h.extended = true;
	ask(NBDS_OPT_SET_META_CONTEXT, data, make_meta("disk", full, 1));
	assert_int_equal(reply(0, NULL, NULL), NBDS_REP_META_CONTEXT);
}

static void meta_set(void **state)
{
	const uint8_t *at;
	uint32_t len;

	fresh();
	h.structured = true;
	ask(NBDS_OPT_SET_META_CONTEXT, data, make_meta("disk", mixed, 4));
	assert_int_equal(reply(0, &at, &len), NBDS_REP_META_CONTEXT);
	assert_int_equal(be32_get(at), 1);
	assert_int_equal(len, 19);
	assert_memory_equal(at + 4, "base:allocation", 15);
	assert_int_equal(reply(1, NULL, NULL), NBDS_REP_ACK); /* once, though asked twice */
	assert_true(h.contexts);
	ask(NBDS_OPT_SET_META_CONTEXT, data, make_meta("disk", wild, 1));
	only(NBDS_REP_ACK); /* a wildcard selects nothing, and replaces */
	assert_false(h.contexts);
}

static void meta_set_replaces_when_it_fails(void **state)
{
	fresh();
	h.structured = true;
	ask(NBDS_OPT_SET_META_CONTEXT, data, make_meta("disk", full, 1));
	assert_true(h.contexts);
	ask(NBDS_OPT_SET_META_CONTEXT, data, make_meta("disk", bad, 1));
	only(ERR(INVALID));
	assert_false(h.contexts);
	ask(NBDS_OPT_SET_META_CONTEXT, data, make_meta("disk", full, 1));
	ask(NBDS_OPT_SET_META_CONTEXT, data, make_meta("none", full, 1));
	only(ERR(UNKNOWN));
	assert_false(h.contexts);
	ask(NBDS_OPT_SET_META_CONTEXT, data, make_meta("disk", full, 1));
	ask(NBDS_OPT_SET_META_CONTEXT, data, make_meta("disk", NULL, 0));
	only(NBDS_REP_ACK);
	assert_false(h.contexts);
	ask(NBDS_OPT_SET_META_CONTEXT, data, make_meta("disk", full, 1));
	ask(NBDS_OPT_SET_META_CONTEXT, data, make_meta("disk", full, 1) - 1);
	only(ERR(INVALID));
	assert_false(h.contexts);
}

static void meta_list(void **state)
{
	const uint8_t *at;

	fresh();
	h.structured = true;
	ask(NBDS_OPT_LIST_META_CONTEXT, data, make_meta("disk", NULL, 0));
	assert_int_equal(reply(0, &at, NULL), NBDS_REP_META_CONTEXT);
	assert_int_equal(be32_get(at), 0);
	ask(NBDS_OPT_LIST_META_CONTEXT, data, make_meta("disk", wild, 1));
	assert_int_equal(reply(0, NULL, NULL), NBDS_REP_META_CONTEXT);
	assert_int_equal(reply(1, NULL, NULL), NBDS_REP_ACK);
	ask(NBDS_OPT_LIST_META_CONTEXT, data, make_meta("disk", mixed, 1));
	only(NBDS_REP_ACK);
	ask(NBDS_OPT_LIST_META_CONTEXT, data, make_meta("disk", bad, 1));
	only(ERR(INVALID));
	assert_false(h.contexts); /* listing selects nothing */
}

/* "the final time it was sent, it referred to the same export name" */
static void meta_is_of_one_name(void **state)
{
	fresh();
	h.structured = true;
	ask(NBDS_OPT_SET_META_CONTEXT, data, make_meta("disk", full, 1));
	ask(NBDS_OPT_GO, data, make_go("other", NULL, 0));
	assert_false(nbds_opts_terms(&h, &volumes[1].facts) & NBDX_HAS_CONTEXTS);
	ask(NBDS_OPT_GO, data, make_go("disk", NULL, 0));
	assert_true(nbds_opts_terms(&h, &volumes[0].facts) & NBDX_HAS_CONTEXTS);
	assert_false(nbds_opts_terms(&h, &volumes[0].facts) & NBDX_STATUS_PAYLOAD);
	h.extended = true;
	assert_true(nbds_opts_terms(&h, &volumes[0].facts) & NBDX_STATUS_PAYLOAD);
}

/* ---- bounds and drain ---------------------------------------------------- */

static void budget(void **state)
{
	struct nbds_option o = { NBDS_OPT_LIST, NBDS_OPTION_MAX_BYTES + 1 };
	unsigned n = 0;

	fresh();
	assert_int_equal(nbds_opts_head(&h, &o), NBDS_HS_ON_LEAVE); /* CVE-2017-15119 */
	only(ERR(TOO_BIG));
	o.length = 0xffffffff; /* CVE-2022-26495 */
	assert_int_equal(nbds_opts_head(&h, &o), NBDS_HS_ON_LEAVE);
	o.option = NBDS_OPT_EXPORT_NAME;
	assert_int_equal(nbds_opts_head(&h, &o), NBDS_HS_ON_OFFENCE);
	o = (struct nbds_option){ NBDS_OPT_INFO, NBDS_OPTION_MAX_BYTES };
	while (nbds_opts_head(&h, &o) == NBDS_HS_ON_HEAD)
		n++;
	assert_int_equal(n, NBDS_OPTIONS_MAX_BYTES / NBDS_OPTION_MAX_BYTES);
	fresh();
	o.length = n = 0;
	while (nbds_opts_head(&h, &o) == NBDS_HS_ON_WHOLE)
		n++;
	assert_int_equal(n, NBDS_OPTIONS_MAX);
}

static void draining(void **state)
{
	fresh();
	h.draining = true;
	for (uint32_t option = 3; option < 13; option++) {
		assert_int_equal(ask(option, NULL, 0), NBDS_HS_ON_ANSWERED);
		if (option < 12)
			only(ERR(SHUTDOWN));
	}
	assert_int_equal(ask(NBDS_OPT_ABORT, NULL, 0), NBDS_HS_ON_LEAVE);
	only(NBDS_REP_ACK);
	assert_int_equal(ask(NBDS_OPT_EXPORT_NAME, "disk", 4), NBDS_HS_ON_OFFENCE);
}

static void clean_up(void **state)
{
	fresh();
	assert_null(h.out.at);
}

HARNESS_MAIN(cmocka_unit_test(unknown_ones), cmocka_unit_test(abort_is_acknowledged),
	     cmocka_unit_test(no_data_allowed), cmocka_unit_test(listing),
	     cmocka_unit_test(info_tells), cmocka_unit_test(info_refuses),
	     cmocka_unit_test(long_names), cmocka_unit_test(go_chooses),
	     cmocka_unit_test(go_is_refused), cmocka_unit_test(export_name),
	     cmocka_unit_test(headers), cmocka_unit_test(meta_needs_chunks),
	     cmocka_unit_test(meta_set), cmocka_unit_test(meta_set_replaces_when_it_fails),
	     cmocka_unit_test(meta_list), cmocka_unit_test(meta_is_of_one_name),
	     cmocka_unit_test(budget), cmocka_unit_test(draining), cmocka_unit_test(clean_up))
