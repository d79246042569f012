/*
 * A resource as JSON. One table of fields drives both directions, so that what is written can be read back by
 * construction; whoever compares or copies a resource walks the same table. Ten thousand rows are to be told in a blink,
 * and a tree for each line costs twenty times what it carries: lines are written straight from the table and read
 * straight into it, and what is not exactly as we write it (another order, an escape, not ASCII) is left to jansson.
 */
#include "probes/resource_json.h"

#include <stddef.h>
#include <string.h>

#include "probes/base/json.h"

enum field_type { FIELD_U64, FIELD_UINT, FIELD_INT, FIELD_BOOL, FIELD_CHAR, FIELD_TEXT };

struct field {
	enum resource_kind kind;
	enum field_type type;
	size_t at; /* offset in struct resource */
	const char *key;
};

#define ROW(KIND, member, type, name) { RES_##KIND, FIELD_##type, offsetof(struct resource, member.name), #name }

static const struct field fields[] = {
	ROW(MOUNT, mount, U64, parent),	      ROW(MOUNT, mount, U64, mount_id),
	ROW(MOUNT, mount, UINT, major),	      ROW(MOUNT, mount, UINT, minor),
	ROW(MOUNT, mount, UINT, shared),      ROW(MOUNT, mount, UINT, master),
	ROW(MOUNT, mount, UINT, layer),	      ROW(MOUNT, mount, UINT, children),
	ROW(MOUNT, mount, U64, bytes),	      ROW(MOUNT, mount, TEXT, fstype),      ROW(MOUNT, mount, TEXT, source),
	ROW(MOUNT, mount, TEXT, root),	      ROW(MOUNT, mount, TEXT, options),
	ROW(CGROUP, cgroup, TEXT, hierarchy), ROW(CGROUP, cgroup, TEXT, path),
	ROW(CGROUP, cgroup, U64, inode),      ROW(CGROUP, cgroup, U64, memory),
	ROW(CGROUP, cgroup, UINT, procs),     ROW(CGROUP, cgroup, UINT, children),
	ROW(CGROUP, cgroup, INT, version),    ROW(CGROUP, cgroup, BOOL, populated),
	ROW(CGROUP, cgroup, BOOL, frozen),    ROW(PROCESS, process, INT, pid),
	ROW(PROCESS, process, INT, ppid),     ROW(PROCESS, process, UINT, uid),
	ROW(PROCESS, process, CHAR, state),   ROW(PROCESS, process, U64, start_ticks),
	ROW(PROCESS, process, U64, rss),      ROW(PROCESS, process, U64, mnt_ns),
	ROW(PROCESS, process, U64, pid_ns),   ROW(PROCESS, process, TEXT, comm),
	ROW(PROCESS, process, TEXT, cmdline), ROW(PROCESS, process, TEXT, cgroup),
	ROW(PROCESS, process, TEXT, wchan),   ROW(TEMPDIR, tempdir, U64, inode),
	ROW(TEMPDIR, tempdir, U64, bytes),    ROW(TEMPDIR, tempdir, U64, entries),
	ROW(TEMPDIR, tempdir, U64, mtime),    ROW(TEMPDIR, tempdir, UINT, major),
	ROW(TEMPDIR, tempdir, UINT, minor),   ROW(TEMPDIR, tempdir, UINT, mounts_below),
	ROW(LOCK, lock, BOOL, held),	      ROW(LOCK, lock, BOOL, corrupt),
	ROW(LOCK, lock, UINT, entries),	      ROW(GHOST, ghost, UINT, major),
	ROW(GHOST, ghost, UINT, minor),	      ROW(GHOST, ghost, U64, mnt_ns),
	ROW(GHOST, ghost, U64, bytes),	      ROW(GHOST, ghost, INT, holder),
	ROW(GHOST, ghost, TEXT, holder_comm), ROW(GHOST, ghost, TEXT, how),
};
_Static_assert(sizeof(pid_t) == sizeof(int) && sizeof(uid_t) == sizeof(unsigned), "fields by these types");

static json_t *field_to_json(const struct resource *r, const struct field *f)
{
	const char *at = (const char *)r + f->at;
	switch (f->type) {
	case FIELD_U64: return json_integer((json_int_t) * (const uint64_t *)(const void *)at);
	case FIELD_UINT: return json_integer(*(const unsigned *)(const void *)at);
	case FIELD_INT: return json_integer(*(const int *)(const void *)at);
	case FIELD_BOOL: return json_boolean(*(const bool *)(const void *)at);
	case FIELD_CHAR: return json_stringn(at, *at ? 1 : 0);
	case FIELD_TEXT: return json_text(*(const char *const *)(const void *)at);
	}
	return NULL;
}

static int field_from_json(const json_t *j, const char *path, const struct field *f, struct arena *a,
			   struct resource *r, struct err *e)
{
	char *at = (char *)r + f->at;
	uint64_t v = 0;
	const char *text = NULL;
	int rc = 0;
	switch (f->type) {
	case FIELD_U64: return json_opt_u64(j, path, f->key, (uint64_t *)(void *)at, e);
	case FIELD_BOOL: return json_opt_bool(j, path, f->key, (bool *)(void *)at, e);
	case FIELD_TEXT: return json_opt_str(j, path, f->key, a, (const char **)(void *)at, e);
	case FIELD_UINT:
	case FIELD_INT:
		rc = json_opt_u64(j, path, f->key, &v, e);
		if (rc == 0 && v > (f->type == FIELD_INT ? (uint64_t)INT32_MAX : UINT32_MAX))
			return err_say(e, ERANGE, "%s.%s: out of range", path, f->key);
		*(unsigned *)(void *)at = (unsigned)v;
		return rc;
	case FIELD_CHAR:
		rc = json_opt_str(j, path, f->key, a, &text, e);
		*at = text ? text[0] : '\0';
		return rc;
	}
	return 0;
}

json_t *resource_to_json(const struct resource *r)
{
	json_t *j = json_object(), *facts = json_object();
	json_object_set_new(j, "kind", json_string(resource_kind_word(r->kind)));
	json_object_set_new(j, "id", json_text(r->id));
	json_object_set_new(j, "name", json_text(r->name));
	json_object_set_new(j, "owner", json_string(owner_word(r->owner)));
	json_object_set_new(j, "why", json_text(r->why));
	json_object_set_new(j, "box", json_text(r->box));
	json_object_set_new(j, "detail", json_text(r->detail));
	json_object_set_new(j, "born", json_integer((json_int_t)r->born));
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (fields[i].kind == r->kind)
			json_object_set_new(facts, fields[i].key, field_to_json(r, &fields[i]));
	json_object_set_new(j, "facts", facts);
	return j;
}

/* ---- lines, written ------------------------------------------------------------------------------ */
static bool is_plain(char c) /* stands in a JSON string as it is; not the end of one */
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static void put_text(FILE *out, const char *s)
{
	const char *c = s;
	while (c && is_plain(*c))
		c++;
	if (c && !*c) {
		(void)putc_unlocked('"', out);
		(void)fputs_unlocked(s, out);
		(void)putc_unlocked('"', out);
		return;
	}
	json_t *j = json_text(s);
	(void)json_dumpf(j, out, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(j);
}

static void put_number(FILE *out, bool negative, uint64_t v)
{
	char digits[24], *at = digits + sizeof digits - 1;
	*at = '\0';
	do
		*--at = (char)('0' + v % 10);
	while (v /= 10);
	if (negative)
		*--at = '-';
	(void)fputs_unlocked(at, out);
}

static void put_field(FILE *out, const struct resource *r, const struct field *f)
{
	const char *at = (const char *)r + f->at, one[2] = { *at, '\0' };
	int64_t i = 0;
	switch (f->type) {
	case FIELD_U64: i = (int64_t) * (const uint64_t *)(const void *)at; break; /* as jansson: signed */
	case FIELD_UINT: i = *(const unsigned *)(const void *)at; break;
	case FIELD_INT: i = *(const int *)(const void *)at; break;
	case FIELD_BOOL: (void)fputs_unlocked(*(const bool *)(const void *)at ? "true" : "false", out); return;
	case FIELD_CHAR: put_text(out, one); return;
	case FIELD_TEXT: put_text(out, *(const char *const *)(const void *)at); return;
	}
	put_number(out, i < 0, i < 0 ? -(uint64_t)i : (uint64_t)i);
}

void resource_write(FILE *out, const char *op, const struct resource *r)
{
	const struct { const char *key, *text; } head[] = {
		{ "{\"op\":", op }, { ",\"kind\":", resource_kind_word(r->kind) }, { ",\"id\":", r->id },
		{ ",\"name\":", r->name }, { ",\"owner\":", owner_word(r->owner) }, { ",\"why\":", r->why },
		{ ",\"box\":", r->box }, { ",\"detail\":", r->detail },
	};
	for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
		(void)fputs_unlocked(head[i].key, out);
		put_text(out, head[i].text);
	}
	(void)fputs_unlocked(",\"born\":", out);
	put_number(out, false, r->born);
	const char *before = ",\"facts\":{\"";
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (fields[i].kind != r->kind)
			continue;
		(void)fputs_unlocked(before, out);
		(void)fputs_unlocked(fields[i].key, out);
		(void)fputs_unlocked("\":", out);
		put_field(out, r, &fields[i]);
		before = ",\"";
	}
	(void)fputs_unlocked("}}\n", out);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_field(const struct resource *a, const struct resource *b, const struct field *f)
{
	static const size_t sizes[] = { [FIELD_U64] = 8, [FIELD_UINT] = 4, [FIELD_INT] = 4, [FIELD_BOOL] = sizeof(bool),
					[FIELD_CHAR] = 1 };
	const char *x = (const char *)a + f->at, *y = (const char *)b + f->at;
	if (f->type == FIELD_TEXT)
		return same_text(*(const char *const *)(const void *)x, *(const char *const *)(const void *)y);
	return memcmp(x, y, sizes[f->type]) == 0;
}

bool resource_same(const struct resource *a, const struct resource *b)
{
	if (a->kind != b->kind || a->owner != b->owner || !same_text(a->id, b->id) || !same_text(a->name, b->name) ||
	    !same_text(a->box, b->box) || !same_text(a->detail, b->detail) || !same_text(a->why, b->why))
		return false;
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (fields[i].kind == a->kind && !same_field(a, b, &fields[i]))
			return false;
	return true;
}

/* The facts' strings only. */
static size_t fact_strings(struct resource *r, const char **slot[static FACT_STRINGS])
{
	size_t n = 0;
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (fields[i].kind == r->kind && fields[i].type == FIELD_TEXT)
			slot[n++] = (const char **)(void *)((char *)r + fields[i].at);
	return n;
}

size_t resource_strings(struct resource *r, const char **slot[static RESOURCE_STRINGS])
{
	size_t n = fact_strings(r, slot);
	slot[n++] = &r->id, slot[n++] = &r->name, slot[n++] = &r->box;
	slot[n++] = &r->detail, slot[n++] = &r->why;
	return n;
}

/* Text facts are never NULL in a resource that was seen, so not in one that was read. */
static void fill_texts(struct resource *r)
{
	const char **slot[FACT_STRINGS];
	for (size_t i = fact_strings(r, slot); i-- > 0;)
		*slot[i] = *slot[i] ? *slot[i] : "";
}

int resource_from_json(const json_t *j, const char *path, struct arena *a, struct resource *ret, struct err *e)
{
	struct resource r = { 0 };
	const char *kind = NULL, *owner = NULL;
	json_t *facts = NULL;
	if (!json_is_object(j))
		return err_say(e, EINVAL, "%s: expected an object", path);
	int rc = json_need_str(j, path, "kind", a, &kind, e);
	rc = rc ? rc : json_need_str(j, path, "id", a, &r.id, e);
	rc = rc ? rc : json_need_str(j, path, "name", a, &r.name, e);
	rc = rc ? rc : json_need_str(j, path, "owner", a, &owner, e);
	rc = rc ? rc : json_opt_str(j, path, "why", a, &r.why, e);
	rc = rc ? rc : json_opt_str(j, path, "box", a, &r.box, e);
	rc = rc ? rc : json_opt_str(j, path, "detail", a, &r.detail, e);
	rc = rc ? rc : json_opt_u64(j, path, "born", &r.born, e);
	rc = rc ? rc : json_need_obj(j, path, "facts", &facts, e);
	if (rc)
		return rc;
	int k = resource_kind_parse(kind), o = owner_parse(owner);
	if (k < 0 || o < 0)
		return err_say(e, EINVAL, "%s.%s: unknown word '%.40s'", path, k < 0 ? "kind" : "owner", k < 0 ? kind : owner);
	r.kind = (enum resource_kind)k;
	r.owner = (enum owner)o;
	for (size_t i = 0; rc == 0 && i < sizeof fields / sizeof *fields; i++)
		if (fields[i].kind == r.kind)
			rc = field_from_json(facts, path, &fields[i], a, &r, e);
	if (rc)
		return rc;
	fill_texts(&r);
	*ret = r;
	return 0;
}

/* ---- lines, read: in the order and the form they are written in ---------------------------------- */
static bool skip(char **at, const char *what)
{
	size_t n = strlen(what);
	bool is = strncmp(*at, what, n) == 0;
	*at += is ? n : 0;
	return is;
}

/* Ended in place, where its quote was. */
static bool scan_text(char **at, const char **ret)
{
	*ret = NULL;
	if (skip(at, "null"))
		return true;
	char *c = *at + 1;
	if (**at != '"')
		return false;
	while (is_plain(*c))
		c++;
	if (*c != '"')
		return false;
	*ret = *at + 1;
	*c = '\0';
	*at = c + 1;
	return true;
}

static bool scan_number(char **at, uint64_t most, uint64_t *ret)
{
	char *end = *at;
	for (*ret = 0; *end >= '0' && *end <= '9'; end++)
		*ret = *ret * 10 + (uint64_t)(*end - '0');
	size_t digits = (size_t)(end - *at);
	*at = end;
	return digits > 0 && digits < 19 && *ret <= most; /* what nearly fills 64 bits is jansson's */
}

static bool scan_field(char **at, const struct field *f, struct resource *r)
{
	char *to = (char *)r + f->at;
	const char *text = NULL;
	uint64_t v = 0;
	switch (f->type) {
	case FIELD_U64: return scan_number(at, UINT64_MAX, (uint64_t *)(void *)to);
	case FIELD_TEXT: return scan_text(at, (const char **)(void *)to);
	case FIELD_BOOL: return (*(bool *)(void *)to = skip(at, "true")) || skip(at, "false");
	case FIELD_CHAR: return scan_text(at, &text) && ((*to = text ? *text : '\0'), true);
	case FIELD_UINT:
	case FIELD_INT: break;
	}
	bool fits = scan_number(at, f->type == FIELD_INT ? INT32_MAX : UINT32_MAX, &v);
	*(unsigned *)(void *)to = (unsigned)v;
	return fits;
}

static bool scan_facts(char **at, struct resource *r)
{
	const char *before = ",\"facts\":{\"";
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (fields[i].kind != r->kind)
			continue;
		if (!skip(at, before) || !skip(at, fields[i].key) || !skip(at, "\":") || !scan_field(at, &fields[i], r))
			return false;
		before = ",\"";
	}
	return skip(at, "}}") && !**at;
}

bool resource_scan(char *line, struct resource *ret)
{
	struct resource r = { 0 };
	const char *kind, *owner;
	char *at = line;
	const struct { const char *key, **text; } head[] = {
		{ ",\"kind\":", &kind }, { ",\"id\":", &r.id }, { ",\"name\":", &r.name }, { ",\"owner\":", &owner },
		{ ",\"why\":", &r.why }, { ",\"box\":", &r.box }, { ",\"detail\":", &r.detail },
	};
	if (!skip(&at, "{\"op\":\"add\"") && !skip(&at, "{\"op\":\"change\""))
		return false;
	for (size_t i = 0; i < sizeof head / sizeof *head; i++)
		if (!skip(&at, head[i].key) || !scan_text(&at, head[i].text))
			return false;
	if (!kind || !owner || !r.id || !r.name || !skip(&at, ",\"born\":") || !scan_number(&at, UINT64_MAX, &r.born))
		return false;
	int k = resource_kind_parse(kind), o = owner_parse(owner);
	if (k < 0 || o < 0)
		return false;
	r.kind = (enum resource_kind)k;
	r.owner = (enum owner)o;
	if (!scan_facts(&at, &r))
		return false;
	fill_texts(&r);
	*ret = r;
	return true;
}
