/* The result object; see result.h. Field names here are a promise: add, never rename. */
#include "sandbox/box/result.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "probes/base/json.h"
#include "probes/base/own.h"

static void put(json_t *obj, const char *key, json_t *value)
{
	(void)json_object_set_new(obj, key, value);
}

static json_t *seconds(uint64_t ns)
{
	return json_real((double)(ns / 1000) / 1e6); /* microseconds are what the sources are good for */
}

static json_t *stage_words(uint32_t bits)
{
	json_t *arr = json_array();
	for (int s = 0; s < STAGE_COUNT; s++)
		if (bits & STAGE_BIT(s))
			(void)json_array_append_new(arr, json_string(stage_rows[s].word));
	return arr;
}

static void put_missing(json_t *arr, const char *control, const char *why, const char *remedy)
{
	(void)json_array_append_new(arr, json_pack("{ss ss ss}", "control", control, "why", why, "remedy", remedy));
}

static json_t *controls(const struct outcome *o)
{
	const struct plan *p = &o->plan;
	json_t *obj = json_object(), *missing = json_array();
	for (size_t i = 0; i < p->nmissing; i++)
		put_missing(missing, p->missing[i].control, p->missing[i].why, p->missing[i].remedy);
	/* Configured and not journalled is missing too, whatever the plan hoped for. */
	uint32_t lost = o->started ? p->configured & ~o->evidence.applied : 0;
	for (int s = 0; s < STAGE_COUNT; s++)
		if (lost & STAGE_BIT(s))
			put_missing(missing, stage_rows[s].word, "the launch did not report it as done",
				    "run `rustbox check`");
	put(obj, "configured", stage_words(p->configured));
	put(obj, "applied", stage_words(o->evidence.applied));
	put(obj, "missing", missing);
	return obj;
}

static char *base64(const unsigned char *p, size_t n)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = malloc((n + 2) / 3 * 4 + 1), *q = out;
	if (!out)
		abort();
	for (size_t i = 0; i < n; i += 3) {
		unsigned b = (unsigned)p[i] << 16 | (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0) |
			     (i + 2 < n ? (unsigned)p[i + 2] : 0);
		*q++ = digit[b >> 18];
		*q++ = digit[b >> 12 & 63];
		*q++ = i + 1 < n ? digit[b >> 6 & 63] : '=';
		*q++ = i + 2 < n ? digit[b & 63] : '=';
	}
	*q = '\0';
	return out;
}

/* Text stays text; bytes that JSON cannot hold are kept exactly, as base64, and said to be. */
static void put_stream(json_t *obj, json_t *encodings, const char *key, const struct stream *s)
{
	json_t *text = s->data ? json_stringn(s->data, s->kept) : json_null();
	const char *encoding = "utf-8";
	if (s->data && !text) {
		autofree char *coded = base64((const unsigned char *)s->data, s->kept);
		text = json_string(coded);
		encoding = "base64";
	}
	put(obj, key, text);
	put(encodings, key, json_string(encoding));
}

static json_t *output(const struct outcome *o)
{
	static const struct stream none;
	const struct evidence *ev = &o->evidence;
	json_t *obj = json_object(), *encodings = json_object(), *integrity = json_object();
	put_stream(obj, encodings, "stdout", &ev->out);
	put_stream(obj, encodings, "stderr", o->plan.merge ? &none : &ev->err);
	if (o->started) {
		put(integrity, "stdout", json_string(integrity_word(evidence_integrity(ev, &ev->out))));
		/* Merged, there is no such stream: what was written to it stands in the other, under the one cap. */
		put(integrity, "stderr", o->plan.merge ? json_null() : json_string(integrity_word(evidence_integrity(ev, &ev->err))));
	}
	put(obj, "integrity", integrity);
	put(obj, "encoding", encodings);
	return obj;
}

static json_t *cleanup_object(const struct cleanup *c)
{
	json_t *errors = json_array();
	for (unsigned i = 0; i < c->nerrors && i < CLEANUP_ERRORS; i++)
		(void)json_array_append_new(errors, json_text(c->errors[i].text));
	return json_pack("{ss so so}", "outcome", cleanup_word(c->outcome), "ms", json_real((double)(c->ns / 1000) / 1e3),
			 "errors", errors);
}

static json_t *thresholds(const struct limits *limits)
{
	json_t *obj = json_object();
	for (unsigned i = 0; i < abuse_threshold_count; i++) {
		const struct abuse_threshold *t = &abuse_thresholds[i];
		uint64_t at = t->at_least ? t->at_least : limits->of[LIMIT_OPEN_FILES];
		put(obj, cause_word(t->cause),
		    json_pack("{ss so}", "counter", t->counter, "at_least",
			      at == LIMIT_NONE ? json_null() : json_integer((json_int_t)at)));
	}
	return obj;
}

static json_t *phases(const struct outcome *o)
{
	json_t *obj = json_object();
	for (int i = 0; i < PHASE_COUNT; i++)
		put(obj, phase_word((enum phase)i), json_real((double)(o->phase_ns[i] / 1000) / 1e3));
	return obj;
}

/* What the compile step did, when the program ran after it. */
static json_t *compile_step(const struct outcome *o)
{
	if (!o || !o->plan.box)
		return json_null();
	return json_pack("{ss so so so so sI so so}", "status", status_word(o->verdict.status), "verdict",
			 verdict_to_json(&o->verdict), "cpu_time", seconds(evidence_cpu_ns(&o->evidence)), "wall_time",
			 seconds(o->evidence.wall_ns), "limits", limits_to_json(&o->plan.limits), "memory_peak",
			 (json_int_t)o->evidence.cg.memory_peak, "output", output(o), "controls", controls(o));
}

/* What the program did; null where it did nothing of the kind. */
static void put_end(json_t *obj, const struct evidence *ev)
{
	bool exited = ev->waited && WIFEXITED(ev->wstatus), signalled = ev->waited && WIFSIGNALED(ev->wstatus);
	put(obj, "exit_code", exited ? json_integer(WEXITSTATUS(ev->wstatus)) : json_null());
	put(obj, "signal", signalled ? json_integer(WTERMSIG(ev->wstatus)) : json_null());
	put(obj, "cpu_time", seconds(evidence_cpu_ns(ev)));
	put(obj, "wall_time", seconds(ev->wall_ns));
	put(obj, "memory_peak", json_integer((json_int_t)(ev->cg.memory_peak ? ev->cg.memory_peak : ev->usage.max_rss)));
}

json_t *result_to_json(const struct outcome *o, const struct result_extra *extra)
{
	json_t *obj = json_object();
	put(obj, "schema", json_integer(RESULT_SCHEMA));
	put(obj, "status", json_string(status_word(o->verdict.status)));
	put(obj, "verdict", verdict_to_json(&o->verdict));
	put(obj, "step", json_string(o->compiler ? "compile" : "run"));
	put_end(obj, &o->evidence);
	put(obj, "time_use", json_string(divergence_word(divergence_of(&o->evidence))));
	put(obj, "limits", limits_to_json(&o->plan.limits));
	put(obj, "controls", controls(o));
	put(obj, "output", output(o));
	put(obj, "cleanup", cleanup_object(&o->cleanup));
	put(obj, "evidence", evidence_to_json(&o->evidence));
	put(obj, "compile", compile_step(extra->compile));
	const char *abuse = abuse_pattern(&o->evidence, &o->plan.limits);
	put(obj, "abuse", abuse ? json_string(abuse) : json_null());
	put(obj, "abuse_thresholds", thresholds(&o->plan.limits));
	put(obj, "error", o->error.code ? json_text(o->error.text) : json_null());
	put(obj, "box", json_text(o->plan.box));
	put(obj, "worker", json_text(extra->worker));
	put(obj, "envelope", json_string(o->plan.envelope));
	if (extra->timings)
		put(obj, "timings_ms", phases(o));
	return obj;
}

int result_from_json(const json_t *obj, struct arena *a, struct stored_result *ret, struct err *e)
{
	struct stored_result r = { 0 };
	json_t *verdict, *limits, *evidence;
	const char *step = "run";
	uint64_t schema;
	if (!json_is_object(obj))
		return err_say(e, EINVAL, "result: expected an object, as `rustbox run --json` writes it");
	limits_default(PROFILE_JUDGE, &r.limits);
	int rc = json_need_u64(obj, "result", "schema", &schema, e);
	if (rc == 0 && schema != RESULT_SCHEMA)
		return err_say(e, EINVAL, "result.schema: expected %d", RESULT_SCHEMA);
	if (rc == 0)
		rc = json_need_str(obj, "result", "status", a, &r.status, e);
	if (rc == 0)
		rc = json_need_obj(obj, "result", "verdict", &verdict, e);
	if (rc == 0)
		rc = json_need_str(verdict, "result.verdict", "cause", a, &r.cause, e);
	if (rc == 0)
		rc = json_opt_str(obj, "result", "envelope", a, &r.envelope, e);
	if (rc == 0)
		rc = json_opt_str(obj, "result", "step", a, &step, e);
	if (rc == 0)
		rc = json_need_obj(obj, "result", "limits", &limits, e);
	if (rc == 0)
		rc = limits_from_json(limits, "result.limits", &r.limits, e);
	if (rc == 0)
		rc = json_need_obj(obj, "result", "evidence", &evidence, e);
	if (rc == 0)
		rc = evidence_from_json(evidence, &r.evidence, e);
	if (rc < 0)
		return rc;
	r.compiler = strcmp(step, "compile") == 0;
	r.refused = strcmp(r.cause, cause_word(CAUSE_REFUSED)) == 0;
	*ret = r;
	return 0;
}
