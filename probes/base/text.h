/*
 * Text without surprises: bounded building, parsing of sizes, durations and names, and the one
 * place that makes a name from the host safe to show.
 */
#ifndef PROBES_BASE_TEXT_H
#define PROBES_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/base/err.h"

struct text {
	char *buf; /* the caller's; always NUL-terminated */
	size_t cap, len;
	bool cut; /* something did not fit */
};

#define TEXT_ON(array) ((struct text){ .buf = (array), .cap = sizeof(array) })

void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds bytes from the host with controls, DEL, C1, bidi marks and invalid UTF-8 as visible escapes. */
void text_add_escaped(struct text *t, const char *s);
/* The same into a buffer; returns out. */
const char *text_escape(const char *s, char *out, size_t cap);
bool text_is_plain(const char *s); /* true when escaping would change nothing */

/* "64M", "1.5G", "4096": bytes; k, M, G, T are powers of 1024. Plain numbers count in `unit` bytes. */
int text_parse_size(const char *s, uint64_t unit, uint64_t *ret, struct err *e) MUST_CHECK;
/* "1.5s", "500ms", "2m", "1h", "1d": nanoseconds; plain numbers are seconds. */
int text_parse_duration(const char *s, uint64_t *ret_ns, struct err *e) MUST_CHECK;
int text_parse_u64(const char *s, uint64_t *ret, struct err *e) MUST_CHECK;

/* 1 to 64 characters of [A-Za-z0-9_-]: the only names a box can have. */
bool text_is_box_name(const char *s);

void text_size(uint64_t bytes, char *out, size_t cap);	 /* "402M" */
void text_age(uint64_t seconds, char *out, size_t cap);	 /* "14m", "3d04h" */

#endif
