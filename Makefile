# The commands of this project; `make help` lists them. Everything they make lands in ignored
# folders of this tree, packages that are missing are installed with apt-get.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The graph in Package.swift is the architecture: an import it does not declare is an error.
SWIFT_BUILD_FLAGS := --explicit-target-dependency-import-check error

# The programs do not depend on the folder they are built in: assertions in C name their files relative to it, and so
# does the debugging information, of which the linker takes a hash.
RELATIVE_PATHS := -ffile-prefix-map=$(CURDIR)=.
RELEASE_FLAGS := -Xcc $(RELATIVE_PATHS)

release := .build/release/isagate
address := .build-asan
thread := .build-tsan
traits := .build-traits
compat := .build/compat

# The folders of `make install`; DESTDIR is prefixed to all of them.
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
INCLUDEDIR ?= $(PREFIX)/include
SHAREDIR ?= $(PREFIX)/share
DESTDIR ?=

build_requirements := gcc libc6-dev openssl libssl-dev zlib1g-dev libdeflate-dev libcrypt-dev libpcre2-dev libc-ares-dev
test_requirements := python3 python3-pytest python3-pytest-xdist python3-cryptography curl procps certbot pebble g++ pkg-config chromium \
	haproxy nginx prometheus python3-prometheus-client python3-websockets testssl.sh libnghttp2-dev nghttp2-client python3-hpack goaccess jq \
	python3-jsonschema python3-yaml mandoc iproute2 keepalived python3-pip systemd gcc-mingw-w64-x86-64-win32 \
	etcd-server etcd-client \
	redis-server redis-sentinel

# What Debian packages are made with and tested with.
package_requirements := dpkg-dev debhelper patchelf
package_test_requirements := $(package_requirements) lintian mmdebstrap iproute2 buildah

# The packages for codings beyond gzip.
trait_requirements := libbrotli-dev libzstd-dev

# The interpreter with the modules that the tests import: Debian's, even if another one comes first in PATH.
python = $(shell python3 -c 'import pytest, xdist, cryptography, websockets, hpack, prometheus_client' 2>/dev/null && echo python3 || echo /usr/bin/python3)

c_sources = $(wildcard CShims/*/*.c CShims/*/*/*.c Examples/*/*.c Tests/EndToEnd/extensions/*.c \
	Tests/EndToEnd/clients/*.c Tests/CNGHTTP2/*.c Tests/Packages/*.c Tests/Host/driven.c Bench/*.c)
windows_sources = $(wildcard Tests/EndToEnd/compat/*.c Tests/EndToEnd/samples/*.c)

address_environment := ASAN_OPTIONS=detect_leaks=1 \
	LSAN_OPTIONS=suppressions=$(CURDIR)/Tests/leak-sanitizer.supp:print_suppressions=0

# The extensions of these tests run on several threads at once, the gateway's and their own. Clang's runtime is in the
# gateway, and serves the extensions too.
thread_tests := async contract extensions inline_extensions lifetime misbehaviour operations pending \
	pipelining_extensions samples soak support_requests
thread_environment := ISAGATE_TEST_COMPILER="clang -g -fsanitize=thread" ISAGATE_TEST_PATIENCE=10 \
	TSAN_OPTIONS=halt_on_error=1:suppressions=$(CURDIR)/Tests/thread-sanitizer.supp

# These mainly wait for other programs, or need memory that AddressSanitizer multiplies; the gateway does nothing in them
# that the other tests do not cover.
foreign_tests := certbot.py install.py scanners.py http2_memory.py fleet.py floating_address.py \
	kubernetes.py kubernetes_pods.py ticket_rotation.py acme_dns_ends.py \
	acme_import.py acme_trial.py servers_etcd.py \
	shared_limits.py shared_limits_fleet.py acme_fleet.py acme_shared_storage.py

# Tests that are run by HTTP/2 once more.
http2_tests := files files_conditions files_listing files_changes files_validators mapped_files extensions contract contract_edges \
	async operations pending inline_extensions extension_kit isapi_reference support_requests script_maps samples \
	third_party_extension compression compression_streams coded_requests error_pages error_pages_by_route headers redirects conditions \
	access client_limits request_id trace_context extension_times path_rules targets bodies large_bodies spooled_bodies refused_bodies \
	early_answers proxy proxy_origins proxy_rewriting proxy_buffers forward_auth balancing access_log access_log_ends \
	lifetime misbehaviour data_rates max_forwards requests request_limits shared_limits

host_includes := CShims/CISAPI/include CShims/CCompat/include CShims/CLinux/include CShims/CPoolProtocol/include
host_sources = $(wildcard Sources/isagate-host/*.[ch] Sources/isagate-host/linux/*.[ch] CShims/CCompat/*.h CShims/CCompat/*/*.[ch]) \
	$(wildcard CShims/CPoolProtocol/include/*.h) CShims/CLinux/CLinux.c \
	CShims/CLinux/Crashes.c CShims/CLinux/Stacks.c CShims/CLinux/Frames.c CShims/CLinux/Frames.h \
	CShims/CCompat/exports.list

# Tests of the contract that are run once more with every extension isolated.
isolated_tests := extensions contract contract_edges async operations pending inline_extensions extension_kit \
	isapi_reference support_requests script_maps samples third_party_extension compression_streams error_pages \
	access_log_ends lifetime misbehaviour spooled_bodies refused_bodies early_answers

# Files of tests side by side, each in one process: most of their time is waiting for processes and deadlines.
# Tests wait for others half of their time.
processes = $(shell expr $$(nproc) + 1)
pytest = $(python) -m pytest -q --numprocesses $(processes) --dist loadfile

stage = @printf '\n== %s\n'

.PHONY: help run build compat install install-development deb tarball test test-packages test-unit test-end-to-end test-address test-thread test-traits test-trixie lint format bench soak soak-files soak-observed fuzz certs examples clean
.PHONY: build-requirements test-requirements windows-host

help: ## Lists these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1 \2/p' Makefile | while read -r name text; do printf '%-16s%s\n' "$$name" "$$text"; done

run: build examples certs ## Builds everything and serves deploy/isagate.yaml
	@exec $(release) run --config deploy/isagate.yaml

build: build-requirements ## Builds the gateway, and isagate-host beside it
	$(stage) "release build"
	swift build -c release $(SWIFT_BUILD_FLAGS) $(RELEASE_FLAGS) --product isagate
	@$(MAKE) --no-print-directory $(release)-host

# The host of isolated extensions, in plain C. `swift build` makes its folder.
%-host: $(host_sources)
	@gcc -std=gnu17 -O2 -g $(RELATIVE_PATHS) -Wall -Wextra -Werror -pthread $(addprefix -I,$(host_includes)) \
		-Wl,--dynamic-list=CShims/CCompat/exports.list -o $@ $(filter %.c,$^)

# The same program for Windows and Wine. Only tests build it.
WINDOWS_HOST ?= .build/isagate-host.exe
windows_host_sources = $(wildcard Sources/isagate-host/*.[ch] Sources/isagate-host/windows/*.[ch] CShims/CPoolProtocol/include/*.h)
windows-host: $(WINDOWS_HOST)
$(WINDOWS_HOST): $(windows_host_sources)
	@mkdir -p $(@D)
	x86_64-w64-mingw32-gcc -std=gnu17 -O2 -g -Wall -Wextra -Werror -ICShims/CPoolProtocol/include -static-libgcc -o $@ $(filter %.c,$^)

compat: build-requirements ## Builds libisagate-compat, the functions of windows.h, for extensions to be linked to
	@mkdir -p $(compat)
	gcc -O2 -g $(RELATIVE_PATHS) -Wall -Wextra -Werror -shared -fPIC -fvisibility=hidden -pthread -ICShims/CISAPI/include \
		-ICShims/CCompat/include -Wl,-z,defs -Wl,-soname,libisagate-compat.so.0 \
		-o $(compat)/libisagate-compat.so.0 CShims/CCompat/*/*.c

install: build install-development ## Installs the gateway with its manual and completions, and what extensions are built with, under PREFIX (/usr/local)
	install -D -m 755 $(release) $(DESTDIR)$(PREFIX)/bin/isagate
	install -D -m 755 $(release)-host $(DESTDIR)$(PREFIX)/libexec/isagate/isagate-host
	install -D -m 644 -t $(DESTDIR)$(SHAREDIR)/man/man1 deploy/man/isagate.1
	install -D -m 644 -t $(DESTDIR)$(SHAREDIR)/man/man5 deploy/man/isagate.yaml.5
	install -d $(DESTDIR)$(SHAREDIR)/bash-completion/completions $(DESTDIR)$(SHAREDIR)/zsh/site-functions \
		$(DESTDIR)$(SHAREDIR)/fish/vendor_completions.d $(DESTDIR)$(SHAREDIR)/isagate
	$(release) --generate-completion-script bash >$(DESTDIR)$(SHAREDIR)/bash-completion/completions/isagate
	$(release) --generate-completion-script zsh >$(DESTDIR)$(SHAREDIR)/zsh/site-functions/_isagate
	$(release) --generate-completion-script fish >$(DESTDIR)$(SHAREDIR)/fish/vendor_completions.d/isagate.fish
	$(release) schema >$(DESTDIR)$(SHAREDIR)/isagate/isagate.schema.json

install-development: compat ## Installs the headers, libisagate-compat and isagate-extension.pc only
	install -d $(DESTDIR)$(INCLUDEDIR)/isagate $(DESTDIR)$(LIBDIR) $(DESTDIR)$(PKGCONFIGDIR)
	install -m 644 $(filter-out %/CISAPI_host.h,$(wildcard $(addprefix CShims/CISAPI/include/*.,h H hpp))) \
		$(DESTDIR)$(INCLUDEDIR)/isagate
	install -m 755 $(compat)/libisagate-compat.so.0 $(DESTDIR)$(LIBDIR)
	ln -sf libisagate-compat.so.0 $(DESTDIR)$(LIBDIR)/libisagate-compat.so
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(shell sed -n 's/.*let text = "\(.*\)"/\1/p' Sources/Gateway/BuildVersion.swift)|' \
		deploy/isagate-extension.pc.in >$(DESTDIR)$(PKGCONFIGDIR)/isagate-extension.pc

deb: build ## Builds the Debian packages isagate and isagate-dev, in .build/packages
	@Tests/install-packages $(package_requirements)
	packaging/build deb

tarball: build ## Builds an archive for other distributions, in .build/packages
	@Tests/install-packages $(package_requirements)
	packaging/build tarball

test: test-unit test-end-to-end test-address ## Runs every test; without CI set, also the fuzzers for a moment
	@if Tests/Packages/run possible; then $(MAKE) --no-print-directory test-packages; else echo "test-packages is left out"; fi
	$(if $(CI),,@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=10)
	$(stage) "all tests passed"

test-unit: test-requirements ## Runs the unit tests with AddressSanitizer
	$(stage) "unit tests with AddressSanitizer"
	$(address_environment) swift test --disable-xctest --sanitize=address --scratch-path $(address) $(SWIFT_BUILD_FLAGS)

test-end-to-end: test-requirements build examples ## Runs the end-to-end tests
	$(stage) "end-to-end tests"
	ISAGATE=$(release) $(pytest) Tests/EndToEnd
	$(stage) "end-to-end tests of extensions in processes of their own"
	ISAGATE=$(release) ISAGATE_TEST_ISOLATED=1 $(pytest) $(patsubst %,Tests/EndToEnd/test_%.py,$(isolated_tests))
	$(stage) "end-to-end tests by HTTP/2"
	ISAGATE=$(release) ISAGATE_TEST_HTTP2=1 $(pytest) $(patsubst %,Tests/EndToEnd/test_%.py,$(http2_tests))

test-address: test-unit examples ## Runs the end-to-end tests with AddressSanitizer, but for those of other programs
	$(stage) "end-to-end tests with AddressSanitizer"
	@$(MAKE) --no-print-directory $(address)/debug/isagate-host
	$(address_environment) ISAGATE=$(address)/debug/isagate ISAGATE_TEST_PATIENCE=4 \
		$(pytest) Tests/EndToEnd $(addprefix --ignore Tests/EndToEnd/test_,$(foreign_tests))

test-thread: test-requirements examples ## Runs the unit tests and those of extensions with ThreadSanitizer
	$(stage) "unit tests with ThreadSanitizer"
	$(thread_environment) swift test --disable-xctest --sanitize=thread --scratch-path $(thread) $(SWIFT_BUILD_FLAGS)
	$(stage) "end-to-end tests of extensions with ThreadSanitizer"
	$(thread_environment) ISAGATE=$(thread)/debug/isagate $(python) -m pytest -q \
		$(patsubst %,Tests/EndToEnd/test_%.py,$(thread_tests))

test-traits: test-requirements ## Builds with Brotli and Zstandard, and runs the tests that concern them
	@Tests/install-packages $(trait_requirements)
	$(stage) "unit tests of the codings, with Brotli and Zstandard"
	swift test --disable-xctest --traits Brotli,Zstd --scratch-path $(traits) $(SWIFT_BUILD_FLAGS) \
		--filter CompressionTests
	$(stage) "end-to-end tests of the codings, with Brotli and Zstandard"
	ISAGATE=$(traits)/debug/isagate ISAGATE_TEST_PATIENCE=4 $(python) -m pytest -q \
		$(addprefix Tests/EndToEnd/test_compression_,clients.py streams.py traits.py)

test-packages: build examples test-requirements ## Installs, serves, upgrades and removes the Debian packages in fresh roots of Debian 12 and 13, as root
	@Tests/install-packages $(package_test_requirements)
	$(stage) "packages on Debian 12 and 13"
	Tests/Packages/run

test-trixie: ## Builds on Debian 13, as root, and runs the unit tests and the end-to-end tests of TLS there
	@Tests/install-packages mmdebstrap
	Tests/trixie $(build_requirements) $(filter-out certbot pebble chromium prometheus testssl.sh iproute2 keepalived python3-pip systemd gcc-mingw-w64-x86-64-win32 etcd-server etcd-client,$(test_requirements))

lint: build-requirements test-requirements ## Checks the formatting of Swift and the warnings of C, also for Windows
	$(stage) "swift format"
	swift format lint --strict --parallel --recursive --configuration .swift-format Sources Tests Examples Package.swift
	$(stage) "gcc -Wall -Wextra"
	gcc -Wall -Wextra -Werror -fsyntax-only -ICShims/CISAPI/include $(addprefix -I,$(wildcard CShims/*/include Tests/*/include)) $(c_sources)
	gcc -Wall -Wextra -Werror -fsyntax-only -fshort-wchar -ICShims/CISAPI/include $(windows_sources)
	$(stage) "isagate-host for Windows"
	@$(MAKE) --no-print-directory windows-host

format: ## Formats the Swift sources in place
	swift format --in-place --parallel --recursive --configuration .swift-format Sources Tests Examples Package.swift

bench: build examples ## Measures against other servers; prints one table in under five minutes
	Bench/run

SOAK_SECONDS ?= 600
soak: test-requirements ## Runs mixed clients of extensions for SOAK_SECONDS (600) with AddressSanitizer; a leak fails it
	$(stage) "build with AddressSanitizer"
	swift build --sanitize=address --scratch-path $(address) $(SWIFT_BUILD_FLAGS) --product isagate
	$(stage) "soak, $(SOAK_SECONDS) s"
	$(address_environment) ISAGATE=$(address)/debug/isagate ISAGATE_TEST_PATIENCE=4 \
		$(python) Tests/EndToEnd/soak.py $(SOAK_SECONDS)

soak-observed: build test-requirements ## Loads a gateway for SOAK_SECONDS (600) whose metrics, log and status page are read; growth fails it
	$(stage) "soak under observation, $(SOAK_SECONDS) s"
	ISAGATE=.build/release/isagate $(python) Tests/EndToEnd/observed_soak.py $(SOAK_SECONDS)

soak-files: test-requirements ## Runs slow and fast clients of changing files for SOAK_SECONDS (600); a wrong byte fails it
	$(stage) "build with AddressSanitizer"
	swift build --sanitize=address --scratch-path $(address) $(SWIFT_BUILD_FLAGS) --product isagate
	$(stage) "soak of files, $(SOAK_SECONDS) s"
	$(address_environment) ISAGATE=$(address)/debug/isagate ISAGATE_TEST_PATIENCE=4 \
		$(python) Tests/EndToEnd/files_stress.py $(SOAK_SECONDS)

FUZZ_SECONDS ?= 30
fuzz: ## Runs each fuzzer for FUZZ_SECONDS (30)
	$(stage) "fuzzers, $(FUZZ_SECONDS) s each"
	Tests/Fuzz/run $(FUZZ_SECONDS)

certs: build-requirements ## Makes the development certificates in Certs/dev
	Certs/generate

examples: build-requirements ## Builds the example extensions
	$(stage) "examples"
	$(MAKE) --no-print-directory -C Examples

clean: ## Removes what was built
	$(MAKE) --no-print-directory -C Examples clean
	rm -rf .build .build-*

build-requirements:
	@Tests/install-packages $(build_requirements)

test-requirements: build-requirements
	@Tests/install-packages $(test_requirements)
	@Tests/install-kubernetes-tools .build-kubernetes
