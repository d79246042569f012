/* The watch stream: recorded lines, rubbish, and a watcher that dies, floods, or says nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "tui/feed.h"

struct heard {
	enum msg_kind kind[256];
	char text[256][200];
	size_t n, of[MSG_NOTICE + 1];
};

static void take(void *ctx, struct msg *m)
{
	struct heard *h = ctx;
	if (h->n < 256) {
		h->kind[h->n] = m->kind;
		snprintf(h->text[h->n], sizeof h->text[0], "%s", m->text ? m->text : "");
		if (m->kind == MSG_GONE)
			snprintf(h->text[h->n], sizeof h->text[0], "%s", m->gone.id);
		if (m->kind == MSG_RESOURCE)
			snprintf(h->text[h->n], sizeof h->text[0], "%s", m->resource->name);
	}
	h->n++;
	h->of[m->kind]++;
}

static void line(struct heard *h, const char *text)
{
	memset(h, 0, sizeof *h);
	feed_line(text, strlen(text), (struct feed_sink){ take, h });
}

static const struct {
	const char *line;
	enum msg_kind kind;
	const char *text;
} lines_table[] = {
	{ "{\"op\":\"hello\",\"schema\":1,\"host\":\"h\",\"boot_id\":\"b\",\"kernel\":\"k\",\"pid\":4}", MSG_HELLO, "" },
	{ "{\"op\":\"hello\",\"schema\":2,\"host\":\"h\",\"boot_id\":\"b\",\"kernel\":\"k\"}", MSG_FEED_BAD, "schema 2" },
	{ "{\"op\":\"source\",\"name\":\"mounts\",\"mode\":\"fanotify\",\"complete\":true,\"why\":null}", MSG_SOURCE, "" },
	{ "{\"op\":\"source\",\"name\":\"temp_dirs\",\"mode\":\"inotify\",\"complete\":false,\"why\":\"x\"}", MSG_SOURCE, "" },
	{ "{\"op\":\"source\",\"name\":\"moons\",\"mode\":\"poll\"}", MSG_FEED_BAD, "unknown kind" },
	{ "{\"op\":\"gone\",\"kind\":\"mount\",\"id\":\"77\"}", MSG_GONE, "77" },
	{ "{\"op\":\"gone\",\"kind\":\"mount\"}", MSG_FEED_BAD, "gone.id" },
	{ "{\"op\":\"resync\",\"why\":\"overflow\"}", MSG_RESYNC, "overflow" },
	{ "{\"op\":\"sync\",\"at\":5,\"ms\":3}", MSG_SYNC, "" },
	{ "{\"op\":\"sync\",\"at\":5,\"ms\":3,\"as_of\":{\"mounts\":7,\"ghosts\":null}}", MSG_SYNC, "" },
	{ "{\"op\":\"sync\",\"at\":5,\"ms\":3,\"as_of\":{\"mounts\":-7}}", MSG_FEED_BAD, "as_of" },
	{ "{\"op\":\"beat\",\"at\":5}", MSG_BEAT, "" },
	{ "{\"op\":\"pressure\",\"x\":1}", MSG_PRESSURE, "" },
	{ "{\"op\":\"dance\"}", MSG_FEED_BAD, "unknown kind of line" },
	{ "{\"at\":5}", MSG_FEED_BAD, "unknown kind of line" },
	{ "[]", MSG_FEED_BAD, "not an object" },
	{ "\033[2J{", MSG_FEED_BAD, "\\x1b[2J{" },
	{ "{\"op\":\"add\",\"kind\":7}", MSG_FEED_BAD, "" },
	{ "{\"op\":\"health\",\"status\":\"glad\"}", MSG_FEED_BAD, "" },
};

static void each_line_is_one_message(void **state)
{
	(void)state;
	struct heard h;
	for (size_t i = 0; i < sizeof lines_table / sizeof *lines_table; i++) {
		line(&h, lines_table[i].line);
		if (h.n != 1 || h.kind[0] != lines_table[i].kind || !strstr(h.text[0], lines_table[i].text))
			fail_msg("%s: %zu messages, kind %d, \"%s\"", lines_table[i].line, h.n, (int)h.kind[0], h.text[0]);
		assert_null(strchr(h.text[0], '\033'));
	}
}

/* A good line with one byte changed: one message or none fewer, and never a crash. */
static void broken_lines(void **state)
{
	(void)state;
	static const char good[] = "{\"op\":\"add\",\"kind\":\"mount\",\"owner\":\"leak\",\"id\":\"9\",\"name\":\"/tmp/rustbox-a/root\"}";
	struct heard h;
	srand(7);
	for (int i = 0; i < 20000; i++) {
		char bad[sizeof good];
		memcpy(bad, good, sizeof good);
		for (int n = rand() % 4; n >= 0; n--)
			bad[(size_t)rand() % (sizeof bad - 1)] = (char)(rand() % 255 + 1);
		line(&h, bad);
		assert_int_equal(h.n, 1);
	}
}

/* ---- a watcher that misbehaves: a script named rustbox-probe, first in PATH ------------------------------- */

static char dir[64];

static void watcher(const char *script)
{
	char path[96];
	snprintf(path, sizeof path, "%s/rustbox-probe", dir);
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

/* Runs the feed until a message of the kind has come; the time it believes in is ours. */
static bool until(struct feed *f, struct heard *h, enum msg_kind kind, size_t times)
{
	struct feed_sink sink = { take, h };
	for (uint64_t end = now_ms() + 60000; now_ms() < end && h->of[kind] < times;) {
		int wait = feed_next_ms(f, now_ms());
		struct pollfd p = { .fd = f->poll, .events = POLLIN };
		feed_tick(f, now_ms(), sink);
		if (poll(&p, 1, wait < 0 || wait > 100 ? 100 : wait) > 0)
			feed_ready(f, now_ms(), sink);
	}
	return h->of[kind] >= times;
}

static void a_dead_watcher_is_told_and_started_again(void **state)
{
	(void)state;
	struct feed f;
	struct heard h = { .n = 0 };
	watcher("echo '{\"op\":\"beat\",\"at\":1}'; echo 'no more \033[31mfiles' >&2; exit 3");
	assert_int_equal(feed_init(&f, NULL), 0);
	assert_true(until(&f, &h, MSG_FEED_LOST, 2));
	assert_int_equal(h.of[MSG_BEAT], 2);
	for (size_t i = 0; i < h.n; i++)
		if (h.kind[i] == MSG_FEED_LOST) {
			assert_non_null(strstr(h.text[i], "exit 3"));
			assert_non_null(strstr(h.text[i], "no more \\x1b[31mfiles"));
		}
	feed_done(&f);
}

static void a_missing_watcher_is_told(void **state)
{
	(void)state;
	struct feed f;
	struct heard h = { .n = 0 };
	char path[96];
	snprintf(path, sizeof path, "%s/rustbox-probe", dir);
	(void)unlink(path);
	assert_int_equal(feed_init(&f, NULL), 0);
	assert_true(until(&f, &h, MSG_FEED_LOST, 1));
	assert_non_null(strstr(h.text[0], "not found"));
	assert_true(feed_next_ms(&f, now_ms()) > 0); /* not at once: no busy loop */
	feed_done(&f);
}

static void an_endless_line_is_bounded(void **state)
{
	(void)state;
	struct feed f;
	struct heard h = { .n = 0 };
	watcher("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo '{\"op\":\"beat\",\"at\":1}'; exec sleep 60");
	assert_int_equal(feed_init(&f, NULL), 0);
	assert_true(until(&f, &h, MSG_BEAT, 1));
	assert_int_equal(h.of[MSG_FEED_BAD], 1);
	assert_true(f.out.cap <= 2 * FEED_LINE);
	feed_done(&f);
}

static void a_silent_watcher_is_ended(void **state)
{
	(void)state;
	struct feed f;
	struct heard h = { .n = 0 };
	struct feed_sink sink = { take, &h };
	watcher("echo '{\"op\":\"beat\",\"at\":1}'; exec sleep 60");
	assert_int_equal(feed_init(&f, NULL), 0);
	assert_true(until(&f, &h, MSG_BEAT, 1));
	pid_t old = f.child.pid;
	feed_tick(&f, now_ms() + FEED_SILENT_MS + 1, sink);
	assert_int_equal(h.of[MSG_FEED_LOST], 1);
	assert_true(until(&f, &h, MSG_BEAT, 2));
	assert_int_not_equal(f.child.pid, old);
	feed_done(&f);
}

static int make_dir(void **state)
{
	char path[4200];
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/rbt-feed-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s:%s", dir, getenv("PATH"));
	return setenv("PATH", path, 1);
}

static int remove_dir(void **state)
{
	char path[96];
	(void)state;
	snprintf(path, sizeof path, "%s/rustbox-probe", dir);
	(void)unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_one_message),
		cmocka_unit_test(broken_lines),
		cmocka_unit_test(a_dead_watcher_is_told_and_started_again),
		cmocka_unit_test(a_missing_watcher_is_told),
		cmocka_unit_test(an_endless_line_is_bounded),
		cmocka_unit_test(a_silent_watcher_is_ended),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
