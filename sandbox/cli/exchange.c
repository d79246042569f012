/* `rustbox put`, `get` and `ls`: files into and out of a box that lives; see sandbox/box/exchange.h for the dangers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "sandbox/box/exchange.h"
#include "sandbox/cli/commands.h"
#include "sandbox/kernel/sys.h"

static const uint64_t most_by_default = 64 << 20;

struct wish {
	const char *box, *words[2]; /* as given; NULL: not given */
	uint64_t most;
	bool json, help;
};

static int help(const struct invocation *in)
{
	(void)printf("usage: rustbox %s %s\n\n"
		     "  --box-id ID   a box made by `rustbox init`, with no run in it\n", in->argv[0], command_find(in->argv[0])->args);
	if (strcmp(in->argv[0], "ls") != 0)
		(void)printf("  --max SIZE    the most a file may have (64M)\n");
	(void)printf("  --json        one JSON object a line; an error as well, in \"error\"\n");
	(void)printf("\nINSIDE is below /box. Nothing in it is followed. Exit status: 0 done, 1 what is inside forbids it, 2 usage, "
		     "3 the box can't be entered.\n");
	return finish(EXIT_GOOD);
}

/* The value of `--name VALUE` or `--name=VALUE`, `word` being what stands at *at; NULL when it is another word. */
static const char *value_of(const struct invocation *in, const char *word, const char *name, int *at)
{
	size_t n = strlen(name);
	if (strncmp(word, name, n) != 0)
		return NULL;
	if (word[n] == '=')
		return word + n + 1;
	return word[n] == '\0' && *at + 1 < in->argc ? in->argv[++*at] : NULL;
}

static int parse(const struct invocation *in, struct wish *w, struct err *e)
{
	size_t n = 0;
	bool words = false; /* after `--` everything is a name */
	w->most = most_by_default;
	for (int i = 1; i < in->argc; i++) {
		const char *word = in->argv[i], *value;
		if (words || word[0] != '-' || word[1] == '\0') {
			if (n == 2)
				return err_say(e, EINVAL, "too many names");
			w->words[n++] = word;
		} else if (strcmp(word, "--") == 0) {
			words = true;
		} else if ((value = value_of(in, word, "--box-id", &i))) {
			w->box = value;
		} else if ((value = value_of(in, word, "--max", &i))) {
			int r = text_parse_size(value, 1, &w->most, e);
			if (r < 0)
				return err_wrap(e, "--max");
		} else if (strcmp(word, "--json") == 0) {
			w->json = true;
		} else {
			w->help = strcmp(word, "--help") == 0;
			return err_say(e, EINVAL, "'%.40s' is no option here", word);
		}
	}
	if (!w->box || !text_is_box_name(w->box))
		return err_say(e, EINVAL, "--box-id ID is needed, 1 to 64 characters of A-Z a-z 0-9 _ -");
	return 0;
}

static void put_json(json_t *row)
{
	(void)json_dumpf(row, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(row);
}

/* What the box's content forbids is an answer, "no"; what keeps us from asking is rustbox's. */
static int tell(const struct invocation *in, const struct wish *w, const struct err *e, bool entered)
{
	complain("%s: %s", in->argv[0], e->text);
	if (w->json)
		put_json(json_pack("{so}", "error", json_text(e->text)));
	return e->code == EINVAL && !entered ? EXIT_USAGE : entered ? EXIT_VERDICT : EXIT_IE;
}

static int done(const struct wish *w, const char *path)
{
	if (w->json)
		put_json(json_pack("{sosn}", "path", json_text(path), "error"));
	return finish(EXIT_GOOD);
}

/* The wish, and the path inside. Returns EXIT_GOOD or what to exit with. */
static int begin(const struct invocation *in, const char *inside, const struct wish *w, struct arena *a, const char **path,
		 struct exchange *x)
{
	struct err e = { 0 };
	if (exchange_path(inside, a, path, &e) < 0)
		return tell(in, w, &e, false);
	return exchange_open(in->paths, w->box, x, &e) < 0 ? tell(in, w, &e, false) : EXIT_GOOD;
}

static int open_host_file(const char *name, struct stat *st, struct err *e)
{
	autofd int fd = strcmp(name, "-") == 0 ? sys_fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					       : sys_openat(AT_FDCWD, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0 || fstat(fd, st) < 0)
		return err_set(e, fd < 0 ? -fd : errno, "%.150s", name);
	if (strcmp(name, "-") != 0 && !S_ISREG(st->st_mode))
		return err_say(e, EINVAL, "%.150s: not a regular file", name);
	return take_fd(&fd);
}

int cmd_put(const struct invocation *in)
{
	autoarena struct arena a = { 0 };
	autoexchange struct exchange x = EXCHANGE_NONE;
	struct wish w = { 0 };
	struct err e = { 0 };
	struct stat st;
	const char *path;
	if (parse(in, &w, &e) < 0)
		return w.help ? help(in) : tell(in, &w, &e, false);
	if (!w.words[0] || (strcmp(w.words[0], "-") == 0 && !w.words[1]))
		return command_usage(in);
	const char *slash = strrchr(w.words[0], '/');
	const char *inside = w.words[1] ? w.words[1] : slash ? slash + 1 : w.words[0];
	autofd int from = open_host_file(w.words[0], &st, &e);
	if (from < 0) {
		e.code = EINVAL;
		return tell(in, &w, &e, false);
	}
	int status = begin(in, inside, &w, &a, &path, &x);
	if (status != EXIT_GOOD)
		return status;
	bool executable = strcmp(w.words[0], "-") != 0 && st.st_mode & S_IXUSR;
	return exchange_put(&x, from, path, executable, w.most, &e) < 0 ? tell(in, &w, &e, true) : done(&w, path);
}

/* The host's file is there whole or not at all: written beside, then renamed. */
static int save(int from, const char *name, uint64_t most, struct err *e)
{
	char beside[4096];
	struct stat st;
	if (lstat(name, &st) == 0 && !S_ISREG(st.st_mode))
		return err_say(e, EINVAL, "%.150s is there and is not a regular file; `-` writes to standard output", name);
	if (snprintf(beside, sizeof beside, "%s.%llx", name, (unsigned long long)clock_mono_ns()) >= (int)sizeof beside)
		return err_say(e, EINVAL, "the host's file name is too long");
	autofd int to = sys_openat(AT_FDCWD, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
	if (to < 0)
		return err_set(e, -to, "make %.150s", name);
	int r = exchange_copy(from, to, most, e);
	if (r == 0 && (r = sys_renameat2(AT_FDCWD, beside, AT_FDCWD, name, 0)) < 0)
		(void)err_set(e, -r, "write %.150s", name);
	if (r < 0 && sys_unlinkat(AT_FDCWD, beside, 0) < 0)
		(void)err_wrap(e, "%.100s stays behind", beside);
	return r;
}

int cmd_get(const struct invocation *in)
{
	autoarena struct arena a = { 0 };
	autoexchange struct exchange x = EXCHANGE_NONE;
	struct wish w = { 0 };
	struct err e = { 0 };
	const char *path;
	unsigned names = 0;
	if (parse(in, &w, &e) < 0)
		return w.help ? help(in) : tell(in, &w, &e, false);
	bool out = !w.words[1] || strcmp(w.words[1], "-") == 0;
	if (!w.words[0] || (w.json && out))
		return command_usage(in);
	if (!w.words[1] && isatty(STDOUT_FILENO)) {
		complain("get: what a hostile program wrote can take over a terminal: name a file, or - to see it all the same");
		return EXIT_USAGE;
	}
	int status = begin(in, w.words[0], &w, &a, &path, &x);
	if (status != EXIT_GOOD)
		return status;
	autofd int from = exchange_get(&x, path, w.most, &names, &e);
	if (from < 0)
		return tell(in, &w, &e, true);
	int r = out ? exchange_copy(from, STDOUT_FILENO, w.most, &e) : save(from, w.words[1], w.most, &e);
	if (r < 0)
		return tell(in, &w, &e, r == -EFBIG);
	if (names > 1)
		complain("get: '%s' has %u names in the box (hard links)", path, names);
	return done(&w, path);
}

static void put_row(void *arg, const struct exchange_entry *entry)
{
	char shown[16384];
	const struct wish *w = arg;
	if (w->json) {
		put_json(json_pack("{so ss# si sI si}", "path", json_text(entry->path), "type", &entry->type, (size_t)1,
				   "mode", (int)entry->mode, "size", (json_int_t)entry->size, "names", (int)entry->names));
		return;
	}
	(void)printf("%c %04o %3u %10llu %s\n", entry->type, entry->mode, entry->names, (unsigned long long)entry->size,
		     text_escape(entry->path, shown, sizeof shown));
}

int cmd_ls(const struct invocation *in)
{
	autoarena struct arena a = { 0 };
	autoexchange struct exchange x = EXCHANGE_NONE;
	struct wish w = { 0 };
	struct err e = { 0 };
	const char *path;
	bool incomplete = false;
	if (parse(in, &w, &e) < 0)
		return w.help ? help(in) : tell(in, &w, &e, false);
	if (w.words[1])
		return command_usage(in);
	int status = begin(in, w.words[0] ? w.words[0] : "", &w, &a, &path, &x);
	if (status != EXIT_GOOD)
		return status;
	if (exchange_list(&x, path, put_row, &w, &incomplete, &e) < 0)
		return tell(in, &w, &e, true);
	if (incomplete)
		complain("ls: not all of it: there is more than %d levels deep, more than %d entries, or a mount", EXCHANGE_DEPTH,
			 EXCHANGE_ENTRIES);
	return finish(incomplete ? EXIT_VERDICT : EXIT_GOOD);
}
