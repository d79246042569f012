/* The health record on disk; see health.h. A file nobody can read as health means quarantine. */
#include "probes/health.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"

static const char *const statuses[] = {
#define X(id, word) [HEALTH_##id] = word,
	HEALTH_STATUSES(X)
#undef X
};
_Static_assert(sizeof statuses / sizeof *statuses == HEALTH_STATUSES_COUNT, "a word for each status");

static const char *const reasons[] = {
#define X(id, word) [HEALTH_REASON_##id] = word,
	HEALTH_REASONS(X)
#undef X
};
_Static_assert(sizeof reasons / sizeof *reasons == HEALTH_REASON_COUNT, "a word for each reason");

enum { SCHEMA = 1 };

const char *health_status_word(enum health_status s)
{
	return statuses[s];
}

const char *health_reason_word(enum health_reason r)
{
	return reasons[r];
}

bool health_same(const struct health *a, const struct health *b)
{
	return a->status == b->status && a->reason == b->reason && a->failures == b->failures && a->since == b->since &&
	       strcmp(a->note, b->note) == 0;
}

static int word_index(const char *word, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

json_t *health_to_json(const struct health *h)
{
	json_t *j = json_object();
	json_object_set_new(j, "schema", json_integer(SCHEMA));
	json_object_set_new(j, "status", json_string(statuses[h->status]));
	json_object_set_new(j, "reason", json_string(reasons[h->reason]));
	json_object_set_new(j, "failures", json_integer(h->failures));
	json_object_set_new(j, "since", json_integer((json_int_t)h->since));
	json_object_set_new(j, "note", json_text(h->note));
	return j;
}

int health_from_json(const json_t *j, struct health *ret, struct err *e)
{
	autoarena struct arena a = { 0 };
	const char *status = NULL, *reason = NULL, *note = "";
	uint64_t schema = 0, failures = 0, since = 0;
	if (!json_is_object(j))
		return err_say(e, EINVAL, "health: expected an object");
	int rc = json_need_u64(j, "health", "schema", &schema, e);
	rc = rc ? rc : json_need_str(j, "health", "status", &a, &status, e);
	rc = rc ? rc : json_need_str(j, "health", "reason", &a, &reason, e);
	rc = rc ? rc : json_need_u64(j, "health", "failures", &failures, e);
	rc = rc ? rc : json_need_u64(j, "health", "since", &since, e);
	rc = rc ? rc : json_opt_str(j, "health", "note", &a, &note, e);
	if (rc)
		return rc;
	if (schema != SCHEMA)
		return err_say(e, EINVAL, "health.schema: expected %d, got %llu", SCHEMA, (unsigned long long)schema);
	int s = word_index(status, statuses, HEALTH_STATUSES_COUNT);
	int r = word_index(reason, reasons, HEALTH_REASON_COUNT);
	if (s < 0)
		return err_say(e, EINVAL, "health.status: unknown word '%.40s'", status);
	if (r < 0)
		return err_say(e, EINVAL, "health.reason: unknown word '%.40s'", reason);
	if (failures > UINT32_MAX)
		return err_say(e, EINVAL, "health.failures: %llu is out of range", (unsigned long long)failures);
	*ret = (struct health){ .status = (enum health_status)s, .reason = (enum health_reason)r,
				.failures = (unsigned)failures, .since = since };
	(void)snprintf(ret->note, sizeof ret->note, "%s", note);
	return 0;
}

static int corrupt(struct health *ret, struct err *e, const char *path)
{
	*ret = (struct health){ .status = HEALTH_QUARANTINED, .reason = HEALTH_REASON_CORRUPT };
	(void)snprintf(ret->note, sizeof ret->note, "%.199s", e->text);
	(void)err_wrap(e, "%s is corrupt, so the worker counts as quarantined", path);
	e->code = EBADMSG;
	return -EBADMSG;
}

int health_read(const struct scope *scope, struct health *ret, struct err *e)
{
	const char *path = scope->paths->of[PATH_HEALTH];
	struct err why = { 0 };
	autofree char *text = NULL;
	ssize_t len = kfile_read_all(AT_FDCWD, path, &text);
	if (len == -ENOENT || len == -ENOTDIR) {
		*ret = (struct health){ .status = HEALTH_HEALTHY };
		return 0;
	}
	if (len < 0 && len != -EISDIR)
		return err_set(e, (int)-len, "read %s", path);
	json_error_t at = { .text = "it is a directory" };
	autojson json_t *j = len < 0 ? NULL : json_loadb(text, (size_t)len, JSON_REJECT_DUPLICATES, &at);
	if (!j)
		(void)err_say(&why, EBADMSG, "line %d: %s", at.line, at.text);
	if (j && health_from_json(j, ret, &why) == 0)
		return 0;
	int rc = corrupt(ret, &why, path);
	if (e)
		*e = why;
	return rc;
}
