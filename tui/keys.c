/* The key table; see keys.h. */
#include "tui/keys.h"

#include <string.h>

const struct action_row action_rows[ACTION_COUNT] = {
	[ACTION_NONE] = { "", "", "" },
#define ACTION(id, name, label, help) [ACTION_##id] = { name, label, help },
#include "tui/actions.def"
#undef ACTION
};

const struct key_row key_rows[] = {
#define KEY(code, name, action) { code, name, ACTION_##action },
#include "tui/keys.def"
#undef KEY
};
const size_t key_row_count = sizeof key_rows / sizeof key_rows[0];

enum action action_of_key(uint32_t code)
{
	for (size_t i = 0; i < key_row_count; i++)
		if (key_rows[i].code == code)
			return key_rows[i].action;
	return ACTION_NONE;
}

enum action action_of_name(const char *name)
{
	enum action found = ACTION_NONE;
	size_t n = strlen(name);
	for (int a = ACTION_NONE + 1; n && a < ACTION_COUNT; a++) {
		if (strcmp(action_rows[a].name, name) == 0)
			return (enum action)a;
		if (strncmp(action_rows[a].name, name, n) == 0) {
			if (found != ACTION_NONE)
				return ACTION_NONE;
			found = (enum action)a;
		}
	}
	return found;
}

const char *key_of_action(enum action action)
{
	for (size_t i = 0; i < key_row_count; i++)
		if (key_rows[i].action == action)
			return key_rows[i].name;
	return "";
}

/* What may be asked for while the screen shows the past. */
bool action_only_looks(enum action action)
{
	return action == ACTION_WHY || action == ACTION_FILTER || (action >= ACTION_SORT && action <= ACTION_FOREIGN) ||
	       action == ACTION_COPY || (action >= ACTION_MESSAGES && action <= ACTION_HELP) ||
	       (action >= ACTION_STOP && action <= ACTION_TAB_6);
}

bool action_works(const struct model *m, enum action action)
{
	const struct row *at = m->list.cursor < m->list.n ? m->list.shown[m->list.cursor] : NULL;
	const struct step *step = walk_step(&m->walk);
	if (m->past.on && !action_only_looks(action))
		return action == ACTION_TIME || action == ACTION_EARLIER || action == ACTION_LATER;
	switch ((int)action) {
	case ACTION_PREVIEW:
		return step || (at && row_actable(at));
	case ACTION_HOLDERS:
		return at && row_alive(at) && (at->res->kind == RES_MOUNT || at->res->kind == RES_GHOST) &&
		       !m->job[JOB_HOLDERS].id;
	case ACTION_WHY:
		return at || m->list.tab == TAB_DIR;
	case ACTION_COPY:
		return at != NULL;
	case ACTION_MARK:
		return at && row_alive(at) && at->res->owner == OWNER_LEAK;
	case ACTION_COPY_SHELL:
		return at || step;
	case ACTION_ORIGINAL:
	case ACTION_SKIP:
	case ACTION_FOCUS:
		return step != NULL;
	case ACTION_CLOSE:
		return m->walk.proc != NULL;
	case ACTION_HINT:
		return m->opt.in_drill;
	case ACTION_UNDO:
		return m->trash.n && m->trash.until > m->wall;
	case ACTION_PROCEDURES:
		return m->nbooks > 0;
	case ACTION_STOP:
		return m->job[JOB_ACT].id != 0;
	case ACTION_TIME:
		return m->past.on || m->past.n;
	case ACTION_NEXT_NEWS:
	case ACTION_LAST_NEWS:
		return m->past.on || m->sight.news;
	case ACTION_EARLIER:
	case ACTION_LATER:
		return m->past.on;
	case ACTION_FOREIGN:
		return m->list.foreign || m->list.hidden_foreign;
	}
	return action != ACTION_NONE;
}

const char *action_refusal(const struct model *m, enum action action)
{
	static const char *const why[ACTION_COUNT] = {
		[ACTION_HOLDERS] = "w asks about a mount or a ghost, one at a time: move to one",
		[ACTION_WHY] = "no row to explain: move to one",
		[ACTION_COPY] = "no row to copy: move to one",
		[ACTION_PROCEDURES] = "no runbooks are here: $RUSTBOX_RUNBOOKS names their folder",
		[ACTION_ORIGINAL] = "o shows a procedure's original: p opens one",
		[ACTION_SKIP] = "S skips a step of a procedure: p opens one",
		[ACTION_FOCUS] = "no procedure is open to go to: p opens one",
		[ACTION_CLOSE] = "no procedure is open: p opens one",
		[ACTION_HINT] = "hints are for drills: :drill lists them",
		[ACTION_STOP] = "nothing is running that could be stopped",
		[ACTION_TIME] = "nothing has changed yet: there is no past to go to",
		[ACTION_FOREIGN] = "nothing foreign is here",
	};
	return action_works(m, action) ? NULL : why[action];
}
