/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: four levels, an area for each message, a switch for each area, a
 * limit on each place that speaks.  Lines go to standard error, marked for
 * the journal where that is the journal; a test or the daemon may take them
 * over.  A message is one line about one object.  It may be called on any
 * loop, does not allocate and takes no lock; it never carries a secret.
 *
 *	log_warn(NBD, "%s: %s", peer, "the client went away");
 */
#ifndef GATEWAY_BASE_LOG_H
#define GATEWAY_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/clock.h"

enum log_level {
	LOG_LEVEL_ERROR, /* something does not work; somebody must act */
	LOG_LEVEL_WARN, /* it goes on, but look at it */
	LOG_LEVEL_NOTE, /* what happens in an ordinary life, seldom */
	LOG_LEVEL_DEBUG, /* for the developers; off unless asked for */
	LOG_LEVEL_COUNT
};

enum log_area {
#define ROW(AREA, word, level, help) LOG_AREA_##AREA,
#include "gateway/base/log_areas.tbl"
#undef ROW
	LOG_AREA_COUNT
};

/* Each place that speaks may do so LOG_BURST times in LOG_WINDOW_S seconds;
 * what was left out is counted and said with its next line.  Debug is free.
 */
#define LOG_BURST 20
#define LOG_WINDOW_S 5
#define LOG_LINE 1024

struct log_site {
	int64_t window_ns;
	uint32_t said;
	uint32_t left_out;
};

#define log_error(AREA, ...) log_at(LOG_LEVEL_ERROR, LOG_AREA_##AREA, __VA_ARGS__)
#define log_warn(AREA, ...) log_at(LOG_LEVEL_WARN, LOG_AREA_##AREA, __VA_ARGS__)
#define log_note(AREA, ...) log_at(LOG_LEVEL_NOTE, LOG_AREA_##AREA, __VA_ARGS__)
#define log_debug(AREA, ...) log_at(LOG_LEVEL_DEBUG, LOG_AREA_##AREA, __VA_ARGS__)

#define log_at(level, area, ...)                                             \
	do {                                                                 \
		static struct log_site log_site_;                            \
		if (log_wants((level), (area)))                              \
			log_write(&log_site_, (level), (area), __VA_ARGS__); \
	} while (0)

bool log_wants(enum log_level level, enum log_area area);
void log_write(struct log_site *site, enum log_level level, enum log_area area, const char *fmt,
	       ...) __attribute__((format(printf, 4, 5)));

/* Any thread, any time. */
void log_set_level(enum log_area area, enum log_level level);
void log_set_all(enum log_level level);
const char *log_level_name(enum log_level level);
const char *log_area_name(enum log_area area);
int log_level_find(const char *word); /* or -1 */
int log_area_find(const char *word); /* or -1 */

/* Before the loops start.  A sink gets one message without its newline.  A
 * null puts standard error and the system's clock back.
 */
typedef void log_sink_fn(void *arg, enum log_level level, enum log_area area, const char *text);
typedef struct instant log_clock_fn(void);
void log_set_sink(log_sink_fn *sink, void *arg);
void log_set_clock(log_clock_fn *clock);

#endif
