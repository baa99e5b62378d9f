/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The line of the processor's cache: 64 bytes where it matters (x86-64, most of arm64);
 * where it is longer that costs time and nothing else.
 */
#ifndef GATEWAY_BASE_LINE_H
#define GATEWAY_BASE_LINE_H

#define LINE_BYTES 64u

#endif
