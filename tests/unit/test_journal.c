/*
 * The journal's chain: what was written is what is there, a line changed or taken out shows, a torn one is cut
 * off, a disk that refuses loses nothing; and the lock that lets one console at a time be armed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "tui/armed.h"
#include "tui/journal.h"

static char dir[64];
static struct paths paths;

static int begin(void **state)
{
	(void)state;
	(void)strcpy(dir, "/tmp/rbt-journal-XXXXXX");
	return mkdtemp(dir) && paths_init(&paths, dir, NULL) == 0 ? 0 : -1;
}

static int end(void **state)
{
	char command[100];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

static char *content(const char *id, struct journal_check *check)
{
	char *text = NULL;
	struct err e = { 0 };
	if (journal_read(&paths, id, &text, &e) != 0)
		fail_msg("%s", e.text);
	journal_check(text, strlen(text), NULL, NULL, check);
	return text;
}

static void each_line_stands_on_the_one_before(void **state)
{
	struct journal j;
	struct journal_check c;
	struct stat st;
	char path[PATH_ROOM + 100];
	(void)state;
	journal_init(&j, &paths, "one");
	assert_int_equal(journal_add(&j, "{\"a\":1}\n{\"b\":2}", NULL), 0);
	assert_int_equal(journal_add(&j, "{\"c\":3}", NULL), 0);
	autofree char *text = content("one", &c);
	assert_int_equal(c.lines, 3);
	assert_int_equal(c.bad, 0);
	assert_false(c.torn);
	assert_string_equal(c.last, j.prev);
	assert_non_null(strstr(text, "{\"seq\":2,\"prev\":\""));
	journal_path(&paths, "one", "journal.jsonl", path, sizeof path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_false(journal_is_free(&paths, "one"));
	journal_done(&j);
	assert_true(journal_is_free(&paths, "one"));
}

/* Every byte of every line but the last is vouched for by the next line. */
static void any_change_shows(void **state)
{
	struct journal j;
	struct journal_check c;
	(void)state;
	journal_init(&j, &paths, "two");
	assert_int_equal(journal_add(&j, "{\"a\":1}\n{\"b\":2}\n{\"c\":3}", NULL), 0);
	journal_done(&j);
	autofree char *text = content("two", &c);
	size_t n = strlen(text), last = 0;
	for (size_t i = 0; i + 1 < n; i++)
		if (text[i] == '\n')
			last = i + 1;
	for (size_t i = 0; i + 1 < last; i++) { /* the last newline belongs to the last line */
		char was = text[i];
		text[i] ^= 1;
		journal_check(text, n, NULL, NULL, &c);
		assert_true(c.bad > 0);
		text[i] = was;
	}
	char *second = strchr(text, '\n') + 1, *third = strchr(second, '\n') + 1;
	memmove(second, third, strlen(third) + 1); /* a line taken out */
	journal_check(text, strlen(text), NULL, NULL, &c);
	assert_int_equal(c.bad, 2);
}

static void a_torn_line_is_cut_off_and_the_chain_goes_on(void **state)
{
	struct journal j;
	struct journal_check c;
	char path[PATH_ROOM + 100];
	(void)state;
	journal_init(&j, &paths, "three");
	assert_int_equal(journal_add(&j, "{\"a\":1}", NULL), 0);
	journal_done(&j);
	journal_path(&paths, "three", "journal.jsonl", path, sizeof path);
	FILE *f = fopen(path, "a");
	fputs("{\"seq\":2,\"pre", f);
	fclose(f);
	free(content("three", &c));
	assert_true(c.torn);
	journal_init(&j, &paths, "other");
	assert_int_equal(journal_adopt(&j, "three", NULL), 0);
	assert_int_equal(journal_add(&j, "{\"b\":2}", NULL), 0);
	journal_done(&j);
	autofree char *text = content("three", &c);
	assert_int_equal(c.lines, 2);
	assert_int_equal(c.bad, 0);
	assert_false(c.torn);
	assert_null(strstr(text, "\"pre{"));
}

static void two_of_one_name_do_not_mix(void **state)
{
	struct journal a, b;
	struct journal_check c;
	(void)state;
	journal_init(&a, &paths, "same");
	journal_init(&b, &paths, "same");
	assert_int_equal(journal_add(&a, "{\"a\":1}", NULL), 0);
	assert_int_equal(journal_add(&b, "{\"b\":1}", NULL), 0);
	assert_string_equal(b.id, "same-2");
	assert_int_equal(journal_add(&a, "{\"a\":2}", NULL), 0);
	journal_done(&a);
	journal_done(&b);
	free(content("same", &c));
	assert_int_equal(c.lines, 2);
	free(content("same-2", &c));
	assert_int_equal(c.lines, 1);
}

/* The disk takes half of it, then nothing, then all: no line is lost, none is there in halves. */
static void a_full_disk_loses_nothing(void **state)
{
	struct journal j;
	struct journal_check c;
	struct rlimit was, little;
	struct err e = { 0 };
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	journal_init(&j, &paths, "full");
	assert_int_equal(journal_add(&j, "{\"a\":1}", &e), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	little = was;
	little.rlim_cur = 130; /* one line and a part of the next */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	int second = journal_add(&j, "{\"b\":2}", &e), third = journal_add(&j, "{\"c\":3}", &e);
	int still = journal_flush(&j, &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_true(second < 0 && third < 0 && still < 0);
	assert_int_equal(journal_verify(&paths, "full", &c, &e), 0);
	assert_int_equal(c.lines, 1);
	assert_false(c.torn);
	assert_int_equal(journal_flush(&j, &e), 0);
	assert_int_equal(j.nkept, 0);
	journal_done(&j);
	free(content("full", &c));
	assert_int_equal(c.lines, 3);
	assert_int_equal(c.bad, 0);
}

static void copy(const char *from, const char *to)
{
	char command[PATH_ROOM * 3];
	snprintf(command, sizeof command, "cp %s %s", from, to);
	assert_int_equal(system(command), 0);
}

/* Whole lines taken off the end leave a chain that is whole: journal.head knows how long it was. */
static void an_end_cut_off_shows(void **state)
{
	struct journal j;
	struct journal_check c;
	char path[PATH_ROOM + 100], head[PATH_ROOM + 100], older[PATH_ROOM];
	(void)state;
	journal_init(&j, &paths, "cut");
	journal_path(&paths, "cut", "journal.jsonl", path, sizeof path);
	journal_path(&paths, "cut", "journal.head", head, sizeof head);
	snprintf(older, sizeof older, "%s/older", dir);
	assert_int_equal(journal_add(&j, "{\"a\":1}\n{\"b\":2}", NULL), 0);
	copy(head, older);
	assert_int_equal(journal_add(&j, "{\"c\":3}", NULL), 0);
	assert_int_equal(journal_verify(&paths, "cut", &c, NULL), 0);
	assert_int_equal(c.written, 3);
	assert_false(c.cut);
	copy(older, head); /* killed between the line and its head: the file may be longer */
	assert_int_equal(journal_verify(&paths, "cut", &c, NULL), 0);
	assert_int_equal(c.written, 2);
	assert_false(c.cut);
	journal_done(&j);
	autofree char *text = content("cut", &c);
	size_t first = (size_t)(strchr(text, '\n') + 1 - text);
	assert_int_equal(truncate(path, (off_t)first), 0);
	free(content("cut", &c));
	assert_int_equal(c.bad, 0);
	assert_int_equal(journal_verify(&paths, "cut", &c, NULL), 0);
	assert_true(c.cut);
	assert_int_equal(unlink(head), 0);
	assert_int_equal(journal_verify(&paths, "cut", &c, NULL), 0);
	assert_false(c.cut); /* nothing says so: it is not claimed */
	assert_int_equal(c.written, 0);
}

/* Killed while the disk takes nothing: what was kept in RUN is read, taken up, and brought to disk by the next one. */
static void killed_before_the_disk_had_room(void **state)
{
	struct journal j;
	struct journal_check c;
	struct err e = { 0 };
	char kept[PATH_ROOM + 40];
	(void)state;
	journal_init(&j, &paths, "kept");
	assert_int_equal(journal_add(&j, "{\"a\":1}", &e), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct rlimit none = { 300, 300 }; /* room for two lines in a file, not for the third of the journal */
		signal(SIGXFSZ, SIG_IGN);
		(void)setrlimit(RLIMIT_FSIZE, &none);
		int second = journal_add(&j, "{\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\":2}\n{\"c\":3}", &e);
		_exit(second < 0 && strstr(e.text, "kept in ") ? 0 : 1);
	}
	journal_done(&j);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	snprintf(kept, sizeof kept, "%s/journal-kept.kept", paths.of[PATH_RUN]);
	assert_int_equal(access(kept, F_OK), 0);
	assert_true(journal_is_free(&paths, "kept"));
	free(content("kept", &c));
	assert_int_equal(c.lines, 3);
	journal_init(&j, &paths, "other");
	assert_int_equal(journal_adopt(&j, "kept", &e), 0);
	assert_int_equal(j.seq, 3);
	assert_int_equal(journal_add(&j, "{\"d\":4}", &e), 0);
	journal_done(&j);
	assert_int_not_equal(access(kept, F_OK), 0);
	assert_int_equal(journal_verify(&paths, "kept", &c, &e), 0);
	assert_int_equal(c.lines, 4);
	assert_int_equal(c.bad, 0);
}

/* ---- who is armed ------------------------------------------------------------------------------- */

struct heard {
	int armed, refused, peers, alone, taken;
	char text[200];
};

static void take(void *ctx, struct msg *m)
{
	struct heard *h = ctx;
	h->armed += m->kind == MSG_ARMED && m->armed.ok;
	h->refused += m->kind == MSG_ARMED && !m->armed.ok;
	h->peers += m->kind == MSG_PEER && m->armed.ok;
	h->alone += m->kind == MSG_PEER && !m->armed.ok;
	h->taken += m->kind == MSG_TAKEN;
	snprintf(h->text, sizeof h->text, "%s", m->text ? m->text : "");
}

static void one_is_armed_and_the_other_knows(void **state)
{
	struct armed alice, bob;
	struct heard a = { 0 }, b = { 0 };
	struct feed_sink to_a = { take, &a }, to_b = { take, &b };
	(void)state;
	armed_init(&alice, &paths);
	armed_init(&bob, &paths);
	armed_look(&bob, 1, to_b);
	assert_int_equal(b.peers, 0);
	armed_hold(&alice, "{\"user\":\"alice\"}", false, 1, to_a);
	assert_int_equal(a.armed, 1);
	armed_look(&bob, 2, to_b);
	assert_int_equal(b.peers, 1);
	assert_non_null(strstr(b.text, "alice"));
	armed_hold(&bob, "{\"user\":\"bob\"}", false, 3, to_b);
	assert_int_equal(b.refused, 1);
	armed_hold(&alice, "{\"user\":\"alice\",\"step\":\"P2.5\"}", false, 4, to_a);
	armed_look(&bob, 5, to_b);
	assert_non_null(strstr(b.text, "P2.5"));
	armed_hold(&bob, "{\"user\":\"bob\"}", true, 6, to_b); /* asks for it */
	assert_int_equal(b.armed, 0);
	armed_look(&alice, 7, to_a);
	assert_int_equal(a.taken, 1);
	armed_look(&bob, 8, to_b);
	assert_int_equal(b.armed, 1);
	armed_look(&alice, 9, to_a);
	assert_int_equal(a.peers, 1);
	armed_hold(&bob, NULL, false, 10, to_b);
	armed_look(&alice, 11, to_a);
	assert_int_equal(a.alone, 1);
	armed_done(&alice);
	armed_done(&bob);
}

/* One that is stopped cannot let go: it keeps the lock, and the other is told so. */
static void who_does_not_let_go_is_not_robbed(void **state)
{
	struct armed alice, bob;
	struct heard a = { 0 }, b = { 0 };
	struct feed_sink to_a = { take, &a }, to_b = { take, &b };
	(void)state;
	armed_init(&alice, &paths);
	armed_init(&bob, &paths);
	armed_hold(&alice, "{}", false, 1, to_a);
	armed_hold(&bob, "{\"user\":\"bob\"}", true, 1, to_b);
	armed_look(&bob, ARMED_WAIT_MS, to_b);
	assert_int_equal(b.refused, 0);
	armed_look(&bob, ARMED_WAIT_MS + 2, to_b);
	assert_int_equal(b.refused, 1);
	assert_int_equal(b.armed, 0);
	assert_true(alice.lock >= 0);
	armed_done(&alice);
	armed_done(&bob);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(each_line_stands_on_the_one_before), T(any_change_shows), T(a_torn_line_is_cut_off_and_the_chain_goes_on),
		T(two_of_one_name_do_not_mix), T(a_full_disk_loses_nothing), T(an_end_cut_off_shows),
		T(killed_before_the_disk_had_room), T(one_is_armed_and_the_other_knows),
		T(who_does_not_let_go_is_not_robbed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
