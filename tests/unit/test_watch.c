/* The lines of a change: by identity, and enough to rebuild the later state from the earlier one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/watch.h"

static void add(struct snapshot *s, struct arena *a, const char *id, const char *name, enum owner owner)
{
	struct resource *r = resource_set_add(&s->of[RES_TEMPDIR], a);
	*r = (struct resource){ .kind = RES_TEMPDIR, .id = id, .name = name, .owner = owner, .detail = "", .why = "" };
	resource_set_sort(&s->of[RES_TEMPDIR]);
}

static char *delta(const struct snapshot *b, const struct snapshot *n)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	assert_int_equal(watch_delta(b, n, f, NULL), 0);
	assert_int_equal(fclose(f), 0); /* only now is `text` final */
	return text;
}

static size_t count(const char *text, const char *op)
{
	char needle[40];
	size_t n = 0;
	(void)snprintf(needle, sizeof needle, "{\"op\":\"%s\"", op);
	for (const char *s = text; (s = strstr(s, needle)); s++)
		n++;
	return n;
}

static void add_change_gone(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot b = { 0 }, n = { 0 };
	(void)state;
	add(&b, &a, "1", "/same", OWNER_LEAK);
	add(&b, &a, "2", "/gone", OWNER_LEAK);
	add(&b, &a, "3", "/live", OWNER_ACTIVE);
	add(&b, &a, "4", "/renamed", OWNER_LEAK);
	add(&n, &a, "1", "/same", OWNER_LEAK);
	add(&n, &a, "3", "/live", OWNER_LEAK); /* its lock fell */
	add(&n, &a, "4", "/a-new-name", OWNER_LEAK);
	add(&n, &a, "5", "/gone", OWNER_LEAK); /* the same name, another thing */
	autofree char *text = delta(&b, &n);
	assert_int_equal(count(text, "gone"), 1);
	assert_int_equal(count(text, "add"), 1);
	assert_int_equal(count(text, "change"), 2);
	assert_non_null(strstr(text, "{\"op\":\"gone\",\"kind\":\"tempdir\",\"id\":\"2\"}"));
}

static void nothing_new_is_silence(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot b = { 0 }, n = { 0 };
	(void)state;
	add(&b, &a, "1", "/x\x1b", OWNER_LEAK);
	add(&n, &a, "1", "/x\x1b", OWNER_LEAK);
	autofree char *text = delta(&b, &n);
	assert_string_equal(text, "");
}

static void every_line_is_one_object(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot b = { 0 }, n = { 0 };
	char *save = NULL;
	(void)state;
	add(&n, &a, "1", "/a\nb\x1b[2J\xff", OWNER_LEAK);
	add(&n, &a, "2", "/c", OWNER_ORPHAN);
	autofree char *text = delta(&b, &n);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		autojson json_t *j = json_loads(line, 0, NULL);
		struct resource r;
		assert_non_null(j);
		assert_int_equal(resource_from_json(j, "line", &a, &r, NULL), 0);
	}
}

/* What is plain is read back as it was, and nothing else is taken. */
static void read_back(char *line, const struct resource *want, bool small_numbers)
{
	struct resource got;
	bool plain = !strpbrk(line, "\\\x7f");
	for (const char *c = line; *c; c++)
		plain = plain && *c > 0;
	bool taken = resource_scan(line, &got);
	assert_true(taken ? plain : !plain || !small_numbers);
	if (!taken)
		return;
	assert_true(resource_same(&got, want));
	assert_int_equal(got.born, want->born);
}

/* Cut anywhere, followed by anything, or with anything in it changed, a line is not taken for another thing. */
static void read_only_as_written(void **state)
{
	struct resource r = { .kind = RES_LOCK, .owner = OWNER_LEAK, .id = "b", .name = "b", .box = "b", .born = 7 }, got;
	char whole[512], line[520];
	autofree char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	(void)state;
	resource_write(f, "change", &r);
	assert_int_equal(fclose(f), 0);
	snprintf(whole, sizeof whole, "%.*s", (int)len - 1, text);
	for (size_t i = 0; i + 1 < len; i++) {
		snprintf(line, sizeof line, "%.*s", (int)i, whole);
		assert_false(resource_scan(line, &got));
		snprintf(line, sizeof line, "%s", whole);
		line[i] = '\n';
		assert_false(resource_scan(line, &got));
	}
	snprintf(line, sizeof line, "%s ", whole);
	assert_false(resource_scan(line, &got));
	assert_true(resource_scan(whole, &got));
	assert_true(resource_same(&got, &r));
}

/* Written directly, a resource is the bytes jansson would make of it: all kinds, odd names and numbers. */
static void written_as_jansson_does(void **state)
{
	static const char *const names[] = { "", "/plain", "a \"quoted\" \\ one", "/\x1b[2J\r\n\t", "/\xff\xfe", "/ü→ 日本", "\x7f" };
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names * RES_KINDS * 4; i++) {
		struct resource r;
		memset(&r, (int)(i % 4 ? 0x41 * (i % 4 == 1) : 0xff), sizeof r);
		if (i % 4 == 3) /* nothing is known */
			memset(&r, 0, sizeof r);
		r.kind = (enum resource_kind)(i % RES_KINDS);
		r.owner = (enum owner)(i % OWNER_COUNT);
		r.born = i * 1000;
		r.id = "1:2";
		r.name = names[i % (sizeof names / sizeof *names)];
		r.box = i % 2 ? NULL : "b";
		r.detail = r.name;
		r.why = i % 3 ? "because" : NULL;
		const char *t = names[(i + 3) % (sizeof names / sizeof *names)];
		if (r.kind == RES_MOUNT)
			r.mount.fstype = r.mount.source = r.mount.root = r.mount.options = t;
		if (r.kind == RES_CGROUP)
			r.cgroup.hierarchy = r.cgroup.path = t, r.cgroup.populated = i % 2, r.cgroup.frozen = false;
		if (r.kind == RES_PROCESS)
			r.process.comm = r.process.cmdline = r.process.cgroup = r.process.wchan = t, r.process.state = i % 2 ? 'S' : '\0';
		if (r.kind == RES_LOCK)
			r.lock.held = true, r.lock.corrupt = i % 2;
		if (r.kind == RES_GHOST)
			r.ghost.holder_comm = r.ghost.how = t;
		json_t *line = json_pack("{s:s}", "op", "add"), *body = resource_to_json(&r);
		json_object_update(line, body);
		autofree char *want = json_dumps(line, JSON_COMPACT), *got = NULL;
		size_t len = 0;
		FILE *f = open_memstream(&got, &len);
		resource_write(f, "add", &r);
		assert_int_equal(fclose(f), 0);
		json_decref(line);
		json_decref(body);
		got[len - 1] = '\0';
		assert_string_equal(got, want);
		read_back(got, &r, i % 4 >= 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_change_gone),
		cmocka_unit_test(nothing_new_is_silence),
		cmocka_unit_test(every_line_is_one_object),
		cmocka_unit_test(written_as_jansson_does),
		cmocka_unit_test(read_only_as_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
