/* Facts several parts of the screen show, computed in one place. */
#include <stdio.h>
#include <string.h>

#include "probes/base/text.h"
#include "tui/escalate.h"
#include "tui/then.h"
#include "tui/view_parts.h"

/* Below two minutes an age is told in seconds, in steps: ten young leftovers must not rewrite ten cells a second. */
enum { STALE_S = 15, EXACT_S = 120, AGE_STEP_S = 10 };

static const unsigned kinds[TAB_COUNT] = {
#define X(id, narrow, wide, bits) [TAB_##id] = (bits),
	TABS(X)
#undef X
};

void tally_diff(const struct model *m, enum tab tab, size_t *changed, size_t *missing)
{
	for (int k = 0; k < RES_KINDS; k++)
		if (kinds[tab] & 1u << k) {
			*changed += m->changed[k];
			*missing += m->missing[k];
		}
}

size_t tally_kind(const struct model *m, enum tab tab)
{
	return count_leftovers(m->count, kinds[tab]);
}

struct tally tally_of(const struct model *m)
{
	struct tally t = { .left = tally_kind(m, TAB_ALL), .changed = m->diff.changed, .missing = m->diff.missing };
	bool met[ESCALATE_OF];
	(void)escalate_names(m, met);
	for (int i = 0; i < ESCALATE_OF; i++)
		t.escalate += met[i];
	return t;
}

char health_letter(const struct model *m)
{
	static const char letters[HEALTH_STATUSES_COUNT] = {
		[HEALTH_HEALTHY] = 'H', [HEALTH_UNHEALTHY] = 'U', [HEALTH_QUARANTINED] = 'Q',
	};
	if (m->sight.conflict)
		return '!';
	return m->health_ms && m->health.status < HEALTH_STATUSES_COUNT ? letters[m->health.status] : '?';
}

enum ink health_ink(const struct model *m)
{
	char letter = health_letter(m);
	if (letter == 'H')
		return INK_GOOD;
	return letter == 'Q' || letter == '!' ? INK_BAD : INK_WARN;
}

char row_sign(const struct row *row)
{
	if (row->missing)
		return '-';
	if (row->gone_ms)
		return ' ';
	if (owner_is_left_over(row->res->owner))
		return '+';
	if (row->sign == CHANGE_CHANGED)
		return '~';
	return row->res->owner == OWNER_FOREIGN || row->res->owner == OWNER_SELF ? '.' : '=';
}

const char *owner_shown(enum owner owner)
{
	return owner == OWNER_ORPHAN ? "ORPHAN" : owner == OWNER_ACTIVE ? "ACTIVE" : owner_word(owner);
}

void age_of(const struct model *m, uint64_t since, char out[static 16])
{
	uint64_t s = time_wall(m) - since;
	if (since == 0 || time_wall(m) < since)
		(void)strcpy(out, "-");
	else
		text_age(s < EXACT_S ? s / AGE_STEP_S * AGE_STEP_S : s, out, 16);
}

void clock_of(const struct model *m, char out[static 16])
{
	out[0] = '\0';
	if (!m->trouble_since || time_wall(m) < m->trouble_since)
		return;
	uint64_t s = time_wall(m) - m->trouble_since;
	if (s >= 100 * 3600)
		(void)snprintf(out, 16, "T+%ud", (unsigned)(s / 86400 % 10000));
	else if (s >= 3600)
		(void)snprintf(out, 16, "T+%u:%02u:%02u", (unsigned)(s / 3600 % 100), (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	else
		(void)snprintf(out, 16, "T+%02u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
}

bool feed_is_stale(const struct model *m, uint64_t *age_s)
{
	*age_s = m->feed_ms ? (m->now_ms - m->feed_ms) / 1000 : 0;
	return m->feed_ms && *age_s >= STALE_S;
}

const char *shortened(const struct canvas *c, const char *name, int width, char *out, size_t cap)
{
	size_t colon = strcspn(name, ":/");
	int head = name[0] == '/' ? 5 : name[colon] == ':' ? (int)colon + 1 : 0; /* "/tmp/", "memory:" */
	if (!head || width < head + 8 || canvas_width(c, name) <= width)
		return name;
	const char *tail = name + head;
	while (*tail && (((unsigned char)*tail & 0xc0) == 0x80 || canvas_width(c, tail) > width - head - 2))
		tail++;
	(void)snprintf(out, cap, "%.*s..%s", head, name, tail);
	return out;
}

void titled_rule(struct canvas *c, int row, int col, int cols, const char *title, const char *right)
{
	canvas_rule(c, row, col, cols);
	if (title[0]) {
		int n = canvas_printf(c, row, col + 2, cols - 4, INK_STRONG, " %s", title);
		(void)canvas_text(c, row, col + 2 + n, 1, INK_RULE, " ");
	}
	if (right && right[0]) {
		int w = canvas_width(c, right);
		if (w + 6 < cols - canvas_width(c, title))
			(void)canvas_printf(c, row, col + cols - w - 3, w + 2, INK_RULE, " %s ", right);
	}
}
