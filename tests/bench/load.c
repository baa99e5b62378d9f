/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * load: one light client for all protocols that a server can be measured
 * with.  This file is its options and its report; load_run.c is the loop, a
 * file per protocol says what the bytes are.  bench.py runs it.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load_run.h"

enum { DEPTH_MAX = 1024, CONNS_MAX = 1024 };

static const struct load_proto *const protos[] = { &load_nbd_proto, &load_iscsi_proto,
						   &load_aoe_proto };

static const char usage[] =
	"usage: load --connect HOST:PORT|unix:PATH|INTERFACE [options]\n"
	"  --proto NAME           nbd (default), iscsi, aoe\n"
	"  --export NAME          export to ask for (default: the empty name);\n"
	"                         iSCSI: the target's name, /LUN behind it (0);\n"
	"                         AoE: SHELF.SLOT (0.0)\n"
	"  --op read|write|mix    mix is 70 reads to 30 writes (default read)\n"
	"  --block-size SIZE      bytes per request (4k)\n"
	"  --depth N              requests in flight per connection (32)\n"
	"  --conns N              connections (1)\n"
	"  --seconds S            length of the measured window (2)\n"
	"  --warmup S             what runs before it and is not counted (0.5)\n"
	"  --ios N                stop after N requests per connection; no warm-up\n"
	"  --region SIZE          stay below this offset (the volume's size)\n"
	"  --pattern random|seq   (random)\n"
	"  --structured           NBD: ask for structured replies\n"
	"  --digests              iSCSI: CRC32C on headers and data\n"
	"  --hold S               after the report stay connected, idle, for as long\n"
	"  --server-pid PID       measure this server's CPU too\n"
	"  --json                 one line of JSON instead of a line of text\n";

static void die(const char *what, const char *arg)
{
	fprintf(stderr, "load: %s '%s'\n%s", what, arg, usage);
	exit(2);
}

static uint64_t size_arg(const char *s)
{
	char *end;
	uint64_t v = strtoull(s, &end, 10);
	const char *units = "kmgt", *u;

	u = *end ? strchr(units, *end | 0x20) : NULL;
	if (u) {
		v <<= 10 * (u - units + 1);
		end++;
	}
	if (end == s || *end || v == 0)
		die("bad size", s);
	return v;
}

static uint32_t count_arg(const char *s, uint64_t max)
{
	uint64_t v = size_arg(s);

	if (v > max)
		die("number too large", s);
	return (uint32_t)v;
}

static double seconds_arg(const char *s)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end || !(v >= 0 && v < 1e6))
		die("bad time", s);
	return v;
}

static uint32_t op_arg(const char *s)
{
	if (strcmp(s, "read") == 0)
		return 0;
	if (strcmp(s, "write") == 0)
		return 100;
	if (strcmp(s, "mix") != 0)
		die("unknown op", s);
	return 30;
}

static bool seq_arg(const char *s)
{
	if (strcmp(s, "random") != 0 && strcmp(s, "seq") != 0)
		die("unknown pattern", s);
	return s[0] == 's';
}

static const struct load_proto *proto_arg(const char *s)
{
	size_t i;

	for (i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (strcmp(protos[i]->name, s) == 0)
			return protos[i];
	die("unknown protocol", s);
	return NULL;
}

struct options {
	struct load_plan plan;
	const struct load_proto *proto;
	bool json;
};

static void take_option(struct options *o, int opt, const char *arg)
{
	switch (opt) {
	case 'p':
		o->proto = proto_arg(arg);
		break;
	case 'c':
		o->plan.target = arg;
		break;
	case 'e':
		o->plan.export_name = arg;
		break;
	case 'o':
		o->plan.write_percent = op_arg(arg);
		break;
	case 'b':
		o->plan.block_bytes = count_arg(arg, LOAD_SKIP_MAX);
		break;
	case 'd':
		o->plan.depth = count_arg(arg, DEPTH_MAX);
		break;
	case 'n':
		o->plan.conns = count_arg(arg, CONNS_MAX);
		break;
	case 's':
		o->plan.seconds = seconds_arg(arg);
		break;
	case 'w':
		o->plan.warmup_seconds = seconds_arg(arg);
		break;
	case 'i':
		o->plan.ios_limit = size_arg(arg);
		break;
	case 'r':
		o->plan.region_bytes = size_arg(arg);
		break;
	case 'a':
		o->plan.sequential = seq_arg(arg);
		break;
	case 't':
		o->plan.structured = true;
		break;
	case 'H':
		o->plan.hold_seconds = seconds_arg(arg);
		break;
	case 'g':
		o->plan.digests = true;
		break;
	case 'P':
		o->plan.server_pid = (int)count_arg(arg, 1 << 30);
		break;
	case 'j':
		o->json = true;
		break;
	default:
		fputs(usage, opt == 'h' ? stdout : stderr);
		exit(opt == 'h' ? 0 : 2);
	}
}

static void read_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "proto", 1, NULL, 'p' },	{ "connect", 1, NULL, 'c' },
		{ "export", 1, NULL, 'e' },	{ "op", 1, NULL, 'o' },
		{ "block-size", 1, NULL, 'b' }, { "depth", 1, NULL, 'd' },
		{ "conns", 1, NULL, 'n' },	{ "seconds", 1, NULL, 's' },
		{ "warmup", 1, NULL, 'w' },	{ "region", 1, NULL, 'r' },
		{ "ios", 1, NULL, 'i' },	{ "pattern", 1, NULL, 'a' },
		{ "structured", 0, NULL, 't' }, { "server-pid", 1, NULL, 'P' },
		{ "digests", 0, NULL, 'g' },	{ "json", 0, NULL, 'j' },
		{ "hold", 1, NULL, 'H' },	{ "help", 0, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1)
		take_option(o, opt, optarg);
	if (optind < argc)
		die("unexpected word", argv[optind]);
	if (o->plan.ios_limit != UINT64_MAX)
		o->plan.warmup_seconds = 0;
	if (!o->plan.target)
		die("needed:", "--connect");
}

static void report(const struct load_result *r, bool json)
{
	const struct load_tally *t = &r->tally;
	double ios = t->ios ? (double)t->ios : 1;
	double cpu = r->server_cpu_seconds < 0 ? -1 : r->server_cpu_seconds * 1e6 / ios;
	static const char text[] = "%llu I/Os, %llu errors, %.2f s: %.0f IOPS, %.1f MB/s,"
				   " p50 %.1f p99 %.1f p999 %.1f us,"
				   " CPU server %.2f client %.2f us/IO,"
				   " depth %u, %llu sent again,"
				   " per connection %llu to %llu\n";
	static const char as_json[] = "{\"ios\": %llu, \"errors\": %llu, \"seconds\": %.4f,"
				      " \"iops\": %.1f, \"mb_s\": %.2f, \"p50_us\": %.2f,"
				      " \"p99_us\": %.2f, \"p999_us\": %.2f,"
				      " \"cpu_us\": %.3f, \"client_cpu_us\": %.3f,"
				      " \"depth\": %u, \"resent\": %llu,"
				      " \"least_ios\": %llu, \"most_ios\": %llu}\n";

	printf(json ? as_json : text, (unsigned long long)t->ios, (unsigned long long)t->errors,
	       r->seconds, (double)t->ios / r->seconds, (double)t->bytes / r->seconds / 1e6,
	       load_hist_quantile_us(&t->hist, 0.50), load_hist_quantile_us(&t->hist, 0.99),
	       load_hist_quantile_us(&t->hist, 0.999), cpu, r->client_cpu_seconds * 1e6 / ios,
	       r->depth, (unsigned long long)t->resent, (unsigned long long)r->least_ios,
	       (unsigned long long)r->most_ios);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct load_result result;
	struct load_run *run;
	struct options o = {
		.proto = &load_nbd_proto,
		.plan =
			{
				.export_name = "",
				.block_bytes = 4096,
				.depth = 32,
				.conns = 1,
				.seconds = 2,
				.warmup_seconds = 0.5,
				.ios_limit = UINT64_MAX,
			},
	};
	int held;

	read_options(&o, argc, argv);
	run = load_run(&o.plan, o.proto, &result);
	if (!run)
		return 1;
	report(&result, o.json);
	held = load_run_hold(run);
	load_run_end(run);
	return held < 0 || result.tally.ios == 0;
}
