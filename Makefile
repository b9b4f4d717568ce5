# Anju. Two commands do everything on a fresh Debian 12: `make run` and `make test`. `make help` lists the rest.
# Sources are found by wildcard: a new file needs no line here. Order of the page: settings, program, web UI, tests, guards.
B       ?= build
MODE    ?= release
WEB     ?= 1
Q       := $(if $(V),,@)# V=1 shows the commands
ifeq ($(origin CC),default)
CC      := gcc
endif
ifeq ($(MAKECMDGOALS),bench)
BENCH   := $(filter-out build%,$(B)) # `make bench B=ticket_create`: only there B names a benchmark, not the build folder
override B := build
endif
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wvla -Wformat=2 -Wno-format-nonliteral -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Werror
PKGS    := sqlite3 libpq libmicrohttpd gnutls jansson libsodium liboath xlsxwriter zlib gmime-3.0
CPPFLAGS += -Isrc -D_GNU_SOURCE $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
CFLAGS_release := -O2 -g -fno-plt -D_FORTIFY_SOURCE=2 -fstack-protector-strong -ffile-prefix-map=$(CURDIR)=.
CFLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_tsan    := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
CFLAGS  += -std=gnu17 $(WARN) $(CFLAGS_$(MODE)) -pthread
LDFLAGS_release := -Wl,-z,relro,-z,now
LDFLAGS += $(LDFLAGS_$(MODE)) $(filter -fsanitize%,$(CFLAGS)) -pthread
LDLIBS  := -lsqlite3 -lpq -lmicrohttpd -lgnutls -ljansson -lsodium -loath -lxlsxwriter -lz -lzxcvbn $(shell pkg-config --libs gmime-3.0 2>/dev/null)
# Nothing of npm lands outside the tree (a CI machine's HOME may be read-only), and no browser is ever downloaded.
export npm_config_cache := $(abspath $(B))/npm
export npm_config_audit := false
export npm_config_fund := false
export npm_config_update_notifier := false
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1
export ANJU_BUILD := $(B)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
DEB_VERSION :=
.PHONY: deb deb-test vm-test
.PHONY: all run test lint lighthouse mutants outdated bench fuzz fuzzers docs format tsan clean help setup tests ceilings tidy always
MAKEFLAGS += --no-builtin-rules --no-print-directory

# --- the program: objects under $(B)/$(MODE)/, everything but main.c in one library that tests link too ----------------
O     := $(B)/$(MODE)
BIN   := $(if $(filter release,$(MODE)),$(B),$(O))/anju
LIB   := $(O)/libanju.a
SRC   := $(sort $(shell find src -name '*.c' -not -path '*/test/*'))
MAIN  := src/main/main.c
GEN   := $(B)/gen/$(if $(filter 0,$(WEB)),noweb,web)/assets.c
SHIPPED := $(B)/gen/shipped.c
DATA  := $(shell find src/rooms -path '*/data/*')
OBJ   := $(patsubst %.c,$(O)/%.o,$(filter-out $(MAIN),$(SRC))) $(patsubst $(B)/%.c,$(O)/%.o,$(GEN) $(SHIPPED))
TESTS := $(sort $(shell find src test -name node_modules -prune -o -name '*_test.c' -path '*/test/*' -print) $(wildcard test/unit/*_test.c))
HELP_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard test/lib/*.c))
TEST_BIN := $(TESTS:%.c=$(O)/%)
FUZZ_BIN := $(patsubst %.c,$(O)/%,$(wildcard test/fuzz/*_fuzz.c))
CEILINGS := $(patsubst %.c,$(B)/%,$(wildcard bench/*.c))
C_FILES  := $(shell find src test tools $(wildcard bench) -name node_modules -prune -o \( -name '*.c' -o -name '*.h' \) -print)

all: $(BIN) ## build/anju with the web UI inside (WEB=0: without it, needs no node; MODE=asan|tsan; CC=clang B=build-clang)

$(BIN): $(O)/$(MAIN:.c=.o) $(LIB)
	@echo '  LINK $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
# The list of members is a prerequisite, so that a removed source leaves the library too.
$(LIB): $(OBJ) $(O)/members
	@rm -f $@
	@echo '  AR $@'
	$(Q)ar rcs $@ $(OBJ)
$(O)/members: $(if $(shell echo '$(OBJ)' | cmp -s - $(O)/members || echo changed),always)
	@mkdir -p $(@D) && echo '$(OBJ)' > $@
$(O)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo '  CC $@'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(O)/gen/%.o: $(B)/gen/%.c Makefile
	@mkdir -p $(@D)
	@echo '  CC $@'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(shell find $(O) -name '*.d' 2>/dev/null)

run: ## set up, build, serve the demo community on http://127.0.0.1:8080
	@tools/setup.sh $(B) build
	@$(MAKE) all
	@mkdir -p data
	@exec $(BIN) serve --demo --db sqlite:data/anju.db --listen 127.0.0.1:8080 --data data

setup: ## install every missing package: build, test, lint, bench
	@tools/setup.sh $(B) build test lint bench

# --- the web UI: Vite builds web/dist, tools/embed turns it into one C file --------------------------------------------
# Folders are prerequisites too: their time changes when a file is added or removed.
WEB_SRC := $(shell find web -mindepth 1 \( -name node_modules -o -name dist -o -name '*.tsbuildinfo' \) -prune -o -print 2>/dev/null)
%/node_modules/.stamp: %/package-lock.json
	@echo '  NPM $*'
	$(Q)cd $* && npm ci --no-progress
	@mkdir -p $(@D) && touch $@
web/dist/.stamp: web/node_modules/.stamp $(WEB_SRC)
	@echo '  VITE web/dist'
	$(Q)cd web && npm run --silent build
	@touch $@
$(B)/embed: tools/embed.c Makefile
	@mkdir -p $(@D)
	@echo '  CC $@'
	$(Q)$(CC) -std=gnu17 $(WARN) -D_GNU_SOURCE -O2 -o $@ $< -lz
$(B)/gen/web/assets.c: $(B)/embed web/dist/.stamp
	@mkdir -p $(@D)
	@echo '  EMBED $@'
	$(Q)$(B)/embed web/dist $@
$(B)/gen/noweb/assets.c: $(B)/embed
	@mkdir -p $(@D)/none
	@echo '  EMBED $@'
	$(Q)$(B)/embed $(@D)/none $@

# What a new database starts with: src/rooms/*/data.
$(SHIPPED): $(B)/embed $(DATA)
	@mkdir -p $(@D)
	@echo '  EMBED $@'
	$(Q)$(B)/embed rooms src/rooms $@

# --- tests: C units under sanitizers, HTTP journeys on both engines, the browser ---------------------------------------
test: ## set up, build, run every suite (ONLY="units journeys e2e" or file names: some)
	@tools/setup.sh $(B) build test
	@$(MAKE) all
	@$(MAKE) MODE=asan all tests
	@$(MAKE) test/node_modules/.stamp
	@node test/run.mjs $(ONLY)
tsan: ## unit tests and SQLite journeys under the thread sanitizer
	@tools/setup.sh $(B) build test
	@$(MAKE) MODE=tsan all tests
	@ANJU_TEST_MODE=tsan node test/run.mjs $(or $(ONLY),units journeys-sqlite)
tests: $(TEST_BIN) $(FUZZ_BIN)
# A fuzz target is linked with libFuzzer by MODE=fuzz, and else with a main that runs files once: the corpora are tests.
# The door comes before the library: it takes the place of http.c.
$(FUZZ_BIN): %: %.o $(O)/test/fuzz/door.o $(if $(filter fuzz,$(MODE)),,$(O)/test/fuzz/replay.o) $(HELP_OBJ) $(LIB)
	@echo '  LINK $@'
	$(Q)$(CC) $(LDFLAGS) $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer) -o $@ $^ -lcmocka $(LDLIBS)
fuzzers: $(FUZZ_BIN)
fuzz: ## fuzz every target for FUZZ_SECONDS (60); FUZZ=request: one; FUZZ_KEEP=1: add what was learnt to the corpora
	@tools/setup.sh $(B) build fuzz
	@$(MAKE) CC=clang B=$(B)-fuzz MODE=fuzz WEB=0 fuzzers
	@node test/fuzz/run.mjs $(B)-fuzz/fuzz/test/fuzz $(FUZZ)
$(TEST_BIN): %: %.o $(HELP_OBJ) $(LIB)
	@echo '  LINK $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) -lcmocka $(LDLIBS)
# They send requests in-process, through the fuzz targets' door.
$(addprefix $(O)/test/unit/,batch_test fault_test line_test links_test): $(O)/test/fuzz/door.o

mutants: ## take each protection away in turn and see its test fail (ONLY="csrf|token": some; about an hour)
	@tools/setup.sh $(B) build test
	@$(MAKE) web/node_modules/.stamp test/node_modules/.stamp
	@node test/mutants/run.mjs
lighthouse: ## Lighthouse on the demo's pages, reports in build/lighthouse; not part of test: a busy machine scores lower
	@tools/setup.sh $(B) build test
	@$(MAKE) all
	@$(MAKE) test/lighthouse/node_modules/.stamp
	@node test/lighthouse/run.mjs $(B)/lighthouse

bench: ## measure against the ceiling programs in bench/ (B=ticket_create: one)
	@tools/setup.sh $(B) build bench
	@$(MAKE) B=$(B) all ceilings
	@node bench/run.mjs $(BENCH)
ceilings: $(CEILINGS)
$(B)/bench/%: $(O)/bench/%.o $(LIB)
	@mkdir -p $(@D)
	@echo '  LINK $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# --- the Debian package ------------------------------------------------------------------------------------------------
deb: ## dist/anju_VERSION_ARCH.deb (DEB_VERSION=: another version than the program's)
	@tools/setup.sh $(B) build deb
	@$(MAKE) all
	@tools/deb.sh $(BIN) dist $(DEB_VERSION)
deb-test: ## try the package on a fresh Debian 12 in a folder: install, log in, upgrade, remove, purge (root, network)
	@tools/setup.sh $(B) build deb deb-test
	@$(MAKE) all
	@tools/deb_test.sh $(BIN)
vm-test: deb-test ## the same package on a Debian 12 that boots in an emulated machine: systemd, timer, log rotation, alarms
	@tools/setup.sh $(B) vm-test
	@tools/vm_test.sh $(BIN)

# --- guards ------------------------------------------------------------------------------------------------------------
lint: ## floors, clang-format, clang-tidy, cppcheck, stale derived files
	@tools/setup.sh $(B) build lint
	@$(MAKE) $(B)/floors && tools/floors_test.sh $(B)/floors && $(B)/floors .
	@echo '  FORMAT' && clang-format --dry-run -Werror $(C_FILES)
	@$(MAKE) tidy
	@mkdir -p $(B)/cppcheck
	@echo '  CPPCHECK' && cppcheck -q -j$(shell nproc) --cppcheck-build-dir=$(B)/cppcheck --enable=warning,performance,portability --inline-suppr \
	    --library=posix --suppress=readdirCalled --error-exitcode=1 --std=c11 -D_GNU_SOURCE -Isrc src tools
	@$(MAKE) all
	@echo '  WEB' && cd web && npm run --silent check && npm run --silent size >/dev/null
	@tools/docs.sh check $(BIN)
	@echo 'lint: clean'
# A file is looked at again when its object was: so after a change only what the change touches.
tidy: $(SRC:%.c=$(B)/tidy/%)
$(B)/tidy/%: $(B)/release/%.o .clang-tidy
	@mkdir -p $(@D)
	@echo '  TIDY $*.c'
	$(Q)clang-tidy --quiet --warnings-as-errors='*' $*.c -- $(CPPFLAGS) -std=gnu17 $(filter-out -Werror,$(WARN)) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@
$(B)/floors: tools/floors.c Makefile
	@mkdir -p $(@D)
	@echo '  CC $@'
	$(Q)$(CC) -std=gnu17 $(WARN) -D_GNU_SOURCE -O1 -g -fsanitize=address,undefined -o $@ $<

outdated: all ## newer versions and known holes of what the program is made of (network; run it before a release)
	@tools/outdated.sh $(BIN)
docs: all ## write the derived files (docs/openapi.json and its like) again
	@tools/docs.sh write $(BIN)
format: ## clang-format every C file
	clang-format -i $(C_FILES)
clean: ## remove what was built (not node_modules, not data/)
	rm -rf $(B) web/dist
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
