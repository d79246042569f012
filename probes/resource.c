/* The vocabulary of leftovers as tables, and sets kept in one order; see resource.h. */
#include "probes/resource.h"

#include <stdlib.h>
#include <string.h>

struct kind_row {
	const char *word, *plural, *key;
	char letter;
};

static const struct kind_row kinds[] = {
#define X(id, word, plural, key, letter) [RES_##id] = { word, plural, key, letter },
	RESOURCE_KINDS(X)
#undef X
};
_Static_assert(sizeof kinds / sizeof *kinds == RES_KINDS, "a row for each kind");

static const char *const owners[] = {
#define X(id, word, why) [OWNER_##id] = word,
	OWNERS(X)
#undef X
};
_Static_assert(sizeof owners / sizeof *owners == OWNER_COUNT, "a word for each owner");

const char *resource_kind_word(enum resource_kind kind)
{
	return kinds[kind].word;
}

const char *resource_kind_key(enum resource_kind kind)
{
	return kinds[kind].key;
}

char resource_kind_letter(enum resource_kind kind)
{
	return kinds[kind].letter;
}

int resource_kind_parse(const char *word)
{
	for (int k = 0; k < RES_KINDS; k++)
		if (strcmp(word, kinds[k].word) == 0 || strcmp(word, kinds[k].key) == 0)
			return k;
	return -1;
}

const char *owner_word(enum owner owner)
{
	return owners[owner];
}

int owner_parse(const char *word)
{
	for (int o = 0; o < OWNER_COUNT; o++)
		if (strcmp(word, owners[o]) == 0)
			return o;
	return -1;
}

int resource_compare(const void *a, const void *b)
{
	const struct resource *x = a, *y = b;
	int by_name = strcmp(x->name, y->name);
	return by_name ? by_name : strcmp(x->id, y->id);
}

void resource_set_sort(struct resource_set *set)
{
	if (set->n > 1)
		qsort(set->v, set->n, sizeof *set->v, resource_compare);
}

const struct resource *resource_set_find(const struct resource_set *set, const char *id)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->v[i].id, id) == 0)
			return &set->v[i];
	return NULL;
}

struct resource *resource_set_add(struct resource_set *set, struct arena *a)
{
	return arena_push(a, &set->v, &set->n, sizeof *set->v);
}
