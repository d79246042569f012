# Proofs beyond `make check`; tests/README.md says what each one shows.
LAB   := $(OUT)/tests/lab
FUZZ  := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60

tests-built: $(LAB)

.PHONY: lab
lab: $(LAB) ## the fault lab: .build/tests/lab plants real leftovers for you to recover

check-failure-matrix: test-deps ## kill or fail every system call of a run, a clean-up and a recovery (CRASH_STRIDE=n)
	@$(MAKE) --no-print-directory -j$$(nproc) tests-built
	@for t in $(OUT)/tests/faults/test_crash_* $(OUT)/tests/faults/test_matrix_*; do \
	  case $$t in *.*) continue ;; esac; echo "== $$t"; MATRIX=full $$t || exit 1; done

check-vm: test-deps ## the same verdicts on pure cgroup v2 and pure v1, in a guest
	$(call need,$(VM_PACKAGES))
	@$(MAKE) --no-print-directory -j$$(nproc) tests-built
	@OUT=$(OUT) tests/vm.sh v2 && OUT=$(OUT) tests/vm.sh v1

SOAK_SECONDS ?= 600
soak: test-deps ## mixed runs side by side with supervisors killed among them (SOAK_SECONDS=600), then a leak check
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@OUT=$(OUT) tests/soak.sh $(SOAK_SECONDS)

soak-console: test-deps ## the console killed in each of its eight ways (CONSOLE_DEATHS=50 times): the terminal is given back each time
	@$(MAKE) --no-print-directory -j$$(nproc) all $(OUT)/tests/system/test_console
	@CONSOLE_DEATHS=$${CONSOLE_DEATHS:-50} $(OUT)/tests/system/test_console every_way_to_die

bench: test-deps ## what a run costs, beside the other sandboxes that are installed
	@$(MAKE) --no-print-directory -j$$(nproc) tests-built
	@$(OUT)/tests/bench/bench_run

bench-tui: test-deps ## what the console costs, beside its goals (and htop, where it is installed)
	@$(MAKE) --no-print-directory -j$$(nproc) all $(OUT)/tests/bench/bench_tui
	@$(OUT)/tests/bench/bench_tui
bench-scale: test-deps ## the same over ten thousand mounts, cgroups and processes, with htop and btop in the same run
	@$(MAKE) --no-print-directory -j$$(nproc) all $(OUT)/tests/bench/bench_scale
	@$(OUT)/tests/bench/bench_scale

# ---- fuzzing: the same sources under clang's libFuzzer, ASan and UBSan --------------------------------
FUZZ_SRC := $(PROBE_SRC) $(wildcard sandbox/policy/*.c) $(filter sandbox/box/spec%.c sandbox/box/config.c,$(SANDBOX_SRC)) \
	$(wildcard tui/runbook*.c) tui/keyin.c tui/feed.c tui/lines.c tui/child.c
fuzz: test-deps ## every parser, FUZZ_SECONDS=60 each
	@$(MAKE) --no-print-directory -j$$(nproc) CC=clang OUT=$(OUT)/fuzz OPT='-O1 -g' \
		SAN='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' $(addprefix $(OUT)/fuzz/,$(FUZZ))
	@OUT=$(OUT)/fuzz tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ)
$(OUT)/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/fuzz.h $(call objects,$(FUZZ_SRC))
	$(call say,LINK,$(@F))$(CC) $(CPPFLAGS) $(CFLAGS) $(SAN) -fsanitize=fuzzer -o $@ $(filter-out %.h,$^) -lseccomp -lcap -ljansson -lmount -lproc2 -lmd4c -lm

# What these stand in front of, by the rows of the header.
SYS_FAULTS := $(shell awk -F', ' '/^\tX/ && $$2 ~ /^sys_/ {print $$2}' tests/harness/sys_faults.h)
WRAP_test_reclaim_faults := $(SYS_FAULTS)
WRAP_test_matrix_agree := $(SYS_FAULTS)
