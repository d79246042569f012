/* Rules → runs → search tree → BPF; see filter.h. The layout of seccomp_data is in seccomp(2). */
#include "sandbox/kernel/filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>

enum { JUMP_MAX = 255 };

/* All numbers from `first` up to the next run's first get this answer. */
struct run {
	uint32_t first, ret;
	const struct syscall_rule *conditional; /* then ret is not used */
};

/* Filled from its end: when a jump is written, what it jumps over is there and its length known. */
struct code {
	struct sock_filter *v;
	size_t at; /* the first instruction so far */
};

static void emit(struct code *c, uint16_t op, uint32_t k, size_t yes, size_t no)
{
	c->v[--c->at] = (struct sock_filter){ .code = op, .jt = (uint8_t)yes, .jf = (uint8_t)no, .k = k };
}

static void emit_ret(struct code *c, uint32_t ret)
{
	emit(c, BPF_RET | BPF_K, ret, 0, 0);
}

static void emit_load(struct code *c, size_t offset)
{
	emit(c, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* Little endian: the low half of args[i] comes first, and only that half is compared, as the kernel does. To be read
 * from its end: load, mask, compare, the two answers. */
static void emit_condition(struct code *c, const struct syscall_rule *rule)
{
	const struct syscall_condition *w = rule->when;
	emit_ret(c, rule->ret);
	emit_ret(c, rule->otherwise);
	for (size_t i = w->nvalues; i-- > 0;) /* a hit jumps over the rest and the `otherwise` */
		emit(c, BPF_JMP | BPF_JEQ | BPF_K, w->values[i], w->nvalues - i, 0);
	if (w->mask != UINT32_MAX)
		emit(c, BPF_ALU | BPF_AND | BPF_K, w->mask, 0, 0);
	emit_load(c, offsetof(struct seccomp_data, args) + 8u * w->arg);
}

static void emit_tree(struct code *c, const struct run *runs, size_t n)
{
	if (n == 1) {
		if (runs->conditional)
			emit_condition(c, runs->conditional);
		else
			emit_ret(c, runs->ret);
		return;
	}
	size_t half = n / 2;
	emit_tree(c, runs + half, n - half);
	size_t above = c->at;
	emit_tree(c, runs, half);
	size_t below = above - c->at;
	if (below <= JUMP_MAX) {
		emit(c, BPF_JMP | BPF_JGE | BPF_K, runs[half].first, below, 0);
	} else { /* conditional jumps reach 255 instructions, the unconditional one all */
		emit(c, BPF_JMP | BPF_JA, (uint32_t)below, 0, 0);
		emit(c, BPF_JMP | BPF_JGE | BPF_K, runs[half].first, 0, 1);
	}
}

static void add_run(struct run *runs, size_t *n, uint32_t first, uint32_t ret, const struct syscall_rule *conditional)
{
	struct run *last = *n ? &runs[*n - 1] : NULL;
	if (last && !conditional && !last->conditional && last->ret == ret)
		return;
	runs[(*n)++] = (struct run){ .first = first, .ret = ret, .conditional = conditional };
}

static size_t cut(const struct syscall_rule *rules, size_t n, struct run *runs)
{
	size_t out = 0;
	uint32_t next = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t nr = (uint32_t)rules[i].nr;
		if (nr > next)
			add_run(runs, &out, next, SECCOMP_RET_KILL_PROCESS, NULL);
		add_run(runs, &out, nr, rules[i].ret, rules[i].when ? &rules[i] : NULL);
		next = nr + 1;
	}
	add_run(runs, &out, next, SECCOMP_RET_KILL_PROCESS, NULL);
	return out;
}

static void emit_all(struct code *c, const struct run *runs, size_t n)
{
	emit_tree(c, runs, n);
	emit_load(c, offsetof(struct seccomp_data, nr));
	emit_ret(c, SECCOMP_RET_KILL_PROCESS);
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	emit_load(c, offsetof(struct seccomp_data, arch));
}

/* At most: the head, a jump of two instructions between any two runs, and each run's own. */
static size_t length_at_most(const struct run *runs, size_t n)
{
	size_t length = 4 + 2 * n;
	for (size_t i = 0; i < n; i++)
		length += runs[i].conditional ? 4u + runs[i].conditional->when->nvalues : 1u;
	return length;
}

static bool well_formed(const struct syscall_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct syscall_condition *w = rules[i].when;
		if (rules[i].nr < 0 || (i && rules[i].nr <= rules[i - 1].nr))
			return false;
		if (w && (w->arg > 5 || w->nvalues == 0 || w->nvalues > SYSCALL_VALUES))
			return false;
	}
	return true;
}

int filter_compile(const struct syscall_rule *rules, size_t n, struct arena *a, struct sock_fprog *ret, struct err *e)
{
	if (!well_formed(rules, n))
		return err_say(e, EINVAL, "the system call table is not sorted, or a condition in it is malformed");
	struct run *runs = arena_alloc(a, (2 * n + 1) * sizeof *runs);
	size_t nruns = cut(rules, n, runs);
	size_t room = length_at_most(runs, nruns);
	struct code code = { .v = arena_alloc(a, room * sizeof *code.v), .at = room };
	emit_all(&code, runs, nruns);
	if (room - code.at > BPF_MAXINSNS)
		return err_say(e, E2BIG, "the system call filter has %zu instructions, the kernel takes %d", room - code.at,
			       BPF_MAXINSNS);
	*ret = (struct sock_fprog){ .len = (unsigned short)(room - code.at), .filter = code.v + code.at };
	return 0;
}
