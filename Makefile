# Needs Go and python3 (with venv), which fetch everything else. Works in a clean clone.
SHELL = /bin/sh

# The Go that go.mod names, whatever Go is installed: a `go` of 1.21 or newer fetches it through the module proxy.
export GOTOOLCHAIN := $(shell sed -n 's/^toolchain //p' go.mod)

BIN      = bin/standpipe
TESTENV  = .cache/testenv
FUZZTIME ?= 3s
SOAK     ?= 10m
PICTURES ?= 1h
ADDRESS  ?= 127.0.0.1:8000

# The version that the program says of itself; empty: that of cmd/standpipe/version.go.
VERSION  ?=
LDFLAGS   = -s -w$(if $(VERSION), -X main.version=$(VERSION))
BUILD     = CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)"
DIST     ?= dist

# The newest Python found has the frameworks' newest releases. Those of newer_pythons.sh are too new for compiled packages.
TESTPYTHON ?= $(shell integration/interpreters.sh | grep -v -e pypy -e 't$$' -e /.cache/pythons/ | tail -n 1 | cut -d' ' -f1)

.PHONY: build man site picture picture-top pictures licences run test test-all check smoke testenv soak edits trials figures bench bench-targets bench-quick bench-report bench-shim scaling eventloop profiles pgo wheel dist dist-check try-deb try-container try-wheel image try-arm64 check-chart clean $(BIN)

build: $(BIN)

# Go knows which packages are stale; make does not.
$(BIN):
	$(BUILD) -o $@ ./cmd/standpipe

# This machine's wheel: pip install dist/standpipe-*.whl
wheel: build
	python3 packaging/wheel.py --binary $(BIN) $(if $(VERSION),--version $(VERSION)) --out $(DIST)

# All that a release has: archives, wheels, deb, rpm and apk packages, bills of materials, checksums. Two builds of one commit are
# equal, byte for byte. PLATFORMS="linux-amd64 darwin-arm64" chooses. VERSION has to have a section in
# CHANGELOG.md, which is the text of its release.
dist:
	$(if $(VERSION),python3 -B packaging/notes.py "$(VERSION)" >/dev/null)
	packaging/dist.sh "$(or $(VERSION),$(shell sed -n 's/^var version = "\(.*\)"/\1/p' cmd/standpipe/version.go))" $(PLATFORMS)

# Builds a part of it twice and looks at what is inside; some minutes.
dist-check:
	packaging/dist_check.sh

# The wheel in an empty Debian that has Python alone: pip install, then a page of a new Django project; root, debootstrap.
try-wheel: wheel
	packaging/try_wheel.sh "$$(ls -t $(DIST)/standpipe-*.whl | head -n 1)"

# The deb package in an empty Debian under its own systemd, and the rpm where none runs: root, debootstrap, systemd-nspawn, rpm; two minutes,
# and five the first time.
try-deb:
	packaging/dist.sh 0.0.1 linux-amd64
	packaging/try_deb.sh dist/standpipe_0.0.1_amd64.deb
	packaging/try_rpm.sh dist/standpipe-0.0.1-1.x86_64.rpm

# The Dockerfiles of packaging/containers, docs/containers.md and some of examples/, replayed on a Debian root and run by runc in 256 MiB: root, debootstrap, runc.
try-container: build
	packaging/try_container.sh $(BIN)

# An image with only the program, for linux/amd64 and arm64, as an OCI layout in a tar file; no daemon is needed.
image:
	for arch in amd64 arm64; do GOOS=linux GOARCH=$$arch $(BUILD) -buildvcs=false -o dist/image-$$arch ./cmd/standpipe || exit 1; done
	packaging/image.sh "$(or $(VERSION),$(shell sed -n 's/^var version = "\(.*\)"/\1/p' cmd/standpipe/version.go))" \
		"dist/standpipe-$(or $(VERSION),$(shell sed -n 's/^var version = "\(.*\)"/\1/p' cmd/standpipe/version.go))-image.tar" amd64=dist/image-amd64 arm64=dist/image-arm64
	rm dist/image-amd64 dist/image-arm64

# make smoke with the program for linux/arm64, by qemu-aarch64-static on another machine: three seconds, and the build.
try-arm64: testenv
	GOOS=linux GOARCH=arm64 $(BUILD) -o $(BIN)-arm64 ./cmd/standpipe
	packaging/try_arm64.sh $(BIN)-arm64 $(TESTENV)/bin/python

# The Helm chart, rendered by helm and compared with integration/testdata/chart. It builds helm the first time: three minutes of processor
# time. UPDATE=update writes the files.
check-chart:
	packaging/chart_check.sh $(UPDATE)

# The manual pages, into dist/man.
man: build
	packaging/man.sh dist/man "$$($(BIN) version | cut -d' ' -f2)"

# docs/pictures/top*.svg, from a run of three minutes; needs tmux.
picture-top: build
	python3 -B docs/drawings/top.py $(BIN)

# docs/drawings/terminal.svg, the picture of the README, from a run of the sample shop.
picture: build .venv/ready
	python3 -B docs/drawings/terminal.py $(BIN) .venv

# docs/pictures/*.png, from a site that is busy for an hour. PICTURES=5m is quicker; PICTURES=http://... is a link of standpipe dashboard.
pictures: build testenv
	STANDPIPE_PICTURES=$(PICTURES) STANDPIPE_BIN=$(CURDIR)/$(BIN) go test -count=1 -timeout 0 -run TestPicturesOfTheDashboard ./integration/

# The pages as a site, into dist/site; every link and heading that they name exists.
site:
	packaging/site.sh dist/site

# THIRD_PARTY_LICENSES, after a module came, went or changed its version.
licences:
	go test -count=1 ./integration/laws/ -run TestLicences -update

# The sample shop in its own venv, as a user would run it.
run: build .venv/ready
	cd integration/apps/flask_shop && exec ../../../$(BIN) serve --venv ../../../.venv -b $(ADDRESS)

.venv/ready: integration/apps/flask_shop/requirements.txt
	python3 -m venv .venv
	integration/again.sh "pip install -r $<" .venv/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

# The venv with all the frameworks. Its stamp names the content of requirements.txt and the interpreter: a second
# `make testenv` does nothing.
testenv:
	@integration/testenv.sh "$(TESTPYTHON)" integration/requirements.txt $(TESTENV)

test: build testenv
	@BIN=$(CURDIR)/$(BIN) integration/run_tests.sh

# What CI runs: the same, fuzzing, and the shim's tests on every interpreter of this machine.
test-all: build testenv
	@SCOPE=all FUZZTIME=$(FUZZTIME) BIN=$(CURDIR)/$(BIN) integration/run_tests.sh

check:
	@integration/run_checks.sh

smoke: build testenv
	@integration/smoke.sh $(BIN) $(TESTENV)/bin/python

soak: build testenv
	STANDPIPE_SOAK=$(SOAK) STANDPIPE_BIN=$(CURDIR)/$(BIN) go test -count=1 -timeout 0 -v -run Soak ./integration/

# Two hundred edits, each followed by a request, of a Flask and of a Django project in development.
edits: build testenv
	STANDPIPE_DEV_ROUNDS=200 STANDPIPE_BIN=$(CURDIR)/$(BIN) go test -count=1 -timeout 30m -v -run 'TestDevHold$$' ./integration/

# Real applications beside gunicorn and nginx, compared answer by answer. TRIALS="django drf" chooses.
trials: build
	@python3 integration/trials --binary $(BIN) $(TRIALS)

# A few figures beside gunicorn, in one run; not a test.
figures: build
	@python3 -m venv .cache/figures && integration/again.sh "pip install" .cache/figures/bin/pip install --quiet --disable-pip-version-check 'gunicorn[gevent]' \
		-r integration/apps/flask_shop/requirements.txt
	@python3 integration/figures.py $(BIN) .cache/figures/bin/python integration/apps/flask_shop

# The race against other servers, about an hour: docs/measurements/benchmarks.md. BENCH="--cases hello,flask --rounds 5" chooses; --help lists the options.
bench: build
	@python3 integration/bench --binary $(BIN) $(BENCH)

# What standpipe has to reach, beside its peers, about 15 minutes: docs/measurements/targets.md. TARGETS="--rows hello-4000*,close --rounds 9" chooses.
bench-targets: build
	@python3 integration/bench --binary $(BIN) --targets $(TARGETS)

# Checks that the benchmark works: three cases, one second for each server. It measures nothing.
bench-quick: build
	@python3 integration/bench --binary $(BIN) --quick

# What a request, a connection, an app and a worker cost: the figures in docs/measurements/scaling.md again, in about two minutes. Needs wrk and two cores.
scaling: build
	@python3 integration/bench/scaling.py --binary $(BIN)

# What a Go server's waiting costs, with goroutines and with event loops: the figures in bridge/http1/doc.go again, in about four minutes.
eventloop:
	@python3 integration/bench/eventloop.py

# Where the processor time of a request goes, beside nginx + uWSGI: the figures in docs/measurements/profiles.md again, in about four minutes. Needs wrk and
# what `make bench` needs for nginx + uWSGI; with perf it also shows the time in the kernel. PROFILES="--cases hello,close --print" chooses.
profiles: build
	@python3 integration/bench/profiles.py --binary $(BIN) $(PROFILES)

# The pages again, from docs/measurements/{benchmarks,targets}.json and the notes beside them.
bench-report:
	@python3 integration/bench --report

# What one request costs in the shim, for benchstat: make bench-shim >old, change something, make bench-shim >new, benchstat old new.
bench-shim:
	@COUNT=$(or $(COUNT),10) $(or $(PYTHON),python3) -B shim_py/tests/bench_exchange.py

# A CPU profile of a loaded server, for the compiler: go build uses cmd/standpipe/default.pgo. Needs wrk.
pgo: build testenv
	@integration/pgo.sh $(BIN) $(TESTENV)/bin/python cmd/standpipe/default.pgo

clean:
	rm -rf bin .cache .venv dist
