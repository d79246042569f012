/* Points; see score.h. */
#include "sandbox/drill/score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const int part_points[PART_COUNT] = {
#define X(id, points, words) [PART_##id] = points,
	PARTS(X)
#undef X
};
const char *const part_words[PART_COUNT] = {
#define X(id, points, words) [PART_##id] = words,
	PARTS(X)
#undef X
};

void score_clock(int64_t ms, char out[static 16])
{
	if (ms < 0)
		(void)strcpy(out, "-");
	else
		(void)snprintf(out, 16, "%lld:%02lld", (long long)(ms / 60000 % 100000), (long long)(ms / 1000 % 60));
}

/* ---- the log ---------------------------------------------------------------------------------- */

static bool has(char *const *w, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(w[i], word) == 0)
			return true;
	return false;
}

static const char *move_of(char *const *w, size_t n)
{
	static const char *const kinds[] = { "process", "mount", "cgroup", "tempdir", "lock", "ghost" };
	if (n < 2)
		return NULL;
	if (strcmp(w[0], "rustbox-probe") == 0)
		return strcmp(w[1], "holders") == 0 ? "holders" : strcmp(w[1], "watch") == 0 ? NULL : "look";
	bool asks = has(w, n, "--dry-run") || has(w, n, "--order");
	if (strcmp(w[1], "reclaim") == 0 && n > 2 && !asks) {
		if (has(w, n, "--lazy"))
			return "lazy";
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
			if (strcmp(w[2], kinds[i]) == 0)
				return kinds[i];
		return "recover";
	}
	if (strcmp(w[1], "health") == 0)
		return has(w, n, "--verify-clean") ? "verify" : has(w, n, "--unquarantine") ? "release" :
		       has(w, n, "--cleanup") ? "recover" : "look";
	return strcmp(w[1], "reclaim") == 0 ? "look" : strcmp(w[1], "capture") == 0 ? "capture" : NULL;
}

static bool acts(const char *move)
{
	return move && strcmp(move, "look") != 0 && strcmp(move, "holders") != 0 && strcmp(move, "verify") != 0 &&
	       strcmp(move, "capture") != 0;
}

static void add_move(struct facts *f, const char *move)
{
	size_t n = strlen(f->moves), m = strlen(move);
	/* The same again adds nothing to an order: nobody loses by looking twice. */
	if (n >= m && strcmp(f->moves + n - m, move) == 0 && (n == m || f->moves[n - m - 1] == ' '))
		return;
	(void)snprintf(f->moves + n, sizeof f->moves - n, "%s%s", n ? " " : "", move);
}

static void danger(struct facts *f, const char *what)
{
	f->dangers++;
	(void)snprintf(f->danger, sizeof f->danger, "%.110s", what);
}

static void take_command(struct facts *f, const struct drill *d, int64_t at, char **w, size_t n)
{
	const char *move = move_of(w, n);
	if (!move)
		return;
	f->commands++;
	if (f->detect_ms < 0)
		f->detect_ms = at;
	for (size_t i = 0; i < n && f->cause_ms < 0; i++)
		if (strcmp(w[i], d->cause_by) == 0)
			f->cause_ms = at;
	if (acts(move))
		f->end_ms = at;
	if (strcmp(move, "release") != 0 && acts(move))
		f->verified = false;
	if (strcmp(move, "verify") == 0 || (strcmp(move, "look") == 0 && !strstr(f->moves, "release")))
		f->verified = true;
	if (strcmp(move, "lazy") == 0 && !strstr(d->order, "lazy"))
		danger(f, "a lazy unmount, which hides and does not free");
	if (strcmp(move, "recover") == 0) {
		static const char *const all[] = { "process", "mount", "cgroup", "tempdir" };
		for (size_t i = 0; i < 4; i++)
			add_move(f, all[i]);
		if (strcmp(w[1], "health") != 0)
			return;
		add_move(f, "verify"); /* it looks again, and only then puts the worker back */
		add_move(f, "release");
		f->verified = true;
		return;
	}
	add_move(f, move);
}

/* In the console: a row was asked about, or a procedure opened. Who holds a mount is a command of its own. */
static void take_look(struct facts *f, const struct drill *d, int64_t at, bool why)
{
	if (f->detect_ms < 0)
		f->detect_ms = at;
	if (why && f->cause_ms < 0 && strcmp(d->cause_by, "holders") != 0)
		f->cause_ms = at;
}

/* "<wall ms> TAB <what> TAB <word> TAB <word>..." */
void facts_take(struct facts *f, const struct drill *d, uint64_t began_ms, char *line)
{
	char *w[64], *save = NULL;
	size_t n = 0;
	for (char *s = strtok_r(line, "\t", &save); s && n < 64; s = strtok_r(NULL, "\t", &save))
		w[n++] = s;
	if (n < 2)
		return;
	int64_t at = (int64_t)(strtoull(w[0], NULL, 10) - began_ms);
	if (strcmp(w[1], "run") == 0)
		take_command(f, d, at, w + 2, n - 2);
	else if (strcmp(w[1], "hint") == 0)
		f->hints += f->hints < DRILL_HINTS;
	else if (strcmp(w[1], "say") == 0)
		f->said = f->said || (n > 2 && w[2][strspn(w[2], " ")]);
	else if (strcmp(w[1], "refused") == 0)
		danger(f, n > 2 ? w[2] : "");
	else if (strcmp(w[1], "why") == 0 || strcmp(w[1], "opened") == 0)
		take_look(f, d, at, strcmp(w[1], "why") == 0);
	else if (strcmp(w[1], "escalate") == 0)
		add_move(f, "escalate");
}

/* ---- the points ------------------------------------------------------------------------------- */

/* The length of the longest common subsequence of two lists of words. */
static size_t in_order(const char *order, const char *moves, size_t *ret_wanted)
{
	size_t best[64] = { 0 }, n = 0;
	char want[64][16];
	for (const char *s = order; *s && n < 63; s += strspn(s, " ")) {
		size_t len = strcspn(s, " ");
		(void)snprintf(want[n++], sizeof want[0], "%.*s", (int)len, s);
		s += len;
	}
	for (const char *s = moves; *s; s += strspn(s, " ")) {
		size_t len = strcspn(s, " "), diagonal = 0;
		for (size_t i = 1; i <= n; i++) {
			size_t above = best[i];
			bool same = strlen(want[i - 1]) == len && strncmp(want[i - 1], s, len) == 0;
			best[i] = same ? diagonal + 1 : best[i] > best[i - 1] ? best[i] : best[i - 1];
			diagonal = above;
		}
		s += len;
	}
	*ret_wanted = n;
	return best[n];
}

static void timed(struct score *s, enum part p, int64_t ms, unsigned limit_s)
{
	char at[16], limit[16];
	s->of[p] = ms < 0 ? 0 : ms <= (int64_t)limit_s * 1000 ? part_points[p] : part_points[p] / 2;
	score_clock(ms, at);
	score_clock((int64_t)limit_s * 1000, limit);
	(void)snprintf(s->note[p], sizeof s->note[p], "%s   limit %s", ms < 0 ? "never" : at, limit);
}

#define NOTE(part, ...) (void)snprintf(ret->note[part], sizeof ret->note[part], __VA_ARGS__)

void score_make(const struct drill *d, const struct facts *f, struct score *ret)
{
	size_t wanted = 0, done = in_order(d->order, f->moves, &wanted);
	char at[16], par[16];
	*ret = (struct score){ 0 };
	timed(ret, PART_DETECT, f->detect_ms, d->par_s * 2 / 5);
	timed(ret, PART_CAUSE, f->cause_ms, d->par_s * 4 / 5);
	ret->of[PART_ORDER] = f->left ? 0 : (int)(20 * done / (wanted ? wanted : 1));
	if (f->left)
		NOTE(PART_ORDER, "%zu left, first: %.80s", f->left, f->first_left);
	else
		NOTE(PART_ORDER, "%zu of %zu moves", done, wanted);
	ret->of[PART_INNOCENT] = f->dead ? 0 : 20;
	if (f->dead)
		NOTE(PART_INNOCENT, "%zu harmed, first: %.80s", f->dead, f->first_dead);
	else
		NOTE(PART_INNOCENT, "all canaries as they were");
	ret->of[PART_VERIFY] = f->verified && !f->left ? 10 : 0;
	NOTE(PART_VERIFY, "%s", f->left ? "something is left" : f->verified ? "yes" : "no look after the last act");
	ret->of[PART_REPORT] = (f->commands ? 5 : 0) + (f->said ? 5 : 0);
	NOTE(PART_REPORT, "%s", f->said ? "actions and cause" : "root cause left empty");
	int64_t end = f->end_ms, limit = (int64_t)d->par_s * 1000;
	ret->of[PART_TIME] = f->left || end < 0 ? 0 : end <= limit ? 10 : end <= 2 * limit ? 5 : 0;
	score_clock(f->left ? -1 : end, at);
	score_clock(limit, par);
	NOTE(PART_TIME, "%s   par %s", at, par);
	for (int p = 0; p < PART_COUNT; p++)
		ret->total += ret->of[p];
	ret->total -= (int)f->hints * SCORE_HINT + (int)f->dangers * SCORE_DANGER;
	if (f->dead && ret->total > SCORE_DEAD_CAP)
		ret->total = SCORE_DEAD_CAP;
	ret->total = ret->total < 0 ? 0 : ret->total;
}
