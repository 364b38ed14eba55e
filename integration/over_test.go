package integration

import (
	"crypto/tls"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/integration/overh2"
	"github.com/standpipe/standpipe/integration/testca"
)

// The ways by which the tests of the family reach their servers. STANDPIPE_TEST_OVER names one; without it HTTP/1.1 is used.
const (
	http1 = "http1"
	https = "https" // HTTP/1.1 over TLS
	h2    = "h2"    // HTTP/2 over TLS
)

// familyFiles hold the tests of what apps send and receive. With STANDPIPE_TEST_OVER=https or h2 they run that way, all of them
// but for those that say onlyOver, and no others run.
var familyFiles = []string{
	"wsgi_*_test.go", "uploads*_test.go", "quiet_streams_test.go", "slow_readers_test.go", "both_ways_test.go", "http_answers_test.go", "deadlines_test.go",
}

// family are the names of these tests; empty when STANDPIPE_TEST_OVER does not ask for them.
var (
	family map[string]bool
	theWay = http1
)

// chooseFamily reads the switch, and restricts the run to the family.
func chooseFamily() error {
	switch way := os.Getenv("STANDPIPE_TEST_OVER"); way {
	case "", http1:
		return nil
	case https, h2:
		theWay = way
	default:
		return fmt.Errorf("STANDPIPE_TEST_OVER is %s, %s or %s, not %q", http1, https, h2, way)
	}
	names, err := familyTests()
	if err != nil {
		return err
	}
	family = map[string]bool{}
	for _, name := range names {
		family[name] = true
	}
	flag.Parse()
	if run := flag.Lookup("test.run"); run.Value.String() == "" {
		return run.Value.Set("^(" + strings.Join(names, "|") + ")$")
	}
	return nil
}

// familyTests are the names of the tests in familyFiles.
func familyTests() (names []string, err error) {
	for _, pattern := range familyFiles {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
					names = append(names, f.Name.Name)
				}
			}
		}
	}
	return names, nil
}

// ofFamily start servers whose apps are the family's; outside are the files that call them for other subjects.
var (
	ofFamily = []string{"serveWSGI", "serveBehaviours", "uploads", "slowReaders"}
	outside  = map[string]string{
		"runtime_folder_test.go": "the folder of a running server",
		"storm_test.go":          "workers that die while requests of all kinds run",
	}
)

// Every test of the apps' requests and answers is in the family: a new one cannot forget the switch.
func TestFamily(t *testing.T) {
	t.Parallel()
	names, err := familyTests()
	if err != nil || len(names) < 60 {
		t.Fatalf("%d tests, %v", len(names), err)
	}
	files, _ := filepath.Glob("*_test.go")
	for _, name := range files {
		inside := slices.ContainsFunc(familyFiles, func(p string) bool { ok, _ := filepath.Match(p, name); return ok })
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.Ident); ok && slices.Contains(ofFamily, f.Name) && !inside && outside[name] == "" {
				t.Errorf("%s calls %s and is not among familyFiles: its tests run over HTTP/1.1 alone", name, f.Name)
			}
			return true
		})
	}
}

// overOf is the way by which a server of t is reached.
func overOf(t testing.TB, o opts) string {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	if !family[name] || o.HTTP1 {
		return http1
	}
	if o.Bare {
		t.Fatal("a server whose arguments are given as a whole is reached by HTTP/1.1: say so with HTTP1, or use Listen")
	}
	return theWay
}

// onlyOver skips the test where the family runs by another way than these. The reason says what they alone have.
func onlyOver(t testing.TB, reason string, ways ...string) {
	t.Helper()
	if !slices.Contains(ways, theWay) {
		skip(t, "not-over-"+theWay, reason)
	}
}

// certified is the certificate of all the servers of the family; the first of them has it made.
var certified struct {
	once      sync.Once
	authority *testca.Authority
	cert, key string // files
}

// overAddress is a -b for that way.
func overAddress(way, address string) string {
	if way == http1 || strings.Contains(address, ":/") {
		return address
	}
	return "https://" + address
}

// overArgs are the flags that a server needs for that way.
func overArgs(t testing.TB, way string) []string {
	t.Helper()
	if way == http1 {
		return nil
	}
	c := &certified
	c.once.Do(func() {
		c.authority = testca.New(t, "test CA")
		c.cert, c.key = filepath.Join(built.dir, "cert.pem"), filepath.Join(built.dir, "key.pem")
		c.authority.Sign(t, testca.For("localhost", "127.0.0.1")).Write(t, c.cert, c.key)
	})
	return []string{"--tls-cert", c.cert, "--tls-key", c.key}
}

// overTLS are the settings of a client.
func overTLS(way string) *tls.Config {
	o := &tls.Config{RootCAs: certified.authority.Pool, ServerName: "localhost", NextProtos: []string{"http/1.1"}}
	if way == h2 {
		o.NextProtos = []string{"h2"}
	}
	return o
}

// overTransport is tr for that way.
func overTransport(way string, tr *http.Transport) *http.Transport {
	if way == http1 {
		return tr
	}
	tr.TLSClientConfig = overTLS(way)
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetHTTP1(way == https)
	tr.Protocols.SetHTTP2(way == h2)
	return tr
}

// dial opens a connection to the server's first address, which takes HTTP/1.1: plain, over TLS, or translated to HTTP/2.
func (s *server) dial() (net.Conn, error) {
	c, err := s.dialPlain()
	if _, tcp := c.(*net.TCPConn); err != nil || s.over == http1 || !tcp {
		return c, err
	}
	secure := tls.Client(c, overTLS(s.over))
	_ = c.SetDeadline(time.Now().Add(patience))
	if err := secure.Handshake(); err != nil {
		c.Close()
		return nil, err
	}
	_ = c.SetDeadline(time.Time{})
	if s.over == https {
		return secure, nil
	}
	two := overh2.New(secure, "https", func(fault string) { s.t.Error(fault) })
	s.t.Cleanup(func() { two.Close() })
	return two, nil
}

// tcpOf is the connection beneath.
func tcpOf(c net.Conn) *net.TCPConn {
	for {
		if tcp, ok := c.(*net.TCPConn); ok {
			return tcp
		}
		c = c.(interface{ NetConn() net.Conn }).NetConn()
	}
}

// scheme is http or https.
func (s *server) scheme() string {
	if s.over == http1 {
		return "http"
	}
	return "https"
}

// proto is the version as environ and the access log name it.
func (s *server) proto() string {
	if s.over == h2 {
		return "HTTP/2.0"
	}
	return "HTTP/1.1"
}
