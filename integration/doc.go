// Package integration holds the tests that run the built binary: real Python workers, real sockets, real signals.
//
// What is here: the harness (harness_test.go, server_test.go, records_test.go, names_test.go, client_test.go, process_test.go, screen_test.go,
// sandbox_test.go), the tests by behaviour
// (frameworks, lifecycle, boot, output, queue, commands, deps, wsgi_*; uwsgi_*, upstreams and export with real servers
// beside standpipe: neighbours_test.go; examples_*: the projects of examples/ as their READMEs start them; wheel_*: what pip, uv, pipx and poetry install), the sample applications (apps/), the orchestration of `make test` (run_tests.sh),
// corpus/: raw HTTP/1.1 requests and what they have to be told, for http1_* and the tests of bridge/http1,
// bench/: the race against other servers (`make bench`), which is not a test, and trials/: real applications beside gunicorn
// and nginx (`make trials`), which CI runs at night.
//
// promrules/: Prometheus' own code tries the alerts of packaging/prometheus; a module of its own, for `make test-all`.
// otelcol/: the OpenTelemetry Collector takes the traces; likewise.
//
// What is not here: anything that needs a look inside a package. The tests know the binary by its command line, its
// sockets, its log records and its exit codes; of our packages they may import shim alone, for the frame vectors.
//
// Ways: the tests of what apps send and receive (wsgi_*, uploads_*, slow_readers, both_ways, ...: familyFiles in over_test.go) run over
// HTTP/1.1, and with STANDPIPE_TEST_OVER=https or h2 over HTTPS and HTTP/2; `make test` does all three. A test writes
// HTTP/1.1 (dial, raw, wire) or uses a client; overh2/ translates the bytes to frames. What one way alone has says onlyOver, which is counted as a skip.
//
// Wording: a test asserts events, fields, exit codes, statuses and names (names_test.go), never a sentence. The sentences
// are in testdata/golden, one file for each surface (golden_test.go and golden_*_test.go). After a change of wording run
// `go test ./integration/ -run TestGolden -update` and review the diff.
//
// Goroutines: each server that start returns owns three (one reads stdout, one stderr, one waits for the process); all
// end with the process, and the test's cleanup waits for them.
//
// Where a new thing goes: a test goes into the file of its behaviour; an application that a test serves goes into
// apps/NAME, or, when it is a few lines long, into the test by project(t, files). A case or a server of the
// benchmark is an entry in bench/cases.py or bench/servers.py. A test that cannot run here calls
// skip with a one-word cause; .ci/allowed-skips says which causes a CI run may have, and why.
package integration
