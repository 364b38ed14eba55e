package integration

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/integration/testca"
)

// checkChart looks at what helm has rendered: it follows the schemas of Kubernetes, fits together, and agrees with the plain manifests. The
// values follow the chart's schema, or do not. It prints what a server has to agree with.
const checkChart = `import copy, glob, json, os, sys, jsonschema, yaml, kubernetes_validate
chart, values, plain = sys.argv[1:]
def load(path):
    with open(path) as f:
        return yaml.safe_load(f) or {}
def merged(a, b):
    if not (isinstance(a, dict) and isinstance(b, dict)):
        return b
    return {**a, **{k: merged(a[k], v) if k in a else v for k, v in b.items()}}
with open(chart + "/values.schema.json") as f:
    schema = jsonschema.Draft7Validator(json.load(f))
defaults = load(chart + "/values.yaml")
def wrong(path):
    return ["/".join(map(str, e.absolute_path)) + ": " + e.message for e in schema.iter_errors(merged(defaults, load(path)))]
for path in glob.glob(values + "/refused/*.yaml"):
    with open(path) as f:
        by, word = f.readline()[2:].strip().split(": ")
    found = wrong(path)
    if by == "schema":
        assert any(word in e for e in found), (path, found)
    else:
        assert not found, (path, found)
OWN = {"app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "helm.sh/chart"}
def bare(x):
    if isinstance(x, dict):
        return {k: bare(v) for k, v in x.items() if k not in OWN}
    return [bare(v) for v in x] if isinstance(x, list) else x
kinds, args = {}, {}
for path in sorted(glob.glob(values + "/*.values.yaml")):
    name = os.path.basename(path)[:-len(".values.yaml")]
    assert not wrong(path), (path, wrong(path))
    with open(values + "/" + name + ".yaml") as f:
        objects = [o for o in yaml.safe_load_all(f) if o]
    for o in objects:
        if o["kind"] != "ServiceMonitor":
            kubernetes_validate.validate(o, "1.31", strict=True)
    found = kinds[name] = {o["kind"]: o for o in objects}
    d = found["Deployment"]["spec"]
    pod = d["template"]
    app = pod["spec"]["containers"][0]
    ports = {p["name"] for p in app["ports"]}
    for selector in [d["selector"]["matchLabels"], found["Service"]["spec"]["selector"], found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
                     found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"], pod["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]]:
        assert selector == d["selector"]["matchLabels"] and selector.items() <= pod["metadata"]["labels"].items(), selector
    assert all(p["targetPort"] in ports for p in found["Service"]["spec"]["ports"])
    assert ports == {p["port"] for rule in found["NetworkPolicy"]["spec"]["ingress"] for p in rule["ports"]}
    assert {m["name"] for m in app["volumeMounts"]} == {v["name"] for v in pod["spec"]["volumes"]}
    assert "lifecycle" not in app
    args[name] = app["args"]
files = {}
for path in glob.glob(plain + "/*.yaml"):
    files[load(path)["kind"]] = load(path)
assert bare(kinds["minimal"]) == {k: v for k, v in files.items() if k in kinds["minimal"]}
assert set(kinds["minimal"]) == {"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"}
del files["Deployment"]["spec"]["replicas"]  # the autoscaler's
assert bare(kinds["manifests"]) == files
everything = kinds["everything"]
assert set(everything) == set(files) | {"ConfigMap", "Ingress"}
backends = [p["backend"]["service"] for r in everything["Ingress"]["spec"]["rules"] for p in r["http"]["paths"]]
assert len(backends) == 3 and all(b == {"name": "big-store", "port": {"name": "http"}} for b in backends), backends
assert everything["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == everything["Deployment"]["metadata"]["name"]
mounts = {m["name"]: m["mountPath"] for m in everything["Deployment"]["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]}
print(json.dumps({"args": args["everything"], "config": everything["ConfigMap"]["data"]["standpipe.toml"], "mounts": mounts,
                  "env": [e["name"] for e in everything["Deployment"]["spec"]["template"]["spec"]["containers"][0]["env"]]}))
`

// Helm's rendering of the chart, which packaging/chart_check.sh has written, is that of the chart as it is, passes the schemas and fits together;
// standpipe takes the command line and the settings.
func TestChart(t *testing.T) {
	t.Parallel()
	python := python(t)
	chart := filepath.Join(repoDir(), "packaging", "kubernetes", "chart")
	values := filepath.Join(repoDir(), "integration", "testdata", "chart")
	sums, err := os.ReadFile(filepath.Join(values, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	rendered := strings.Split(strings.TrimSpace(string(sums)), "\n")
	if now := sumsOf(t, chart, values); !slices.Equal(now, rendered) {
		t.Errorf("the chart has changed since helm rendered it; run packaging/chart_check.sh update\n%s", strings.Join(now, "\n"))
	}

	out, err := exec.Command(python, "-B", "-c", checkChart, chart, values, filepath.Dir(chart)).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, err.(*exec.ExitError).Stderr)
	}
	var m struct {
		Args, Env []string
		Config    string
		Mounts    map[string]string
	}
	if err := json.Unmarshal(out, &m); err != nil || len(m.Args) < 3 || m.Args[0] != "standpipe" || m.Args[1] != "serve" {
		t.Fatalf("%v\n%s", err, out)
	}
	if !slices.Contains(m.Env, "STANDPIPE_REDIS") {
		t.Errorf("%q", m.Env)
	}
	// The pod's folders, here.
	dir := project(t, map[string]string{"app.py": hello("x"), "tls/x": "", "etc/standpipe.toml": ""})
	write(t, dir, map[string]string{"etc/standpipe.toml": strings.ReplaceAll(m.Config, "/srv/shop", dir)})
	newAuthority(t, "chart").Sign(t, testca.For("shop.example.org")).Write(t, dir+"/tls/tls.crt", dir+"/tls/tls.key")
	here := strings.NewReplacer(m.Mounts["tls"]+"/", dir+"/tls/", m.Mounts["config"]+"/", dir+"/etc/")
	for i, a := range m.Args {
		m.Args[i] = here.Replace(a)
	}
	r := run(t, dir, []string{"STANDPIPE_REDIS=redis://127.0.0.1:1/0"}, append([]string{"config"}, m.Args[2:]...)...)
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	shown := regexp.MustCompile(` +`).ReplaceAllString(r.out, " ")
	has(t, shown, "listen.0.address 0.0.0.0:8080 ", "listen.1.address https://0.0.0.0:8444 ", "listen.1.protocol https ", "metrics 0.0.0.0:9200 ",
		"app.shop.workers 8 ", "app.shop.threads 2 ", "limits.max_body 20MiB ", dir+"/tls/tls.crt", "acme_storage redis", "shop.example.org,", "admin@example.org", "env STANDPIPE_REDIS")

	text, err := os.ReadFile(filepath.Join(chart, "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(repoDir(), "cmd", "standpipe", "version.go"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`var version = "(.*)"`).FindStringSubmatch(string(source))[1]
	has(t, string(text), "\nversion: "+version+"\n", "\nappVersion: "+version+"\n")
}

// sumsOf are the lines of sha256sum for all that helm reads.
func sumsOf(t *testing.T, folders ...string) []string {
	t.Helper()
	var lines []string
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || folder == folders[1] && !strings.HasSuffix(path, ".values.yaml") {
				return err
			}
			data, err := os.ReadFile(path)
			name, _ := filepath.Rel(repoDir(), path)
			lines = append(lines, fmt.Sprintf("%x  %s", sha256.Sum256(data), name))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[64:], b[64:]) })
	return lines
}
