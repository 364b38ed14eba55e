package integration

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Flask with SQLAlchemy: entries and the name in the cookie outlive the workers, and the process that forks the workers has no
// connection that they could share.
func TestExampleFlaskSQLAlchemy(t *testing.T) {
	t.Parallel()
	s := startExample(t, example(t, "flask-sqlalchemy"), opts{})
	s.styled(s.want(200, "/").Body)
	r, cookie := s.submit("/", url.Values{"name": {"Zoë"}, "text": {"<b>the first</b>"}})
	if r.Status != 303 {
		t.Fatalf("%d %q", r.Status, r.Body)
	}
	if r, _ := s.submit("/", url.Values{"name": {"Zoë"}, "text": {" "}}); r.Status != 400 {
		t.Errorf("an empty entry: %d", r.Status)
	}
	written := func() {
		t.Helper()
		if page := s.want(200, "/", cookie).Body; !holds(page, `value="Zoë"`, "&lt;b&gt;the first&lt;/b&gt;") || strings.Count(page, "<article>") != 1 {
			t.Error(page)
		}
	}
	written()
	if n := databases(t, s.template()); n != 0 {
		t.Errorf("the template has opened the database %d times", n)
	}
	n := 0
	for _, p := range s.status().Apps[0].Processes {
		n += databases(t, p.Pid)
	}
	if n == 0 {
		t.Error("no worker has opened the database")
	}
	s.killWorkers()
	written()
}

// databases counts the SQLite files that a process has open.
func databases(t testing.TB, pid int) (n int) {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, f.Name())); err == nil && strings.HasSuffix(to, ".db") {
			n++
		}
	}
	return n
}

// postgres runs a cluster of its own with the role and the database "notes", and returns the folder of its socket. Nothing
// listens on a port.
func postgres(t testing.TB) (socket string, ask func(sql string) string) {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		skip(t, "no-program", "PostgreSQL is not installed")
	}
	bin := filepath.Dir(found[len(found)-1])
	socket, data := socketDir(t), workDir(t)
	var as []string
	if os.Geteuid() == 0 { // it refuses to run as root
		uid, gid := account(t, "postgres")
		for _, dir := range []string{socket, data} {
			if err := os.Chown(dir, uid, gid); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(socket, 0o755); err != nil {
			t.Fatal(err)
		}
		as = []string{program(t, "setpriv"), "--reuid", strconv.Itoa(uid), "--regid", strconv.Itoa(gid), "--clear-groups"}
	}
	command := func(name string, args ...string) []string {
		return slices.Concat(as, []string{filepath.Join(bin, name)}, args)
	}
	do := func(name string, args ...string) string {
		t.Helper()
		argv := command(name, args...)
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir, cmd.Env = data, cleanEnv(t)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", argv, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	cluster := filepath.Join(data, "cluster")
	do("initdb", "--pgdata", cluster, "--username", "notes", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	n := runNeighbour(t, filepath.Join(socket, ".s.PGSQL.5432"), data, nil,
		command("postgres", "-D", cluster, "-k", socket, "-c", "listen_addresses=", "-c", "fsync=off")...)
	t.Cleanup(func() {
		_ = syscall.Kill(n.Pid, syscall.SIGINT) // its fast shutdown, which leaves no shared memory
		select {
		case <-n.done:
		case <-time.After(patience):
		}
	})
	eventually(t, "PostgreSQL has started", func() bool { // until then it takes connections and refuses them
		argv := command("pg_isready", "-q", "-h", socket, "-U", "notes")
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir, cmd.Env = data, cleanEnv(t)
		return cmd.Run() == nil
	})
	do("createdb", "-h", socket, "-U", "notes", "--template", "template0", "notes")
	return socket, func(sql string) string {
		t.Helper()
		return do("psql", "-h", socket, "-U", "notes", "-Atc", sql, "notes")
	}
}

// Django with PostgreSQL: the form with its token, the session in the database, connections that stay open and are replaced when
// they are lost, and what collectstatic has collected.
func TestExampleDjangoPostgreSQL(t *testing.T) {
	t.Parallel()
	dir := example(t, "django-postgresql")
	socket, ask := postgres(t)
	s := startExample(t, dir, opts{Env: []string{"PGHOST=" + socket, "PGUSER=notes"}})
	first := s.want(200, "/")
	if css := s.styled(first.Body); !holds(css.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("the name has a hash: %v", css.Header)
	}
	s.styled(s.want(200, "/admin/login/").Body)

	token := regexp.MustCompile(`name="csrfmiddlewaretoken" value="(\w+)"`).FindStringSubmatch(first.Body)
	if token == nil {
		t.Fatal(first.Body)
	}
	form := url.Values{"author": {"李"}, "text": {"<i>the first</i>"}}
	if r, _ := s.submit("/", form, cookiesOf(first)); r.Status != 403 {
		t.Errorf("without the token: %d", r.Status)
	}
	form.Set("csrfmiddlewaretoken", token[1])
	r, session := s.submit("/", form, cookiesOf(first))
	if r.Status != 302 || !strings.Contains(session, "sessionid=") {
		t.Fatalf("%d %v %q", r.Status, r.Header, r.Body)
	}
	kept := func() {
		t.Helper()
		if page := s.want(200, "/", session).Body; !holds(page, `value="李"`, "&lt;i&gt;the first&lt;/i&gt;") {
			t.Error(page)
		}
	}
	kept()
	if got := ask("select author from notes_note"); got != "李" {
		t.Errorf("the table has %q", got)
	}

	// A worker keeps its connection: two workers, two connections at most, and those of before are still there.
	const backends = "select pid from pg_stat_activity where datname = 'notes' and application_name <> 'psql'"
	before := strings.Fields(ask(backends))
	for range 6 {
		kept()
	}
	after := strings.Fields(ask(backends))
	if len(before) == 0 || len(after) > 2 || slices.ContainsFunc(before, func(pid string) bool { return !slices.Contains(after, pid) }) {
		t.Errorf("connections before: %v; after: %v", before, after)
	}
	ask("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'notes' and application_name <> 'psql'")
	eventually(t, "they are gone", func() bool { return ask(backends) == "" })
	kept()
	s.killWorkers()
	kept()
}

// Flask with sessions in Redis: two workers share a session, and it outlives them and a reload.
func TestExampleFlaskRedisSessions(t *testing.T) {
	t.Parallel()
	redis, socket := program(t, "redis-server"), filepath.Join(socketDir(t), "redis")
	runNeighbour(t, socket, workDir(t), nil, redis, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no")
	s := startExample(t, example(t, "flask-redis-sessions"), opts{Env: []string{"REDIS_URL=unix://" + socket}})
	s.waitWorkers(2)
	s.styled(s.want(200, "/").Body)
	r, cookie := s.submit("/add", url.Values{"name": {"valve"}})
	if r.Status != 303 {
		t.Fatalf("%d %q", r.Status, r.Body)
	}
	s.submit("/add", url.Values{"name": {"valve"}}, cookie)
	if r, _ := s.submit("/add", url.Values{"name": {"none"}}, cookie); r.Status != 404 {
		t.Errorf("no such product: %d", r.Status)
	}
	answeredBy := regexp.MustCompile(`by worker (\d+)`)
	basket := func() (worker int) {
		t.Helper()
		page := s.want(200, "/", cookie).Body
		if !holds(page, "2 &times; Brass valve") {
			t.Fatal(page)
		}
		worker, _ = strconv.Atoi(answeredBy.FindStringSubmatch(page)[1])
		return worker
	}
	one := basket()
	kill(t, one)
	within(t, bootPatience, "it is dead", func() bool { return !alive(one) })
	other := basket()
	if other == one {
		t.Errorf("worker %d answers after its death", one)
	}
	s.must("reload")
	if third := basket(); third == one || third == other {
		t.Errorf("worker %d answers after the reload", third)
	}
	if page := s.want(200, "/").Body; !holds(page, "Nothing yet") {
		t.Errorf("another client's: %s", page)
	}
	s.submit("/empty", nil, cookie)
	if page := s.want(200, "/", cookie).Body; !holds(page, "Nothing yet") {
		t.Error(page)
	}
}

// Three apps behind one port: by host and mount, each in its own environment, one of them on another Python where there is one.
func TestExampleManyApps(t *testing.T) {
	t.Parallel()
	dir := example(t, "many-apps")
	oldest := foundPythons(t)[0]
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	putProgram(t, filepath.Join(dir, "bin/python3"), []byte("#!/bin/sh\nexec "+oldest[0]+" \"$@\"\n")) // the README's python3, which makes api/.venv
	s := startExample(t, dir, opts{Env: []string{"PATH=" + dir + "/bin:" + built.path}, Apps: 3})
	if page := s.want(200, "/").Body; !holds(page, "<h1>Shop</h1>") {
		t.Error(page)
	} else {
		s.styled(page)
	}
	if page := s.want(200, "/", "Host: blog.localhost:8000").Body; !holds(page, "<h1>Blog</h1>") {
		t.Error(page)
	}
	s.want(200, "/assets/style.css", "Host: blog.localhost")
	price := func() {
		t.Helper()
		var got struct {
			Price         float64
			Mount, Python string
		}
		if err := json.Unmarshal([]byte(s.want(200, "/api/valve").Body), &got); err != nil {
			t.Fatal(err)
		}
		if got.Price != 9.5 || got.Mount != "/api" || !strings.HasPrefix(strings.TrimPrefix(oldest[1], "pypy-"), got.Python+".") {
			t.Errorf("%+v, not of %v", got, oldest)
		}
	}
	price()
	s.want(404, "/api/none")
	workers := map[string]int{}
	var st report
	within(t, bootPatience, "all four serve", func() bool { st = s.status(); return len(st.pids()) == 4 })
	for _, a := range st.Apps {
		workers[a.Name] = a.Workers
	}
	if fmt.Sprint(workers) != "map[api:1 blog:1 shop:2]" {
		t.Errorf("workers: %v", workers)
	}
	// The end of one app's worker is no other app's.
	api := st.pids()["api/1"]
	kill(t, api)
	s.exitOf(api)
	s.want(200, "/")
	price()
	if shop := s.status().pids()["shop/1"]; shop != st.pids()["shop/1"] {
		t.Errorf("worker shop/1 was %d and is %d", st.pids()["shop/1"], shop)
	}
}
