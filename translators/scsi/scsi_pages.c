/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_pages.c - see scsi_pages.h.
 */
#include "config.h"

#include "translators/scsi/scsi_pages.h"

#include <string.h>

#include "gateway/base/table.h"

enum {
#define PAGE(name, code, policy, clause, defaults, changeable) PAGE_##name,
#include "translators/scsi/scsi_pages.tbl"
#undef PAGE
	PAGE_COUNT
};

static const struct {
	uint8_t policy;
	uint8_t defaults[SCSI_PAGE_MAX_BYTES], changeable[SCSI_PAGE_MAX_BYTES];
} pages[PAGE_COUNT] = {
#define BYTES(...)          \
	{                   \
		__VA_ARGS__ \
	}
#define PAGE(name, code, policy, clause, defaults, changeable) \
	[PAGE_##name] = { SCSI_POLICY_##policy, defaults, changeable },
#include "translators/scsi/scsi_pages.tbl"
#undef PAGE
#undef BYTES
};

enum { WCE = 0x04, D_SENSE = 0x04 }; /* byte 2 of their pages */

unsigned scsi_pages_count(void)
{
	return PAGE_COUNT;
}

uint8_t scsi_pages_code(unsigned i)
{
	return i < PAGE_COUNT ? pages[i].defaults[0] : 0;
}

enum scsi_page_policy scsi_pages_policy(unsigned i)
{
	return i < PAGE_COUNT ? pages[i].policy : SCSI_POLICY_SHARED;
}

int scsi_pages_find(uint8_t code)
{
	for (unsigned i = 0; i < PAGE_COUNT; i++)
		if (pages[i].defaults[0] == code)
			return (int)i;
	return -1;
}

unsigned scsi_pages_put(const struct scsi_unit *unit, unsigned i, enum scsi_page_control control,
			uint8_t *out)
{
	bool changeable = control == SCSI_PC_CHANGEABLE;

	memcpy(out, changeable ? pages[i].changeable : pages[i].defaults, SCSI_PAGE_MAX_BYTES);
	if (!changeable && i == PAGE_CACHING && scsi_unit_facts(unit)->write_cache)
		out[2] |= WCE;
	if (control == SCSI_PC_CURRENT && i == PAGE_CONTROL && unit->d_sense)
		out[2] |= D_SENSE;
	return 2u + out[1];
}

int scsi_pages_refuses(const struct scsi_unit *unit, unsigned i, const uint8_t *page, int *bit)
{
	uint8_t now[SCSI_PAGE_MAX_BYTES];
	unsigned bytes = scsi_pages_put(unit, i, SCSI_PC_CURRENT, now);

	for (unsigned at = 2; at < bytes; at++) {
		unsigned wrong = (page[at] ^ now[at]) & ~pages[i].changeable[at];

		if (!wrong)
			continue;
		*bit = 31 - __builtin_clz(wrong);
		return (int)at;
	}
	return -1;
}

void scsi_pages_set(struct scsi_unit *unit, unsigned i, const uint8_t *page)
{
	if (i == PAGE_CONTROL)
		unit->d_sense = page[2] & D_SENSE;
}
