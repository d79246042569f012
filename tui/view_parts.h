/* The parts of view(), one file each; nobody else calls these. */
#ifndef TUI_VIEW_PARTS_H
#define TUI_VIEW_PARTS_H

#include "tui/canvas.h"
#include "tui/layout.h"
#include "tui/model.h"

void view_head(const struct model *m, struct canvas *c);
void view_tabs(const struct model *m, const struct layout *l, struct canvas *c);
void view_list(const struct model *m, const struct layout *l, struct canvas *c);
void view_why(const struct model *m, const struct layout *l, struct canvas *c);
void view_steps(const struct model *m, const struct layout *l, struct canvas *c);
void view_log(const struct model *m, const struct layout *l, struct canvas *c);
void view_keys(const struct model *m, const struct layout *l, struct canvas *c);
void view_small(const struct model *m, const struct layout *l, struct canvas *c);
enum ink slo_text(const struct model *m, bool wide, char *out, size_t cap); /* view_slo.c; "": nothing is asked */
/* view_past.c: that this is the past, in words; of which moment, and what comes next. */
void view_past_when(const struct model *m, int cols, char *out, size_t cap);
void view_past_kept(const struct model *m, struct canvas *c);
void view_line(const struct model *m, struct canvas *c);
void view_dialog(const struct model *m, struct canvas *c);

/* Facts several parts show. */
struct tally {
	size_t left, changed, missing; /* leftovers; against the baseline */
	int escalate;		       /* criteria met, of ESCALATE_OF */
};
struct tally tally_of(const struct model *m);
void tally_diff(const struct model *m, enum tab tab, size_t *changed, size_t *missing); /* of the tab's kinds */
size_t tally_kind(const struct model *m, enum tab tab);
char health_letter(const struct model *m);
enum ink health_ink(const struct model *m);
char row_sign(const struct row *row);
const char *owner_shown(enum owner owner); /* "leak", "ORPHAN", "ACTIVE", ... */
void age_of(const struct model *m, uint64_t since_wall, char out[static 16]);
void clock_of(const struct model *m, char out[static 16]); /* "T+12:41", "" without trouble */
bool feed_is_stale(const struct model *m, uint64_t *age_s);
/* A path too long for its column loses its middle: the end says which one it is. */
const char *shortened(const struct canvas *c, const char *name, int width, char *out, size_t cap);
/* A rule across the area with a title in it. */
void titled_rule(struct canvas *c, int row, int col, int cols, const char *title, const char *right);

#endif
