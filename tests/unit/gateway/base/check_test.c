/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of gateway/base/check.c: each death happens in a child of its own,
 * whose last words and signal are looked at.
 */
#include "config.h"

#include "gateway/base/check.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/harness.h"

struct thing {
	uint32_t tag;
};

#define THING GW_TAG('t', 'h', 'n', 'g')

/* Runs FN in a child; its words into TEXT; true if it died by abort(). */
static bool dies(void (*fn)(void), char *text, size_t size)
{
	const struct rlimit no_core = { 0, 0 };
	int ends[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		fn();
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void wrong_sum(void)
{
	GW_CHECK(1 + 1 == 3);
}

static void stale(void)
{
	struct thing t;

	gw_tag_set(&t, THING);
	gw_tag_wipe(&t);
	gw_tag_check(&t, THING);
}

static void stranger(void)
{
	struct thing t = { GW_TAG('r', 'e', 'q', '\n') };

	gw_tag_check(&t, THING);
}

static void nowhere(void)
{
	GW_NOT_REACHED();
}

static void more_words(int fd)
{
	ssize_t put = write(fd, "last words\n", 11);

	(void)put;
	GW_CHECK(!"and these fail too");
}

static void with_more_words(void)
{
	check_on_failure(more_words);
	wrong_sum();
}

static void fine(void)
{
	struct thing t;

	gw_tag_set(&t, THING);
	gw_tag_check(&t, THING);
	GW_CHECK(1 + 1 == 2);
}

static void what_holds_says_nothing(void **state)
{
	char text[1024];

	assert_false(dies(fine, text, sizeof(text)));
	assert_string_equal(text, "");
}

static void a_failure_names_expression_and_place(void **state)
{
	char text[1024];

	assert_true(dies(wrong_sum, text, sizeof(text)));
	assert_non_null(strstr(text, "1 + 1 == 3"));
	assert_non_null(strstr(text, "check_test.c:"));
	assert_non_null(strstr(text, "wrong_sum"));
	assert_true(dies(nowhere, text, sizeof(text)));
	assert_non_null(strstr(text, "not reached"));
}

static void tags(void **state)
{
	char text[1024];

	assert_true(dies(stale, text, sizeof(text)));
	assert_non_null(strstr(text, "is no 'thng' any more"));
	assert_true(dies(stranger, text, sizeof(text)));
	assert_non_null(strstr(text, "its tag is 'req\\x0a'"));
}

static void last_words_come_once(void **state)
{
	char text[1024];
	const char *words;

	assert_true(dies(with_more_words, text, sizeof(text)));
	words = strstr(text, "last words");
	assert_non_null(words);
	assert_null(strstr(words + 1, "last words"));
}

HARNESS_MAIN(cmocka_unit_test(what_holds_says_nothing),
	     cmocka_unit_test(a_failure_names_expression_and_place), cmocka_unit_test(tags),
	     cmocka_unit_test(last_words_come_once))
