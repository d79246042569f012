/* Reading a journal back; see resume.h. */
#include "tui/resume.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/own.h"
#include "tui/journal.h"
#include "tui/keep.h"

enum { TOO_OLD_S = 24 * 3600 };

struct reading {
	struct resume *r;
	bool closed;
};

static void copy(char *out, size_t cap, const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));
	(void)snprintf(out, cap, "%s", s ? s : "");
}

static enum step_mark mark_of(const char *word)
{
	for (int m = 0; m < STEP_MARK_COUNT; m++)
		if (strcmp(step_mark_word((enum step_mark)m), word) == 0)
			return (enum step_mark)m;
	return STEP_TODO;
}

static void take_step(struct resume *r, const json_t *j)
{
	char book[64], mark[8];
	unsigned procedure = (unsigned)json_integer_value(json_object_get(j, "procedure"));
	json_int_t step = json_integer_value(json_object_get(j, "step"));
	copy(book, sizeof book, j, "book");
	copy(mark, sizeof mark, j, "mark");
	if (step < 1 || step > STEPS_MAX)
		return;
	if (procedure != r->procedure || strcmp(book, r->book) != 0) {
		memset(r->of, 0, sizeof r->of);
		r->procedure = procedure;
		(void)snprintf(r->book, sizeof r->book, "%s", book);
	}
	r->at = (size_t)step - 1;
	r->of[r->at].mark = mark_of(mark);
	copy(r->of[r->at].note, sizeof r->of[r->at].note, j, "note");
}

static void take_opened(struct resume *r, const json_t *j)
{
	copy(r->book, sizeof r->book, j, "book");
	r->procedure = (unsigned)json_integer_value(json_object_get(j, "procedure"));
	r->at = 0;
	memset(r->of, 0, sizeof r->of);
}

static void forget_run(struct resume *r)
{
	json_decref(r->run);
	r->run = NULL;
}

static void take_run(struct resume *r, const json_t *j)
{
	unsigned procedure = 0;
	int step = 0;
	const char *name = json_string_value(json_object_get(j, "step"));
	bool here = name && sscanf(name, "P%u.%d", &procedure, &step) == 2 && procedure == r->procedure;
	forget_run(r);
	r->run = json_incref(json_object_get(j, "run"));
	r->run_step = here ? step - 1 : -1;
}

static void take_handover(struct resume *r, const json_t *j)
{
	struct handed *h = &r->handed;
	copy(h->by, sizeof h->by, j, "who");
	copy(h->to, sizeof h->to, j, "to");
	copy(h->at, sizeof h->at, j, "at");
	copy(h->armed, sizeof h->armed, j, "armed");
	copy(h->said, sizeof h->said, j, "said");
	copy(h->step, sizeof h->step, j, "at_step");
	copy(h->open, sizeof h->open, j, "open");
	r->acted = true;
}

static void each(void *arg, char *line)
{
	struct reading *in = arg;
	struct resume *r = in->r;
	char event[24];
	autojson json_t *j = json_loads(line, 0, NULL);
	copy(event, sizeof event, j, "event");
	if (event[0])
		copy(r->last, sizeof r->last, j, "at");
	in->closed = strcmp(event, "closed") == 0;
	if (strcmp(event, "opened") == 0)
		copy(r->who, sizeof r->who, j, "who");
	r->acted = r->acted || strcmp(event, "run") == 0 || strcmp(event, "step") == 0 || strcmp(event, "procedure") == 0;
	if (strcmp(event, "procedure") == 0)
		take_opened(r, j);
	if (strcmp(event, "step") == 0)
		take_step(r, j);
	if (strcmp(event, "handover") == 0)
		take_handover(r, j);
	if (strcmp(event, "resumed") == 0)
		r->handed.by[0] = '\0';
	if (strcmp(event, "run") == 0)
		take_run(r, j);
	if (strcmp(event, "outcome") == 0)
		forget_run(r);
}

/* Pure: what the lines of a journal come to. False when it was closed, or nothing was begun in it. */
static bool resume_read(const char *text, size_t n, struct resume *ret)
{
	struct reading in = { .r = ret };
	struct journal_check check;
	*ret = (struct resume){ 0 };
	journal_check(text, n, each, &in, &check);
	if (check.lines > 0 && !in.closed && ret->acted)
		return true;
	forget_run(ret);
	return false;
}

/* "journal-<id>.kept" in RUN, or the directory <id> in INCIDENTS, as the id; false when it is none. */
static bool name_of(const char *name, bool kept, char id[static JOURNAL_ID])
{
	size_t n = strlen(name), before = kept ? sizeof "journal-" - 1 : 0, after = kept ? sizeof ".kept" - 1 : 0;
	if (name[0] == '.' || n <= before + after || n - before - after >= JOURNAL_ID ||
	    (kept && (strncmp(name, "journal-", before) != 0 || strcmp(name + n - after, ".kept") != 0)))
		return false;
	(void)snprintf(id, JOURNAL_ID, "%.*s", (int)(n - before - after), name + before);
	return true;
}

/* The newest file of one of the two places, when it is newer than the newest before. */
static void newest_in(const char *place, bool kept, time_t *newest, char id[static JOURNAL_ID])
{
	char path[PATH_ROOM + 300], name[JOURNAL_ID];
	struct stat st;
	autodir DIR *dir = opendir(place);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		if (!name_of(d->d_name, kept, name))
			continue;
		(void)snprintf(path, sizeof path, "%s/%s%s", place, d->d_name, kept ? "" : "/journal.jsonl");
		if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_mtime <= *newest)
			continue;
		*newest = st.st_mtime;
		(void)strcpy(id, name);
	}
}

bool resume_find(const struct paths *paths, struct resume *ret)
{
	char id[JOURNAL_ID] = "";
	time_t newest = 0;
	struct err e = { 0 };
	newest_in(paths->of[PATH_INCIDENTS], false, &newest, id);
	newest_in(paths->of[PATH_RUN], true, &newest, id);
	autofree char *text = NULL;
	if (!id[0] || (uint64_t)newest + TOO_OLD_S < clock_wall_s() || !journal_is_free(paths, id) ||
	    journal_read(paths, id, &text, &e) != 0 || !resume_read(text, strlen(text), ret))
		return false;
	(void)snprintf(ret->id, sizeof ret->id, "%s", id);
	ret->runs = keep_runs(paths, id);
	return true;
}
