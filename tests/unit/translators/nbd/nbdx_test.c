/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbdx_test.c - every command x flag x length class x what was negotiated, held
 * against proto.md as read a second time; every status; every term.
 */
#include "config.h"

#include "translators/nbd/nbdx.h"

#include <string.h>

#include "gateway/base/table.h"
#include "tests/harness/harness.h"

#define SIZE (1ull << 40)
#define BLOCK 4096u
#define MAX NBDX_PAYLOAD_MAX_BYTES

enum {
	EPERM_ = 1,
	EIO_ = 5,
	ENOMEM_ = 12,
	EINVAL_ = 22,
	ENOSPC_ = 28,
	EOVERFLOW_ = 75,
	ENOTSUP_ = 95,
	ESHUTDOWN_ = 108
};

static const struct gw_facts all_caps = {
	.state = GW_VOLUME_ONLINE,
	.size_bytes = SIZE,
	.block_bytes = BLOCK,
	.optimal_bytes = BLOCK,
	.caps = GW_CAP_UNMAP | GW_CAP_MULTI | GW_CAP_EXTENTS,
};

static struct nbdx_terms terms_with(bool read_only, uint32_t agreed)
{
	return (struct nbdx_terms){ SIZE, BLOCK, nbdx_terms_of(&all_caps, read_only, agreed) };
}

/* ---- the text, read again, without a table ------------------------------- */

static bool writes(uint16_t type)
{
	return type == NBDX_WRITE || type == NBDX_TRIM || type == NBDX_WRITE_ZEROES;
}

static uint16_t known_flags(uint16_t type)
{
	uint16_t known = NBDX_FLAG_FUA; /* "valid for all commands" */

	if (type == NBDX_READ)
		known |= NBDX_FLAG_DF;
	if (type == NBDX_WRITE_ZEROES)
		known |= NBDX_FLAG_NO_HOLE | NBDX_FLAG_FAST_ZERO;
	if (type == NBDX_BLOCK_STATUS)
		known |= NBDX_FLAG_REQ_ONE;
	return known;
}

static bool payload_fits(const struct nbdx_terms *t, uint16_t type, uint16_t flags)
{
	bool has = flags & NBDX_FLAG_PAYLOAD_LEN;

	if (!(t->terms & NBDX_HAS_EXTENDED))
		return !has;
	if (type == NBDX_WRITE)
		return has;
	if (type == NBDX_BLOCK_STATUS && (t->terms & NBDX_HAS_CONTEXTS))
		return true;
	return !has;
}

static uint32_t expect(const struct nbdx_terms *t, const struct nbdx_cmd *c)
{
	bool chunks = t->terms & (NBDX_HAS_STRUCTURED | NBDX_HAS_EXTENDED);

	if (c->type > NBDX_BLOCK_STATUS)
		return EINVAL_;
	if (c->flags & ~NBDX_FLAG_PAYLOAD_LEN & ~known_flags(c->type))
		return EINVAL_;
	if (((c->flags & NBDX_FLAG_DF) && !chunks) || !payload_fits(t, c->type, c->flags))
		return EINVAL_;
	if (writes(c->type) && (t->terms & NBDX_READ_ONLY_EXPORT))
		return EPERM_;
	if (c->type == NBDX_DISC || c->type == NBDX_FLUSH)
		return c->length || c->offset ? EINVAL_ : 0;
	if (c->type == NBDX_BLOCK_STATUS && (!(t->terms & NBDX_HAS_CONTEXTS) || !c->length))
		return EINVAL_;
	if (c->type == NBDX_READ && c->length > MAX)
		return chunks ? EOVERFLOW_ : EINVAL_;
	if (c->type == NBDX_WRITE && c->length > MAX)
		return EINVAL_;
	if (c->offset % BLOCK || c->length % BLOCK)
		return EINVAL_;
	if (c->offset > SIZE || c->length > SIZE - c->offset)
		return c->type == NBDX_WRITE || c->type == NBDX_WRITE_ZEROES ? ENOSPC_ : EINVAL_;
	return 0;
}

static enum gw_op op_of(uint16_t type)
{
	static const enum gw_op ops[] = {
		[NBDX_READ] = GW_READ,	       [NBDX_WRITE] = GW_WRITE,
		[NBDX_DISC] = GW_OP_COUNT,     [NBDX_FLUSH] = GW_FLUSH,
		[NBDX_TRIM] = GW_UNMAP,	       [NBDX_CACHE] = GW_PREFETCH,
		[NBDX_WRITE_ZEROES] = GW_ZERO, [NBDX_BLOCK_STATUS] = GW_EXTENTS,
	};

	return ops[type];
}

static uint32_t expect_flags(const struct nbdx_cmd *c)
{
	return (c->flags & NBDX_FLAG_FUA && writes(c->type) ? GW_FUA : 0) |
	       (c->flags & NBDX_FLAG_NO_HOLE ? GW_NO_HOLE : 0) |
	       (c->flags & NBDX_FLAG_FAST_ZERO ? GW_FAST_ONLY : 0) |
	       (c->flags & NBDX_FLAG_REQ_ONE ? GW_EXTENT_ONE : 0);
}

static void check_one(const struct nbdx_terms *t, const struct nbdx_cmd *c)
{
	struct nbdx_plan plan = { .op = GW_RAW_CDB };
	enum nbdx_refusal refusal = nbdx_check(t, c, &plan);
	uint32_t number = nbdx_error_of_refusal(refusal).number;

	if (number != expect(t, c))
		fail_msg("type %u flags %x offset %llx length %llx terms %x: %u, not %u", c->type,
			 c->flags, (unsigned long long)c->offset, (unsigned long long)c->length,
			 t->terms, number, expect(t, c));
	if (number) {
		assert_int_equal(plan.op, GW_RAW_CDB); /* untouched */
		return;
	}
	assert_int_equal(plan.op, op_of(c->type));
	assert_int_equal(plan.flags, expect_flags(c));
	assert_int_equal(plan.nothing, !c->length && c->type != NBDX_FLUSH && c->type != NBDX_DISC);
}

static const uint64_t lengths[] = {
	0,
	1,
	BLOCK - 1,
	BLOCK,
	BLOCK + 1,
	65536,
	MAX - BLOCK,
	MAX,
	MAX + 1,
	MAX + BLOCK,
	UINT32_MAX,
	1ull << 32,
	SIZE - BLOCK,
	SIZE,
	SIZE + 1,
	SIZE + BLOCK,
	UINT64_MAX - BLOCK + 1,
	UINT64_MAX,
};
static const uint64_t offsets[] = {
	0, 1, BLOCK, SIZE - BLOCK, SIZE - 1, SIZE, SIZE + BLOCK, UINT64_MAX - BLOCK + 1, UINT64_MAX,
};

static void every_command(void **state)
{
	for (uint32_t agreed = 0; agreed < 16; agreed++) {
		struct nbdx_terms t = terms_with(agreed & 8, (agreed & 7) << 16);

		for (uint16_t type = 0; type < 12; type++)
			for (uint16_t flags = 0; flags < 128; flags++)
				for (unsigned i = 0; i < TABLE_LEN(lengths); i++)
					for (unsigned j = 0; j < TABLE_LEN(offsets); j++) {
						struct nbdx_cmd c = { type, flags, offsets[j],
								      lengths[i] };

						check_one(&t, &c);
					}
	}
}

static void far_numbers(void **state)
{
	struct nbdx_terms t = terms_with(false, 0);
	struct nbdx_plan plan;

	for (uint32_t type = 8; type <= UINT16_MAX; type++) {
		struct nbdx_cmd c = { (uint16_t)type, 0, 0, 0 };

		assert_int_equal(nbdx_check(&t, &c, &plan), NBDX_UNKNOWN_COMMAND);
		assert_string_equal(nbdx_type_name((uint16_t)type), "?");
	}
	for (uint16_t bit = 6; bit < 16; bit++) {
		struct nbdx_cmd c = { NBDX_READ, (uint16_t)(1 << bit), 0, BLOCK };

		assert_int_equal(nbdx_check(&t, &c, &plan), NBDX_BAD_FLAG);
	}
	assert_string_equal(nbdx_type_name(NBDX_BLOCK_STATUS), "NBD_CMD_BLOCK_STATUS");
	assert_int_equal(nbdx_error_of_refusal(NBDX_REFUSAL_COUNT).number, EINVAL_);
}

/* What a command needs that the export does not offer. */
static void not_offered(void **state)
{
	struct gw_facts facts = all_caps;
	struct nbdx_cmd trim = { NBDX_TRIM, 0, 0, BLOCK };
	struct nbdx_terms t = { SIZE, BLOCK, 0 };
	struct nbdx_plan plan;

	facts.caps = 0;
	t.terms = nbdx_terms_of(&facts, false, 0);
	assert_int_equal(nbdx_check(&t, &trim, &plan), NBDX_NOT_NEGOTIATED);
}

static void shrunk_under_it(void **state)
{
	struct nbdx_terms t = terms_with(false, 0);
	struct nbdx_cmd c = { NBDX_READ, 0, BLOCK, BLOCK };
	struct nbdx_plan plan;

	assert_int_equal(nbdx_check(&t, &c, &plan), NBDX_ACCEPTED);
	t.size_bytes = BLOCK;
	assert_int_equal(nbdx_check(&t, &c, &plan), NBDX_PAST_END);
}

/* ---- what follows in the stream ------------------------------------------ */

static enum nbdx_follows expect_follows(const struct nbdx_terms *t, const struct nbdx_cmd *c)
{
	bool has = c->flags & NBDX_FLAG_PAYLOAD_LEN;

	if (!(t->terms & NBDX_HAS_EXTENDED)) {
		if (c->type != NBDX_WRITE)
			return NBDX_FOLLOWS_NOTHING;
		if (c->length <= MAX)
			return NBDX_FOLLOWS_DATA;
		return c->length <= 2ull * MAX ? NBDX_FOLLOWS_JUNK : NBDX_FOLLOWS_FLOOD;
	}
	if (!has)
		return NBDX_FOLLOWS_NOTHING;
	if (c->length > MAX)
		return NBDX_FOLLOWS_FLOOD;
	if (c->type == NBDX_WRITE)
		return NBDX_FOLLOWS_DATA;
	if (c->type == NBDX_BLOCK_STATUS && (t->terms & NBDX_HAS_CONTEXTS))
		return NBDX_FOLLOWS_IDS;
	return NBDX_FOLLOWS_JUNK;
}

static void what_follows(void **state)
{
	for (uint32_t agreed = 0; agreed < 8; agreed++) {
		struct nbdx_terms t = terms_with(false, agreed << 16);

		for (uint16_t type = 0; type < 12; type++)
			for (uint16_t flags = 0; flags < 128; flags++)
				for (unsigned i = 0; i < TABLE_LEN(lengths); i++) {
					struct nbdx_cmd c = { type, flags, 0, lengths[i] };

					assert_int_equal(nbdx_follows(&t, &c),
							 expect_follows(&t, &c));
				}
	}
}

/* ---- terms --------------------------------------------------------------- */

static void terms_are_honest(void **state)
{
	for (uint32_t caps = 0; caps < 64; caps++)
		for (uint32_t more = 0; more < 16; more++) {
			struct gw_facts f = all_caps;
			bool ro = more & 8, chunks = more & 3;
			uint32_t t;

			f.caps = caps;
			f.read_only = ro && (caps & 1); /* by the volume, or by the grant */
			t = nbdx_terms_of(&f, ro, (more & 7) << 16);
			assert_true(t & NBDX_HAS_FLAGS && t & NBDX_SEND_FLUSH && t & NBDX_SEND_FUA);
			assert_int_equal(!!(t & NBDX_READ_ONLY_EXPORT), ro);
			assert_int_equal(!!(t & NBDX_SEND_TRIM), !ro && (caps & GW_CAP_UNMAP));
			assert_int_equal(!!(t & NBDX_SEND_WRITE_ZEROES), !ro);
			assert_int_equal(!!(t & NBDX_SEND_FAST_ZERO), !ro);
			assert_int_equal(!!(t & NBDX_CAN_MULTI_CONN), !!(caps & GW_CAP_MULTI));
			assert_int_equal(!!(t & NBDX_ROTATIONAL), !!(caps & GW_CAP_ROTATIONAL));
			assert_int_equal(!!(t & NBDX_SEND_DF), chunks);
			assert_int_equal(!!(t & NBDX_STATUS_PAYLOAD), (more & 6) == 6);
			assert_int_equal(t & 512, 0); /* SEND_RESIZE: not ours */
		}
}

static void sizes_are_legal(void **state)
{
	for (uint32_t block = 512; block <= 65536; block *= 2)
		for (uint64_t optimal = block; optimal <= 1ull << 31; optimal *= 2) {
			struct gw_facts f = all_caps;
			struct nbdx_sizes s;

			f.block_bytes = block;
			f.optimal_bytes = (uint32_t)optimal;
			s = nbdx_sizes_of(&f);
			assert_int_equal(s.minimum_bytes, block);
			assert_true(s.preferred_bytes >= block && s.preferred_bytes >= 4096);
			assert_true(s.preferred_bytes <= s.payload_bytes);
			assert_int_equal(s.preferred_bytes & (s.preferred_bytes - 1), 0);
			assert_int_equal(s.payload_bytes, MAX);
		}
}

/* ---- errors -------------------------------------------------------------- */

static uint32_t expect_error(enum gw_status s, uint16_t type, uint16_t flags)
{
	switch (s) {
	case GW_OK:
		return 0;
	case GW_OUT_OF_RANGE:
		return type == NBDX_WRITE || type == NBDX_WRITE_ZEROES ? ENOSPC_ : EINVAL_;
	case GW_READ_ONLY:
	case GW_RESERVED:
		return EPERM_;
	case GW_NO_SPACE:
		return ENOSPC_;
	case GW_NO_MEMORY:
		return ENOMEM_;
	case GW_SHUTDOWN:
		return ESHUTDOWN_;
	case GW_NOT_FAST:
		return flags & NBDX_FLAG_FAST_ZERO ? ENOTSUP_ : EINVAL_;
	case GW_UNSUPPORTED:
		return type == NBDX_CACHE ? 0 : EINVAL_;
	case GW_INVALID:
		return EINVAL_;
	default:
		return EIO_;
	}
}

static void every_status(void **state)
{
	for (unsigned s = 0; s <= GW_STATUS_COUNT; s++)
		for (uint16_t type = 0; type < 10; type++)
			for (uint16_t flags = 0; flags < 64; flags++) {
				struct nbdx_error e =
					nbdx_error_of_status((enum gw_status)s, type, flags);

				assert_int_equal(e.number,
						 expect_error((enum gw_status)s, type, flags));
				assert_non_null(e.words);
				assert_true(strlen(e.words) < 80);
			}
}

static void refusals_have_words(void **state)
{
	for (unsigned r = 0; r < NBDX_REFUSAL_COUNT; r++) {
		struct nbdx_error e = nbdx_error_of_refusal((enum nbdx_refusal)r);

		assert_true(strlen(e.words) < 80);
		assert_int_equal(!e.number, r == NBDX_ACCEPTED);
		assert_int_equal(!e.words[0], r == NBDX_ACCEPTED);
	}
}

static void extents_map(void **state)
{
	assert_int_equal(nbdx_extent_state(GW_EXTENT_DATA), 0);
	assert_int_equal(nbdx_extent_state(GW_EXTENT_HOLE), 1);
	assert_int_equal(nbdx_extent_state(GW_EXTENT_ZERO), 2);
	assert_int_equal(nbdx_extent_state(GW_EXTENT_HOLE | GW_EXTENT_ZERO), 3);
	assert_int_equal(nbdx_extent_state(0xfffffffc), 0); /* what we do not know, we do not say */
}

HARNESS_MAIN(cmocka_unit_test(every_command), cmocka_unit_test(far_numbers),
	     cmocka_unit_test(not_offered), cmocka_unit_test(shrunk_under_it),
	     cmocka_unit_test(what_follows), cmocka_unit_test(terms_are_honest),
	     cmocka_unit_test(sizes_are_legal), cmocka_unit_test(every_status),
	     cmocka_unit_test(refusals_have_words), cmocka_unit_test(extents_map))
