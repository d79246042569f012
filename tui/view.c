/* The whole screen, part by part; each part knows its own area only. */
#include "tui/view.h"

#include "tui/then.h"
#include "tui/view_parts.h"

void view(const struct model *m, struct canvas *c)
{
	struct layout l = layout_for(c->rows, c->cols, time_steps(m));
	canvas_clear(c);
	if (l.shape == SHAPE_LINE) {
		view_line(m, c);
		return;
	}
	if (l.shape == SHAPE_SMALL) {
		view_small(m, &l, c);
		view_dialog(m, c);
		return;
	}
	view_head(m, c);
	view_tabs(m, &l, c);
	view_list(m, &l, c);
	view_why(m, &l, c);
	view_steps(m, &l, c);
	view_log(m, &l, c);
	view_keys(m, &l, c);
	view_dialog(m, c);
}
