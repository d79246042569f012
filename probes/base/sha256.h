/*
 * SHA-256 (FIPS 180-4) of one buffer, for the envelope, the journal and evidence. Our own seventy lines,
 * because libcrypto adds 4 MB to a static program or milliseconds of loading to a dynamic one, and the kernel's AF_ALG is a
 * module that hosts leave out. It is an identity, not a defence: nothing is trusted because of it.
 */
#ifndef PROBES_BASE_SHA256_H
#define PROBES_BASE_SHA256_H

#include <stddef.h>

/* 64 lower case hex digits and a NUL. */
void sha256_hex(const void *data, size_t n, char out[static 65]);

#endif
