/* Keys of the main screen. None of them changes the host. */
#include <stdio.h>
#include <string.h>

#include "probes/base/text.h"
#include "tui/drill.h"
#include "tui/keys.h"
#include "tui/layout.h"
#include "tui/space.h"
#include "tui/then.h"
#include "tui/both.h"
#include "tui/update.h"
#include "tui/write.h"

enum { INCIDENT_MS = 30000 };
static const struct effect nothing = { 0 };

static struct effect key_copy(struct model *m)
{
	const struct row *at = list_at(&m->list);
	char safe[512];
	if (!at)
		return nothing;
	const char *kind = resource_kind_word(at->res->kind);
	const char *text = row_actable(at) && at->res->kind != RES_GHOST ?
		arena_printf(&m->out, "rustbox reclaim %s %s", kind, at->res->id) :
		arena_printf(&m->out, "%s %s %s", kind, at->res->id, text_escape(at->res->name, safe, sizeof safe));
	return (struct effect){ .kind = EFFECT_COPY, .text = text };
}

static struct effect key_copy_shell(struct model *m)
{
	const struct step *s = walk_step(&m->walk);
	if (!s || (s->verb != VERB_DO && s->verb != VERB_DO_DRASTIC))
		return key_copy(m);
	dialog_close(m);
	plan_for_step(m, (int)m->walk.at);
	const char **argv = plan_argv(m, &m->dialog.plan, "", &m->out);
	char line[8192] = "";
	struct text t = TEXT_ON(line);
	plan_line(argv, &t);
	dialog_close(m);
	return (struct effect){ .kind = EFFECT_COPY, .text = arena_strdup(&m->out, line) };
}

static struct effect of_incident(struct model *m, const char *what, const char *option)
{
	const char *argv[] = { "rustbox-tui", what, m->incident.id, option, NULL };
	if (m->job[JOB_LOOK].id) {
		ring_add(&m->log, m->wall, RING_WARN, "another look is still running");
		return nothing;
	}
	incident_begin(m);
	return job_start(m, JOB_LOOK, argv, -1, INCIDENT_MS);
}

struct effect escalate(struct model *m)
{
	incident_begin(m);
	record_add(m, "escalated", NULL);
	return of_incident(m, "bundle", NULL);
}

static struct effect key_quit(struct model *m)
{
	if (m->job[JOB_ACT].id && !m->leaving) {
		m->leaving = true;
		ring_add(&m->log, m->wall, RING_WARN, "a step is running: Ctrl-C asks it to stop; q again leaves it to finish");
		return nothing;
	}
	if (m->incident.open) { /* what still waits can be resumed; what is done is closed */
		bool waits = (m->walk.proc && !walk_finished(&m->walk)) || count_leftovers(m->count, RES_ALL);
		record_add(m, waits || m->health.status != HEALTH_HEALTHY ? "left" : "closed", json_pack("{s:o}", "left", kinds_json(m)));
	}
	return (struct effect){ .kind = EFFECT_QUIT };
}

static void step_move(struct model *m, long by)
{
	long to = (long)m->walk.at + by;
	if (to >= 0 && to < (long)m->walk.proc->nsteps)
		m->walk.at = (size_t)to;
}

static bool move(struct model *m, enum action action)
{
	if (action >= ACTION_TAB_1 && action <= ACTION_TAB_6) {
		list_tab(m, (enum tab)(action - ACTION_TAB_1));
		return true;
	}
	if (action == ACTION_NEXT_NEWS || action == ACTION_LAST_NEWS) {
		list_news(m, action == ACTION_NEXT_NEWS ? 1 : -1);
		return true;
	}
	struct layout l = layout_for(m->rows, m->cols, time_steps(m));
	long page = l.list.rows > 1 ? l.list.rows - 1 : 1;
	long by = action == ACTION_UP ? -1 : action == ACTION_DOWN ? 1 : action == ACTION_PGUP ? -page :
		  action == ACTION_PGDN ? page : action == ACTION_FIRST ? -(1l << 30) : action == ACTION_LAST ? 1l << 30 : 0;
	if (!by)
		return false;
	if (m->focus == FOCUS_STEPS && time_steps(m) && (by == 1 || by == -1))
		step_move(m, by);
	else
		list_move(m, by);
	return true;
}

static bool toggle(struct model *m, enum action action)
{
	struct list *l = &m->list;
	static const char *const sorts[SORT_COUNT] = { "most blocking first", "oldest first", "by name" };
	static const char *const scopes[SHOW_COUNT] = { "all", "what differs from the baseline", "leftovers only" };
	switch ((int)action) {
	case ACTION_SORT:
		l->sort = (enum sort)((l->sort + 1) % SORT_COUNT);
		ring_add(&m->log, m->wall, RING_SAID, "sorted: %s", sorts[l->sort]);
		break;
	case ACTION_SCOPE:
		l->scope = (enum scope_shown)((l->scope + 1) % SHOW_COUNT);
		ring_add(&m->log, m->wall, RING_SAID, "showing: %s", scopes[l->scope]);
		break;
	case ACTION_FOREIGN:
		l->foreign = !l->foreign;
		break;
	case ACTION_FREEZE:
		l->frozen = !l->frozen;
		l->since = 0;
		if (!l->frozen)
			world_settle(m);
		return true;
	case ACTION_FOCUS:
		m->focus = m->focus == FOCUS_LIST && m->walk.proc ? FOCUS_STEPS : FOCUS_LIST;
		return true;
	case ACTION_MARK:
		list_mark(m);
		return true;
	case ACTION_UNMARK:
		list_unmark(m);
		return true;
	case ACTION_CLOSE:
		if (way_back(m))
			return true;
		m->walk = (struct walk){ 0 };
		m->focus = FOCUS_LIST;
		m->await.step = -1;
		m->retry_step = -1;
		for (int j = 0; j < JOB_COUNT; j++)
			m->job[j].step = -1;
		return true;
	default:
		return false;
	}
	list_build(m);
	return true;
}

static bool opens(struct model *m, enum action action)
{
	static const enum dialog_kind of[ACTION_COUNT] = {
		[ACTION_WHY] = DIALOG_WHY, [ACTION_FILTER] = DIALOG_FILTER, [ACTION_PROCEDURES] = DIALOG_PROCEDURES,
		[ACTION_ORIGINAL] = DIALOG_ORIGINAL, [ACTION_SKIP] = DIALOG_SKIP, [ACTION_NOTE] = DIALOG_NOTE,
		[ACTION_MESSAGES] = DIALOG_MESSAGES, [ACTION_PALETTE] = DIALOG_PALETTE, [ACTION_HELP] = DIALOG_HELP,
	};
	switch ((int)action) {
	case ACTION_CONFIRM: second_open(m); return true;
	case ACTION_HANDOVER: handover_open(m, ""); return true;
	case ACTION_UNDO:
		dialog_open(m, DIALOG_PREVIEW);
		plan_for_undo(m);
		return true;
	}
	if (of[action] == DIALOG_NONE)
		return false;
	dialog_open(m, of[action]);
	return true;
}

static struct effect act(struct model *m, enum action action)
{
	if (!m->past.on && (action == ACTION_SPACE || (action == ACTION_WHY && m->list.tab == TAB_DIR)))
		return space_open(m);
	if (time_key(m, action))
		return nothing;
	const char *why = action_refusal(m, action);
	if (why) {
		ring_add(&m->log, m->wall, RING_WARN, "%s", why);
		return nothing;
	}
	if (opens(m, action) || toggle(m, action) || move(m, action))
		return nothing;
	switch ((int)action) {
	case ACTION_PREVIEW:
		return step_act(m);
	case ACTION_HOLDERS:
		return holders_ask(m, list_at(&m->list)->res);
	case ACTION_HINT:
		return drill_ask(m, "hint");
	case ACTION_DRILL:
		return drill_ask(m, "");
	case ACTION_ARM:
		return key_arm(m);
	case ACTION_COPY:
		return key_copy(m);
	case ACTION_COPY_SHELL:
		return key_copy_shell(m);
	case ACTION_ESCALATE:
		return escalate(m);
	case ACTION_RESUME:
		return resume_ask(m);
	case ACTION_REPORT:
		return of_incident(m, "report", "--save");
	case ACTION_BASELINE:
		return (struct effect){ .kind = EFFECT_BASELINE };
	case ACTION_STOP:
		return (struct effect){ .kind = EFFECT_STOP, .job = m->job[JOB_ACT].id };
	case ACTION_WRITE: /* "wri" from the palette */
		return write_ask(m, "");
	case ACTION_REPAINT:
		return (struct effect){ .kind = EFFECT_REPAINT };
	case ACTION_SUSPEND:
		disarm(m, "suspended"); /* whoever comes back to this screen arms again */
		return (struct effect){ .kind = EFFECT_SUSPEND };
	case ACTION_MOUSE:
		m->mouse = !m->mouse;
		return (struct effect){ .kind = EFFECT_MOUSE, .on = m->mouse };
	case ACTION_QUIT:
		return key_quit(m);
	}
	return nothing;
}

struct effect main_key(struct model *m, uint32_t key)
{
	enum action action = action_of_key(key);
	if (action != ACTION_QUIT)
		m->leaving = false;
	if (key == K_ESC && m->list.filter[0])
		list_filter(m, "");
	else if (key == K_ESC && m->past.on)
		time_open(m);
	return action == ACTION_NONE ? nothing : act(m, action);
}

struct effect command_run(struct model *m, const char *words)
{
	if (strncmp(words, "drill", 5) == 0 && (words[5] == ' ' || !words[5]))
		return drill_ask(m, words + 5);
	if (strncmp(words, "time ", 5) == 0) {
		time_named(m, words + 5);
		return nothing;
	}
	if (strncmp(words, "write", 5) == 0 && (words[5] == ' ' || !words[5]))
		return write_ask(m, words + 5);
	if (strncmp(words, "handover ", 9) == 0 && !m->past.on) {
		handover_open(m, words + 9);
		return nothing;
	}
	if (strcmp(words, "baseline capture") == 0 && !m->past.on)
		return baseline_capture(m);
	enum action action = action_of_name(words);
	if (action == ACTION_NONE) {
		if (words[0])
			ring_add(&m->log, m->wall, RING_WARN, ":%s is no command, or more than one; ? lists them", words);
		return nothing;
	}
	return act(m, action);
}
