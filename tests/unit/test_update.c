/*
 * update(): the rules that keep an operator from harm. Every case starts from the recorded incident; the
 * property at the end tries thousands of random key sequences and looks at each command that would run.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tui/script.h"
#include "tui/update.h"

struct stage {
	struct model m;
	struct script s;
	FILE *out;
	char *text;
	size_t n;
};

static void go(struct stage *t, const char *line)
{
	struct err e = { 0 };
	if (script_line(&t->s, line, &e) != 0)
		fail_msg("%s", e.text);
}

static const char *effects(struct stage *t)
{
	(void)fseek(t->out, 0, SEEK_SET);
	go(t, "effects");
	(void)fflush(t->out);
	return t->text;
}

static int begin(void **state)
{
	struct stage *t = calloc(1, sizeof *t);
	static const struct model_options opt = { .host = "worker-07", .user = "alice", .is_root = true };
	autofree char *book = NULL;
	struct err e = { 0 };
	if (!t || !(t->out = open_memstream(&t->text, &t->n)))
		return -1;
	model_init(&t->m, &opt);
	if (kfile_read_all(AT_FDCWD, "runbooks/cleanup-failure.md", &book) < 0 ||
	    model_add_runbook(&t->m, "cleanup-failure", book, &e) != 0)
		return -1;
	script_begin(&t->s, &t->m, t->out, 24, 80);
	go(t, "baseline tests/golden/fixtures/worker.baseline");
	go(t, "fixture tests/golden/fixtures/incident.feed");
	(void)effects(t);
	*state = t;
	return 0;
}

static int end(void **state)
{
	struct stage *t = *state;
	script_end(&t->s);
	model_done(&t->m);
	fclose(t->out);
	free(t->text);
	free(t);
	return 0;
}

static void arm(struct stage *t)
{
	go(t, "key A");
	go(t, "wait 200");
	go(t, "type INC-1");
	go(t, "key Enter");
	assert_true(t->m.arm.on);
}

static void test_cursor_is_bound_to_the_thing(void **state)
{
	struct stage *t = *state;
	go(t, "key j");
	go(t, "key j");
	assert_string_equal(list_at(&t->m.list)->res->id, "2147483689");
	go(t, "feed {\"op\":\"add\",\"kind\":\"mount\",\"id\":\"99\",\"name\":\"/tmp/rustbox-0/a/b/c/d/e\",\"owner\":\"leak\","
	      "\"facts\":{}}");
	go(t, "feed {\"op\":\"sync\",\"at\":1}");
	assert_string_equal(list_at(&t->m.list)->res->id, "2147483689");
	go(t, "feed {\"op\":\"gone\",\"kind\":\"mount\",\"id\":\"2147483689\"}");
	go(t, "feed {\"op\":\"sync\",\"at\":2}");
	assert_string_equal(list_at(&t->m.list)->res->id, "2147483689"); /* greyed, still there */
	assert_int_not_equal(list_at(&t->m.list)->gone_ms, 0);
	go(t, "wait 6000");
	assert_string_not_equal(list_at(&t->m.list)->res->id, "2147483689");
	assert_null(rows_find(&t->m.table, RES_MOUNT, "2147483689"));
}

/* A click moves the cursor to the row it hit, whatever the window shows, and does nothing else. */
static void test_a_click_moves_the_cursor(void **state)
{
	struct stage *t = *state;
	struct msg click = { .kind = MSG_KEY, .now_ms = t->s.now_ms };
	click.key.code = K_CLICK;
	click.key.row = 8; /* rows 0 to 4 are the head */
	struct effect e = update(&t->m, &click);
	assert_int_equal(e.kind, EFFECT_NONE);
	assert_int_equal(t->m.list.cursor, 3);
	click.key.row = 2;
	(void)update(&t->m, &click);
	assert_int_equal(t->m.list.cursor, 3);
	assert_int_equal(t->m.dialog.kind, DIALOG_NONE);
}

static void test_counts_and_hidden(void **state)
{
	struct stage *t = *state;
	assert_int_equal(t->m.count[OWNER_LEAK][RES_MOUNT], 3);
	assert_int_equal(t->m.count[OWNER_ORPHAN][RES_PROCESS], 1);
	assert_int_equal(t->m.list.hidden_foreign, 2);
	assert_true(t->m.diff.trusted);
	assert_int_equal(t->m.diff.missing, 1);
	go(t, "key F");
	assert_int_equal(t->m.list.hidden_foreign, 0);
	go(t, "key 6");
	assert_int_equal(t->m.list.n, 1);
}

static void test_filter(void **state)
{
	struct stage *t = *state;
	static const struct { const char *typed; size_t n; } cases[] = {
		{ "python3", 1 }, { "~^mount leak .*/root", 2 }, { "~(", 0 }, { "nothing like it", 0 },
	};
	size_t all = t->m.list.n;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		list_filter(&t->m, cases[i].typed);
		assert_int_equal(t->m.list.n, cases[i].typed[1] == '(' ? all : cases[i].n);
	}
	list_filter(&t->m, "!leak");
	for (size_t i = 0; i < t->m.list.n; i++)
		assert_int_not_equal(t->m.list.shown[i]->res->owner, OWNER_LEAK);
	list_filter(&t->m, "");
	assert_int_equal(t->m.list.n, all);
}

static void test_observe_runs_nothing(void **state)
{
	struct stage *t = *state;
	go(t, "type yes please delete everything dDkKxYYY");
	go(t, "key Esc");
	go(t, "key x");
	go(t, "wait 200");
	go(t, "type Y");
	go(t, "key Enter");
	assert_null(strstr(effects(t), "run rustbox reclaim"));
}

static void test_paste_is_refused(void **state)
{
	struct stage *t = *state;
	arm(t);
	go(t, "key x");
	go(t, "wait 200");
	go(t, "paste 27");
	assert_null(strstr(effects(t), "run rustbox reclaim"));
	assert_non_null(strstr(ring_back(&t->m.log, 0)->text, "paste ignored (27 bytes)"));
}

static void test_commit_acts_on_the_intersection(void **state)
{
	struct stage *t = *state;
	arm(t);
	go(t, "key p");
	go(t, "key 2");
	go(t, "key x");
	go(t, "key x");
	go(t, "wait 200");
	go(t, "feed {\"op\":\"gone\",\"kind\":\"mount\",\"id\":\"2147483691\"}");
	go(t, "feed {\"op\":\"add\",\"kind\":\"mount\",\"id\":\"777\",\"name\":\"/tmp/rustbox-8f3a/new\",\"owner\":\"leak\",\"facts\":{}}");
	go(t, "feed {\"op\":\"sync\",\"at\":3}");
	size_t gone = 0, fresh = 0;
	assert_int_equal(plan_now(&t->m, &t->m.dialog.plan, &gone, &fresh), 2);
	assert_int_equal(gone, 1);
	assert_int_equal(fresh, 1);
	go(t, "key Y");
	const char *ran = effects(t);
	assert_non_null(strstr(ran, "run rustbox reclaim mount 2147483690 2147483689 --json"));
	assert_true(strstr(ran, "record ") < strstr(ran, "run ")); /* on disk before it happens */
}

static void test_orphan_never_in_a_batch(void **state)
{
	struct stage *t = *state;
	go(t, "key p");
	go(t, "key 4");
	go(t, "key x");
	go(t, "key x");
	assert_int_equal(t->m.dialog.kind, DIALOG_PREVIEW);
	assert_true(t->m.dialog.plan.n > 0);
	for (size_t i = 0; i < t->m.dialog.plan.n; i++)
		assert_int_equal(t->m.dialog.plan.v[i].owner, OWNER_LEAK);
	assert_int_equal(t->m.dialog.plan.risk, RISK_R2);
}

static void test_arming_ends(void **state)
{
	struct stage *t = *state;
	arm(t);
	go(t, "wait 290000");
	assert_true(t->m.arm.on);
	go(t, "wait 11000");
	assert_false(t->m.arm.on); /* five minutes without a key */
	arm(t);
	go(t, "size 40x10");
	assert_false(t->m.arm.on);
	go(t, "size 80x24");
	arm(t);
	go(t, "key ^Z");
	assert_false(t->m.arm.on);
}

static void test_conflict_is_not_ok(void **state)
{
	struct stage *t = *state;
	go(t, "key p");
	go(t, "key 6");
	go(t, "key x");
	assert_non_null(strstr(effects(t), "run rustbox health --verify-clean"));
	go(t, "out {\"clean\":true}");
	go(t, "exit 0");
	assert_int_equal(t->m.walk.of[0].mark, STEP_FAILED);
	assert_non_null(strstr(t->m.walk.of[0].note, "CONFLICT"));
	go(t, "key Esc");
	arm(t);
	for (int i = 0; i < 3; i++)
		go(t, "key j");
	go(t, "key x");
	assert_non_null(t->m.dialog.plan.refused); /* unquarantine stays locked */
}

static void test_said_but_not_seen(void **state)
{
	struct stage *t = *state;
	arm(t);
	go(t, "key p");
	go(t, "key 2");
	go(t, "key x");
	go(t, "key x");
	go(t, "wait 200");
	go(t, "key Y");
	go(t, "out {\"kind\":\"mount\",\"id\":\"2147483691\",\"name\":\"d\",\"outcome\":\"released\"}");
	go(t, "exit 0");
	go(t, "wait 1000");
	go(t, "feed {\"op\":\"beat\",\"at\":1}");
	assert_int_not_equal(t->m.walk.of[1].mark, STEP_OK);
	go(t, "wait 16000");
	assert_int_equal(t->m.walk.of[1].mark, STEP_FAILED);
	assert_non_null(strstr(t->m.walk.of[1].note, "CONFLICT"));
}

/* P2.7 after a lazy unmount: that the mount is gone proves nothing of ghosts, until a look at them began after it. */
static void test_each_kind_needs_its_own_proof(void **state)
{
	struct stage *t = *state;
	char line[300];
	static const struct { int mounts_after, ghosts_after; bool ticks; } turns[] = {
		{ 1, -1, false },  /* ghosts: news, not looked at */
		{ 1, -500, false }, /* ghosts: a look from before the act */
		{ 1, 0, false },    /* at the same moment is not after */
		{ 1, 2, true },
	};
	for (size_t i = 0; i < t->m.table.n; i++) {
		const struct resource *r = t->m.table.v[i]->res;
		(void)snprintf(line, sizeof line, "feed {\"op\":\"gone\",\"kind\":\"%s\",\"id\":\"%s\"}", resource_kind_word(r->kind), r->id);
		go(t, line);
	}
	go(t, "key p");
	go(t, "key 2");
	t->m.walk.at = 6;
	t->m.acted_ms = t->s.now_ms;
	for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
		char ghosts[24] = "null";
		if (turns[i].ghosts_after != -1)
			(void)snprintf(ghosts, sizeof ghosts, "%llu", (unsigned long long)(t->m.acted_ms + (uint64_t)turns[i].ghosts_after));
		(void)snprintf(line, sizeof line, "feed {\"op\":\"sync\",\"at\":3,\"ms\":1,\"as_of\":{\"mounts\":%llu,\"ghosts\":%s}}",
			       (unsigned long long)(t->m.acted_ms + (uint64_t)turns[i].mounts_after), ghosts);
		go(t, "wait 1000");
		go(t, line);
		go(t, "feed {\"op\":\"beat\",\"at\":4}");
		go(t, "wait 1000");
		assert_int_equal(t->m.walk.of[6].mark, turns[i].ticks ? STEP_OK : STEP_TODO);
	}
}

/* What ends while another procedure is open is no step of that one. */
static void test_an_end_belongs_to_its_procedure(void **state)
{
	struct stage *t = *state;
	arm(t);
	go(t, "key p");
	go(t, "key 2");
	go(t, "key x");
	go(t, "key x");
	go(t, "wait 200");
	go(t, "key Y");
	go(t, "key p");
	go(t, "key 6");
	go(t, "exit 0");
	go(t, "wait 1000");
	go(t, "feed {\"op\":\"beat\",\"at\":1}");
	go(t, "wait 16000");
	assert_int_equal(t->m.walk.proc->number, 6);
	assert_false(t->m.await.on);
	for (size_t i = 0; i < t->m.walk.proc->nsteps; i++)
		assert_int_equal(t->m.walk.of[i].mark, STEP_TODO);
}

/* Every id in every command that would run belongs to a leftover; whatever is typed. */
static void only_leftovers(struct stage *t, const char *ran)
{
	for (size_t i = 0; i < t->m.table.n; i++) {
		const struct resource *r = t->m.table.v[i]->res;
		char word[120];
		(void)snprintf(word, sizeof word, " %s ", r->id);
		if (r->owner == OWNER_LEAK || r->owner == OWNER_ORPHAN)
			continue;
		for (const char *at = strstr(ran, "run rustbox reclaim"); at; at = strstr(at + 1, "run rustbox reclaim")) {
			const char *stop = strchr(at, '\n'), *hit = strstr(at, word);
			if (hit && hit < stop)
				fail_msg("%s %s (%s) in: %.*s", resource_kind_word(r->kind), r->id, owner_word(r->owner), (int)(stop - at), at);
		}
	}
}

static void test_no_plan_ever_holds_a_non_leak(void **state)
{
	struct stage *t = *state;
	static const char *const keys[] = { "key x", "key x", "key Y", "key Y", "key j", "key k", "key G", "key Space", "key Space",
					    "key p", "key 1", "key 2", "key 3", "key 4", "key 5", "key 6", "key F", "key Esc",
					    "key Enter", "key w", "key b", "key S", "key a", "key r", "key Tab", "key s",
					    "key d", "key U", "wait 200", "wait 200", "exit 0", "exit 1" };
	unsigned seed = 7, commits = 0;
	for (int round = 0; round < 20000; round++) {
		seed = seed * 1103515245u + 12345u;
		if (!t->m.arm.on && t->m.dialog.kind == DIALOG_NONE)
			arm(t);
		if (t->m.dialog.kind == DIALOG_PREVIEW && t->m.dialog.plan.risk >= RISK_R2 && seed & 1 << 20) {
			char phrase[300];
			(void)snprintf(t->m.dialog.field[0], FIELD_ROOM, "reason");
			plan_phrase(&t->m, &t->m.dialog.plan, phrase, sizeof phrase);
			(void)snprintf(t->m.dialog.field[1], FIELD_ROOM, "%.150s", phrase);
			t->m.dialog.focus = 1;
			go(t, "wait 200");
			go(t, "key End");
			go(t, "key Enter");
		}
		go(t, keys[(seed >> 16) % (sizeof keys / sizeof keys[0])]);
		if (round % 16 == 0) {
			const char *ran = effects(t);
			commits += strstr(ran, "run rustbox reclaim") != NULL;
			only_leftovers(t, ran);
		}
	}
	assert_true(commits > 20); /* the property was really tried */
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(test_cursor_is_bound_to_the_thing),
		CASE(test_a_click_moves_the_cursor), CASE(test_counts_and_hidden),
		CASE(test_filter),
		CASE(test_observe_runs_nothing),
		CASE(test_paste_is_refused),
		CASE(test_commit_acts_on_the_intersection),
		CASE(test_orphan_never_in_a_batch),
		CASE(test_arming_ends),
		CASE(test_conflict_is_not_ok),
		CASE(test_said_but_not_seen),
		CASE(test_each_kind_needs_its_own_proof),
		CASE(test_an_end_belongs_to_its_procedure),
		CASE(test_no_plan_ever_holds_a_non_leak),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
