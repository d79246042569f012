/* Commands the console has running: one at a time for each purpose; what they say, and how they end. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/base/text.h"
#include "tui/space.h"
#include "tui/update.h"

enum { HOLDERS_MS = 10000 };

struct effect job_start(struct model *m, enum job_kind kind, const char *const *argv, int step, unsigned timeout_ms)
{
	struct job *job = &m->job[kind];
	struct arena old = job->mem; /* argv may point into it */
	*job = (struct job){ .id = ++m->last_job, .began_ms = m->now_ms, .timeout_ms = timeout_ms, .step = step,
			     .recoveries = m->incident.recoveries };
	size_t n = 0;
	for (size_t i = 0; argv[i]; i++)
		*(const char **)arena_push(&job->mem, &job->argv, &n, sizeof *job->argv) =
			arena_strdup(&job->mem, argv[i]);
	*(const char **)arena_push(&job->mem, &job->argv, &n, sizeof *job->argv) = NULL;
	arena_done(&old);
	if (step >= 0 && m->walk.proc)
		m->walk.of[step].mark = STEP_RUNNING;
	return (struct effect){ .kind = EFFECT_RUN, .job = job->id, .argv = job->argv, .timeout_ms = timeout_ms,
				 .keep = kind == JOB_ACT };
}

void job_leave(struct model *m)
{
	for (int k = 0; k < JOB_COUNT; k++)
		m->job[k].step = -1;
	m->await.step = -1;
}

struct effect holders_ask(struct model *m, const struct resource *of)
{
	if (m->job[JOB_HOLDERS].id) {
		ring_add(&m->log, m->wall, RING_WARN, "one look at a time: who holds %s is still being asked", m->holding.id);
		return (struct effect){ 0 };
	}
	arena_done(&m->holding.mem);
	m->holding = (struct holding){ .asking = true };
	(void)snprintf(m->holding.id, sizeof m->holding.id, "%s", of->id);
	const char *argv[] = { "rustbox-probe", "holders", m->holding.id, "--json", NULL };
	return job_start(m, JOB_HOLDERS, argv, -1, HOLDERS_MS);
}

static const char *text_of(struct job *job, const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));
	char safe[RING_TEXT];
	return s ? arena_strdup(&job->mem, strcmp(key, "id") != 0 && strcmp(key, "blocker") != 0 ? text_escape(s, safe, sizeof safe) : s) : "";
}

/* A directory that went to the trash can come back until then. */
static void undo_note(struct model *m, const json_t *j, const char *id)
{
	uint64_t until = (uint64_t)json_integer_value(json_object_get(j, "undo_until"));
	if (!until)
		return;
	if (m->trash.until < m->wall) { /* what was there before has expired */
		arena_done(&m->trash.mem);
		m->trash = (struct trashed){ 0 };
	}
	*(const char **)arena_push(&m->trash.mem, &m->trash.ids, &m->trash.n, sizeof *m->trash.ids) = arena_strdup(&m->trash.mem, id);
	m->trash.until = until;
}

/* One line per item: {"kind","id","name","outcome",...}; anything else is kept as the last words. */
static bool job_item(struct model *m, struct job *job, const char *line)
{
	json_error_t bad;
	autojson json_t *j = json_loads(line, 0, &bad);
	const char *outcome = json_string_value(json_object_get(j, "outcome"));
	const char *kind = json_string_value(json_object_get(j, "kind"));
	if (!outcome || !kind)
		return json_is_object(j) && json_object_get(j, "summary");
	if (strcmp(outcome, "pending") == 0)
		return true;
	struct outcome *o = arena_push(&job->mem, &job->v, &job->n, sizeof *job->v);
	*o = (struct outcome){ .kind = text_of(job, j, "kind"), .id = text_of(job, j, "id"),
			       .name = text_of(job, j, "name"), .outcome = text_of(job, j, "outcome"),
			       .because = text_of(job, j, "because"), .blocker = text_of(job, j, "blocker"),
			       .err = text_of(job, j, "errno"),
			       .ms = (uint64_t)json_integer_value(json_object_get(j, "ms")) };
	undo_note(m, j, o->id);
	bool captured = strcmp(o->outcome, "captured") == 0;
	bool done = strcmp(o->outcome, "released") == 0 || strcmp(o->outcome, "gone") == 0 || captured ||
		    strcmp(o->outcome, "restored") == 0;
	if (captured)
		*(const char **)arena_push(&m->captured_mem, &m->captured, &m->ncaptured, sizeof *m->captured) =
			arena_strdup(&m->captured_mem, o->id);
	job->ok += done;
	job->bad += !done;
	ring_add(&m->log, m->wall, done ? RING_SAID : RING_WARN, "%s %s: %s%s%s", o->kind, o->name, o->outcome,
		 o->because[0] ? ", " : "", o->because);
	return true;
}

static void take_holders(struct model *m, const char *line)
{
	json_error_t bad;
	struct err e = { 0 };
	autojson json_t *j = json_loads(line, 0, &bad);
	if (j && holders_from_json(j, &m->holding.mem, &m->holding.of, &e) == 0) {
		m->holding.known = true;
		m->holding.at_ms = m->now_ms;
	}
}

static struct job *job_by_id(struct model *m, uint32_t id)
{
	for (int k = 0; k < JOB_COUNT; k++)
		if (id && m->job[k].id == id)
			return &m->job[k];
	return NULL;
}

struct effect job_line(struct model *m, const struct msg *msg)
{
	struct job *job = job_by_id(m, msg->line.job);
	if (!job || !msg->text)
		return (struct effect){ 0 };
	if (job == &m->job[JOB_HOLDERS] && !msg->line.err)
		take_holders(m, msg->text);
	else if (job == &m->job[JOB_SPACE] && !msg->line.err)
		space_line(m, msg->text);
	else if (job == &m->job[JOB_ACT] && job_item(m, job, msg->text))
		return (struct effect){ 0 };
	(void)text_escape(msg->text, job->last, sizeof job->last);
	if (job == &m->job[JOB_LOOK]) {
		struct outcome *o = arena_push(&job->mem, &job->v, &job->n, sizeof *job->v);
		*o = (struct outcome){ .name = arena_strdup(&job->mem, job->last) };
	}
	if (msg->line.err)
		ring_add(&m->log, m->wall, RING_WARN, "%s", job->last);
	return (struct effect){ 0 };
}

/* An exit status is for programs: who stopped it, and why, is for people. */
static void say_end(struct job *job, int status, bool timed_out)
{
	char *out = job->ended;
	size_t cap = sizeof job->ended;
	if (status < 0)
		(void)snprintf(out, cap, "not started");
	else if (timed_out)
		(void)snprintf(out, cap, "stopped: no end in %u s", job->timeout_ms / 1000);
	else if (status == 128 + SIGINT || status == 128 + SIGTERM)
		(void)snprintf(out, cap, "stopped before its end");
	else if (status > 128)
		(void)snprintf(out, cap, "killed by signal %d", status - 128);
	else
		(void)snprintf(out, cap, "exit %d", status);
}

static void holders_exit(struct model *m, struct job *job)
{
	size_t procs = 0, spaces = 0;
	uint64_t last_ns = 0;
	char note[160];
	m->holding.asking = false;
	for (size_t i = 0; m->holding.known && i < m->holding.of.n; i++) {
		const struct holder *h = &m->holding.of.v[i];
		procs += h->pid != 0;
		spaces += h->mnt_ns && h->mnt_ns != last_ns;
		last_ns = h->mnt_ns;
	}
	if (m->holding.known)
		(void)snprintf(note, sizeof note, "%zu hold%s by processes, %zu mount namespace%s%s", procs, procs == 1 ? "" : "s", spaces,
			       spaces == 1 ? "" : "s",
			       m->holding.of.complete ? "" : " (not all could be read)");
	else
		(void)snprintf(note, sizeof note, "%s%s%.80s", job->ended, job->last[0] ? ": " : "", job->last);
	ring_add(&m->log, m->wall, m->holding.known ? RING_SAID : RING_BAD, "who holds it: %s", note);
	if (job->step < 0 || !m->walk.proc)
		return;
	list_go(m, m->holding.id); /* the answer is told beside its row */
	step_mark(m, (size_t)job->step, m->holding.known ? STEP_OK : STEP_FAILED, note);
}

/* The tool's verdict is put beside what this console sees: a disagreement is never [ok]. */
static void look_exit(struct model *m, struct job *job, int status)
{
	size_t left = count_leftovers(m->count, RES_ALL);
	bool verdict = false;
	for (size_t i = 0; job->argv[i]; i++)
		verdict = verdict || strcmp(job->argv[i], "--verify-clean") == 0;
	char note[120];
	enum step_mark mark = status == 0 || (status > 0 && status < 3 && !verdict) ? STEP_OK : STEP_FAILED;
	(void)snprintf(note, sizeof note, "%s", job->ended);
	if (verdict && (status == 0) != (left == 0)) {
		mark = STEP_FAILED;
		(void)snprintf(note, sizeof note, "CONFLICT: rustbox says %s, this console sees %zu",
			       status == 0 ? "CLEAN" : "not clean", left);
	} else if (verdict) {
		(void)snprintf(note, sizeof note, status == 0 ? "both say clean" : "both say not clean: %zu left", left);
	}
	ring_add(&m->log, m->wall, mark == STEP_OK ? RING_SAID : RING_BAD, "%s: %s", job->argv[0], note);
	if (job->step >= 0 && m->walk.proc) {
		step_mark(m, (size_t)job->step, mark, note);
	}
	if (m->dialog.kind == DIALOG_NONE)
		dialog_open(m, DIALOG_OUTPUT);
}

/* Ending the holders was only the means: the items that were busy are tried again by themselves. */
static struct effect retry_now(struct model *m)
{
	dialog_close(m);
	plan_for_retry(m);
	if (!m->dialog.plan.n || m->retry_step < 0)
		return (struct effect){ 0 };
	const char **argv = plan_argv(m, &m->dialog.plan, "", &m->out);
	ring_add(&m->log, m->wall, RING_SAID, "the holders are gone: trying the %zu busy ones again", m->dialog.plan.n);
	if (m->walk.proc)
		m->walk.at = (size_t)m->retry_step;
	incident_run(m, argv, &m->dialog.plan, "again: the holders ended", "");
	return job_start(m, JOB_ACT, argv, m->retry_step, 30000);
}

static struct effect act_exit(struct model *m, struct job *job, int status, bool timed_out)
{
	m->acted_ms = m->now_ms;
	if (timed_out)
		(void)snprintf(job->last, sizeof job->last, "did not return in %u s", job->timeout_ms / 1000);
	ring_add(&m->log, m->wall, status ? RING_WARN : RING_SAID, "%s %s: %s, %zu done, %zu not",
		 job->argv[0], job->argv[1], job->ended, job->ok, job->bad);
	record_outcome(m, job, status, timed_out);
	if (job->then_retry && !job->bad && m->nretry && job->step >= 0 && m->walk.proc) {
		step_mark(m, (size_t)job->step, STEP_OK, "holders ended");
		return retry_now(m);
	}
	step_outcome(m, job, status);
	bool stored = status == 0 && strcmp(job->argv[0], "rustbox-capture-baseline.sh") == 0;
	return (struct effect){ .kind = stored ? EFFECT_BASELINE : EFFECT_NONE };
}

struct effect job_exit(struct model *m, const struct msg *msg)
{
	struct job *job = job_by_id(m, msg->exit.job);
	if (!job)
		return (struct effect){ 0 };
	job->id = 0;
	say_end(job, msg->exit.status, msg->exit.timed_out);
	if (msg->exit.status < 0 && msg->text)
		(void)text_escape(msg->text, job->last, sizeof job->last);
	if (job == &m->job[JOB_ACT])
		return act_exit(m, job, msg->exit.status, msg->exit.timed_out);
	if (job == &m->job[JOB_LOOK])
		look_exit(m, job, msg->exit.status);
	else if (job == &m->job[JOB_SPACE])
		space_exit(m, job, msg->exit.status);
	else
		holders_exit(m, job);
	return (struct effect){ 0 };
}
