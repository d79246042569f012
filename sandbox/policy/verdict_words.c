/* The verdict's vocabulary as words and JSON; see verdict.h. */
#include <string.h>

#include "sandbox/policy/verdict.h"

static const char *const status_words[STATUS_COUNT] = {
#define X(id, word, help) [STATUS_##id] = word,
	STATUSES(X)
#undef X
};
static const char *const cause_words[CAUSE_COUNT] = {
#define X(id, word) [CAUSE_##id] = word,
	CAUSES(X)
#undef X
};
static const char *const actor_words[ACTOR_COUNT] = {
#define X(id, word) [ACTOR_##id] = word,
	ACTORS(X)
#undef X
};
static const char *const divergence_words[DIVERGENCE_COUNT] = {
#define X(id, word) [DIVERGENCE_##id] = word,
	DIVERGENCES(X)
#undef X
};

json_t *verdict_to_json(const struct verdict *v)
{
	json_t *sources = json_array();
	for (int s = 0; s < SOURCE_COUNT; s++)
		if (v->sources & SOURCE_BIT(s))
			(void)json_array_append_new(sources, json_string(source_word((enum source)s)));
	return json_pack("{ss ss ss so ss}", "status", status_words[v->status], "cause", cause_words[v->cause], "actor",
			 actor_words[v->actor], "sources", sources, "because", v->because);
}

const char *status_word(enum status s)
{
	return status_words[s];
}

const char *cause_word(enum cause c)
{
	return cause_words[c];
}

const char *actor_word(enum actor a)
{
	return actor_words[a];
}

const char *divergence_word(enum divergence d)
{
	return divergence_words[d];
}
