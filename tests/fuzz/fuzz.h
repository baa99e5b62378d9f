/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz.h - what every fuzz program is: one function over one input.
 *
 * Linked with libFuzzer it is a fuzzer (--enable-fuzzers, clang); linked with
 * replay.c it runs the inputs that it is given, which is what `make check` does
 * with tests/fuzz/seeds.  A finding stops the process.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
