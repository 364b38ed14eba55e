package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// logrotate, by its own file: the log is renamed, and standpipe writes a new one.
func TestExportedLogrotate(t *testing.T) {
	t.Parallel()
	rotate := program(t, "logrotate")
	dir := project(t, map[string]string{"app.py": hello("x"), "logs/x": "", "standpipe.toml": "control = \"c.sock\"\n[[app]]\nname = \"shop\"\nmodule = \"app\"\nworkers = 1\n[log]\naccess_log = \"logs/access.log\"\n"})
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"-b", "127.0.0.1:0", "--log-format", "json"}})
	r := run(t, dir, nil, "export", "logrotate")
	if r.code != 0 || !strings.Contains(r.out, filepath.Join(dir, "logs/access.log")) {
		t.Fatalf("%+v", r)
	}
	write(t, dir, map[string]string{"rotate.conf": strings.Replace(r.out, "delaycompress", "nocompress", 1)})
	path := filepath.Join(dir, "logs/access.log")
	logged := func(file, target string) func() bool {
		return func() bool {
			text, _ := os.ReadFile(file)
			return strings.Contains(string(text), target)
		}
	}
	s.want(200, "/?before")
	eventually(t, "the first log has the request", logged(path, "/?before"))
	// logrotate refuses folders that others may write to.
	if err := os.Chmod(filepath.Join(dir, "logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-d"}, {"-f"}} {
		cmd := exec.Command(rotate, append(args, "-s", filepath.Join(dir, "state"), filepath.Join(dir, "rotate.conf"))...)
		cmd.Env = cleanEnv(t)
		if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "error:") {
			t.Fatalf("logrotate %q: %v\n%s", args, err, out)
		}
	}
	eventually(t, "a new log is there", func() bool { _, err := os.Stat(path); return err == nil })
	s.want(200, "/?after")
	eventually(t, "the new log has the request", logged(path, "/?after"))
	if logged(path, "/?before")() || !logged(path+".1", "/?before")() {
		t.Error("the old lines are not in the old file")
	}
	if r := run(t, dir, nil, "export", "logrotate", "--access-log", "-"); r.code != 2 || !r.names("access_log") {
		t.Errorf("%+v", r)
	}
}

// health says whether each app has a worker, as the exported Dockerfile asks.
func TestExportedDocker(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("x"), "broken.py": "raise ValueError\n", "requirements.txt": "", "standpipe.toml": "control = \"c.sock\"\n[[listen]]\naddress = \"127.0.0.1:8123\"\n[[app]]\nname = \"The_Shop\"\nmodule = \"app\"\nworkers = 1\n"})
	r := run(t, dir, nil, "export", "docker")
	has(t, r.out, "FROM python:", "RUN pip install --no-cache-dir -r requirements.txt\n", "USER 10001:10001\n", "EXPOSE 8123\n", `HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["standpipe", "health"]`, `CMD ["standpipe", "serve", "-c", "standpipe.toml", "--bind", "0.0.0.0:8123"]`, "!\""+dir, "!uv ", "docker build -t the-shop:"+versionOf(t), "!:latest")
	instruction := regexp.MustCompile(`^(#.*|(FROM|WORKDIR|COPY|RUN|ENV|USER|EXPOSE|HEALTHCHECK|STOPSIGNAL|CMD) \S.*|)$`)
	for line := range strings.Lines(r.out) {
		if !instruction.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Errorf("no line of a Dockerfile: %q", line)
		}
	}
	write(t, dir, map[string]string{"uv.lock": "", "pyproject.toml": ""})
	has(t, run(t, dir, nil, "export", "docker").out, "COPY pyproject.toml uv.lock ./\n", "RUN uv sync --frozen --no-dev", "!-r requirements.txt")

	env, _ := onlyRuntimeFolder(t)
	if r := run(t, dir, env, "health"); r.code == 0 {
		t.Errorf("without a server: %+v", r)
	}
	s := start(t, opts{Dir: dir, Env: env, Bare: true, Args: []string{"-b", "127.0.0.1:0", "--log-format", "json"}})
	if r := run(t, dir, env, "health"); r.code != 0 || r.out != "ok\n" {
		t.Errorf("%+v", r)
	}
	s.stop()
	both := start(t, opts{Dir: dir, Env: env, Bare: true, NoWait: true, Args: []string{"-b", "127.0.0.1:0", "--log-format", "json", "--app", "name=good,module=app,workers=1", "--app", "name=bad,module=broken,mount=/bad,workers=1"}})
	eventually(t, "the bad app has failed and the good one is ready", func() bool {
		seen := map[string]bool{}
		for _, r := range both.log() {
			seen[r.event()+" "+r.str("app")] = true
		}
		return seen["app_ready good"] && seen["app_failed bad"]
	})
	if r := run(t, dir, env, "health"); r.code != 1 || !r.names("bad") {
		t.Errorf("%+v", r)
	}
	if r := run(t, dir, env, "health", "good"); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

// The manifests follow Kubernetes' schemas; the probes ask what standpipe answers.
func TestExportedKubernetes(t *testing.T) {
	t.Parallel()
	python := python(t)
	dir := project(t, map[string]string{"app.py": hello("x"), "standpipe.toml": "health_path = \"/-/health\"\n[[app]]\nname = \"The_Shop\"\nmodule = \"app\"\nworkers = 1\n[stop]\nstop_timeout = \"40s\"\n"})
	for _, more := range [][]string{nil, {"--health-path", "off"}} {
		r := run(t, dir, nil, append([]string{"export", "kubernetes"}, more...)...)
		if r.code != 0 {
			t.Fatalf("%+v", r)
		}
		write(t, dir, map[string]string{"shop.yaml": r.out})
		script := `import sys, yaml, kubernetes_validate
kinds = []
for one in yaml.safe_load_all(open(sys.argv[1])):
    kubernetes_validate.validate(one, "1.31", strict=True)
    kinds.append(one["kind"])
assert kinds == ["Deployment", "Service"], kinds
`
		if out, err := exec.Command(python, "-c", script, filepath.Join(dir, "shop.yaml")).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s\n%s", err, out, r.out)
		}
		if more == nil {
			has(t, r.out, "name: the-shop\n", "path: /-/health/readyz\n", "path: /-/health/livez\n", "terminationGracePeriodSeconds: 45\n", "containerPort: 8000\n", "image: the-shop:"+versionOf(t)+"\n", "!:latest")
		} else {
			has(t, r.out, "tcpSocket", "!httpGet")
		}
	}
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"-b", "127.0.0.1:0", "--log-format", "json"}})
	s.want(200, "/-/health/readyz")
	s.want(200, "/-/health/livez")
}

// versionOf is the version of the binary.
func versionOf(t *testing.T) string {
	t.Helper()
	return strings.Fields(run(t, t.TempDir(), nil, "version").out)[1]
}

// The scrape configuration is YAML; each metric of an alert exists.
func TestExportedPrometheus(t *testing.T) {
	t.Parallel()
	python := python(t)
	dir := project(t, map[string]string{"app.py": hello("x")})
	r := run(t, dir, nil, "export", "prometheus", "app", "--metrics", "0.0.0.0:9100")
	has(t, r.out, `targets: ["127.0.0.1:9100"]`)
	_, alerts, _ := strings.Cut(r.out, "# standpipe-alerts.yml:\n#\n")
	write(t, dir, map[string]string{"prometheus.yml": r.out, "alerts.yml": strings.ReplaceAll("\n"+alerts, "\n# ", "\n")})
	script := `import sys, yaml
scrape, alerts = [yaml.safe_load(open(f)) for f in sys.argv[1:]]
assert scrape["scrape_configs"][0]["job_name"] == "standpipe", scrape
rules = alerts["groups"][0]["rules"]
assert len(rules) > 4 and all(r["alert"] and r["expr"] for r in rules), alerts
`
	if out, err := exec.Command(python, "-c", script, filepath.Join(dir, "prometheus.yml"), filepath.Join(dir, "alerts.yml")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, r.out)
	}
	sources := ""
	files, _ := filepath.Glob(filepath.Join(repoDir(), "cmd/internal/metrics/*.go"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources += string(text)
	}
	names := regexp.MustCompile(`standpipe_[a-z_]+`).FindAllString(alerts, -1)
	if len(names) < 5 {
		t.Errorf("%q", names)
	}
	for _, name := range names {
		if !strings.Contains(sources, `"`+name) {
			t.Errorf("there is no metric %s", name)
		}
	}
	if r := run(t, dir, nil, "export", "prometheus", "app"); r.code != 2 || !r.names("--metrics") {
		t.Errorf("%+v", r)
	}
}
