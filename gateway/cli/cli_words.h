/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cli_words.h - words that people meant when they wrote others.
 *
 * Pure; who suggests what to whom is sluice.c's business.
 */
#ifndef GATEWAY_CLI_CLI_WORDS_H
#define GATEWAY_CLI_CLI_WORDS_H

#include <stdbool.h>

/* How many letters must be put in, taken out, changed or swapped with their
 * neighbour to make one word of the other; words over 63 bytes are far away. */
unsigned cli_words_distance(const char *a, const char *b);
/* Near enough to be suggested? */
bool cli_words_near(const char *written, const char *known);

#endif
