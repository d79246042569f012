/* The drills' texts and objects; see drill_show.h. */
#include "sandbox/ops/drill_show.h"

#include <fcntl.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "sandbox/drill/faults.h"
#include "sandbox/drill/things.h"
#include "sandbox/ops/ops.h"

enum { WIDTH = 77 }; /* a console's page, too */

/* Folded at blanks, each line after the same indent. */
static void fold(FILE *out, int indent, const char *text)
{
	while (*text) {
		int n = (int)strlen(text), room = WIDTH - 1 - indent;
		if (n > room)
			for (n = room; n > 0 && text[n] != ' '; n--)
				;
		n = n > 0 ? n : room;
		(void)fprintf(out, "%*s%.*s\n", indent, "", n, text);
		text += n + (text[n] == ' ');
	}
}

void drill_list(FILE *out, bool json)
{
	for (unsigned i = 0; i < drill_count; i++) {
		const struct drill *d = &drills[i];
		if (json) {
			autojson json_t *j = json_pack("{s:s,s:s,s:s,s:s,s:i,s:b}", "drill", d->id, "name", d->name, "fault",
						       d->fault, "teaches", d->teaches, "par", (int)d->par_s, "rootless", d->rootless);
			ops_line(j);
		} else {
			(void)fprintf(out, "%-4s %-18s par %u:%02u%s\n", d->id, d->name, d->par_s / 60, d->par_s % 60,
				      d->rootless ? "   rootless" : "");
			fold(out, 5, d->fault);
			fold(out, 5, d->teaches);
		}
	}
	if (!json)
		(void)fprintf(out, "\nrustbox drill run D1 opens the console in one; nothing of this host is touched.\n"
				   "Drills need root; a rootless one needs only a user namespace.\n");
}

static json_t *parts_json(const struct score *s)
{
	json_t *parts = json_array();
	for (int p = 0; p < PART_COUNT; p++)
		(void)json_array_append_new(parts, json_pack("{s:s,s:i,s:i,s:o}", "part", part_words[p], "points", s->of[p], "of",
							     part_points[p], "note", json_text(s->note[p])));
	return parts;
}

json_t *drill_result_json(const struct ground *g, const struct facts *f, const struct score *s, const char *mode)
{
	const struct drill *d = &drills[g->drill];
	json_t *canaries = json_array(), *left = json_array();
	for (unsigned i = 0; i < g->ncanaries; i++)
		(void)json_array_append_new(canaries, json_pack("{s:o,s:b}", "name", json_text(g->canary[i].name), "alive",
								(int)canary_lives(&g->canary[i])));
	for (unsigned i = 0; i < g->nthings; i++)
		if (thing_there(&g->thing[i]))
			(void)json_array_append_new(left, json_text(g->thing[i].name));
	return json_pack("{s:i,s:s,s:s,s:I,s:s,s:i,s:i,s:o,s:i,s:i,s:o,s:o,s:o,s:I,s:i,s:s,s:s}", "schema", 1, "drill", d->id, "name",
			 d->name, "seed", (json_int_t)g->seed, "mode", mode, "score", s->total, "of", 100, "parts", parts_json(s),
			 "hints", (int)f->hints, "dangerous", (int)f->dangers, "moves", json_text(f->moves), "canaries", canaries, "left",
			 left, "recovery_ms", (json_int_t)(f->left ? -1 : f->end_ms), "par_s", (int)d->par_s, "cause", d->cause,
			 "literal", d->literal_end);
}

void drill_result_text(FILE *out, const struct ground *g, const struct facts *f, const struct score *s, bool over)
{
	const struct drill *d = &drills[g->drill];
	char safe[400];
	(void)fprintf(out, "DRILL RESULT %s \"%s\" seed %u, the host is NOT touched: %d of 100\n\n", d->id, d->name, g->seed, s->total);
	for (int p = 0; p < PART_COUNT; p++)
		(void)fprintf(out, " %-27.27s %-36.36s %2d / %2d\n", part_words[p], text_escape(s->note[p], safe, sizeof safe), s->of[p],
			      part_points[p]);
	if (f->hints)
		(void)fprintf(out, " hints used                  %-36u -%u\n", f->hints, f->hints * SCORE_HINT);
	if (f->dangers)
		(void)fprintf(out, " dangerous attempts          %u: %-33.33s -%u\n", f->dangers, text_escape(f->danger, safe, sizeof safe),
			      f->dangers * SCORE_DANGER);
	if (f->dead)
		(void)fprintf(out, " something innocent was harmed: no more than %d points\n", SCORE_DEAD_CAP);
	if (!over)
		return;
	(void)fprintf(out, "\n The cause:\n");
	fold(out, 3, d->cause);
	(void)fprintf(out, "\n What the literal runbook would have done here:\n");
	fold(out, 3, d->literal_end);
}

void drill_solution(FILE *out, const struct ground *g)
{
	const struct drill *d = &drills[g->drill];
	for (int i = 0; i < DRILL_LINES && d->solution[i]; i++) {
		char room[1200];
		if (strcmp(d->solution[i], "-") != 0 && drill_line(g, d->solution[i], room, sizeof room))
			(void)fprintf(out, "$ %s\n", room);
	}
}

int drill_replay(FILE *out, const struct ground *g)
{
	char path[THING_NAME], *save = NULL, at[16], safe[600];
	autofree char *text = NULL;
	ground_path(g, "log", path);
	if (kfile_read_all(AT_FDCWD, path, &text) < 0)
		return -EIO;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *what = strchr(line, '\t'), *words = what ? strchr(what + 1, '\t') : NULL;
		if (!words || strstr(words, "\twatch"))
			continue;
		*what++ = *words++ = '\0';
		for (char *s = words; *s; s++)
			*s = *s == '\t' ? ' ' : *s;
		score_clock((int64_t)(strtoull(line, NULL, 10) - g->began_ms), at);
		(void)fprintf(out, "%6s  %-8s %s\n", at, what, text_escape(words, safe, sizeof safe));
	}
	return 0;
}

static bool is_frozen_drill(const struct ground *g)
{
	return drills[g->drill].plant == fault_d_state;
}

int drill_answer(const struct ground *g, struct err *e)
{
	return is_frozen_drill(g) ? fault_thaw(g, e) : g->idle_init ? fault_reap(g, e) : 0;
}

const char *drill_answer_words(const struct ground *g)
{
	return is_frozen_drill(g) ? "storage answers: thawed. What was waiting goes on" :
	       g->idle_init ? "the platform's team answers: PID 1 reaps again. What was left to it is gone" :
			      "noted; nobody else is needed here";
}
