// Command http1 serves 13 bytes by one of three HTTP servers, for the race of bridge/http1 with net/http and fasthttp. It is a module of
// its own, so that fasthttp is no dependency of standpipe.
//
// /mallocs answers how many objects the program has allocated so far.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"

	"github.com/standpipe/standpipe/bridge/http1"
	"github.com/valyala/fasthttp"
)

var (
	body  = []byte("Hello, World!")
	plain = []string{"text/plain"}
)

// servers are the kinds that -kind names; each serves until the listener fails.
var servers = map[string]func(net.Listener) error{
	"net/http": func(ln net.Listener) error { return http.Serve(ln, http.HandlerFunc(answer)) },
	"http1":    func(ln net.Listener) error { return http1.New(http.HandlerFunc(answer), http1.Options{}).Serve(ln) },
	"fasthttp": func(ln net.Listener) error { return (&fasthttp.Server{Handler: answerFast}).Serve(ln) },
}

func answer(w http.ResponseWriter, r *http.Request) {
	w.Header()["Content-Type"] = plain
	if r.URL.Path == "/mallocs" {
		w.Write(mallocs())
		return
	}
	w.Write(body)
}

func answerFast(c *fasthttp.RequestCtx) {
	c.SetContentType("text/plain")
	if string(c.Path()) == "/mallocs" {
		c.Write(mallocs())
		return
	}
	c.Write(body)
}

func mallocs() []byte {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return strconv.AppendUint(nil, m.Mallocs, 10)
}

func main() {
	kind := flag.String("kind", "net/http", "the server: net/http, fasthttp, http1")
	address := flag.String("address", "127.0.0.1:0", "host:port")
	flag.Parse()
	if err := run(*kind, *address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(kind, address string) error {
	serve := servers[kind]
	if serve == nil {
		return fmt.Errorf("no server of kind %q", kind)
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return serve(ln)
}
