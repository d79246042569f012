/* Evidence as JSON and back, and the few facts derived from it; see evidence.h. */
#include "sandbox/policy/evidence.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "probes/base/arena.h"
#include "probes/base/json.h"
#include "sandbox/policy/stages.h"

static const char *const source_words[SOURCE_COUNT] = {
#define X(id, word, help) [SOURCE_##id] = word,
	SOURCES(X)
#undef X
};
static const char *const kill_words[KILL_COUNT] = {
#define X(id, word, help) [KILL_##id] = word,
	KILLS(X)
#undef X
};
static const char *const integrity_words[INTEGRITY_COUNT] = {
#define X(id, word) [INTEGRITY_##id] = word,
	INTEGRITIES(X)
#undef X
};

void evidence_init(struct evidence *ret)
{
	*ret = (struct evidence){ .failed_stage = -1, .gaps = SOURCE_BIT(SOURCE_COUNT) - 1 };
}

uint64_t evidence_cpu_ns(const struct evidence *ev)
{
	uint64_t usage = ev->gaps & SOURCE_BIT(SOURCE_USAGE) ? 0 : ev->usage.user_ns + ev->usage.system_ns;
	uint64_t group = ev->gaps & SOURCE_BIT(SOURCE_CPU) ? 0 : ev->cg.cpu_ns;
	return usage > group ? usage : group;
}

enum integrity evidence_integrity(const struct evidence *ev, const struct stream *s)
{
	if (s->data && s->total > s->kept)
		return INTEGRITY_TRUNCATED;
	/* A program that was stopped may have been stopped in the middle of a line. */
	if (!ev->waited || ev->kills & ~KILL_BIT(KILL_REST) || WIFSIGNALED(ev->wstatus))
		return INTEGRITY_CRASH;
	return s->closed_early ? INTEGRITY_CLOSED_EARLY : INTEGRITY_COMPLETE;
}

/* ---- numbers as a table, so that writing and reading cannot differ ------------------------------ */

static const struct field {
	const char *key;
	size_t at;
} numbers[] = {
#define N(key, member) { key, offsetof(struct evidence, member) }
	N("user_ns", usage.user_ns),
	N("system_ns", usage.system_ns),
	N("max_rss", usage.max_rss),
	N("voluntary_switches", usage.voluntary),
	N("involuntary_switches", usage.involuntary),
	N("memory_peak", cg.memory_peak),
	N("memory_fails", cg.memory_fails),
	N("oom_kills", cg.oom_kills),
	N("pids_refused", cg.pids_refused),
	N("pids_peak", cg.pids_peak),
	N("cpu_ns", cg.cpu_ns),
	N("wall_ns", wall_ns),
	N("fd_peak", fd_peak),
	N("signals_peak", signals_peak),
	N("stdout_kept", out.kept),
	N("stdout_total", out.total),
	N("stderr_kept", err.kept),
	N("stderr_total", err.total),
#undef N
};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };
_Static_assert(sizeof(size_t) == sizeof(uint64_t), "stream.kept is read and written as a uint64_t");

static uint64_t *number_of(struct evidence *ev, size_t i)
{
	return (uint64_t *)(void *)((char *)ev + numbers[i].at);
}

static json_t *words_of(uint32_t bits, const char *const *words, unsigned n)
{
	json_t *arr = json_array();
	for (unsigned i = 0; i < n; i++)
		if (bits >> i & 1)
			(void)json_array_append_new(arr, json_string(words[i]));
	return arr;
}

static void stage_words(const char *words[STAGE_COUNT])
{
	for (int i = 0; i < STAGE_COUNT; i++)
		words[i] = stage_rows[i].word;
}

/* The raw status as a number for the machine, decoded for people. */
static void put_wait(json_t *obj, const struct evidence *ev)
{
	char text[40];
	if (!ev->waited) {
		(void)json_object_set_new(obj, "wait_status", json_null());
		return;
	}
	if (WIFEXITED(ev->wstatus))
		(void)snprintf(text, sizeof text, "exit %d", WEXITSTATUS(ev->wstatus));
	else if (WIFSIGNALED(ev->wstatus))
		(void)snprintf(text, sizeof text, "SIG%s", sigabbrev_np(WTERMSIG(ev->wstatus)) ?: "?");
	else
		(void)snprintf(text, sizeof text, "raw 0x%x", (unsigned)ev->wstatus);
	(void)json_object_set_new(obj, "wait_status", json_integer(ev->wstatus));
	(void)json_object_set_new(obj, "wait_text", json_string(text));
}

json_t *evidence_to_json(const struct evidence *ev)
{
	const char *stages[STAGE_COUNT];
	json_t *obj = json_object();
	stage_words(stages);
	put_wait(obj, ev);
	(void)json_object_set_new(obj, "applied", words_of(ev->applied, stages, STAGE_COUNT));
	if (ev->failed_stage >= 0 && ev->failed_stage < STAGE_COUNT) {
		(void)json_object_set_new(obj, "failed_stage", json_string(stages[ev->failed_stage]));
		(void)json_object_set_new(obj, "failed_errno", json_integer(ev->failed_err));
	}
	for (size_t i = 0; i < NUMBERS; i++) {
		uint64_t v;
		memcpy(&v, (const char *)ev + numbers[i].at, sizeof v);
		(void)json_object_set_new(obj, numbers[i].key, json_integer((json_int_t)v));
	}
	(void)json_object_set_new(obj, "stdout_closed_early", json_boolean(ev->out.closed_early));
	(void)json_object_set_new(obj, "stderr_closed_early", json_boolean(ev->err.closed_early));
	(void)json_object_set_new(obj, "contained", json_boolean(ev->contained));
	(void)json_object_set_new(obj, "kills", words_of(ev->kills, kill_words, KILL_COUNT));
	(void)json_object_set_new(obj, "missing", words_of(ev->gaps, source_words, SOURCE_COUNT));
	if (ev->trouble.code) {
		(void)json_object_set_new(obj, "error", json_text(ev->trouble.text));
		(void)json_object_set_new(obj, "error_errno", json_integer(ev->trouble.code));
	}
	return obj;
}

/* ---- reading ------------------------------------------------------------------------------------ */

static int bits_from(const json_t *obj, const char *key, const char *const *words, unsigned n, uint32_t *ret,
		     struct err *e)
{
	json_t *arr;
	size_t i;
	json_t *word;
	uint32_t bits = 0;
	int rc = json_need_arr(obj, "evidence", key, &arr, e);
	if (rc < 0)
		return rc;
	json_array_foreach(arr, i, word) {
		unsigned w = 0;
		while (w < n && (!json_is_string(word) || strcmp(words[w], json_string_value(word)) != 0))
			w++;
		if (w == n)
			return err_say(e, EINVAL, "evidence.%s[%zu]: not a word of this version", key, i);
		bits |= 1u << w;
	}
	*ret = bits;
	return 0;
}

static int wait_from(const json_t *obj, struct evidence *ev, struct err *e)
{
	const json_t *w = json_object_get(obj, "wait_status");
	if (!w || (!json_is_null(w) && !json_is_integer(w)))
		return err_say(e, EINVAL, "evidence.wait_status: expected an integer or null");
	ev->waited = json_is_integer(w);
	ev->wstatus = ev->waited ? (int)json_integer_value(w) : 0;
	return 0;
}

static int failure_from(const json_t *obj, struct evidence *ev, struct err *e)
{
	autoarena struct arena a = { 0 };
	const char *word = NULL, *text = NULL;
	uint64_t err = 0, code = 0;
	int rc = json_opt_str(obj, "evidence", "failed_stage", &a, &word, e);
	if (rc == 0)
		rc = json_opt_u64(obj, "evidence", "failed_errno", &err, e);
	if (rc == 0)
		rc = json_opt_str(obj, "evidence", "error", &a, &text, e);
	if (rc == 0)
		rc = json_opt_u64(obj, "evidence", "error_errno", &code, e);
	if (rc < 0)
		return rc;
	if (word && (ev->failed_stage = stage_parse(word)) < 0)
		return err_say(e, EINVAL, "evidence.failed_stage: '%.40s' is no stage", word);
	ev->failed_err = (int)err;
	if (text)
		(void)err_say(&ev->trouble, code ? (int)code : EIO, "%s", text);
	return 0;
}

int evidence_from_json(const json_t *obj, struct evidence *ret, struct err *e)
{
	const char *stages[STAGE_COUNT];
	struct evidence ev = { .failed_stage = -1 };
	if (!json_is_object(obj))
		return err_say(e, EINVAL, "evidence: expected an object");
	stage_words(stages);
	int rc = wait_from(obj, &ev, e);
	if (rc == 0)
		rc = bits_from(obj, "applied", stages, STAGE_COUNT, &ev.applied, e);
	if (rc == 0)
		rc = failure_from(obj, &ev, e);
	for (size_t i = 0; rc == 0 && i < NUMBERS; i++)
		rc = json_need_u64(obj, "evidence", numbers[i].key, number_of(&ev, i), e);
	if (rc == 0)
		rc = json_opt_bool(obj, "evidence", "stdout_closed_early", &ev.out.closed_early, e);
	if (rc == 0)
		rc = json_opt_bool(obj, "evidence", "stderr_closed_early", &ev.err.closed_early, e);
	if (rc == 0)
		rc = json_opt_bool(obj, "evidence", "contained", &ev.contained, e);
	if (rc == 0)
		rc = bits_from(obj, "kills", kill_words, KILL_COUNT, &ev.kills, e);
	if (rc == 0)
		rc = bits_from(obj, "missing", source_words, SOURCE_COUNT, &ev.gaps, e);
	if (rc == 0)
		*ret = ev;
	return rc;
}

const char *source_word(enum source s)
{
	return source_words[s];
}

const char *integrity_word(enum integrity i)
{
	return integrity_words[i];
}
