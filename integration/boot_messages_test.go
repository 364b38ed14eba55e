package integration

import (
	"os/exec"
	"strings"
	"testing"
)

// startProject is a fresh Django project, as django-admin makes it, in dir.
func startProject(t testing.TB, name, dir string) {
	t.Helper()
	cmd := exec.Command(python(t), "-m", "django", "startproject", name, dir)
	cmd.Env = cleanEnv(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// An ASGI app is told as such, however it comes, with what to do: the project's WSGI app, or a wrapper.
func TestFault_A4_AnASGIAppHasAWayOut(t *testing.T) {
	t.Parallel()
	django := project(t, nil)
	startProject(t, "mysite", django)
	write(t, django, map[string]string{"lone/__init__.py": "", "lone/asgi.py": "from mysite.asgi import application\n", "chan/__init__.py": "",
		"chan/asgi.py": "from mysite.asgi import application as inner\n\n\nclass Router:\n    async def __call__(self, scope, receive, send):\n        await inner(scope, receive, send)\n\n\napplication = Router()\n",
		"chan/wsgi.py": "from mysite.wsgi import application\n"})
	apps := project(t, map[string]string{"web.py": `import functools


async def app(scope, receive, send):
    pass


class App:
    def __call__(self, a, b, c):
        return app(a, b, c)


def make():
    return App()


def build(name="x"):
    return functools.partial(app)


def double(scope):
    return app


async def later():
    return app


def closure():
    def inner(scope, receive, send):
        return app(scope, receive, send)
    return inner
`})
	for _, c := range []struct{ dir, app, want string }{
		{django, "mysite.asgi:application", "mysite.wsgi"},
		{django, "mysite/asgi.py", "mysite.wsgi"},
		{django, "mysite.asgi", "mysite.wsgi"},
		{django, "chan.asgi:application", "chan.wsgi"},
		{django, "lone.asgi:application", "get_wsgi_application"},
		{apps, "web:app", "ASGIMiddleware(app)"},
		{apps, "web:make", "ASGIMiddleware(make())"},
		{apps, "web:make()", "a2wsgi"},
		{apps, "web:build", "a2wsgi"},
		{apps, "web:build('y')", "a2wsgi"},
		{apps, "web:double", "a2wsgi"},
		{apps, "web:closure", "a2wsgi"},
		{apps, "web:later", "async"},
		{apps, "web:later()", "async"},
	} {
		r := run(t, c.dir, nil, "check", "--load", "--python", python(t), c.app)
		if r.code != 3 || !holds(r.out, c.want, "WSGI") {
			t.Errorf("%s: %+v", c.app, r)
		}
	}
}

// A boot timeout names its flag. A boot that two looks found at the same line is stuck there; another one was only slow.
func TestFault_A4_ABootTimeoutHasAWayOut(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		"stuck.py": "import threading\n\nthreading.Event().wait()\n",
		// Each of its modules takes a moment, as with a large package on a slow disk.
		"slow.py":  "import sys\nsys.path.insert(0, 'parts')\nfor i in range(1000):\n    __import__('part%d' % i)\n",
		"parts/x":  "",
		"parts.py": "import os\nfor i in range(1000):\n    open(os.path.join('parts', 'part%d.py' % i), 'w').write('\\n' * i + 'import time; time.sleep(0.3)\\n')\n",
	})
	cmd := exec.Command("python3", "parts.py")
	cmd.Dir, cmd.Env = dir, cleanEnv(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, more := range [][]string{nil, {"--preload"}} {
		for app, where := range map[string]string{"stuck": "stuck", "slow": "at"} {
			t.Run(app+strings.Join(more, ""), func(t *testing.T) {
				t.Parallel()
				r := run(t, dir, nil, append([]string{"serve", app + ":app", "-b", "127.0.0.1:0", "-w", "1", "--boot-timeout", "15s"}, more...)...)
				failed := failedBoot(r)
				if r.code != 3 || !failed.names("--boot-timeout 30s") || failed.str(where) == "" || failed.str("stuck") != "" && failed.str("at") != "" {
					t.Errorf("exit %d\n%s", r.code, r.errout)
				}
			})
		}
	}
}
