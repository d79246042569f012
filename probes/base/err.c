/* The error value. Every text is cut to fit rather than refused: half a reason beats none. */
#include "probes/base/err.h"

#undef err_set
#undef err_say
#undef err_wrap

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, int code, const char *fmt, ...)
{
	if (e) {
		va_list ap;
		va_start(ap, fmt);
		(void)vsnprintf(e->text, sizeof e->text, fmt, ap);
		va_end(ap);
		size_t used = strlen(e->text);
		const char *why = strerrordesc_np(code);
		(void)snprintf(e->text + used, sizeof e->text - used, ": %s", why ? why : "unknown error");
		e->code = code;
	}
	return -code;
}

int err_say(struct err *e, int code, const char *fmt, ...)
{
	if (e) {
		va_list ap;
		va_start(ap, fmt);
		(void)vsnprintf(e->text, sizeof e->text, fmt, ap);
		va_end(ap);
		e->code = code;
	}
	return -code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	if (!e)
		return -EIO;
	char inner[sizeof e->text];
	memcpy(inner, e->text, sizeof inner);
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	size_t used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof e->text - used, ": %s", inner);
	return -e->code;
}

const char *err_name(int code)
{
	const char *name = strerrorname_np(code);
	return name ? name : "E?";
}
