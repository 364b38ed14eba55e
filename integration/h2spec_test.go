package integration

import (
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// h2spec builds the conformance test of HTTP/2, from a module of its own.
var h2spec = sync.OnceValues(func() (string, error) {
	build := exec.Command("go", "build", "-o", built.dir+"/", "github.com/summerwind/h2spec/cmd/h2spec")
	build.Dir = filepath.Join(repoDir(), "integration", "h2spec")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return built.dir + "/h2spec", err
})

// The cases that fail are those that docs/http2.md has, and no others.
func TestH2spec(t *testing.T) {
	t.Parallel()
	program, err := h2spec()
	if err != nil {
		t.Fatal(err)
	}
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, "[tls]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n[[listen]]\naddress = \"https://127.0.0.1:0\"\n[[listen]]\naddress = \"127.0.0.1:0\"\nh2c = \"on\"\n",
		map[string]string{"app.py": http2App})
	for way, c := range map[string]struct {
		address int // its index
		args    []string
		fail    []string // package and description
	}{
		"TLS": {0, []string{"-t", "-k"}, nil},
		"h2c": {1, nil, []string{"http2/3.5: Sends invalid connection preface"}},
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			report := filepath.Join(t.TempDir(), "report.xml")
			at := s.events("listening")[c.address].str("address")
			out, _ := exec.Command(program, append(c.args, "-h", "127.0.0.1", "-p", at[strings.LastIndexByte(at, ':')+1:], "-o", "20", "-j", report)...).CombinedOutput() // exit 1: a case has failed
			text, err := os.ReadFile(report)
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var suites struct {
				Suites []struct {
					Cases []struct {
						Package string  `xml:"package,attr"`
						Name    string  `xml:"classname,attr"`
						Failure *string `xml:"failure"`
						Error   *string `xml:"error"`
						Skipped *string `xml:"skipped"`
					} `xml:"testcase"`
				} `xml:"testsuite"`
			}
			if err := xml.Unmarshal(text, &suites); err != nil {
				t.Fatal(err)
			}
			cases, failed := 0, []string(nil)
			for _, suite := range suites.Suites {
				for _, k := range suite.Cases {
					if cases++; k.Failure != nil || k.Error != nil || k.Skipped != nil {
						failed = append(failed, k.Package+": "+k.Name)
					}
				}
			}
			if cases != 145 || !slices.Equal(failed, c.fail) {
				t.Errorf("%d cases, failed: %q\n%s", cases, failed, out)
			}
		})
	}
}
