/* Key scripts; see script.h. */
#include "tui/script.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "tui/books.h"
#include "tui/feed.h"
#include "tui/view.h"

enum { RECORD_SHOWN = 420, START_MS = 1000000, START_WALL = 1770520329 }; /* 2026-02-08T03:12:09Z, the moment of the design's mock-ups */

static const struct {
	const char *name;
	unsigned code;
} key_names[] = {
	{ "Up", K_UP },	      { "Down", K_DOWN },   { "Left", K_LEFT },	  { "Right", K_RIGHT },	      { "PgUp", K_PGUP },
	{ "PgDn", K_PGDN },   { "Home", K_HOME },   { "End", K_END },	  { "Delete", K_DELETE },     { "BackTab", K_BACKTAB },
	{ "F1", K_F1 },	      { "Enter", K_ENTER }, { "Esc", K_ESC },	  { "Tab", K_TAB },	      { "Backspace", K_BACKSPACE },
	{ "Space", ' ' },
};

/* The code of a key name, 0 when there is none of that name. */
static unsigned script_key(const char *name)
{
	for (size_t i = 0; i < sizeof key_names / sizeof *key_names; i++)
		if (strcmp(key_names[i].name, name) == 0)
			return key_names[i].code;
	if (name[0] == '^' && name[1] >= '@' && name[1] <= '_' && !name[2])
		return (unsigned)(name[1] - '@');
	return name[0] && !name[1] ? (unsigned char)name[0] : 0;
}

/* ---- messages in, effects out ----------------------------------------------------------------- */

static void deliver(void *ctx, struct msg *m);

static void note_effect(struct script *s, const struct effect *what)
{
	static const char *const words[] = { [EFFECT_NONE] = NULL,	 [EFFECT_RUN] = "run",		[EFFECT_STOP] = "stop",
					     [EFFECT_RECORD] = NULL,	 [EFFECT_BASELINE] = "baseline", [EFFECT_COPY] = "copy",
					     [EFFECT_BELL] = "bell",	 [EFFECT_REPAINT] = "repaint",	[EFFECT_SUSPEND] = "suspend",
					     [EFFECT_ASIDE] = "aside",
					     [EFFECT_MOUSE] = "mouse",	[EFFECT_WRITE] = "write",	[EFFECT_CONFIRM] = "confirm",
					     [EFFECT_HANDOVER] = "handover", [EFFECT_WAITING] = "waiting", [EFFECT_QUIT] = "quit" };
	for (const char *at = what->record ? what->record : ""; *at;) {
		size_t n = strcspn(at, "\n");
		(void)fprintf(s->asking, "record %.*s%s\n", (int)(n > RECORD_SHOWN ? RECORD_SHOWN : n), at, n > RECORD_SHOWN ? " ..." : "");
		at += n + (at[n] == '\n');
	}
	if (!words[what->kind])
		return;
	(void)fputs(words[what->kind], s->asking);
	for (const char *const *w = what->kind == EFFECT_RUN || what->kind == EFFECT_ASIDE ? what->argv : NULL; w && *w; w++)
		(void)fprintf(s->asking, " %s", *w);
	(void)fputc('\n', s->asking);
}

static void answer(struct script *s, const struct effect *what)
{
	enum effect_kind kind = what->kind;
	bool recorded = what->record != NULL, wanted = what->hold && !s->held;
	s->held = what->hold != NULL;
	if (kind == EFFECT_RUN)
		s->job = what->job;
	note_effect(s, what);
	if (recorded)
		deliver(s, &(struct msg){ .kind = MSG_RECORDED });
	if (kind == EFFECT_BASELINE)
		deliver(s, &(struct msg){ .kind = MSG_BASELINE, .text = s->baseline,
					  .note = s->baseline ? NULL : "baseline.txt: No such file or directory" });
	if (wanted)
		deliver(s, &(struct msg){ .kind = MSG_ARMED, .armed = { .ok = true } });
}

static void deliver(void *ctx, struct msg *m)
{
	struct script *s = ctx;
	m->now_ms = s->now_ms;
	m->wall = s->wall;
	struct effect what = update(s->model, m);
	answer(s, &what);
}

/* ---- the words ---------------------------------------------------------------------------------- */

static int number(const char *text, uint64_t *ret, struct err *e)
{
	return text_parse_u64(text, ret, e);
}

static int word_feed(struct script *s, const char *rest, struct err *e)
{
	(void)e;
	feed_line(rest, strlen(rest), (struct feed_sink){ deliver, s });
	return 0;
}

static int word_fixture(struct script *s, const char *rest, struct err *e)
{
	autofile FILE *f = fopen(rest, "re");
	autofree char *line = NULL;
	size_t cap = 0;
	if (!f)
		return err_set(e, errno, "open the fixture %s", rest);
	while (getline(&line, &cap, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (*line && *line != '#')
			feed_line(line, strlen(line), (struct feed_sink){ deliver, s });
	}
	return 0;
}

static void press(struct script *s, uint32_t code)
{
	deliver(s, &(struct msg){ .kind = MSG_KEY, .key = { .code = code } });
}

static int word_key(struct script *s, const char *rest, struct err *e)
{
	unsigned code = script_key(rest);
	if (!code)
		return err_say(e, EINVAL, "no key is called '%.40s'", rest);
	press(s, code);
	return 0;
}

static int word_type(struct script *s, const char *rest, struct err *e)
{
	(void)e;
	for (; *rest; rest++)
		press(s, (unsigned char)*rest);
	return 0;
}

static int word_paste(struct script *s, const char *rest, struct err *e)
{
	uint64_t n = 0;
	int r = number(rest, &n, e);
	if (r == 0)
		deliver(s, &(struct msg){ .kind = MSG_PASTE, .bytes = (size_t)n });
	return r;
}

static int word_size(struct script *s, const char *rest, struct err *e)
{
	struct msg m = { .kind = MSG_SIZE };
	char more;
	if (sscanf(rest, "%4dx%4d%c", &m.size.cols, &m.size.rows, &more) != 2 || m.size.cols < 1 || m.size.rows < 1)
		return err_say(e, EINVAL, "a size is COLSxROWS, not '%.40s'", rest);
	deliver(s, &m);
	return 0;
}

/* The clock moves in steps of what the model asked for, so that nothing falls due late. */
static int word_wait(struct script *s, const char *rest, struct err *e)
{
	uint64_t left = 0;
	int r = number(rest, &left, e);
	while (r == 0 && left > 0) {
		int wanted = model_next_ms(s->model);
		uint64_t step = wanted < 10 || (uint64_t)wanted > left ? (wanted >= 0 && wanted < 10 && left > 10 ? 10 : left) : (uint64_t)wanted;
		s->wall += (s->now_ms + step) / 1000 - s->now_ms / 1000;
		s->now_ms += step;
		left -= step;
		deliver(s, &(struct msg){ .kind = MSG_TICK });
	}
	return r;
}

static int word_clock(struct script *s, const char *rest, struct err *e)
{
	return number(rest, &s->wall, e);
}

static int word_baseline(struct script *s, const char *rest, struct err *e)
{
	autofree char *text = NULL;
	ssize_t n = kfile_read_all(AT_FDCWD, rest, &text);
	if (n < 0)
		return err_set(e, (int)-n, "read %s", rest);
	free(s->baseline_text);
	s->baseline = s->baseline_text = take_ptr(&text);
	deliver(s, &(struct msg){ .kind = MSG_BASELINE, .text = s->baseline });
	return 0;
}

static int word_line(struct script *s, const char *rest, bool err)
{
	struct msg m = { .kind = MSG_LINE, .text = rest };
	m.line.job = s->job;
	m.line.err = err;
	deliver(s, &m);
	return 0;
}

static int word_out(struct script *s, const char *rest, struct err *e)
{
	(void)e;
	return word_line(s, rest, false);
}

static int word_err(struct script *s, const char *rest, struct err *e)
{
	(void)e;
	return word_line(s, rest, true);
}

static int word_exit(struct script *s, const char *rest, struct err *e)
{
	struct msg m = { .kind = MSG_EXIT };
	uint64_t status = 0;
	int r = number(rest, &status, e);
	m.exit.job = s->job;
	m.exit.status = (int)status;
	if (r == 0)
		deliver(s, &m);
	return r;
}

static int word_screen(struct script *s, const char *rest, struct err *e)
{
	(void)e;
	struct canvas c;
	canvas_init(&c, s->model->rows, s->model->cols, s->utf8);
	view(s->model, &c);
	if (*rest && !s->svg)
		(void)fprintf(s->out, "--- %s\n", rest);
	if (s->svg)
		canvas_svg(&c, s->out, s->light);
	else
		canvas_dump(&c, s->out);
	canvas_done(&c);
	return 0;
}

static int word_effects(struct script *s, const char *rest, struct err *e)
{
	(void)rest;
	(void)e;
	(void)fflush(s->asking);
	(void)fwrite(s->asked, 1, s->asked_len, s->out);
	(void)fseek(s->asking, 0, SEEK_SET);
	return 0;
}

/* `metrics FILE`: the worker's page; `metrics` alone: it is gone. */
static int word_metrics(struct script *s, const char *rest, struct err *e)
{
	autofree char *text = NULL;
	ssize_t n = *rest ? kfile_read_all(AT_FDCWD, rest, &text) : 0;
	if (n < 0)
		return err_set(e, (int)-n, "read %s", rest);
	struct msg m = { .kind = MSG_METRICS, .text = text, .note = text ? "127.0.0.1:9090" : "127.0.0.1:9090 refuses: nobody listens", .bytes = 15000 };
	deliver(s, &m);
	return 0;
}

/* `peer {...}`: another console is armed; `peer` alone: no longer. `taken {...}`: it took over from this one. */
static int word_peer(struct script *s, const char *rest, struct err *e)
{
	(void)e;
	deliver(s, &(struct msg){ .kind = MSG_PEER, .text = *rest ? rest : NULL, .armed = { .ok = *rest != '\0' } });
	return 0;
}

static int word_taken(struct script *s, const char *rest, struct err *e)
{
	(void)e;
	deliver(s, &(struct msg){ .kind = MSG_TAKEN, .text = rest });
	return 0;
}

static const struct {
	const char *word;
	int (*act)(struct script *s, const char *rest, struct err *e);
} words[] = {
	{ "feed", word_feed },	 { "fixture", word_fixture }, { "key", word_key },   { "type", word_type },
	{ "paste", word_paste }, { "size", word_size },	      { "wait", word_wait }, { "baseline", word_baseline },
	{ "out", word_out },	 { "err", word_err },	      { "exit", word_exit }, { "screen", word_screen },
	{ "effects", word_effects }, { "peer", word_peer }, { "taken", word_taken }, { "clock", word_clock }, { "metrics", word_metrics },
};

int script_line(struct script *s, const char *line, struct err *e)
{
	size_t n = strcspn(line, " ");
	if (!*line || *line == '#')
		return 0;
	const char *rest = line + n + (line[n] == ' ');
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i].word) == n && strncmp(words[i].word, line, n) == 0)
			return words[i].act(s, rest, e);
	return err_say(e, EINVAL, "unknown word '%.*s'", (int)(n > 40 ? 40 : n), line);
}

/* ---- files -------------------------------------------------------------------------------------- */

int script_file(struct script *s, const char *path, struct err *e)
{
	autofile FILE *f = strcmp(path, "-") == 0 ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "re");
	autofree char *line = NULL;
	size_t cap = 0;
	unsigned at = 0;
	if (!f)
		return err_set(e, errno, "open the script %s", path);
	while (getline(&line, &cap, f) > 0) {
		at++;
		line[strcspn(line, "\n")] = '\0';
		if (script_line(s, line, e) != 0)
			return err_wrap(e, "%s:%u", path, at);
	}
	return 0;
}

void script_begin(struct script *s, struct model *m, FILE *out, int rows, int cols)
{
	*s = (struct script){ .model = m, .out = out, .now_ms = START_MS, .wall = START_WALL };
	s->asking = open_memstream(&s->asked, &s->asked_len);
	if (!s->asking)
		abort();
	struct msg size = { .kind = MSG_SIZE };
	size.size.rows = rows;
	size.size.cols = cols;
	deliver(s, &size);
}

void script_end(struct script *s)
{
	(void)fclose(s->asking);
	free(s->asked);
	free(s->baseline_text);
}

int script_main(const char *script, const char *fixture, const char *size, const char *dump, const char *books, bool utf8,
		bool light)
{
	struct err e = { 0 };
	struct model *m = calloc(1, sizeof *m);
	if (!m)
		abort();
	struct model_options mo = { .host = "worker-07", .user = "alice", .tty = "pts/4", .incident = "0208-01", .utf8 = utf8,
				    .is_root = true };
	model_init(m, &mo);
	struct script s;
	script_begin(&s, m, stdout, 24, 80);
	s.utf8 = utf8;
	s.light = light;
	s.svg = dump && strcmp(dump, "svg") == 0;
	int r = dump && !s.svg && strcmp(dump, "text") != 0 ? err_say(&e, EINVAL, "--dump is text or svg, not '%.40s'", dump) : 0;
	r = r ? r : books_load(m, books, &e);
	r = r || !size ? r : word_size(&s, size, &e);
	r = r || !fixture ? r : word_fixture(&s, fixture, &e);
	r = r ? r : script_file(&s, script, &e);
	r = r || !dump ? r : word_screen(&s, "", &e);
	script_end(&s);
	model_done(m);
	free(m);
	if (r == 0 && fflush(stdout) != 0)
		r = err_set(&e, errno, "write the screen");
	if (r)
		(void)fprintf(stderr, "rustbox-tui: %s\n", e.text);
	return r ? 64 : 0;
}
