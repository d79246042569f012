/* The compiled filter, run number by number in a small BPF machine, against the rules it was compiled from. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "sandbox/kernel/filter.h"

enum { STEPS_MAX = 200, X32 = 0x40000000, LAST_NUMBER = 600 };

/* The few instructions our compiler uses; anything else, or a jump out of the program, fails the test. */
static uint32_t answer(const struct sock_fprog *p, const struct seccomp_data *d, unsigned *steps)
{
	uint32_t a = 0;
	size_t pc = 0;
	for (*steps = 0; *steps < STEPS_MAX; ++*steps) {
		if (pc >= p->len)
			fail_msg("ran out of the program at %zu", pc);
		const struct sock_filter *i = &p->filter[pc++];
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k + 4 <= sizeof *d && i->k % 4 == 0);
			memcpy(&a, (const char *)d + i->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K: a &= i->k; break;
		case BPF_JMP | BPF_JEQ | BPF_K: pc += a == i->k ? i->jt : i->jf; break;
		case BPF_JMP | BPF_JGE | BPF_K: pc += a >= i->k ? i->jt : i->jf; break;
		case BPF_JMP | BPF_JA: pc += i->k; break;
		case BPF_RET | BPF_K: return i->k;
		default: fail_msg("instruction %#x", i->code);
		}
	}
	fail_msg("no answer within %d instructions", STEPS_MAX);
	return 0;
}

struct fixture {
	struct arena arena;
	struct sock_fprog program;
};

static int setup(void **state)
{
	static struct fixture f;
	struct err e;
	*state = &f;
	return filter_compile(syscall_rules, syscall_rule_count, &f.arena, &f.program, &e);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	arena_done(&f->arena);
	return 0;
}

static uint32_t ask(const struct fixture *f, uint32_t arch, int nr, uint8_t arg, uint64_t value)
{
	struct seccomp_data d = { .nr = nr, .arch = arch, .args = { 1, 1, 1, 1, 1, 1 } };
	unsigned steps;
	d.args[arg] = value;
	return answer(&f->program, &d, &steps);
}

static const struct syscall_rule *rule_of(int nr)
{
	for (size_t i = 0; i < syscall_rule_count; i++)
		if (syscall_rules[i].nr == nr)
			return &syscall_rules[i];
	return NULL;
}

static void test_every_number(void **state)
{
	const struct fixture *f = *state;
	for (int nr = 0; nr < LAST_NUMBER; nr++) {
		const struct syscall_rule *r = rule_of(nr);
		uint32_t native = ask(f, AUDIT_ARCH_X86_64, nr, 0, 0);
		if (!r)
			assert_int_equal(native, SECCOMP_RET_KILL_PROCESS);
		else if (!r->when)
			assert_int_equal(native, r->ret);
		assert_int_equal(ask(f, AUDIT_ARCH_I386, nr, 0, 0), SECCOMP_RET_KILL_PROCESS);
		assert_int_equal(ask(f, AUDIT_ARCH_X86_64, nr | X32, 0, 0), SECCOMP_RET_KILL_PROCESS);
	}
	assert_int_equal(ask(f, AUDIT_ARCH_X86_64, -1, 0, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(ask(f, AUDIT_ARCH_X86_64, INT32_MAX, 0, 0), SECCOMP_RET_KILL_PROCESS);
}

static void test_conditions(void **state)
{
	const struct fixture *f = *state;
	size_t conditions = 0;
	for (size_t i = 0; i < syscall_rule_count; i++) {
		const struct syscall_rule *r = &syscall_rules[i];
		if (!r->when)
			continue;
		conditions++;
		for (uint64_t v = 0; v < 4096; v++) {
			bool in = false;
			for (size_t k = 0; k < r->when->nvalues; k++)
				in |= ((uint32_t)v & r->when->mask) == r->when->values[k];
			uint32_t want = in ? r->ret : r->otherwise;
			assert_int_equal(ask(f, AUDIT_ARCH_X86_64, r->nr, r->when->arg, v), want);
			/* The kernel takes ints from the low half: a bit above it must change nothing. */
			assert_int_equal(ask(f, AUDIT_ARCH_X86_64, r->nr, r->when->arg, v | 1ull << 40), want);
		}
		for (size_t k = 0; k < r->when->nvalues; k++)
			assert_int_equal(ask(f, AUDIT_ARCH_X86_64, r->nr, r->when->arg, r->when->values[k]), r->ret);
	}
	assert_true(conditions > 2);
}

/* A pointer that may be NULL: all of it, not its low half, and whatever the other argument is. */
static void test_null_pointers(void **state)
{
	const struct fixture *f = *state;
	size_t pointers = 0;
	for (size_t i = 0; i < syscall_rule_count; i++) {
		const struct syscall_rule *r = &syscall_rules[i];
		if (!r->when || !r->when->null)
			continue;
		pointers++;
		assert_int_equal(ask(f, AUDIT_ARCH_X86_64, r->nr, r->when->null, 0), r->ret);
	}
	assert_int_equal(pointers, 1);
	struct seccomp_data d = { .nr = SYS_prlimit64, .arch = AUDIT_ARCH_X86_64, .args = { 0, RLIMIT_CORE, 0, 0x7000, 0, 0 } };
	unsigned steps;
	assert_int_equal(answer(&f->program, &d, &steps), SECCOMP_RET_ALLOW);
	static const uint64_t pointed[] = { 1, 0x7fff00000010, 1ull << 32, 1ull << 63 };
	for (size_t i = 0; i < sizeof pointed / sizeof pointed[0]; i++) {
		d.args[2] = pointed[i];
		assert_int_equal(answer(&f->program, &d, &steps), SECCOMP_RET_ERRNO | EPERM);
	}
}

static void test_is_a_tree(void **state)
{
	const struct fixture *f = *state;
	unsigned most = 0;
	for (int nr = 0; nr < LAST_NUMBER; nr++) {
		struct seccomp_data d = { .nr = nr, .arch = AUDIT_ARCH_X86_64 };
		unsigned steps;
		(void)answer(&f->program, &d, &steps);
		most = steps > most ? steps : most;
	}
	assert_true(most < 50); /* a list would take hundreds */
}

/* A left half longer than a conditional jump reaches: 255 instructions. */
static void test_far_jumps(void **state)
{
	(void)state;
	enum { MANY = 900 };
	static struct syscall_rule rules[MANY];
	struct fixture f = { 0 };
	struct err e;
	for (int i = 0; i < MANY; i++)
		rules[i] = (struct syscall_rule){ .nr = 2 * i, .ret = SECCOMP_RET_ERRNO | (uint32_t)(i + 1) };
	assert_int_equal(filter_compile(rules, MANY, &f.arena, &f.program, &e), 0);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(ask(&f, AUDIT_ARCH_X86_64, 2 * i, 0, 0), SECCOMP_RET_ERRNO | (uint32_t)(i + 1));
		assert_int_equal(ask(&f, AUDIT_ARCH_X86_64, 2 * i + 1, 0, 0), SECCOMP_RET_KILL_PROCESS);
	}
	arena_done(&f.arena);
}

static void test_refuses_disorder(void **state)
{
	(void)state;
	const struct syscall_rule twice[] = { { .nr = 1, .ret = SECCOMP_RET_ALLOW }, { .nr = 1, .ret = SECCOMP_RET_ALLOW } };
	const struct syscall_rule back[] = { { .nr = 2, .ret = SECCOMP_RET_ALLOW }, { .nr = 1, .ret = SECCOMP_RET_ALLOW } };
	const struct syscall_condition empty = { .arg = 0 }, beyond = { .arg = 6, .nvalues = 1 };
	const struct syscall_rule vain = { .nr = 1, .when = &empty }, seventh = { .nr = 1, .when = &beyond };
	struct arena a = { 0 };
	struct sock_fprog p;
	struct err e;
	assert_int_equal(filter_compile(twice, 2, &a, &p, &e), -EINVAL);
	assert_int_equal(filter_compile(back, 2, &a, &p, &e), -EINVAL);
	assert_int_equal(filter_compile(&vain, 1, &a, &p, &e), -EINVAL);
	assert_int_equal(filter_compile(&seventh, 1, &a, &p, &e), -EINVAL);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_number), cmocka_unit_test(test_conditions), cmocka_unit_test(test_null_pointers),
		cmocka_unit_test(test_is_a_tree),    cmocka_unit_test(test_far_jumps),	cmocka_unit_test(test_refuses_disorder),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
