/*
 * Rows 0 to 2 and the last never scroll away. Between them stand tabs and list, "why stuck", the steps and the
 * log; when rows are short the log shrinks first, then the detail, and the list keeps at least three.
 */
#include "tui/layout.h"

enum { HEAD = 5, LIST_LEAST = 3, WHY_ROWS = 3, LOG_ROWS = 3, STEP_ROWS = 2, WIDE_WHY = 55, WIDE_WHY_MOST = 110, WIDE_STEPS = 8 };

bool layout_can_commit(int rows, int cols)
{
	return rows >= 18 && cols >= 60;
}

int layout_dialog_rows(int rows, int fields)
{
	int n = rows - 6 - fields; /* identity, two borders, two lines of keys, the newcomers' line */
	return n > 1 ? n : 1;
}

static struct layout small(int rows, int cols)
{
	return (struct layout){ .shape = SHAPE_SMALL, .tabs = -1, .header = -1, .keys = rows - 1, .escalate = -1,
				.list = { 3, 0, rows - 6, cols } };
}

static struct layout wide(int rows, int cols, bool stepping)
{
	struct layout l = { .shape = SHAPE_WIDE, .tabs = 3, .header = 4, .keys = rows - 1 };
	int why = cols / 3 > WIDE_WHY_MOST ? WIDE_WHY_MOST : cols / 3 > WIDE_WHY ? cols / 3 : WIDE_WHY;
	int split = cols - why, below = rows - 2; /* the line above the keys tells about the disk */
	int steps = stepping ? WIDE_STEPS + 1 : 0, log = rows >= 40 ? 9 : 6;
	l.log = (struct area){ below - 1 - (log - 1), 0, log - 1, cols };
	l.escalate = below - 1;
	int top = l.log.row - 1 - steps;
	if (stepping) {
		l.steps = (struct area){ top + 1, 0, WIDE_STEPS, split };
		l.step_why = (struct area){ top + 1, split, WIDE_STEPS, why };
	}
	l.list = (struct area){ HEAD, 0, top - HEAD, split };
	l.why = (struct area){ HEAD - 1, split, top - HEAD + 1, why };
	return l;
}

struct layout layout_for(int rows, int cols, bool stepping)
{
	if (rows < 6 || cols < 30)
		return (struct layout){ .shape = SHAPE_LINE, .keys = -1, .tabs = -1, .header = -1, .escalate = -1 };
	if (!layout_can_commit(rows, cols))
		return small(rows, cols);
	if (cols >= 120 && rows >= 30)
		return wide(rows, cols, stepping);
	struct layout l = { .shape = SHAPE_NORMAL, .tabs = 3, .header = 4, .keys = rows - 1, .escalate = -1 };
	int free_rows = rows - HEAD - 1, log = LOG_ROWS + 1, why = WHY_ROWS + 1, steps = stepping ? STEP_ROWS + 1 : 0;
	while (log > 0 && free_rows - log - why - steps < 7)
		log = log > 2 ? log - 1 : 0;
	while (why > 0 && free_rows - log - why - steps < LIST_LEAST)
		why = why > 2 ? why - 1 : 0;
	if (rows > 30) { /* room to spare: a third of it tells more */
		int more = (rows - 30) / 3;
		why += more;
		log += more;
	}
	int list = free_rows - log - why - steps, at = HEAD + list;
	l.list = (struct area){ HEAD, 0, list, cols };
	if (why)
		l.why = (struct area){ at + 1, 0, why - 1, cols };
	at += why;
	if (steps)
		l.steps = (struct area){ at + 1, 0, steps - 1, cols };
	at += steps;
	if (log)
		l.log = (struct area){ at + 1, 0, log - 1, cols };
	return l;
}
