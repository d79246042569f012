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
	*j = (struct journal){ .paths = paths, .fd = -1 };
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

int journal_read(const struct paths *paths, const char *id, char **ret, struct err *e)
{
	char path[PATH_ROOM + 96];
	journal_path(paths, id, "journal.jsonl", path, sizeof path);
	ssize_t n = kfile_read_all(AT_FDCWD, path, ret);
	return n < 0 ? err_set(e, (int)-n, "read the journal %s", path) : 0;
}

bool journal_is_free(const struct paths *paths, const char *id)
{
	char path[PATH_ROOM + 96];
	journal_path(paths, id, "journal.jsonl", path, sizeof path);
	autofd int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
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
	j->seq = check.lines;
	(void)strcpy(j->prev, check.lines ? check.last : first_prev);
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
	j->nkept = 0;
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
	return journal_flush(j, e);
}

void journal_done(struct journal *j)
{
	struct err e = { 0 };
	(void)!journal_flush(j, &e);
	free(j->kept);
	own_close(&j->fd);
	*j = (struct journal){ .paths = j->paths, .fd = -1 };
}
