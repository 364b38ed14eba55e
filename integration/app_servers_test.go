package integration

import (
	"path/filepath"
	"strings"
	"testing"
)

// besideServer are ways in which an app starts a server of its own while it is imported. PORT holds the port once it listens.
var besideServers = map[string]string{
	"http.server in a thread": `
from http.server import ThreadingHTTPServer, BaseHTTPRequestHandler
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"beside")
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
told(server.server_address[1])
threading.Thread(target=server.serve_forever, daemon=True).start()
`,
	"wsgiref in a thread": `
from wsgiref.simple_server import make_server
server = make_server("127.0.0.1", 0, beside)
told(server.server_port)
threading.Thread(target=server.serve_forever, daemon=True).start()
`,
	"xmlrpc in a thread": `
from xmlrpc.server import SimpleXMLRPCServer
server = SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False)
server.register_function(lambda: "beside", "ask")
told(server.server_address[1])
threading.Thread(target=server.serve_forever, daemon=True).start()
ASK = "xmlrpc"
`,
	"werkzeug in a thread": `
from werkzeug.serving import run_simple
threading.Thread(target=run_simple, args=("127.0.0.1", free(), beside), daemon=True).start()
`,
	"waitress in a thread": `
from waitress import serve
threading.Thread(target=serve, args=(beside,), kwargs={"host": "127.0.0.1", "port": free()}, daemon=True).start()
`,
	"socketserver in a child process": `
import multiprocessing
from http.server import HTTPServer, BaseHTTPRequestHandler
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"beside")
server = HTTPServer(("127.0.0.1", 0), Handler)
told(server.server_address[1])
multiprocessing.get_context("fork").Process(target=server.serve_forever, daemon=True).start()
`,
	"in a thread of a child process": `
import multiprocessing
from wsgiref.simple_server import make_server
server = make_server("127.0.0.1", 0, beside)
told(server.server_port)
def child():
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    thread.join()
multiprocessing.get_context("fork").Process(target=child, daemon=True).start()
`,
	"later, by a name taken at import": `
from waitress import serve
PORT_LATER = free()
def later():
    threading.Thread(target=serve, args=(beside,), kwargs={"host": "127.0.0.1", "port": PORT_LATER}, daemon=True).start()
`,
}

// fakeWaitress stands for the package, which the test venv lacks: the guard knows it by its name.
const fakeWaitress = `from wsgiref.simple_server import make_server


def serve(app, host, port):
    make_server(host, port, app).serve_forever()
`

const besideApp = `import os, threading, time, urllib.request
PORT = 0
ASK = "http"
later = None

def told(port):
    global PORT
    PORT = port

def free():
    told(int(os.environ["FREE_PORT"]))
    return PORT

def beside(environ, start_response):
    start_response("200 OK", [])
    return [b"beside"]
`

const besideView = `
def ask():
    if ASK == "xmlrpc":
        import xmlrpc.client
        return xmlrpc.client.ServerProxy("http://127.0.0.1:%d" % PORT).ask().encode()
    for attempt in range(600):
        try:
            return urllib.request.urlopen("http://127.0.0.1:%d/" % PORT, timeout=20).read()
        except OSError:
            time.sleep(0.05)

def app(environ, start_response):
    global later
    if later is not None:
        later()
        later = None
    answer = ask()
    start_response("200 OK", [])
    return [answer]
`

func TestFault_B8_ServersBesideTheApp(t *testing.T) {
	t.Parallel()
	for name, code := range besideServers {
		for _, mode := range []string{"sync", "gevent"} {
			if mode == "gevent" && strings.Contains(name, "child") {
				continue // a forked child has the parent's greenlets
			}
			t.Run(name+"/"+mode, func(t *testing.T) {
				o := opts{Dir: project(t, map[string]string{"web.py": besideApp + code + besideView, "waitress.py": fakeWaitress}), App: "web:app", Python: python(t), Env: []string{"FREE_PORT=" + freePort(t)}, Args: []string{"-w", "1", "--timeout", "0"}}
				if mode == "gevent" {
					o.Args = append(o.Args, "--gevent", "10")
				}
				s := start(t, o)
				if r := s.want(200, "/"); r.Body != "beside" {
					t.Errorf("the server beside the app answered %q", r.Body)
				}
			})
		}
	}
}

// The thread that imports is still stopped, whichever name the server has there.
func TestFault_B8_TheImportIsStillStopped(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{
		"run_simple":    "from werkzeug.serving import run_simple\nrun_simple('127.0.0.1', 0, beside)\n",
		"waitress":      "import waitress\nwaitress.serve(beside, host='127.0.0.1', port=0)\n",
		"serve_forever": "from wsgiref.simple_server import make_server\nmake_server('127.0.0.1', 0, beside).serve_forever()\n",
		"in a function": "import socketserver\ndef main():\n    try:\n        socketserver.TCPServer(('127.0.0.1', 0), None).serve_forever()\n    except Exception:\n        pass\nmain()\n",
	} {
		for _, mode := range []string{"sync", "gevent"} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				dir := project(t, map[string]string{"web.py": besideApp + code + besideView, "waitress.py": fakeWaitress})
				args := []string{"serve", "web:app", "-b", "127.0.0.1:0", "-w", "1", "--python", python(t), "--log-format", "json"}
				if mode == "gevent" {
					args = append(args, "--gevent", "10")
				}
				r := run(t, dir, nil, args...)
				if r.code != 3 || !strings.Contains(r.errout, "web.py:") || !strings.Contains(r.errout, filepath.Base(dir)) {
					t.Errorf("exit code %d: %s", r.code, r.errout)
				}
			})
		}
	}
}
