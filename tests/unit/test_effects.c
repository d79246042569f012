/* Commands as children: their lines, their end, their deadline; and the journal on disk before the act. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tui/effects.h"

struct heard {
	char said[16384]; /* o:line e:line x:status... */
	size_t exits, lines;
	int status;
	bool late;
	struct effects *x;
};

static char dir[64];
static struct paths paths;

static void take(void *ctx, struct msg *m)
{
	struct heard *h = ctx;
	size_t n = strlen(h->said);
	if (m->kind == MSG_LINE) {
		h->lines++;
		snprintf(h->said + n, sizeof h->said - n, "%c%u:%.60s|", m->line.err ? 'e' : 'o', m->line.job, m->text);
	} else if (m->kind == MSG_EXIT) {
		h->exits++;
		h->status = m->exit.status;
		h->late = m->exit.timed_out;
		snprintf(h->said + n, sizeof h->said - n, "x%u:%d:%s|", m->exit.job, m->exit.status, m->text ? m->text : "");
	} else if (m->kind == MSG_RECORDED) {
		snprintf(h->said + n, sizeof h->said - n, "r:%s|", m->text ? m->text : "ok");
	} else if (m->kind == MSG_BASELINE) {
		snprintf(h->said + n, sizeof h->said - n, "b:%s:%s|", m->text ? m->text : "-", m->note ? m->note : "");
	}
}

static void program(const char *script)
{
	char path[96];
	snprintf(path, sizeof path, "%s/rustbox", dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", script);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static uint64_t now_ms(void)
{
	return clock_mono_ns() / NS_PER_MS;
}

static void ask(struct effects *x, struct heard *h, uint32_t job, unsigned timeout_ms)
{
	static const char *const argv[] = { "rustbox", "reclaim", "mount", "a b", NULL };
	struct effect what = { .kind = EFFECT_RUN, .job = job, .argv = argv, .timeout_ms = timeout_ms };
	effects_do(x, &what, now_ms(), (struct feed_sink){ take, h });
}

static bool until_exits(struct effects *x, struct heard *h, size_t exits)
{
	struct feed_sink sink = { take, h };
	for (uint64_t end = now_ms() + 60000; now_ms() < end && h->exits < exits;) {
		int wait = effects_next_ms(x, now_ms());
		struct pollfd p = { .fd = x->poll, .events = POLLIN };
		if (poll(&p, 1, wait < 0 || wait > 1000 ? 1000 : wait) > 0)
			effects_ready(x, now_ms(), sink);
		effects_tick(x, now_ms(), sink);
	}
	return h->exits >= exits;
}

static void lines_then_the_end(void **state)
{
	(void)state;
	struct effects x;
	struct heard h = { .x = &x };
	assert_int_equal(effects_init(&x, &paths, "inc", NULL), 0);
	program("printf 'one\\ntwo'; echo \"$#:$3\" >&2; exit 7");
	ask(&x, &h, 11, 60000);
	assert_true(until_exits(&x, &h, 1));
	assert_non_null(strstr(h.said, "o11:one|"));
	assert_non_null(strstr(h.said, "o11:two|"));
	assert_non_null(strstr(h.said, "e11:3:a b|"));
	assert_string_equal(strstr(h.said, "x11"), "x11:7:|"); /* after every line */
	assert_false(h.late);
	effects_done(&x);
}

static void a_grandchild_with_the_pipe_is_not_waited_for(void **state)
{
	(void)state;
	struct effects x;
	struct heard h = { .x = &x };
	assert_int_equal(effects_init(&x, &paths, "inc", NULL), 0);
	program("echo done; sleep 30 & exit 0");
	uint64_t began = now_ms();
	ask(&x, &h, 1, 60000);
	assert_true(until_exits(&x, &h, 1));
	assert_true(now_ms() - began < 25000);
	assert_int_equal(h.status, 0);
	effects_done(&x);
}

static void a_deadline_asks_and_then_kills(void **state)
{
	(void)state;
	struct effects x;
	struct heard h = { .x = &x };
	assert_int_equal(effects_init(&x, &paths, "inc", NULL), 0);
	program("trap '' TERM; while :; do sleep 1; done");
	ask(&x, &h, 2, 50);
	assert_true(until_exits(&x, &h, 1));
	assert_true(h.late);
	assert_int_equal(h.status, 128 + SIGKILL);
	effects_done(&x);
}

static void stop_is_an_interrupt(void **state)
{
	(void)state;
	struct effects x;
	struct heard h = { .x = &x };
	assert_int_equal(effects_init(&x, &paths, "inc", NULL), 0);
	program("trap 'echo stopping; exit 9' INT; echo ready; while :; do sleep 0.05; done");
	ask(&x, &h, 3, 60000);
	struct feed_sink sink = { take, &h };
	for (uint64_t end = now_ms() + 60000; now_ms() < end && !h.lines;) {
		struct pollfd p = { .fd = x.poll, .events = POLLIN };
		if (poll(&p, 1, 1000) > 0)
			effects_ready(&x, now_ms(), sink);
	}
	effects_do(&x, &(struct effect){ .kind = EFFECT_STOP, .job = 3 }, now_ms(), sink);
	assert_true(until_exits(&x, &h, 1));
	assert_non_null(strstr(h.said, "o3:stopping|x3:9"));
	effects_done(&x);
}

static void only_our_own_programs(void **state)
{
	(void)state;
	struct effects x;
	struct heard h = { .x = &x };
	static const char *const argv[] = { "/bin/rm", "-rf", "/nowhere", NULL };
	assert_int_equal(effects_init(&x, &paths, "inc", NULL), 0);
	effects_do(&x, &(struct effect){ .kind = EFFECT_RUN, .job = 4, .argv = argv }, now_ms(), (struct feed_sink){ take, &h });
	assert_int_equal(h.status, -1);
	assert_non_null(strstr(h.said, "only rustbox"));
	effects_done(&x);
}

static void many_at_once_are_refused_in_words(void **state)
{
	(void)state;
	struct effects x;
	struct heard h = { .x = &x };
	assert_int_equal(effects_init(&x, &paths, "inc", NULL), 0);
	program("exec sleep 0.3");
	for (uint32_t job = 1; job <= EFFECTS_AT_ONCE + 1; job++)
		ask(&x, &h, job, 60000);
	assert_int_equal(h.exits, 1);
	assert_non_null(strstr(h.said, "x9:-1:too many"));
	assert_true(until_exits(&x, &h, EFFECTS_AT_ONCE + 1));
	effects_done(&x);
}

static void recorded_before_it_is_done(void **state)
{
	(void)state;
	struct effects x;
	struct heard h = { .x = &x };
	char path[PATH_ROOM + 32];
	autofree char *text = NULL;
	static const char *const argv[] = { "rustbox", NULL };
	assert_int_equal(effects_init(&x, &paths, "0208-01", NULL), 0);
	snprintf(path, sizeof path, "cat %s/0208-01/journal.jsonl", paths.of[PATH_INCIDENTS]);
	program(path); /* the act itself sees its record */
	effects_do(&x, &(struct effect){ .kind = EFFECT_RUN, .job = 5, .argv = argv, .record = "{\"act\":1}" }, now_ms(),
		   (struct feed_sink){ take, &h });
	assert_non_null(strstr(h.said, "r:ok|"));
	assert_true(until_exits(&x, &h, 1));
	assert_non_null(strstr(h.said, "o5:{\"seq\":1,\"prev\":\"000"));
	effects_done(&x);
	assert_true(kfile_read_all(AT_FDCWD, path + 4, &text) > 10);
	assert_non_null(strstr(text, ",\"act\":1}\n"));
}

/* A disk that is full: said, and the next record starts on a line of its own. */
static void a_record_that_cannot_be_kept_is_said(void **state)
{
	(void)state;
	struct effects x;
	struct heard h = { .x = &x };
	struct paths nowhere = paths;
	snprintf(nowhere.of[PATH_INCIDENTS], PATH_ROOM, "/proc/nowhere");
	assert_int_equal(effects_init(&x, &nowhere, "inc", NULL), 0);
	effects_do(&x, &(struct effect){ .kind = EFFECT_RECORD, .record = "{}" }, now_ms(), (struct feed_sink){ take, &h });
	assert_non_null(strstr(h.said, "make /proc/nowhere"));
	effects_done(&x);
}

static void the_baseline_or_why_not(void **state)
{
	(void)state;
	struct effects x;
	struct heard h = { .x = &x };
	struct effect what = { .kind = EFFECT_BASELINE };
	assert_int_equal(effects_init(&x, &paths, "inc", NULL), 0);
	effects_do(&x, &what, now_ms(), (struct feed_sink){ take, &h });
	assert_non_null(strstr(h.said, "b:-:"));
	assert_non_null(strstr(h.said, "No such file"));
	FILE *f = fopen(paths.of[PATH_BASELINE], "w");
	assert_non_null(f);
	fputs("base\n", f);
	assert_int_equal(fclose(f), 0);
	effects_do(&x, &what, now_ms(), (struct feed_sink){ take, &h });
	assert_non_null(strstr(h.said, "b:base\n:|"));
	assert_int_equal(unlink(paths.of[PATH_BASELINE]), 0);
	effects_done(&x);
}

static int make_dir(void **state)
{
	char path[4200];
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/rbt-effects-XXXXXX");
	if (!mkdtemp(dir) || paths_init(&paths, dir, NULL) != 0)
		return -1;
	snprintf(path, sizeof path, "%s/var", dir);
	(void)mkdir(path, 0755);
	snprintf(path, sizeof path, "%s/var/lib", dir);
	(void)mkdir(path, 0755);
	if (mkdir(paths.of[PATH_STATE], 0755) != 0)
		return -1;
	snprintf(path, sizeof path, "%s:%s", dir, getenv("PATH"));
	return setenv("PATH", path, 1);
}

static int remove_dir(void **state)
{
	char command[100];
	(void)state;
	assert_int_equal(strncmp(dir, "/tmp/rbt-effects-", 17), 0);
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command);
}

int main(void)
{
	if (geteuid() != 0) { /* as an ordinary user every command goes through sudo, which a test must not */
		printf("skipped: needs root\n");
		return 77;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_then_the_end),
		cmocka_unit_test(a_grandchild_with_the_pipe_is_not_waited_for),
		cmocka_unit_test(a_deadline_asks_and_then_kills),
		cmocka_unit_test(stop_is_an_interrupt),
		cmocka_unit_test(only_our_own_programs),
		cmocka_unit_test(many_at_once_are_refused_in_words),
		cmocka_unit_test(recorded_before_it_is_done),
		cmocka_unit_test(a_record_that_cannot_be_kept_is_said),
		cmocka_unit_test(the_baseline_or_why_not),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
