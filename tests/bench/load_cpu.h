/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much CPU a server has used so far: user and system time of a process,
 * all its threads (io_uring's workers are among them) and all its living
 * descendants, plus what the dead ones left to it.
 */
#ifndef TESTS_BENCH_LOAD_CPU_H
#define TESTS_BENCH_LOAD_CPU_H

/* Seconds; negative if there is no such process.  Steps of 1/100 s. */
double load_cpu_seconds(int pid);

#endif
