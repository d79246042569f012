# rustbox: one file builds, runs, tests and installs everything. `make help` lists the targets.
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
OUT     ?= .build
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1
SAN     ?=
OPT     ?= -O2 -g
V       ?=
# One short line per file made; V=1 shows the commands instead.
say      = $(if $(filter 1,$(V)),,@printf '  %-6s %s\n' $(1) $(2);)

LIBEXECDIR := $(PREFIX)/libexec/rustbox
DATADIR    := $(PREFIX)/share/rustbox
MANDIR     := $(PREFIX)/share/man
UNITDIR    := $(PREFIX)/lib/systemd/system

# ---- what Debian 12 must have; README says why each library is here -------------------------------
BUILD_PACKAGES := gcc make pkg-config libc6-dev libncurses-dev libmount-dev libproc2-dev \
	libcap-dev libjansson-dev libmicrohttpd-dev libmd4c-dev
TEST_PACKAGES  := clang libclang-rt-14-dev libcmocka-dev libvterm-dev libseccomp-dev universal-ctags tmux lsof procps util-linux \
	iproute2 bsdextrautils busybox-static strace binutils ncurses-term mandoc man-db patch dpkg-dev python3 e2fsprogs curl git mount
VM_PACKAGES    := qemu-system-x86 xz-utils zstd

# ---- flags --------------------------------------------------------------------------------------
WARN   := -Wall -Wextra -Wshadow -Wswitch-enum -Wmissing-prototypes -Wstrict-prototypes -Wvla \
	-Wformat=2 -Wpointer-arith -Wcast-qual -Wundef -Werror
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
ifeq ($(SAN),)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
CPPFLAGS := -I. -D_GNU_SOURCE -DRUSTBOX_VERSION='"$(VERSION)"' -I/usr/include/libmount
PLACES   := -DRUSTBOX_LIBEXECDIR='"$(LIBEXECDIR)"' -DRUSTBOX_DATADIR='"$(DATADIR)"'
CFLAGS  := -std=gnu11 $(OPT) $(WARN) $(HARDEN) -ffunction-sections -fdata-sections $(SAN)
LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed -Wl,--gc-sections $(SAN)

# The run path is measured in microseconds, so `rustbox` is one static, position-independent file: the loader and its
# libraries cost as much as the program that is to be run (sanitisers need the loader). Its relocations are packed, 1 KB to
# read instead of 67. Everything that needs more (libmount, libproc2, libmicrohttpd, ...) lives in `rustbox-ops`.
THIN_LINK  := $(if $(SAN),,-static-pie -Wl,-z,pack-relative-relocs)
THIN_LIBS  := -l:libcap.a -l:libjansson.a -lm
FULL_LIBS  := -lcap -ljansson -lmount -lproc2 -lmicrohttpd -lm
PROBE_LIBS := -ljansson -lmount -lproc2 -lm
TUI_LIBS   := -lncursesw -ltinfo -lmd4c -ljansson -lmount -lproc2 -lm
TEST_LIBS  := -lcmocka -lvterm -lutil $(TUI_LIBS) -lseccomp -lcap -lmicrohttpd

# ---- sources, by folder -------------------------------------------------------------------------
PROBE_SRC   := $(filter-out probes/main.c,$(wildcard probes/base/*.c probes/*.c))
SANDBOX_SRC := $(filter-out sandbox/cli/main.c,$(wildcard sandbox/policy/*.c sandbox/kernel/*.c \
	sandbox/box/*.c sandbox/worker/*.c sandbox/cli/*.c))
OPS_SRC     := $(filter-out sandbox/ops/main.c,$(wildcard sandbox/drill/*.c sandbox/ops/*.c))
TUI_SRC     := $(filter-out tui/main.c,$(wildcard tui/*.c))
MAINS       := $(wildcard probes/main.c sandbox/cli/main.c sandbox/ops/main.c tui/main.c)
HARNESS_SRC := $(wildcard tests/harness/*.c)
TEST_SRC    := $(wildcard tests/unit/test_*.c tests/golden/test_*.c tests/faults/test_*.c tests/system/test_*.c)
BENCH_SRC   := $(wildcard tests/bench/bench_*.c)
PAYLOAD_SRC := $(wildcard tests/payloads/*.c)
PRODUCT_SRC := $(PROBE_SRC) $(SANDBOX_SRC) $(OPS_SRC) $(TUI_SRC) $(MAINS)

objects = $(patsubst %.c,$(OUT)/%.o,$(1))
LIBS     := $(OUT)/libtui.a $(OUT)/libops.a $(OUT)/libsandbox.a $(OUT)/libprobes.a
PROGRAMS := $(OUT)/rustbox $(OUT)/rustbox-ops $(OUT)/rustbox-probe $(OUT)/rustbox-tui
TESTS    := $(patsubst tests/%.c,$(OUT)/tests/%,$(TEST_SRC))
BENCHES  := $(patsubst tests/%.c,$(OUT)/tests/%,$(BENCH_SRC))
PAYLOADS := $(patsubst tests/payloads/%.c,$(OUT)/payloads/%,$(PAYLOAD_SRC))

.PHONY: FORCE all help deps test-deps run check tests-built unit asan clang tidy format install uninstall clean \
	check-failure-matrix check-vm soak soak-console fuzz bench bench-tui bench-scale screenshots payloads

all: $(PROGRAMS)

help:
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | sort | column -t -s "$$(printf '\t')"

# ---- build --------------------------------------------------------------------------------------
# stamp TEXT: a file that is new only when its text is, for what is made anew when a flag or a list has changed.
stamp = @mkdir -p $(@D); echo '$(subst ',,$(1))' | cmp -s - $@ || echo '$(subst ',,$(1))' >$@
$(OUT)/flags: FORCE; $(call stamp,$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(THIN_LINK))
$(OUT)/sources: FORCE; $(call stamp,$(PRODUCT_SRC))
$(OUT)/prefix: FORCE; $(call stamp,$(PREFIX))
# Where the programs look for each other is compiled in: another PREFIX makes only these files anew.
$(call objects,$(shell grep -lE 'RUSTBOX_(LIBEXECDIR|DATADIR)' $(PRODUCT_SRC))): $(OUT)/prefix

$(OUT)/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(PLACES) $(CFLAGS) -MMD -MP -c $< -o $@

define archive
@rm -f $@
$(call say,AR,$(@F))ar rcs $@ $(filter %.o,$^)
endef
$(LIBS): $(OUT)/sources
$(OUT)/libprobes.a:  $(call objects,$(PROBE_SRC)); $(archive)
$(OUT)/libsandbox.a: $(call objects,$(SANDBOX_SRC)); $(archive)
$(OUT)/libops.a:     $(call objects,$(OPS_SRC)); $(archive)
$(OUT)/libtui.a:     $(call objects,$(TUI_SRC)); $(archive)

$(OUT)/rustbox: $(OUT)/sandbox/cli/main.o $(OUT)/libsandbox.a $(OUT)/libprobes.a
	$(call say,LINK,$(@F))$(CC) $(CFLAGS) $(LDFLAGS) $(THIN_LINK) -o $@ $^ $(THIN_LIBS)
$(OUT)/rustbox-ops: $(OUT)/sandbox/ops/main.o $(OUT)/libops.a $(OUT)/libsandbox.a $(OUT)/libprobes.a
	$(call say,LINK,$(@F))$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(FULL_LIBS)
$(OUT)/rustbox-probe: $(OUT)/probes/main.o $(OUT)/libprobes.a
	$(call say,LINK,$(@F))$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(PROBE_LIBS)
$(OUT)/rustbox-tui: $(OUT)/tui/main.o $(OUT)/libtui.a $(OUT)/libprobes.a
	$(call say,LINK,$(@F))$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TUI_LIBS)

# WRAP_<test> = sys_umount2 ... makes a test stand between the product and its own system calls.
$(OUT)/tests/%: $(OUT)/tests/%.o $(call objects,$(HARNESS_SRC)) $(LIBS)
	$(call say,LINK,$(patsubst $(OUT)/%,%,$@))$(CC) $(CFLAGS) $(LDFLAGS) $(foreach s,$(WRAP_$(notdir $@)),-Wl,--wrap=$(s)) -o $@ \
		$< $(call objects,$(HARNESS_SRC)) -Wl,--start-group $(LIBS) -Wl,--end-group $(TEST_LIBS)
$(OUT)/payloads/%: tests/payloads/%.c tests/payloads/payload.h $(OUT)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=gnu11 -O1 -Wall -Wextra -Werror -D_GNU_SOURCE -static -pthread -o $@ $<
payloads: $(PAYLOADS)

-include $(patsubst %.c,$(OUT)/%.d,$(PRODUCT_SRC) $(HARNESS_SRC) $(TEST_SRC) $(BENCH_SRC))
.SECONDARY:

# ---- the two commands ---------------------------------------------------------------------------
# need LIST: installs what dpkg does not know as installed; says the command when not root.
define need
@missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
[ -z "$$missing" ] || { \
  if [ "$$(id -u)" != 0 ]; then echo "missing packages; run: sudo apt-get install --no-install-recommends "$$missing >&2; exit 1; fi; \
  echo "installing:" $$missing; apt-get -qq update; \
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing >/dev/null; }
endef

deps:
	$(call need,$(BUILD_PACKAGES))
test-deps: deps
	$(call need,$(TEST_PACKAGES))

run: deps ## install what is missing, build, open the console (or print the report without a terminal)
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@if [ -t 0 ] && [ -t 1 ]; then exec $(OUT)/rustbox-tui; else exec $(OUT)/rustbox-tui --once; fi

check: test-deps ## install what is missing, build, run all tests
	@$(MAKE) --no-print-directory -j$$(nproc) tests-built clang
	@OUT=$(OUT) V=$(V) tests/run.sh $(CHECK_ARGS)

tests-built: $(PROGRAMS) $(TESTS) $(PAYLOADS) $(BENCHES)

unit: tests-built ## the pure tests only, no root needed
	@OUT=$(OUT) V=$(V) tests/run.sh unit golden

# ---- other proofs -------------------------------------------------------------------------------
CLANG_OK := $(patsubst %.c,$(OUT)/clang/%.ok,$(PRODUCT_SRC) $(HARNESS_SRC) $(TEST_SRC))
clang: $(CLANG_OK) ## the same sources through clang's warnings
$(OUT)/clang/%.ok: %.c $(OUT)/flags
	@mkdir -p $(@D)
	$(call say,CLANG,$<)clang $(CPPFLAGS) $(PLACES) -std=gnu11 $(WARN) -fsyntax-only -MMD -MP -MT $@ -MF $(@:.ok=.d) $<
	@touch $@
-include $(CLANG_OK:.ok=.d)

asan: test-deps ## everything under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory -j$$(nproc) OUT=$(OUT)/asan OPT='-O1 -g' \
		SAN='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' tests-built
	@OUT=$(OUT)/asan tests/run.sh unit golden

tidy: ## clang-tidy over the product, each file by itself: over many at once it takes every va_list for uninitialised
	$(call need,clang-tidy)
	@printf '%s\n' $(PRODUCT_SRC) | xargs -P$$(nproc) -I{} clang-tidy --quiet {} -- $(CPPFLAGS) $(PLACES) -std=gnu11

BASE ?= HEAD
format: ## clang-format over the lines changed since BASE=HEAD
	$(call need,clang-format)
	@git clang-format --quiet --force --extensions c,h $(BASE)

clean: ## remove what was built
	rm -rf $(OUT)

-include tests/targets.mk
-include tests/screenshots/targets.mk
-include sandbox/deb/targets.mk
-include sandbox/install.mk
