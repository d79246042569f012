/* Counts that may be unknown; see told.h. */
#include "probes/told.h"

#include <stdio.h>

#include "probes/base/json.h"

const char *told_text(const struct resource_set *set, size_t count, char *out, size_t cap)
{
	if (!set->complete && count == 0)
		(void)snprintf(out, cap, "unknown");
	else
		(void)snprintf(out, cap, "%s%zu", set->complete ? "" : "at least ", count);
	return out;
}

json_t *told_count(const struct resource_set *set, size_t count)
{
	return !set->complete && count == 0 ? json_null() : json_integer((json_int_t)count);
}

json_t *told_leftovers(const struct snapshot *s)
{
	json_t *all = json_object();
	for (int k = 0; k < RES_KINDS; k++)
		json_object_set_new(all, resource_kind_key((enum resource_kind)k),
				    told_count(&s->of[k], snapshot_leftovers(s, (enum resource_kind)k)));
	return all;
}

json_t *told_unknown(const struct snapshot *s)
{
	if (snapshot_complete(s))
		return json_null();
	json_t *all = json_object();
	for (int k = 0; k < RES_KINDS; k++)
		if (!s->of[k].complete)
			json_object_set_new(all, resource_kind_key((enum resource_kind)k), json_text(s->of[k].why.text));
	return all;
}
