/*
 * Reading a runbook page. md4c walks the markdown and calls back; this file keeps only where it is
 * (which heading, which list item, how deep) and gathers text until the block that owns it closes.
 */
#include "tui/runbook.h"

#include <md4c.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/text.h"

enum { GATHER = 4096 };

struct reader {
	struct runbook *book;
	struct arena *a;
	struct err *e;
	int failed;
	struct procedure *proc; /* NULL outside a procedure */
	int depth;		/* of lists */
	bool in_code;
	char text[GATHER], code[512], strong[64];
	size_t n, ncode, nstrong;
	size_t code_end; /* n when the last code span closed: it ends the item when nothing follows */
	bool in_strong, item_open;
};

static int refuse(struct reader *r, const char *what)
{
	if (!r->failed)
		r->failed = err_say(r->e, EBADMSG, "runbook %s, procedure %u, step %zu: %s", r->book->name,
				    r->proc ? r->proc->number : 0, r->proc ? r->proc->nsteps : 0, what);
	return 1;
}

static void gather_reset(struct reader *r)
{
	r->n = r->ncode = r->nstrong = r->code_end = 0;
	r->text[0] = r->code[0] = r->strong[0] = '\0';
}

static int gather(struct reader *r, char *buf, size_t cap, size_t *n, const char *s, size_t len)
{
	if (*n + len + 1 > cap)
		return refuse(r, "its text is too long");
	memcpy(buf + *n, s, len);
	*n += len;
	buf[*n] = '\0';
	return 0;
}

static const char *trimmed(struct reader *r, const char *s)
{
	s += strspn(s, " \t\n");
	size_t n = strlen(s);
	while (n && strchr(" \t\n", s[n - 1]))
		n--;
	return arena_strndup(r->a, s, n);
}

/* "mount", "mounts", "temp_dirs", "tempdirs", "{mount}": the kind's bit; "everything": all; else 0. */
static unsigned kinds_of(const char *word)
{
	static const struct {
		const char *name[4];
	} names[RES_KINDS] = {
#define X(id, word, plural, key, letter) [RES_##id] = { { word, plural, key, word "s" } },
		RESOURCE_KINDS(X)
#undef X
	};
	char bare[40];
	size_t n = strcspn(word, ",.;");
	if (word[0] == '{')
		word++, n = strcspn(word, "}");
	if (n >= sizeof bare)
		return 0;
	memcpy(bare, word, n);
	bare[n] = '\0';
	for (unsigned k = 0; k < RES_KINDS; k++)
		for (size_t i = 0; i < 4; i++)
			if (strcmp(bare, names[k].name[i]) == 0)
				return 1u << k;
	if (strcmp(bare, "everything") == 0)
		return RES_ALL;
	return strcmp(bare, "holders") == 0 || strcmp(bare, "holder") == 0 || strcmp(bare, "orphan") == 0 ||
	       strcmp(bare, "parent") == 0 ? 1u << RES_PROCESS : 0;
}

/* What `look rustbox ...` may name: commands that only read. */
static bool only_reads(const struct step *s)
{
	static const char *const reading[][3] = {
		{ "health", NULL, NULL }, { "health", "--verify-clean", NULL }, { "health", "--json", NULL },
		{ "status", NULL, NULL }, { "check", NULL, NULL }, { "metrics", NULL, NULL },
	};
	for (size_t i = 0; i < sizeof reading / sizeof reading[0]; i++) {
		size_t w = 0;
		while (w < 2 && reading[i][w] && w + 1 < s->nwords && strcmp(reading[i][w], s->words[w + 1]) == 0)
			w++;
		if (!reading[i][w] && w + 1 == s->nwords)
			return true;
	}
	return false;
}

static int step_verb(struct reader *r, struct step *s, const char *word)
{
	static const char *const words[VERB_COUNT] = {
#define X(id, word) [VERB_##id] = word,
		VERBS(X)
#undef X
	};
	for (unsigned v = VERB_LOOK; v < VERB_COUNT; v++)
		if (strcmp(word, words[v]) == 0) {
			s->verb = (enum verb)v;
			return 0;
		}
	return refuse(r, "ends in a code span that starts with none of look, check, do, do!, soak");
}

static int step_command(struct reader *r, struct step *s, const char *code)
{
	char *copy = arena_strdup(r->a, code), *save = NULL;
	char *word = strtok_r(copy, " \t\n", &save);
	if (!word || step_verb(r, s, word))
		return word ? 1 : refuse(r, "has an empty command");
	while ((word = strtok_r(NULL, " \t\n", &save))) {
		if (strpbrk(word, "|;&<>$`\\\"'*?"))
			return refuse(r, "has a shell character: steps are argument lists, not shell");
		*(const char **)arena_push(r->a, &s->words, &s->nwords, sizeof *s->words) = word;
		s->kinds |= kinds_of(word);
	}
	size_t n = s->nwords;
	*(const char **)arena_push(r->a, &s->words, &n, sizeof *s->words) = NULL;
	if (s->nwords == 0)
		return refuse(r, "says what to do but not to what");
	uint64_t ns = 0;
	if (s->verb == VERB_SOAK)
		return s->nwords == 1 && text_parse_duration(s->words[0], &ns, r->e) == 0 && ns ? 0 : refuse(r, "soaks for no time");
	bool command = strcmp(s->words[0], "rustbox") == 0;
	if ((s->verb == VERB_DO || s->verb == VERB_DO_DRASTIC) && (!command || s->nwords < 2))
		return refuse(r, "may only run rustbox with a command");
	if (s->verb == VERB_LOOK && command)
		return only_reads(s) ? 0 : refuse(r, "may only look with commands that read");
	bool state = s->verb == VERB_CHECK && (!strcmp(s->words[0], "healthy") || !strcmp(s->words[0], "baseline"));
	if ((s->verb == VERB_LOOK || s->verb == VERB_CHECK) && s->kinds == 0 && !state)
		return refuse(r, "names no kind of resource");
	return 0;
}

/* The head of an item is complete when a list below it, or the item itself, ends. */
static int item_close(struct reader *r)
{
	if (!r->item_open)
		return 0;
	r->item_open = false;
	struct step *s = &r->proc->steps[r->proc->nsteps - 1];
	bool command = r->ncode > 0 && r->code_end == strlen(r->text);
	if (command)
		r->text[r->n - r->ncode] = '\0';
	s->say = trimmed(r, r->text);
	const char *brief = r->nstrong ? r->strong : s->say;
	s->brief = arena_strndup(r->a, brief, r->nstrong ? r->nstrong : strcspn(brief, " \n,.:"));
	if (s->say[0] == '\0')
		return refuse(r, "says nothing");
	int failed = command ? step_command(r, s, r->code) : 0;
	gather_reset(r);
	return failed;
}

static int on_enter_block(MD_BLOCKTYPE type, void *detail, void *user)
{
	struct reader *r = user;
	(void)detail;
	if (type == MD_BLOCK_H || (type == MD_BLOCK_P && r->depth == 0))
		gather_reset(r);
	if (type == MD_BLOCK_OL || type == MD_BLOCK_UL) {
		if (r->proc && r->depth == 1 && item_close(r))
			return 1;
		r->depth++;
	}
	if (type != MD_BLOCK_LI || !r->proc)
		return 0;
	gather_reset(r);
	if (r->depth != 1)
		return 0;
	if (r->proc->nsteps == STEPS_MAX)
		return refuse(r, "a procedure may have 24 steps");
	struct step *s = arena_push(r->a, &r->proc->steps, &r->proc->nsteps, sizeof *r->proc->steps);
	*s = (struct step){ .verb = VERB_TELL };
	r->item_open = true;
	return 0;
}

static int heading(struct reader *r, unsigned level)
{
	unsigned number = 0;
	int at = 0;
	if (r->depth > 0) /* a heading inside a list item is that item's prose */
		return 0;
	if (level == 1 && !r->book->title)
		r->book->title = trimmed(r, r->text);
	if (level <= 3)
		r->proc = NULL;
	if (level == 3 && sscanf(r->text, "Procedure %3u:%n", &number, &at) == 1 && at > 0) {
		r->proc = arena_push(r->a, &r->book->v, &r->book->n, sizeof *r->book->v);
		*r->proc = (struct procedure){ .number = number, .title = trimmed(r, r->text + at) };
	}
	return 0;
}

static void applies_to(struct reader *r)
{
	static const char lead[] = "Applies to:";
	if (!r->proc || strncmp(r->text, lead, sizeof lead - 1) != 0)
		return;
	char *save = NULL;
	for (char *w = strtok_r(r->text + sizeof lead - 1, " ,.\n", &save); w; w = strtok_r(NULL, " ,.\n", &save))
		r->proc->kinds |= kinds_of(w);
}

/* The nested list of an item: "Original: ..." and "Why: ...". */
static void sub_item(struct reader *r)
{
	if (!r->proc || r->proc->nsteps == 0)
		return;
	struct step *s = &r->proc->steps[r->proc->nsteps - 1];
	if (strncmp(r->text, "Original:", 9) == 0)
		s->original = trimmed(r, r->text + 9);
	else if (strncmp(r->text, "Why:", 4) == 0)
		s->why = trimmed(r, r->text + 4);
}

static int on_leave_block(MD_BLOCKTYPE type, void *detail, void *user)
{
	struct reader *r = user;
	if (r->failed) /* md4c goes on closing what is open after a refusal, and the item is half gathered */
		return 1;
	if (type == MD_BLOCK_H)
		return heading(r, ((MD_BLOCK_H_DETAIL *)detail)->level);
	if (type == MD_BLOCK_P && r->depth == 0)
		applies_to(r);
	if (type == MD_BLOCK_LI && r->proc && r->depth == 1)
		return item_close(r);
	if (type == MD_BLOCK_LI && r->depth == 2)
		sub_item(r);
	if (type == MD_BLOCK_OL || type == MD_BLOCK_UL)
		r->depth--;
	return 0;
}

static int on_enter_span(MD_SPANTYPE type, void *detail, void *user)
{
	struct reader *r = user;
	(void)detail;
	if (type == MD_SPAN_CODE) {
		r->in_code = true;
		r->ncode = 0;
	}
	r->in_strong = type == MD_SPAN_STRONG && r->n == 0 ? true : r->in_strong;
	return 0;
}

static int on_leave_span(MD_SPANTYPE type, void *detail, void *user)
{
	struct reader *r = user;
	(void)detail;
	if (type == MD_SPAN_CODE) {
		r->in_code = false;
		r->code_end = r->n;
	}
	if (type == MD_SPAN_STRONG)
		r->in_strong = false;
	return 0;
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *s, MD_SIZE size, void *user)
{
	struct reader *r = user;
	size_t len = size;
	if (type == MD_TEXT_SOFTBR || type == MD_TEXT_BR || type == MD_TEXT_NULLCHAR)
		s = " ", len = 1;
	if (r->in_code && gather(r, r->code, sizeof r->code, &r->ncode, s, len))
		return 1;
	if (r->in_strong && gather(r, r->strong, sizeof r->strong, &r->nstrong, s, len))
		return 1;
	return gather(r, r->text, sizeof r->text, &r->n, s, len);
}

int runbook_parse(const char *name, const char *text, struct arena *a, struct runbook *ret, struct err *e)
{
	static const MD_PARSER callbacks = {
		.flags = MD_FLAG_NOHTMLBLOCKS | MD_FLAG_NOHTMLSPANS, .enter_block = on_enter_block,
		.leave_block = on_leave_block, .enter_span = on_enter_span, .leave_span = on_leave_span,
		.text = on_text,
	};
	struct runbook book = { .name = arena_strdup(a, name), .text = arena_strdup(a, text) };
	struct reader *r = arena_alloc(a, sizeof *r);
	*r = (struct reader){ .book = &book, .a = a, .e = e };
	int failed = md_parse(text, (MD_SIZE)strlen(text), &callbacks, r);
	if (r->failed)
		return r->failed;
	if (failed)
		return err_say(e, ENOMEM, "runbook %s: the markdown reader gave up", name);
	if (!book.title)
		book.title = book.name;
	*ret = book;
	return 0;
}

const char *verb_word(enum verb verb)
{
	static const char *const words[VERB_COUNT] = {
#define X(id, word) [VERB_##id] = word,
		VERBS(X)
#undef X
	};
	return verb < VERB_COUNT ? words[verb] : "?";
}
