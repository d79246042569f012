/* The criteria; see escalate.h. Each is something seen, none is a guess of how bad it feels. */
#include "tui/escalate.h"

#include <jansson.h>
#include <string.h>

#include "tui/update.h"

enum { STUCK_MS = 10 * 60 * 1000 };

bool orphan_rule(const struct model *m)
{
	for (int k = 0; k < RES_KINDS; k++)
		if (m->count[OWNER_ORPHAN][k])
			return true;
	return false;
}

static bool kernel_said(const struct model *m, const char *what)
{
	return json_integer_value(json_object_get(json_object_get(m->pressure, "kernel_log"), what)) > 0;
}

/* A cgroup with nothing in it that would not go, or a process that has waited in the kernel for ten minutes. */
static bool kernel_keeps(const struct model *m)
{
	for (size_t i = 0; i < m->nretry; i++) {
		const struct row *row = rows_find(&m->table, m->retry[i].kind, m->retry[i].id);
		const struct cgroup_facts *f = row ? &row->res->cgroup : NULL;
		if (row && row_actable(row) && row->res->kind == RES_CGROUP && !f->procs && !f->children && !f->populated)
			return true;
	}
	for (size_t i = 0; i < m->table.n; i++) {
		const struct row *row = m->table.v[i];
		if (row_actable(row) && row->res->kind == RES_PROCESS && row->res->process.state == 'D' &&
		    m->now_ms - row->seen_ms > STUCK_MS)
			return true;
	}
	return false;
}

const char *const *escalate_names(const struct model *m, bool met[static ESCALATE_OF])
{
	static const char *const names[ESCALATE_OF] = {
		"recurs >1/h", "manual step failed", "kernel bug?", "fs corruption?", "cannot unquarantine", "baseline not restored",
	};
	bool read_only = false;
	read_only = m->read_only;
	met[0] = recurrences(m) > 1;
	met[1] = m->procedure_failed;
	met[2] = kernel_said(m, "kernel") || kernel_keeps(m);
	met[3] = read_only || kernel_said(m, "filesystem");
	met[4] = m->unquarantine_failed;
	met[5] = m->procedure_failed && m->diff.has_baseline && m->diff.missing + m->diff.changed > 0;
	return names;
}

void criteria_note(struct model *m)
{
	bool met[ESCALATE_OF];
	unsigned now = orphan_rule(m) ? 1u << ESCALATE_OF : 0;
	const char *const *names = escalate_names(m, met);
	for (unsigned i = 0; i < ESCALATE_OF; i++)
		now |= met[i] ? 1u << i : 0;
	for (unsigned i = 0; i <= ESCALATE_OF; i++)
		if (now & ~m->incident.criteria & 1u << i)
			record_add(m, "criterion", json_pack("{s:s}", "text", i < ESCALATE_OF ? names[i] : "orphan: security must know now"));
	m->incident.criteria |= now;
}
