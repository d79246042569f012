/*
 * What the file system says is used, against what a walk finds. The difference that a person can do something about
 * is the files that are deleted but open, and then what helps is to end or restart the holder, never to delete more:
 * the view says so beside the numbers.
 */
#include "tui/space.h"

#include <stdio.h>
#include <string.h>

#include "probes/base/text.h"
#include "tui/update.h"
#include "tui/why.h"

enum { SPACE_MS = 10000 };

static const struct row *placed_row(const struct model *m)
{
	const struct row *at = list_at(&m->list);
	return at && row_alive(at) && (at->res->kind == RES_TEMPDIR || at->res->kind == RES_MOUNT) ? at : NULL;
}

struct effect space_open(struct model *m)
{
	struct space_sight *s = &m->sight.space;
	const struct row *at = placed_row(m);
	dialog_open(m, DIALOG_SPACE);
	if (m->job[JOB_SPACE].id) /* one walk at a time: what is asked already is shown */
		return (struct effect){ 0 };
	json_decref(s->lines);
	*s = (struct space_sight){ .lines = json_array(), .asking = true };
	(void)snprintf(s->path, sizeof s->path, "%s", at ? at->res->name : m->sight.disk[0].path[0] ? m->sight.disk[0].path : "/tmp");
	const char *argv[] = { "rustbox-probe", "space", s->path, NULL };
	return job_start(m, JOB_SPACE, argv, -1, SPACE_MS);
}

void space_line(struct model *m, const char *line)
{
	json_t *j = json_loads(line, 0, NULL);
	if (json_is_object(j))
		(void)json_array_append_new(m->sight.space.lines, j);
	else
		json_decref(j);
}

static bool has(const json_t *lines, const char *op)
{
	size_t i;
	const json_t *j;
	json_array_foreach(lines, i, j)
		if (strcmp(json_string_value(json_object_get(j, "op")) ?: "", op) == 0)
			return true;
	return false;
}

void space_exit(struct model *m, const struct job *job, int status)
{
	struct space_sight *s = &m->sight.space;
	s->asking = false;
	if (status && !has(s->lines, "sum") && !has(s->lines, "error")) /* 1: something is deleted but open; 3: not all of it seen */
		(void)snprintf(s->why, sizeof s->why, "%s", job->last[0] ? job->last : "rustbox-probe space did not come to an end");
}

static uint64_t number(const json_t *j, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(j, key));
	return v > 0 ? (uint64_t)v : 0;
}

static const char *word(const json_t *j, const char *key, char out[static 200])
{
	return text_escape(json_string_value(json_object_get(j, key)) ?: "?", out, 200);
}

static const char *size(const json_t *j, const char *key, char out[static 16])
{
	text_size(number(j, key), out, 16);
	return out;
}

static void total_lines(const struct model *m, const json_t *j, struct prose *out)
{
	char mount[200], total[16], used[16], left[16], age[16];
	uint64_t inodes = number(j, "inodes"), full = disk_full_in(&m->sight.disk[0], m->wall);
	prose_add(out, INK_PLAIN, "", "on %s (device %s): %s of %s used, %s free, inodes %u%%", word(j, "mount", mount),
		  json_string_value(json_object_get(j, "device")) ?: "?", size(j, "used", used), size(j, "total", total), size(j, "free", left),
		  inodes ? (unsigned)((inodes - number(j, "inodes_free")) * 100 / inodes) : 0);
	text_age(full, age, sizeof age);
	if (full)
		prose_add(out, INK_WARN, "", "at the pace of the last minutes it is full in about %s", age);
	prose_add(out, INK_STRONG, "used, says the file system    ", "%6s", used);
}

static void deleted_line(const json_t *j, struct prose *out)
{
	char bytes[16], comm[200], path[200], box[200], fd[40] = "mapped only";
	if (json_is_integer(json_object_get(j, "fd")))
		(void)snprintf(fd, sizeof fd, "fd %d", (int)json_integer_value(json_object_get(j, "fd")));
	uint64_t holders = number(j, "holders");
	prose_add(out, INK_PLAIN, "  ", "%6s  %d %s, %s: %s%s%s%s", size(j, "bytes", bytes), (int)number(j, "pid"), word(j, "comm", comm), fd,
		  word(j, "path", path), holders > 1 ? ", and others hold it, too" : "",
		  json_is_string(json_object_get(j, "box")) ? ", box " : ", nobody's box",
		  json_is_string(json_object_get(j, "box")) ? word(j, "box", box) : "");
}

static void sum_lines(const json_t *j, struct prose *out)
{
	char bytes[16], why[200];
	uint64_t files = number(j, "deleted_files");
	prose_add(out, INK_PLAIN, "found by walking it           ", "%6s in %llu entries", size(j, "found", bytes),
		  (unsigned long long)number(j, "entries"));
	prose_add(out, files ? INK_BAD : INK_PLAIN, "deleted, but still open       ", "%6s in %llu file%s", size(j, "deleted", bytes),
		  (unsigned long long)files, files == 1 ? "" : "s");
	prose_add(out, INK_PLAIN, "neither                       ", "%6s", size(j, "unexplained", bytes));
	if (!json_is_true(json_object_get(j, "complete")))
		prose_add(out, INK_WARN, "", "NOT ALL COUNTED, so \"neither\" is unknown, not missing: %s", word(j, "why", why));
}

static void each(const json_t *lines, const char *op, void (*line)(const json_t *, struct prose *), struct prose *out)
{
	size_t i;
	json_t *j;
	json_array_foreach(lines, i, j)
		if (strcmp(json_string_value(json_object_get(j, "op")) ?: "", op) == 0)
			line(j, out);
}

static void dir_line(const json_t *j, struct prose *out)
{
	char bytes[16], path[200];
	prose_add(out, INK_PLAIN, "  ", "%6s  %s, %llu entries", size(j, "bytes", bytes), word(j, "path", path),
		  (unsigned long long)number(j, "entries"));
}

static void error_line(const json_t *j, struct prose *out)
{
	char why[200];
	prose_add(out, INK_BAD, "", "%s", word(j, "why", why));
}

void space_lines(const struct model *m, struct prose *out)
{
	const struct space_sight *s = &m->sight.space;
	const struct row *at = placed_row(m);
	if (at && strcmp(at->res->name, s->path) == 0)
		why_lines(m, at, out);
	if (has(s->lines, "space"))
		total_lines(m, json_array_get(s->lines, 0), out);
	each(s->lines, "sum", sum_lines, out);
	if (has(s->lines, "deleted"))
		prose_add(out, INK_STRONG, "", "DELETED BUT OPEN: no directory that is deleted gives this back, only its holder's end does");
	each(s->lines, "deleted", deleted_line, out);
	if (has(s->lines, "dir"))
		prose_add(out, INK_STRONG, "", "THE LARGEST DIRECTORIES");
	each(s->lines, "dir", dir_line, out);
	each(s->lines, "error", error_line, out);
	if (s->asking)
		prose_add(out, INK_PLAIN, "", "... still counting (at most %d s; the screen does not wait)", SPACE_MS / 1000);
	else if (s->why[0])
		prose_add(out, INK_BAD, "", "NOT TOLD: %s", s->why);
}

const char *space_title(const struct model *m, char *out, size_t cap)
{
	char path[PATH_ROOM];
	(void)snprintf(out, cap, "where the space went: %s", text_escape(m->sight.space.path, path, sizeof path));
	return out;
}
