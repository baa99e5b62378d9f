/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: one line, one write.  It may write to standard error itself, which
 * is why a slow reader of that pipe can slow us down; the limit on each place
 * bounds by how much.  All state is a few words that any thread may change,
 * each read and written whole.
 */
#include "config.h"

#include "gateway/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gateway/base/str.h"
#include "gateway/base/table.h"

static const struct table_row areas[LOG_AREA_COUNT] = {
#define ROW(AREA, word, level, help) { word, help },
#include "gateway/base/log_areas.tbl"
#undef ROW
};

static unsigned char levels[LOG_AREA_COUNT] = {
#define ROW(AREA, word, level, help) LOG_LEVEL_##level,
#include "gateway/base/log_areas.tbl"
#undef ROW
};

/* What a level is called, and its number for the journal (sd-daemon(3)). */
static const struct table_row level_rows[LOG_LEVEL_COUNT] = {
	[LOG_LEVEL_ERROR] = { "error", "<3>" },
	[LOG_LEVEL_WARN] = { "warning", "<4>" },
	[LOG_LEVEL_NOTE] = { "note", "<5>" },
	[LOG_LEVEL_DEBUG] = { "debug", "<7>" },
};

static struct instant system_clock(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct instant){ (int64_t)t.tv_sec * 1000000000 + t.tv_nsec };
}

/* Is standard error the journal's socket?  systemd.exec(5), JOURNAL_STREAM. */
static bool to_journal(void)
{
	unsigned long long device, inode;
	const char *words = getenv("JOURNAL_STREAM");
	struct stat st;

	return words && sscanf(words, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

static void stderr_sink(void *arg, enum log_level level, enum log_area area, const char *text)
{
	char line[LOG_LINE + 64];
	struct str s = STR_IN(line);
	ssize_t put;

	if (to_journal())
		str_add(&s, level_rows[level].help);
	str_addf(&s, "%s: %s: %s\n", log_area_name(area), log_level_name(level), text);
	put = write(STDERR_FILENO, s.at, s.len);
	(void)put; /* there is no other place to say so */
}

static log_sink_fn *sink = stderr_sink;
static void *sink_arg;
static log_clock_fn *clock_now = system_clock;

void log_set_sink(log_sink_fn *new_sink, void *arg)
{
	sink = new_sink ? new_sink : stderr_sink;
	sink_arg = arg;
}

void log_set_clock(log_clock_fn *new_clock)
{
	clock_now = new_clock ? new_clock : system_clock;
}

void log_set_level(enum log_area area, enum log_level level)
{
	__atomic_store_n(&levels[area], (unsigned char)level, __ATOMIC_RELAXED);
}

void log_set_all(enum log_level level)
{
	for (unsigned i = 0; i < LOG_AREA_COUNT; i++)
		log_set_level((enum log_area)i, level);
}

bool log_wants(enum log_level level, enum log_area area)
{
	return level <= __atomic_load_n(&levels[area], __ATOMIC_RELAXED);
}

const char *log_level_name(enum log_level level)
{
	return table_name(level_rows, LOG_LEVEL_COUNT, level);
}

const char *log_area_name(enum log_area area)
{
	return table_name(areas, LOG_AREA_COUNT, area);
}

int log_level_find(const char *word)
{
	return table_find(level_rows, LOG_LEVEL_COUNT, word);
}

int log_area_find(const char *word)
{
	return table_find(areas, LOG_AREA_COUNT, word);
}

/*
 * May this place speak?  Threads that race here may let one line more or less
 * through; *LEFT_OUT is how many were swallowed since it last spoke.
 */
static bool site_admits(struct log_site *site, uint32_t *left_out)
{
	int64_t now = clock_now().ns;
	int64_t begun = __atomic_load_n(&site->window_ns, __ATOMIC_RELAXED);

	if (!begun || now - begun >= span_s(LOG_WINDOW_S).ns) {
		__atomic_store_n(&site->window_ns, now ? now : 1, __ATOMIC_RELAXED);
		__atomic_store_n(&site->said, 0, __ATOMIC_RELAXED);
	}
	if (__atomic_fetch_add(&site->said, 1, __ATOMIC_RELAXED) >= LOG_BURST) {
		__atomic_fetch_add(&site->left_out, 1, __ATOMIC_RELAXED);
		return false;
	}
	*left_out = __atomic_exchange_n(&site->left_out, 0, __ATOMIC_RELAXED);
	return true;
}

void log_write(struct log_site *site, enum log_level level, enum log_area area, const char *fmt,
	       ...)
{
	char text[LOG_LINE];
	struct str s = STR_IN(text);
	uint32_t left_out = 0;
	va_list args;

	if (level != LOG_LEVEL_DEBUG && !site_admits(site, &left_out))
		return;
	va_start(args, fmt);
	str_addv(&s, fmt, args);
	va_end(args);
	for (char *p = s.at; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' '; /* no peer smuggles in a line of his own */
	if (left_out)
		str_addf(&s, " (%u more like this were left out)", left_out);
	sink(sink_arg, level, area, s.at);
}
