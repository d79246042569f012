/*
 * Reading the ledger; see ledger.h for the format. The parser is strict because its answer decides what
 * recovery may remove: a line it does not understand makes the whole file corrupt, except a last line
 * without its newline, which is the torn write of a crash and by the order of things describes nothing.
 */
#include "probes/ledger.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"

enum { WORDS = 4 };

/* Splits at single spaces into at most `max` words; the last keeps the rest of the line as it is. */
static size_t split(char *line, char **word, size_t max)
{
	size_t n = 0;
	while (n < max) {
		word[n++] = line;
		char *space = n < max ? strchr(line, ' ') : NULL;
		if (!space)
			break;
		*space = '\0';
		line = space + 1;
	}
	return n;
}

static struct ledger_entry *entry_of(struct ledger *l, const char *seq)
{
	uint64_t v = 0;
	if (text_parse_u64(seq, &v, NULL))
		return NULL;
	for (size_t i = l->n; i-- > 0;)
		if (l->v[i].seq == v)
			return &l->v[i];
	return NULL;
}

static bool parse_header(struct ledger *l, char **w, size_t n, struct arena *a)
{
	if (l->box || n != 4 || strcmp(w[1], "1") != 0 || !text_is_box_name(w[2]) || strlen(w[3]) != 36)
		return false;
	l->box = arena_strdup(a, w[2]);
	(void)snprintf(l->boot_id, sizeof l->boot_id, "%.36s", w[3]);
	return true;
}

static bool parse_own(struct ledger *l, char **w, size_t n, struct arena *a)
{
	uint64_t seq = 0;
	int kind = n == 4 ? resource_kind_parse(w[2]) : -1;
	if (!l->box || kind < 0 || !*w[3] || text_parse_u64(w[1], &seq, NULL) || seq > UINT32_MAX ||
	    entry_of(l, w[1]))
		return false;
	struct ledger_entry *slot = arena_push(a, &l->v, &l->n, sizeof *l->v);
	*slot = (struct ledger_entry){
		.seq = (unsigned)seq, .kind = (enum resource_kind)kind, .name = arena_strdup(a, w[3])
	};
	return true;
}

/* "is" and "ghost": both say what the resource turned out to be. */
static bool parse_identity(struct ledger *l, char **w, size_t n, struct arena *a)
{
	struct ledger_entry *entry = n == 3 ? entry_of(l, w[1]) : NULL;
	if (!entry || !*w[2])
		return false;
	const char *identity = arena_strdup(a, w[2]);
	bool ghost = strcmp(w[0], "ghost") == 0;
	if (!ghost || !entry->identity)
		entry->identity = identity;
	if (ghost)
		entry->device = identity;
	entry->ghost |= ghost;
	return true;
}

static bool parse_gone(struct ledger *l, char **w, size_t n, struct arena *a)
{
	(void)a;
	struct ledger_entry *entry = n == 2 ? entry_of(l, w[1]) : NULL;
	if (!entry)
		return false;
	entry->gone = true;
	return true;
}

static const struct verb {
	const char *word;
	size_t words; /* the last takes the rest of the line */
	bool (*parse)(struct ledger *l, char **w, size_t n, struct arena *a);
} verbs[] = {
	{ "rustbox-ledger", 4, parse_header }, { "own", 4, parse_own },	  { "is", 3, parse_identity },
	{ "ghost", 3, parse_identity },	       { "gone", 2, parse_gone },
};

static bool parse_line(struct ledger *l, char *line, struct arena *a)
{
	size_t len = strcspn(line, " ");
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (strlen(verbs[i].word) != len || strncmp(line, verbs[i].word, len) != 0)
			continue;
		char *w[WORDS] = { 0 };
		return verbs[i].parse(l, w, split(line, w, verbs[i].words), a);
	}
	return false;
}

int ledger_parse(const char *text, struct arena *a, struct ledger *ret, struct err *e)
{
	struct ledger l = { 0 };
	autofree char *copy = strdup(text);
	if (!copy)
		abort();
	unsigned number = 0;
	for (char *line = copy, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		number++;
		char shown[60];
		(void)text_escape(line, shown, sizeof shown);
		if (!parse_line(&l, line, a))
			return err_say(e, EBADMSG, "line %u is not a ledger line: '%s'", number, shown);
	}
	*ret = l;
	return 0;
}

/* Whether somebody holds the lock. A shared lock taken for an instant is the only way to ask that also
 * sees holders in other pid namespaces (/proc/locks hides them). */
static bool is_held(int fd)
{
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		(void)flock(fd, LOCK_UN);
		return false;
	}
	return errno == EWOULDBLOCK;
}

static int ledger_load(int dirfd, const char *name, struct arena *a, struct ledger *ret, struct err *e)
{
	autofd int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_set(e, errno, "open ledger %s", name);
	/* In this order: what is read of a living box is never taken for a dead one's, because a box unlinks its ledger
	 * before it lets go of it. */
	autofree char *text = NULL;
	ssize_t len = kfile_read_fd(fd, &text);
	if (len < 0)
		return err_set(e, (int)-len, "read ledger %s", name);
	struct stat st;
	bool held = is_held(fd);
	if (!held && fstat(fd, &st) == 0 && st.st_nlink == 0)
		return -ENOENT;
	struct ledger l = { 0 };
	struct err why = { 0 };
	int rc = strlen(text) != (size_t)len ? err_say(&why, EBADMSG, "holds a NUL byte") :
					       ledger_parse(text, a, &l, &why);
	if (rc == 0 && l.box && strcmp(l.box, name) != 0)
		rc = err_say(&why, EBADMSG, "belongs to box %s by its first line", l.box);
	l.box = arena_strdup(a, name);
	l.held = held;
	l.corrupt = rc != 0;
	l.why = why;
	*ret = l;
	return 0;
}

static int by_box(const void *a, const void *b)
{
	return strcmp(((const struct ledger *)a)->box, ((const struct ledger *)b)->box);
}

void ledgers_read(const struct scope *scope, struct arena *a, struct ledgers *ret)
{
	struct ledgers all = { .complete = true };
	const char *path = scope->paths->of[PATH_LEDGER];
	int error = 0;
	autodir DIR *dir = opendir(path);
	if (!dir && errno != ENOENT && errno != ENOTDIR) {
		all.complete = false;
		(void)err_set(&all.why, errno, "open %s", path);
	}
	for (struct dirent *d; dir && (d = kfile_next(dir, &error));) {
		struct ledger l;
		struct err why = { 0 };
		if (!text_is_box_name(d->d_name))
			continue;
		int rc = ledger_load(dirfd(dir), d->d_name, a, &l, &why);
		if (rc == -ENOENT)
			continue;
		if (rc) {
			all.complete = false;
			all.why = why;
			continue;
		}
		struct ledger *slot = arena_push(a, &all.v, &all.n, sizeof *all.v);
		*slot = l;
	}
	if (error) {
		all.complete = false;
		(void)err_set(&all.why, error, "list %s", path);
	}
	if (all.n > 1)
		qsort(all.v, all.n, sizeof *all.v, by_box);
	*ret = all;
}

const struct ledger *ledgers_find(const struct ledgers *all, const char *box)
{
	struct ledger key = { .box = box };
	return all->n ? bsearch(&key, all->v, all->n, sizeof *all->v, by_box) : NULL;
}
