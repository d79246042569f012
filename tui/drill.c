/* The console inside a drill; see drill.h. */
#include "tui/drill.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/text.h"
#include "probes/drill.h"
#include "tui/keys.h"
#include "tui/update.h"

enum { DRILL_MS = 10000, BEGIN_WORDS = 6 };

static const struct {
	const char *word, *title;
	uint32_t key; /* asked for from another answer */
} answers[] = {
	{ "result", "the result", 'p' }, { "hint", "a hint", 'H' },	{ "replay", "what you did", 'r' },
	{ "solution", "the reference solution (all hints)", 's' }, { "list", "the drills", 0 }, { "say", "noted for the report", 0 },
	{ "escalate", "escalated", 0 },
};
enum { ANSWERS = sizeof answers / sizeof *answers };

/* run NAME, walkthrough PAGE: a console of their own, in namespaces of their own, has the terminal until they end. */
static struct effect begin(struct model *m, const char *words)
{
	const char *why = m->opt.in_drill ? "this is a drill: leave it first" :
			  m->job[JOB_ACT].id ? "a step is running: no drill before it has ended" : NULL;
	if (why) {
		ring_add(&m->log, m->wall, RING_WARN, "%s", why);
		return (struct effect){ 0 };
	}
	const char **argv = arena_alloc(&m->out, (BEGIN_WORDS + 3) * sizeof *argv);
	char *save = NULL, *copy = arena_strdup(&m->out, words);
	size_t n = 0;
	argv[n++] = "rustbox";
	argv[n++] = "drill";
	for (char *w = strtok_r(copy, " ", &save); w && n < BEGIN_WORDS + 2; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n] = NULL;
	dialog_close(m);
	disarm(m, "a drill"); /* whoever comes back to this screen arms again */
	return (struct effect){ .kind = EFFECT_ASIDE, .argv = argv };
}

struct effect drill_ask(struct model *m, const char *words)
{
	char word[24];
	words += strspn(words, " ");
	size_t n = strcspn(words, " ");
	(void)snprintf(word, sizeof word, "%.*s", (int)n, words);
	if (!n)
		(void)strcpy(word, m->opt.in_drill ? "result" : "list");
	const char *rest = words + n + strspn(words + n, " ");
	size_t known = 0;
	if (strcmp(word, "walkthrough") == 0 || (strcmp(word, "run") == 0 && *rest))
		return begin(m, words);
	while (known < ANSWERS && strcmp(answers[known].word, word) != 0)
		known++;
	if (known == ANSWERS) {
		ring_add(&m->log, m->wall, RING_WARN, ":drill says list, run NAME or walkthrough PAGE%s",
			 m->opt.in_drill ? "; in a drill hint, result, replay, solution, say TEXT, escalate TEXT" : "");
		return (struct effect){ 0 };
	}
	if (m->job[JOB_LOOK].id) {
		ring_add(&m->log, m->wall, RING_WARN, "another look is still running");
		return (struct effect){ 0 };
	}
	const char *argv[] = { "rustbox", "drill", "--text", word, *rest ? arena_strdup(&m->out, rest) : NULL, NULL };
	dialog_close(m);
	return job_start(m, JOB_LOOK, argv, -1, DRILL_MS);
}

/* Which answer is open, or ANSWERS. */
static size_t answer_open(const struct model *m)
{
	const struct job *job = &m->job[JOB_LOOK];
	if (m->dialog.kind != DIALOG_OUTPUT || !job->argv || !job->argv[0] || !job->argv[1] || strcmp(job->argv[1], "drill") != 0)
		return ANSWERS;
	size_t i = 0;
	while (i < ANSWERS && strcmp(answers[i].word, job->argv[3]) != 0)
		i++;
	return i;
}

const char *drill_title(const struct model *m)
{
	size_t i = answer_open(m);
	return i < ANSWERS ? answers[i].title : NULL;
}

const char *drill_keys(const struct model *m)
{
	return answer_open(m) < ANSWERS && m->opt.in_drill ? "r my keys  s solution  p points  H hint  a again, new seed" : NULL;
}

bool drill_key(struct model *m, uint32_t key, struct effect *ret)
{
	if (answer_open(m) == ANSWERS || !m->opt.in_drill)
		return false;
	if (key == 'a' && !m->job[JOB_ACT].id) { /* whoever started the drill starts it again */
		*ret = (struct effect){ .kind = EFFECT_QUIT, .code = DRILL_AGAIN };
		return true;
	}
	for (size_t i = 0; i < ANSWERS; i++)
		if (answers[i].key && answers[i].key == key) {
			*ret = drill_ask(m, answers[i].word);
			return true;
		}
	return false;
}

/* ---- training --------------------------------------------------------------------------------- */

/* "PAGE:N": its procedure N; "PAGE": its first. */
static void open_taught(struct model *m)
{
	const char *colon = strchr(m->opt.teach, ':');
	size_t len = colon ? (size_t)(colon - m->opt.teach) : strlen(m->opt.teach);
	unsigned number = colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 1;
	for (size_t b = 0; b < m->nbooks; b++)
		for (size_t i = 0; i < m->books[b].n && strlen(m->books[b].name) == len && !strncmp(m->books[b].name, m->opt.teach, len); i++)
			if (m->books[b].v[i].number == number) {
				walk_open(&m->walk, &m->books[b], &m->books[b].v[i], m->wall);
				m->focus = FOCUS_STEPS;
				ring_add(&m->log, m->wall, RING_SAID, "training: P%u %s, on a drill's fault; Esc closes each explanation, x "
					 "previews the step", m->books[b].v[i].number, m->books[b].v[i].title);
				return;
			}
	m->taught = -1;
	ring_add(&m->log, m->wall, RING_WARN, "training: there is no procedure %.60s; p lists those there are", m->opt.teach);
}

void drill_teach(struct model *m)
{
	if (!m->opt.teach || !m->sync_at || m->dialog.kind != DIALOG_NONE)
		return;
	if (!m->walk.proc && !m->taught)
		open_taught(m);
	int now = m->walk.proc ? (int)m->walk.at + 1 : 0;
	if (!now || now == m->taught || !walk_step(&m->walk))
		return;
	m->taught = now;
	dialog_open(m, DIALOG_ORIGINAL);
}

/* ---- the log ---------------------------------------------------------------------------------- */

int drill_log_open(void)
{
	char path[4096];
	const char *dir = getenv("RUSTBOX_DRILL");
	if (!dir || *dir != '/')
		return -1;
	(void)snprintf(path, sizeof path, "%.4000s/log", dir);
	return open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW); /* there, or this is no drill */
}

static void tell(int fd, const char *what, const char *text)
{
	char safe[300], line[400];
	int n = snprintf(line, sizeof line, "%llu\t%s\t%s\n", (unsigned long long)(clock_wall_ns() / NS_PER_MS), what,
			 text_escape(text, safe, sizeof safe));
	(void)!write(fd, line, (size_t)n); /* a full disk costs points, never an action */
}

static void tell_key(int fd, uint32_t key)
{
	char text[24];
	if (key > ' ' && key < 0x7f)
		(void)snprintf(text, sizeof text, "%c", (char)key);
	else
		(void)snprintf(text, sizeof text, "%s", key == K_ENTER ? "Enter" : key == K_ESC ? "Esc" : key == ' ' ? "Space" :
			       action_of_key(key) != ACTION_NONE ? "(move)" : "(other)");
	tell(fd, "key", text);
}

void drill_log(int fd, struct drill_seen *seen, const struct model *m, const struct msg *msg)
{
	const struct dialog *d = &m->dialog;
	const struct row *at = list_at(&m->list);
	char name[24];
	if (fd < 0)
		return;
	if (msg->kind == MSG_KEY)
		tell_key(fd, msg->key.code);
	/* Only a plan that can never be: a phrase mistyped or a page not read to its end is no danger. */
	if (d->kind == DIALOG_PREVIEW && d->plan.refused && (d->plan.refused != seen->refusal || (int)d->kind != seen->dialog))
		tell(fd, "refused", d->plan.refused);
	if ((int)d->kind != seen->dialog && d->kind == DIALOG_WHY && at && row_actable(at))
		tell(fd, "why", at->res->name);
	if (m->walk.proc && m->walk.proc != seen->proc) {
		(void)snprintf(name, sizeof name, "P%u", m->walk.proc->number);
		tell(fd, "opened", name);
	}
	*seen = (struct drill_seen){ .dialog = (int)d->kind, .refusal = d->plan.refused, .proc = m->walk.proc };
}
