/* SPDX-License-Identifier: BSD-3-Clause
 *
 * store_model.c - see store_model.h.
 */
#include "config.h"

#include "tests/unit/plugins/store_model.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/num.h"
#include "gateway/base/scope.h"
#include "tests/harness/harness.h"

#define LONGEST (160u << 10)
#define SLICES 9

struct model {
	struct rig *rig;
	const struct model_case *what;
	uint64_t seed;
	unsigned step;
	uint8_t *bytes;
	uint8_t *buf; /* LONGEST, at an odd address where the store does not mind */
};

static uint64_t upto(struct model *m, uint64_t most)
{
	return rig_random(&m->seed) % (most + 1);
}

/* Near a multiple of something that matters, or anywhere. */
static uint64_t somewhere(struct model *m, uint64_t most)
{
	static const uint32_t units[] = { 512, 4096, 65536, 1, 4096, 512 };
	uint64_t at = upto(m, most);
	uint64_t unit = units[upto(m, 5)];
	uint64_t off = upto(m, 3) ? 0 : upto(m, 4);

	at = at / unit * unit;
	return off > 2 ? at + (off - 2) : at > off ? at - off : at;
}

static void choose_range(struct model *m, bool aligned, uint64_t *offset, uint64_t *length)
{
	uint64_t align = aligned ? m->rig->info.align_bytes : 1;
	uint64_t at = somewhere(m, m->what->length - 1);
	uint64_t n = somewhere(m, upto(m, 2) ? 16384 : LONGEST - 1) + 1;

	at = num_min(at, m->what->length - 1) / align * align;
	n = num_min((n + align - 1) / align * align, m->what->length - at);
	*offset = at;
	*length = num_min(n, LONGEST / align * align);
}

/* The buffer in slices, as a pool would hand it out. */
static unsigned slice(struct model *m, uint64_t length, struct iovec *iov)
{
	uint64_t align = m->rig->info.memory_align_bytes, at = 0;
	unsigned n = 0;

	while (at < length) {
		uint64_t piece = length - at;

		if (n < SLICES - 1 && upto(m, 1))
			piece = (upto(m, piece - 1) / align + 1) * align;
		piece = num_min(piece, length - at);
		iov[n].iov_base = m->buf + at;
		iov[n++].iov_len = piece;
		at += piece;
	}
	return n;
}

static void transfer(struct model *m, enum gw_op op, uint64_t offset, uint64_t length)
{
	struct iovec iov[SLICES];
	struct rig_io rio = { .io = { .op = op, .offset = m->what->from + offset } };

	rio.io.length = length;
	rio.io.niov = slice(m, length, iov);
	rio.io.iov = iov;
	if (op == GW_WRITE && !upto(m, 7))
		rio.io.flags = GW_FUA;
	assert_int_equal(rig_run(m->rig, &rio), GW_OK);
}

static void do_write(struct model *m)
{
	uint64_t offset, length;

	choose_range(m, true, &offset, &length);
	for (uint64_t i = 0; i < length; i++)
		m->buf[i] = (uint8_t)(m->step + i / 512 * 7 + i);
	transfer(m, GW_WRITE, offset, length);
	if (!m->what->forgets)
		memcpy(m->bytes + offset, m->buf, length);
}

static void compare(struct model *m, uint64_t offset, uint64_t length)
{
	if (!memcmp(m->buf, m->bytes + offset, length))
		return;
	for (uint64_t i = 0; i < length; i++)
		if (m->buf[i] != m->bytes[offset + i])
			fail_msg("%s: seed %llu step %u: byte %llu is %02x, not %02x",
				 m->what->name, (unsigned long long)m->what->seed, m->step,
				 (unsigned long long)(offset + i), m->buf[i], m->bytes[offset + i]);
}

static void do_read(struct model *m)
{
	uint64_t offset, length;

	choose_range(m, true, &offset, &length);
	memset(m->buf, 0xa5, length);
	transfer(m, GW_READ, offset, length);
	compare(m, offset, length);
}

static void do_zero(struct model *m)
{
	uint32_t flags = (uint32_t)upto(m, 3) * GW_NO_HOLE & (GW_NO_HOLE | GW_FAST_ONLY);
	enum gw_op op = upto(m, 2) ? GW_ZERO : GW_UNMAP;
	uint64_t offset, length;
	enum gw_status status;

	if (!(m->rig->info.can & GW_STORE_CAN(op)))
		return;
	/* What the core hands on is aligned as READ and WRITE are. */
	choose_range(m, true, &offset, &length);
	if (op == GW_UNMAP)
		flags = 0;
	status = rig_range(m->rig, op, m->what->from + offset, length, flags);
	if (status == GW_NOT_FAST && (flags & GW_FAST_ONLY))
		return;
	assert_int_equal(status, GW_OK);
	memset(m->bytes + offset, 0, length);
}

static bool all_zero(const uint8_t *bytes, uint64_t length)
{
	while (length && !*bytes) {
		bytes++;
		length--;
	}
	return !length;
}

static void do_extents(struct model *m)
{
	static struct rig_extents found;
	uint32_t flags = upto(m, 3) ? 0 : GW_EXTENT_ONE;
	uint64_t offset, length, at = 0;

	if (!(m->rig->info.can & GW_STORE_CAN(GW_EXTENTS)))
		return;
	choose_range(m, false, &offset, &length);
	found.most = upto(m, 3) ? RIG_RUNS : 1;
	assert_int_equal(rig_extents(m->rig, m->what->from + offset, length, flags, &found), GW_OK);
	assert_true(found.n > 0);
	for (unsigned i = 0; i < found.n; i++) {
		if (found.run[i].flags & GW_EXTENT_ZERO)
			assert_true(all_zero(m->bytes + offset + at, found.run[i].length));
		at += found.run[i].length;
		assert_true(at <= length);
	}
	if (flags & GW_EXTENT_ONE)
		assert_int_equal(found.calls, 1);
	else if (found.most > 1)
		assert_int_equal(at, length);
}

static void do_other(struct model *m)
{
	uint64_t offset, length;

	choose_range(m, false, &offset, &length);
	if (upto(m, 1))
		assert_int_equal(rig_range(m->rig, GW_FLUSH, 0, 0, 0), GW_OK);
	else if (m->rig->info.can & GW_STORE_CAN(GW_PREFETCH))
		assert_int_equal(rig_range(m->rig, GW_PREFETCH, offset, length, 0), GW_OK);
}

static void read_all(struct model *m)
{
	for (uint64_t at = 0; at < m->what->length; at += 65536) {
		transfer(m, GW_READ, at, 65536);
		compare(m, at, 65536);
	}
}

void model_run(struct rig *rig, const struct model_case *what)
{
	static void (*const deeds[])(struct model * m) = { do_write, do_write,	 do_write,
							   do_read,  do_read,	 do_zero,
							   do_zero,  do_extents, do_other };
	scope_free uint8_t *bytes = calloc(1, what->length);
	scope_free uint8_t *buf = aligned_alloc(4096, LONGEST + 4096);
	struct model m = { .rig = rig, .what = what, .seed = what->seed, .bytes = bytes };

	assert_non_null(bytes);
	assert_non_null(buf);
	m.buf = rig->info.memory_align_bytes == 1 ? buf + 3 : buf;
	for (m.step = 0; m.step < what->steps; m.step++)
		deeds[upto(&m, 8)](&m);
	read_all(&m);
}
