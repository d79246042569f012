/* Holders as JSON, both ways; see holders.h. */
#include <stdio.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/holders.h"

static const char *const words[] = {
#define X(id, word) [HOLD_##id] = word,
	HOLDS(X)
#undef X
};
_Static_assert(sizeof words / sizeof *words == HOLD_COUNT, "a word for each hold");

const char *hold_word(enum hold hold)
{
	return words[hold];
}

static json_t *holder_to_json(const struct holder *h)
{
	json_t *j = json_object();
	json_object_set_new(j, "hold", json_string(words[h->hold]));
	json_object_set_new(j, "pid", json_integer(h->pid));
	json_object_set_new(j, "start_ticks", json_integer((json_int_t)h->start_ticks));
	json_object_set_new(j, "fd", h->fd < 0 ? json_null() : json_integer(h->fd));
	json_object_set_new(j, "uid", json_integer(h->uid));
	json_object_set_new(j, "state", json_stringn(&h->state, 1));
	json_object_set_new(j, "mnt_ns", json_integer((json_int_t)h->mnt_ns));
	json_object_set_new(j, "same_ns", json_boolean(h->same_ns));
	json_object_set_new(j, "you", json_boolean(h->you));
	json_object_set_new(j, "deleted", json_boolean(h->deleted));
	json_object_set_new(j, "exact", json_boolean(h->exact));
	json_object_set_new(j, "owner", json_string(owner_word(h->owner)));
	json_object_set_new(j, "comm", json_text(h->comm));
	json_object_set_new(j, "cmdline", json_text(h->cmdline));
	json_object_set_new(j, "box", json_text(h->box));
	json_object_set_new(j, "detail", json_text(h->detail));
	json_object_set_new(j, "wchan", json_text(h->wchan));
	return j;
}

json_t *holders_to_json(const struct resource *of, const struct holders *h)
{
	json_t *j = json_object(), *list = json_array();
	json_object_set_new(j, "schema", json_integer(1));
	json_object_set_new(j, "kind", json_string(resource_kind_word(of->kind)));
	json_object_set_new(j, "id", json_text(of->id));
	json_object_set_new(j, "name", json_text(of->name));
	json_object_set_new(j, "complete", json_boolean(h->complete));
	json_object_set_new(j, "why", h->complete ? json_null() : json_text(h->why.text));
	for (size_t i = 0; i < h->n; i++)
		json_array_append_new(list, holder_to_json(&h->v[i]));
	json_object_set_new(j, "holders", list);
	return j;
}

static int hold_parse(const char *word)
{
	for (int i = 0; i < HOLD_COUNT; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

static int texts_from_json(const json_t *j, const char *path, struct arena *a, struct holder *h, struct err *e)
{
	int rc = json_opt_str(j, path, "comm", a, &h->comm, e);
	rc = rc ? rc : json_opt_str(j, path, "cmdline", a, &h->cmdline, e);
	rc = rc ? rc : json_opt_str(j, path, "box", a, &h->box, e);
	rc = rc ? rc : json_opt_str(j, path, "detail", a, &h->detail, e);
	return rc ? rc : json_opt_str(j, path, "wchan", a, &h->wchan, e);
}

static int holder_from_json(const json_t *j, const char *path, struct arena *a, struct holder *ret, struct err *e)
{
	struct holder h = { .fd = -1, .comm = "", .cmdline = "", .detail = "", .wchan = "" };
	const char *hold = NULL, *owner = NULL, *state = "?";
	uint64_t pid = 0, fd = UINT64_MAX, uid = 0;
	if (!json_is_object(j))
		return err_say(e, EINVAL, "%s: expected an object", path);
	int rc = json_need_str(j, path, "hold", a, &hold, e);
	rc = rc ? rc : json_need_str(j, path, "owner", a, &owner, e);
	rc = rc ? rc : json_need_u64(j, path, "pid", &pid, e);
	rc = rc ? rc : json_opt_u64(j, path, "start_ticks", &h.start_ticks, e);
	rc = rc ? rc : json_opt_u64(j, path, "fd", &fd, e);
	rc = rc ? rc : json_opt_u64(j, path, "uid", &uid, e);
	rc = rc ? rc : json_opt_str(j, path, "state", a, &state, e);
	rc = rc ? rc : json_opt_u64(j, path, "mnt_ns", &h.mnt_ns, e);
	rc = rc ? rc : json_opt_bool(j, path, "same_ns", &h.same_ns, e);
	rc = rc ? rc : json_opt_bool(j, path, "you", &h.you, e);
	rc = rc ? rc : json_opt_bool(j, path, "deleted", &h.deleted, e);
	rc = rc ? rc : json_opt_bool(j, path, "exact", &h.exact, e);
	rc = rc ? rc : texts_from_json(j, path, a, &h, e);
	if (rc)
		return rc;
	int k = hold_parse(hold), o = owner_parse(owner);
	if (k < 0 || o < 0 || pid > INT32_MAX || uid > UINT32_MAX)
		return err_say(e, EINVAL, "%s: an unknown hold or owner, or a number out of range", path);
	h.hold = (enum hold)k;
	h.owner = (enum owner)o;
	h.pid = (pid_t)pid;
	h.uid = (uid_t)uid;
	h.state = state[0];
	h.fd = fd <= INT32_MAX ? (int)fd : -1;
	*ret = h;
	return 0;
}

int holders_from_json(const json_t *j, struct arena *a, struct holders *ret, struct err *e)
{
	struct holders all = { 0 };
	const char *why = NULL;
	json_t *list = NULL;
	if (!json_is_object(j))
		return err_say(e, EINVAL, "holders: expected an object");
	int rc = json_need_arr(j, "holders", "holders", &list, e);
	rc = rc ? rc : json_opt_bool(j, "holders", "complete", &all.complete, e);
	rc = rc ? rc : json_opt_str(j, "holders", "why", a, &why, e);
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
		char path[48];
		(void)snprintf(path, sizeof path, "holders[%zu]", i);
		struct holder *h = arena_push(a, &all.v, &all.n, sizeof *all.v);
		rc = holder_from_json(json_array_get(list, i), path, a, h, e);
	}
	if (rc)
		return rc;
	if (!all.complete)
		(void)err_say(&all.why, EIO, "%s", why ? why : "no reason given");
	*ret = all;
	return 0;
}
