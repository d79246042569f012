/* Actions and the keys that ask for them, from actions.def and keys.def. */
#ifndef TUI_KEYS_H
#define TUI_KEYS_H

#include "tui/model.h"

enum action {
	ACTION_NONE,
#define ACTION(id, name, label, help) ACTION_##id,
#include "tui/actions.def"
#undef ACTION
	ACTION_COUNT
};

struct action_row {
	const char *name, *label, *help;
};

struct key_row {
	uint32_t code;
	const char *name;
	enum action action;
};

extern const struct action_row action_rows[ACTION_COUNT];
extern const struct key_row key_rows[];
extern const size_t key_row_count;

enum action action_of_key(uint32_t code);
enum action action_of_name(const char *name); /* ACTION_NONE when there is none, or more than one fits */
const char *key_of_action(enum action action);
bool action_only_looks(enum action action);
/* Whether it would do something now: what the footer lists. */
bool action_works(const struct model *m, enum action action);
/* What to say instead when it would do nothing; NULL when it works, or answers for itself. */
const char *action_refusal(const struct model *m, enum action action);

#endif
