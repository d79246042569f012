/* The chain of lines; see journal.h. */
#include "tui/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/sha256.h"
#include "probes/base/text.h"

enum { KEPT_MOST = 8 << 20, NAMESAKES = 9, MODE = 0640, MODE_DIR = 0750 };
static const char first_prev[JOURNAL_SUM] = "0000000000000000000000000000000000000000000000000000000000000000";

void journal_path(const struct paths *paths, const char *id, const char *file, char *out, size_t cap)
{
	(void)snprintf(out, cap, "%s/%.60s/%s", paths->of[PATH_INCIDENTS], id, file);
}

void journal_init(struct journal *j, const struct paths *paths, const char *id)
{
	*j = (struct journal){ .paths = paths, .fd = -1, .saved = -1 };
	(void)snprintf(j->id, sizeof j->id, "%.60s", id);
	(void)strcpy(j->prev, first_prev);
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* "prev":"..." is the second field of every line we write. */
static bool follows(const char *line, const char *prev)
{
	static const char key[] = "\"prev\":\"";
	const char *at = strstr(line, key);
	return line[0] == '{' && at && strncmp(at + sizeof key - 1, prev, JOURNAL_SUM - 1) == 0;
}

void journal_check(const char *text, size_t n, void (*each)(void *arg, char *line), void *arg, struct journal_check *ret)
{
	char prev[JOURNAL_SUM];
	(void)strcpy(prev, first_prev);
	*ret = (struct journal_check){ 0 };
	for (const char *at = text; at < text + n;) {
		const char *end = memchr(at, '\n', (size_t)(text + n - at));
		if (!end) {
			ret->torn = true;
			break;
		}
		autofree char *line = strndup(at, (size_t)(end - at));
		if (!line)
			abort();
		ret->lines++;
		if (!ret->bad && !follows(line, prev))
			ret->bad = ret->lines;
		sha256_hex(at, (size_t)(end - at), prev);
		if (each)
			each(arg, line);
		at = end + 1;
		ret->whole = (size_t)(at - text);
	}
	(void)strcpy(ret->last, prev);
}

static void kept_path(const struct paths *paths, const char *id, char *out, size_t cap)
{
	(void)snprintf(out, cap, "%s/journal-%.60s.kept", paths->of[PATH_RUN], id);
}

/* What is kept of the journal whose last line has this hash; NULL when there is nothing, or it is on disk by now. */
static char *read_kept(const struct paths *paths, const char *id, const char *last)
{
	char path[PATH_ROOM + 96], *text = NULL;
	kept_path(paths, id, path, sizeof path);
	if (kfile_read_all(AT_FDCWD, path, &text) < 0)
		return NULL;
	if (!follows(text, last)) {
		free(text);
		return NULL;
	}
	return text;
}

/* The file's text, "" when it is not there yet; -errno. */
static ssize_t read_file(const struct paths *paths, const char *id, char **ret)
{
	char path[PATH_ROOM + 96];
	journal_path(paths, id, "journal.jsonl", path, sizeof path);
	return kfile_read_all(AT_FDCWD, path, ret);
}

int journal_read(const struct paths *paths, const char *id, char **ret, struct err *e)
{
	struct journal_check check;
	autofree char *text = NULL;
	ssize_t n = read_file(paths, id, &text);
	journal_check(text ? text : "", n > 0 ? (size_t)n : 0, NULL, NULL, &check);
	autofree char *kept = n >= 0 || n == -ENOENT ? read_kept(paths, id, check.last) : NULL;
	if (n < 0 && !kept)
		return err_set(e, (int)-n, "read the journal of %s in %s", id, paths->of[PATH_INCIDENTS]);
	/* A torn line before what is kept would never get an end. */
	if (kept && asprintf(ret, "%.*s%s", (int)check.whole, text ? text : "", kept) < 0)
		abort();
	if (!kept)
		*ret = take_ptr(&text);
	return 0;
}

int journal_verify(const struct paths *paths, const char *id, struct journal_check *ret, struct err *e)
{
	char path[PATH_ROOM + 96], head[256], sum[JOURNAL_SUM] = "";
	unsigned long long lines = 0, bytes = 0;
	struct journal_check then;
	autofree char *text = NULL;
	ssize_t n = read_file(paths, id, &text);
	if (n < 0)
		return err_set(e, (int)-n, "read the journal of %s in %s", id, paths->of[PATH_INCIDENTS]);
	journal_check(text, (size_t)n, NULL, NULL, ret);
	journal_path(paths, id, "journal.head", path, sizeof path);
	if (kfile_read(AT_FDCWD, path, head, sizeof head) <= 0 || sscanf(head, "%20llu %20llu %64s", &lines, &bytes, sum) != 3)
		return 0;
	/* It is written last: the file may have grown since, but what it had then must still be there. */
	journal_check(text, bytes < (size_t)n ? (size_t)bytes : (size_t)n, NULL, NULL, &then);
	ret->written = lines;
	ret->cut = then.lines != lines || strcmp(then.last, sum) != 0;
	return 0;
}

static bool is_unlocked(const char *path)
{
	autofd int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fd < 0 ? errno == ENOENT : fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

bool journal_is_free(const struct paths *paths, const char *id)
{
	char path[PATH_ROOM + 96], kept[PATH_ROOM + 96];
	journal_path(paths, id, "journal.jsonl", path, sizeof path);
	kept_path(paths, id, kept, sizeof kept);
	return is_unlocked(path) && is_unlocked(kept);
}

/* ---- the file --------------------------------------------------------------------------------- */

/* Every directory of the path that is missing; what is above them is the host's. */
static void make_above(const char *path)
{
	char part[PATH_ROOM + 96];
	(void)snprintf(part, sizeof part, "%s", path);
	for (char *s = strchr(part + 1, '/'); s; s = strchr(s + 1, '/')) {
		*s = '\0';
		(void)!mkdir(part, 0755); /* what cannot be made shows when the file is opened */
		*s = '/';
	}
}

static int sync_dir(const char *path)
{
	autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) != 0 ? -errno : 0;
}

/* Opens and locks; -EAGAIN when another console has it. */
static int open_named(const struct journal *j, const char *id, struct err *e)
{
	char dir[PATH_ROOM + 96], path[PATH_ROOM + 96];
	journal_path(j->paths, id, "", dir, sizeof dir);
	dir[strlen(dir) - 1] = '\0';
	make_above(j->paths->of[PATH_INCIDENTS]);
	if ((mkdir(j->paths->of[PATH_INCIDENTS], MODE_DIR) != 0 && errno != EEXIST) || (mkdir(dir, MODE_DIR) != 0 && errno != EEXIST))
		return err_set(e, errno, "make %s", dir);
	journal_path(j->paths, id, "journal.jsonl", path, sizeof path);
	autofd int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, MODE);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fd < 0)
		return err_set(e, errno, "open %s", path);
	if (fcntl(fd, F_OFD_SETLK, &lock) != 0)
		return err_set(e, EAGAIN, "%s is another console's", path);
	if (sync_dir(dir) != 0 || sync_dir(j->paths->of[PATH_INCIDENTS]) != 0)
		return err_set(e, errno, "make %s last", path);
	return take_fd(&fd);
}

static void keep(struct journal *j, const char *bytes, size_t n)
{
	if (j->nkept + n + 1 > j->room) {
		j->room = (j->nkept + n + 1) * 2;
		j->kept = realloc(j->kept, j->room);
		if (!j->kept)
			abort();
	}
	memcpy(j->kept + j->nkept, bytes, n);
	j->nkept += n;
	j->kept[j->nkept] = '\0';
}

/* The lines another console kept in RUN are ours now, and stay there until they are on disk. */
static void take_over(struct journal *j, const char *kept, size_t n)
{
	char path[PATH_ROOM + 96];
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	kept_path(j->paths, j->id, path, sizeof path);
	keep(j, kept, n);
	j->saved = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (j->saved >= 0 && fcntl(j->saved, F_OFD_SETLK, &lock) == 0 && ftruncate(j->saved, (off_t)n) == 0)
		j->nsaved = n;
}

/* The chain goes on where the file ends. A torn last line is cut off: its hash would be nobody's. */
static int take_up(struct journal *j, int fd, struct err *e)
{
	autofree char *text = NULL;
	struct journal_check check;
	ssize_t n = lseek(fd, 0, SEEK_SET) == 0 ? kfile_read_fd(fd, &text) : -errno;
	if (n < 0)
		return err_set(e, (int)-n, "read the journal of %s", j->id);
	journal_check(text, (size_t)n, NULL, NULL, &check);
	if (check.torn && ftruncate(fd, (off_t)check.whole) != 0)
		return err_set(e, errno, "cut the torn line off the journal of %s", j->id);
	/* What a console that was killed could not bring to disk is brought there with our first line. */
	autofree char *kept = read_kept(j->paths, j->id, check.last);
	struct journal_check more = { 0 };
	journal_check(kept ? kept : "", kept ? strlen(kept) : 0, NULL, NULL, &more);
	if (more.whole)
		take_over(j, kept, more.whole);
	j->seq = check.lines + more.lines;
	(void)strcpy(j->prev, more.lines ? more.last : check.last);
	return 0;
}

static int open_journal(struct journal *j, struct err *e)
{
	char id[JOURNAL_ID];
	int fd = -EAGAIN;
	(void)snprintf(id, sizeof id, "%s", j->id);
	for (int i = 1; fd == -EAGAIN && i <= NAMESAKES; i++) {
		if (i > 1)
			(void)snprintf(id, sizeof id, "%.58s-%d", j->id, i);
		fd = open_named(j, id, e);
	}
	if (fd < 0)
		return fd;
	/* Lines kept in memory already have their place in a chain: only an empty one takes up the file's. */
	int r = j->seq == 0 ? take_up(j, fd, e) : 0;
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	(void)strcpy(j->id, id);
	j->fd = fd;
	return 0;
}

int journal_adopt(struct journal *j, const char *id, struct err *e)
{
	struct journal next;
	journal_init(&next, j->paths, id);
	int fd = open_named(&next, id, e);
	if (fd < 0)
		return fd;
	int r = take_up(&next, fd, e);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	next.fd = fd;
	journal_done(j);
	*j = next;
	return 0;
}

/* ---- writing ---------------------------------------------------------------------------------- */

/* {"a":1} becomes {"seq":N,"prev":"...","a":1}. */
static void chain(struct journal *j, const char *object, size_t n)
{
	autofree char *line = NULL;
	int len = asprintf(&line, "{\"seq\":%llu,\"prev\":\"%s\",%.*s\n", (unsigned long long)++j->seq, j->prev,
			   (int)(n - 1), object + 1);
	if (len < 0)
		abort();
	sha256_hex(line, (size_t)len - 1, j->prev);
	keep(j, line, (size_t)len);
}

/* Fixed in length, written over itself: a full disk has the room for it already. Not being able to is no failure of the
 * line, which is on disk. */
static void write_head(const struct journal *j, size_t bytes)
{
	char path[PATH_ROOM + 96], head[128];
	journal_path(j->paths, j->id, "journal.head", path, sizeof path);
	autofd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, MODE);
	int n = snprintf(head, sizeof head, "%020llu %020llu %s\n", (unsigned long long)j->seq, (unsigned long long)bytes, j->prev);
	if (fd >= 0)
		(void)!pwrite(fd, head, (size_t)n, 0);
}

/* What the disk cannot take goes to RUN, which is memory that outlives us; false when not even that has room. */
static bool save_kept(struct journal *j)
{
	char path[PATH_ROOM + 96];
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	kept_path(j->paths, j->id, path, sizeof path);
	make_above(path);
	if (j->saved < 0)
		j->saved = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, MODE);
	if (j->nsaved == 0 && (j->saved < 0 || fcntl(j->saved, F_OFD_SETLK, &lock) != 0 || ftruncate(j->saved, 0) != 0))
		return false;
	ssize_t w = write(j->saved, j->kept + j->nsaved, j->nkept - j->nsaved);
	j->nsaved += w > 0 ? (size_t)w : 0;
	return j->nsaved == j->nkept;
}

static void forget_saved(struct journal *j)
{
	char path[PATH_ROOM + 96];
	kept_path(j->paths, j->id, path, sizeof path);
	(void)!unlink(path);
	own_close(&j->saved);
	j->saved = -1;
	j->nsaved = 0;
}

/* All or nothing: half a line on disk would break the chain for good. */
int journal_flush(struct journal *j, struct err *e)
{
	if (!j->nkept)
		return 0;
	int r = j->fd < 0 ? open_journal(j, e) : 0;
	struct stat st;
	if (r < 0)
		return r;
	if (fstat(j->fd, &st) != 0)
		return err_set(e, errno, "the journal of %s", j->id);
	ssize_t w = write(j->fd, j->kept, j->nkept);
	int code = w < 0 ? errno : (size_t)w < j->nkept ? ENOSPC : fdatasync(j->fd) != 0 ? errno : 0;
	if (code) {
		if (w > 0 && ftruncate(j->fd, st.st_size) != 0) /* then only the check can tell */
			return err_set(e, errno, "take half a line back from the journal of %s", j->id);
		return err_set(e, code, "write the journal in %s", j->paths->of[PATH_INCIDENTS]);
	}
	write_head(j, (size_t)st.st_size + j->nkept);
	j->nkept = 0;
	forget_saved(j);
	return 0;
}

int journal_add(struct journal *j, const char *objects, struct err *e)
{
	if (!j->nkept && j->fd < 0 && j->seq == 0) {
		/* The first line needs to know what the file holds; when it cannot be opened the chain begins here. */
		struct err ignored = { 0 };
		(void)!open_journal(j, &ignored);
	}
	for (const char *at = objects; *at;) {
		size_t n = strcspn(at, "\n");
		if (n > 1 && j->nkept < KEPT_MOST)
			chain(j, at, n);
		at += n + (at[n] == '\n');
	}
	int r = journal_flush(j, e);
	if (r < 0)
		(void)err_wrap(e, save_kept(j) ? "kept in %s" : "kept in this console ONLY (%s has no room)", j->paths->of[PATH_RUN]);
	return r;
}

void journal_done(struct journal *j)
{
	struct err e = { 0 };
	(void)!journal_flush(j, &e);
	free(j->kept);
	own_close(&j->fd);
	own_close(&j->saved);
	*j = (struct journal){ .paths = j->paths, .fd = -1, .saved = -1 };
}
