/* A plan in words: the phrase that commits it, the command as it runs, and as a line for a shell. */
#include <stdio.h>
#include <string.h>

#include "probes/base/text.h"
#include "tui/dialog_text.h"
#include "tui/plan.h"

bool plan_says(const struct plan *p, const char *word)
{
	for (size_t i = 0; i < p->nwords; i++)
		if (strcmp(p->words[i], word) == 0)
			return true;
	return false;
}

void plan_phrase(const struct model *m, const struct plan *p, char *out, size_t cap)
{
	char what[80] = "";
	if (p->of == PLAN_CONFIRM) {
		second_phrase(p, out, cap);
		return;
	}
	if (p->of == PLAN_TAKEOVER) {
		(void)snprintf(what, sizeof what, "from %s on ", m->peer.user);
	} else if (p->single && p->n && p->v[0].kind == RES_PROCESS) {
		(void)snprintf(what, sizeof what, "%.*s on ", (int)strcspn(p->v[0].id, ":"), p->v[0].id);
	} else if (p->single && p->n) {
		const char *slash = strrchr(p->v[0].name, '/');
		char safe[60];
		(void)text_escape(slash && slash[1] ? slash + 1 : p->v[0].name, safe, sizeof safe);
		(void)snprintf(what, sizeof what, "%s on ", safe);
	} else if (p->n && !plan_says(p, "--recover")) {
		(void)snprintf(what, sizeof what, "%zu on ", p->n);
	}
	(void)snprintf(out, cap, "%s %s%s", p->verb ? p->verb : "do", what, m->opt.host);
}

const char **plan_argv(const struct model *m, const struct plan *p, const char *reason, struct arena *a)
{
	const char **argv = NULL;
	size_t n = 0;
#define PUSH(word) (*(const char **)arena_push(a, &argv, &n, sizeof *argv) = (word))
	for (size_t w = 0; w < p->nwords; w++) {
		if (p->words[w][0] != '{') {
			PUSH(arena_strdup(a, p->words[w]));
			if (w == 2 && strcmp(p->words[w], "tempdir") == 0 && strcmp(p->words[1], "reclaim") == 0 &&
			    !plan_says(p, "--undo") && !space_is_needed(m))
				PUSH("--trash");
			continue;
		}
		for (size_t i = 0; i < p->n; i++) {
			const struct row *row = rows_find(&m->table, p->v[i].kind, p->v[i].id);
			if (row && row_actable(row))
				PUSH(arena_strdup(a, p->v[i].id));
		}
	}
	if (plan_says(p, "--unquarantine") && reason[0]) {
		PUSH("--reason");
		PUSH(arena_strdup(a, reason));
	}
	if (p->nwords && strcmp(p->words[0], "rustbox") == 0)
		PUSH("--json");
	PUSH(NULL);
#undef PUSH
	return argv;
}

static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@";
	return *word && word[strspn(word, plain)] == '\0';
}

void plan_line(const char *const *argv, struct text *out)
{
	for (size_t i = 0; argv[i]; i++) {
		bool plain = is_plain(argv[i]);
		text_add(out, "%s%s", i ? " " : "", plain ? argv[i] : "'");
		for (const char *c = argv[i]; !plain && *c; c++)
			text_add(out, *c == '\'' ? "'\\''" : "%c", *c);
		text_add(out, "%s", plain ? "" : "'");
	}
}

const char *plan_now_text(const struct model *m, const struct plan *p, size_t *gone, size_t *fresh, char *out, size_t cap)
{
	size_t still = plan_now(m, p, gone, fresh);
	(void)snprintf(out, cap, "previewed %zu, now: %zu still there, %zu already gone (fine), %zu new (not included)", p->n, still, *gone,
		       *fresh);
	return out;
}
