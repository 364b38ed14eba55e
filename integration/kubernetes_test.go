package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// checkManifests validates the manifests, and prints what a server has to agree with.
const checkManifests = `import glob, json, sys, yaml, kubernetes_validate
files = {}
for path in sorted(glob.glob(sys.argv[1] + "/*.yaml")):
    with open(path) as f:
        one = yaml.safe_load(f)
    files[one["kind"]] = one
    if one["kind"] != "ServiceMonitor":  # of an operator: no schema
        kubernetes_validate.validate(one, "1.31", strict=True)
name = {"app.kubernetes.io/name": "shop"}
d = files["Deployment"]["spec"]
pod = d["template"]["spec"]
shop = pod["containers"][0]
ports = {p["name"]: p["containerPort"] for p in shop["ports"]}
selectors = [d["selector"]["matchLabels"], files["Service"]["spec"]["selector"], files["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
             files["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"], files["ServiceMonitor"]["spec"]["selector"]["matchLabels"]]
assert all(s == name for s in selectors), selectors
assert d["template"]["metadata"]["labels"] == files["Service"]["metadata"]["labels"] == name
assert all(p["targetPort"] in ports for p in files["Service"]["spec"]["ports"])
assert all(p["port"] in ports for rule in files["NetworkPolicy"]["spec"]["ingress"] for p in rule["ports"])
assert all(e["port"] in [p["name"] for p in files["Service"]["spec"]["ports"]] for e in files["ServiceMonitor"]["spec"]["endpoints"])
assert pod["terminationGracePeriodSeconds"] > 25
assert files["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == files["Deployment"]["metadata"]["name"]
probes = {kind: shop[kind]["httpGet"] for kind in ("startupProbe", "readinessProbe", "livenessProbe")}
assert all(p["port"] == "metrics" for p in probes.values()), probes
metrics = [m["pods"]["metric"] for m in files["HorizontalPodAutoscaler"]["spec"]["metrics"]]
print(json.dumps({"args": shop["args"], "paths": [p["path"] for p in probes.values()],
                  "metrics": [m["name"] for m in metrics], "states": [m["selector"]["matchLabels"]["state"] for m in metrics if "selector" in m]}))
`

// The manifests pass the schemas and fit together; a server with their arguments answers their probes and has their metrics.
func TestManifests(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(python(t), "-c", checkManifests, filepath.Join(repoDir(), "packaging", "kubernetes")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var m struct{ Args, Paths, Metrics, States []string }
	if err := json.Unmarshal(out, &m); err != nil || len(m.Args) < 2 || m.Args[0] != "standpipe" || m.Args[1] != "serve" {
		t.Fatalf("%v\n%s", err, out)
	}
	args := m.Args[2:]
	for i, a := range args {
		if strings.HasPrefix(a, "0.0.0.0:") {
			args[i] = "127.0.0.1:0"
		}
	}
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": hello("x")}), Bare: true, Args: args})
	own := s.at(strings.TrimSuffix(strings.TrimPrefix(s.waitEvent("metrics").str("address"), "http://"), "/metrics"))
	for _, path := range m.Paths {
		if r := own.want(200, path); r.Body != "ok\n" {
			t.Errorf("%s: %q", path, r.Body)
		}
	}
	page := own.want(200, "/metrics").Body
	for _, name := range m.Metrics {
		if !strings.Contains(page, "\n"+name+"{") {
			t.Errorf("there is no metric %s", name)
		}
	}
	for _, state := range m.States {
		if !strings.Contains(page, `state="`+state+`"`) {
			t.Errorf("no worker has the state %s", state)
		}
	}
	s.waitWorkers(4)
}

// A rollout and a node drain, with a balancer that keeps sending to a pod after it has been told to stop: no request is lost.
func TestRolloutLosesNoRequest(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("x")})
	pod := func() *server {
		// 5 s by default in Kubernetes: here the balancer may learn late of what stops, because the machine is busy.
		return start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "2", "--shutdown-delay", "10s", "--stop-timeout", "1m"}, Env: []string{"KUBERNETES_SERVICE_HOST=192.0.2.1"}})
	}
	b := &balancer{answered: map[string]int{}}
	a1, a2 := pod(), pod()
	b.set(a1, a2)
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for i := range 4 {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: i%2 == 0}}
		clients.Go(func() {
			defer client.CloseIdleConnections()
			for {
				select {
				case <-stop:
					return
				default:
					b.ask(client)
				}
			}
		})
	}
	// retire ends pods as a kubelet does: SIGTERM first; the balancer learns of it later, and has sent requests until then.
	retire := func(remaining []*server, leaving ...*server) {
		t.Helper()
		for _, s := range leaving {
			s.signal(syscall.SIGTERM)
		}
		for _, s := range leaving {
			s.waitEvent("stopping")
			if r := s.get("/readyz"); r.Status != 503 {
				t.Errorf("a pod that stops is ready: %d", r.Status)
			}
			began := b.count(s)
			eventually(t, "late requests are answered", func() bool { return b.count(s) >= began+5 })
		}
		b.set(remaining...)
		for _, s := range leaving {
			if code := s.wait(); code != 0 {
				t.Errorf("exit %d", code)
			}
		}
	}
	b1 := pod()
	b.set(a1, a2, b1)
	retire([]*server{a2, b1}, a1)
	// The node of both goes.
	c1, c2 := pod(), pod()
	b.set(a2, b1, c1, c2)
	retire([]*server{c1, c2}, a2, b1)
	close(stop)
	clients.Wait()
	if b.failed.Load() > 0 {
		t.Errorf("%d requests were lost, the first: %v", b.failed.Load(), b.first.Load())
	}
	for _, s := range []*server{a1, a2, b1, c1, c2} {
		if b.count(s) == 0 {
			t.Errorf("%s was not asked", s.URL)
		}
	}
}

// balancer sends requests to pods in turn.
type balancer struct {
	next, failed atomic.Int64
	first        atomic.Value // the first failure, a string

	asking sync.RWMutex // held by set, and for reading while a request is on its way: after set no other pod is asked

	mu       sync.Mutex
	pods     []string
	answered map[string]int
}

func (b *balancer) set(pods ...*server) {
	b.asking.Lock()
	defer b.asking.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pods = nil
	for _, s := range pods {
		b.pods = append(b.pods, s.URL)
	}
	slices.Sort(b.pods)
}

func (b *balancer) count(s *server) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.answered[s.URL]
}

func (b *balancer) ask(client *http.Client) {
	b.asking.RLock()
	defer b.asking.RUnlock()
	b.mu.Lock()
	url := b.pods[int(b.next.Add(1))%len(b.pods)]
	b.mu.Unlock()
	resp, err := client.Get(url)
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode != 200 {
			err = fmt.Errorf("%s", resp.Status)
		}
	}
	if err != nil {
		b.failed.Add(1)
		b.first.CompareAndSwap(nil, fmt.Sprint(url, ": ", err))
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answered[url]++
}
