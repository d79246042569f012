/* Which rows are on the screen, in which order, and where the cursor is. */
#ifndef TUI_LIST_H
#define TUI_LIST_H

#include <regex.h>

#include "tui/dialog.h"
#include "tui/rows.h"

/*        id, narrow, wide, kinds */
#define TABS(X)                                                                         \
	X(ALL, "All", "All", ~0u) X(MOUNT, "Mount", "Mounts", 1u << RES_MOUNT)              \
	X(CGROUP, "Cgrp", "Cgroups", 1u << RES_CGROUP) X(PROCESS, "Proc", "Procs", 1u << RES_PROCESS) \
	X(DIR, "Dir", "Dirs", 1u << RES_TEMPDIR | 1u << RES_LOCK) X(GHOST, "Ghost", "Ghosts", 1u << RES_GHOST)

enum tab {
#define X(id, narrow, wide, kinds) TAB_##id,
	TABS(X)
#undef X
	TAB_COUNT
};

enum sort { SORT_BLOCKING, SORT_AGE, SORT_NAME, SORT_COUNT };
enum scope_shown { SHOW_LEAKS_FIRST, SHOW_DIFF_ONLY, SHOW_LEAKS_ONLY, SHOW_COUNT };
enum filter_mode { FILTER_TEXT, FILTER_INVERSE, FILTER_REGEX };

struct list {
	enum tab tab;
	enum sort sort;
	enum scope_shown scope;
	bool foreign;		 /* F: show what is not rustbox's */
	bool frozen;		 /* z */
	char filter[FIELD_ROOM]; /* as typed, with its leading ! or ~ */
	char needle[FIELD_ROOM]; /* the text to look for, in small letters */
	enum filter_mode mode;
	regex_t regex;
	bool has_regex;
	const struct row **shown;
	size_t n, room;
	struct lot {
		uint64_t key;
		uint32_t at;
	} *lots; /* room for sorting */
	size_t hidden_foreign;
	size_t cursor, top;
	enum resource_kind at_kind; /* the cursor's identity: rows move, it stays on the same thing */
	char at_id[96];
	uint64_t since;		    /* changes not shown while frozen */
};

/* Under the cursor; NULL when the list is empty. */
static inline const struct row *list_at(const struct list *l)
{
	return l->cursor < l->n ? l->shown[l->cursor] : NULL;
}

#endif
