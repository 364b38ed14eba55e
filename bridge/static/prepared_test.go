package static

import (
	"bufio"
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/textproto"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// wire takes lines, as a connection of the server's does.
type wire struct{ lines []byte }

func (w *wire) OnDisconnect(httpx.Disconnecter) {}
func (w *wire) WaitContext() context.Context    { return context.Background() }
func (w *wire) EndAfter()                       {}
func (w *wire) Fields([]httpx.Field, int64)     {}
func (w *wire) Phrase(string)                   {}
func (w *wire) Lines(p []byte)                  { w.lines = p }

// The lines that a connection takes say what the fields say that go another way.
func TestReadyLinesAreTheFields(t *testing.T) {
	rg := newRig(t, Options{Encoder: &presser{}, MinSize: 10}, nil)
	writeFile(t, rg.dir+"/a.bin", " bytes", old)
	writeFile(t, rg.dir+"/a.css", "text", old)
	writeFile(t, rg.dir+"/a.css.br", "br", old)
	writeFile(t, rg.dir+"/b.css", strings.Repeat("text ", 1000), old)
	writeFile(t, rg.dir+"/new.css", "text", time.Now().Add(time.Hour))
	for _, name := range []string{"a.bin", "a.css", "b.css", "new.css"} {
		for _, accept := range []string{"", "br", "gzip"} {
			for _, known := range []bool{false, true} {
				for _, span := range []string{"", "bytes=0-1", "bytes=9999999-"} {
					r, err := http.NewRequest(http.MethodGet, "/static/"+name, nil)
					if err != nil {
						t.Fatal(err)
					}
					if accept != "" {
						r.Header["Accept-Encoding"] = []string{accept}
					}
					if span != "" {
						r.Header["Range"] = []string{span}
					}
					if known {
						r.Header["If-None-Match"] = []string{"*"}
					}
					plain, quick := http.Header{}, http.Header{}
					rec, w := new(httpx.Writer), new(wire)
					rec.Reset(&nothing{plain})
					rg.ServeHTTP(rec, r)
					rec.Reset(&nothing{quick})
					rec.Over(w, w)
					rg.ServeHTTP(rec, r)
					if (rec.Status() == 200 || rec.Status() == 304) != (w.lines != nil) {
						t.Errorf("%s %d: lines %q", name, rec.Status(), w.lines)
					}
					got, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(bytes.Clone(w.lines), "\r\n"...)))).ReadMIMEHeader()
					if err != nil {
						t.Fatal(err)
					}
					httpx.Spell(http.Header(got), http.Header(got)) // the lines have the names' own spelling
					for field := range got {
						if quick[field] != nil {
							t.Errorf("%s %d: %s twice", name, rec.Status(), field)
						}
					}
					maps.Copy(quick, got)
					if !reflect.DeepEqual(plain, quick) {
						t.Errorf("%s, %q, known %t, %q: %d\n%v, by lines\n%v", name, accept, known, span, rec.Status(), plain, quick)
					}
				}
			}
		}
	}
}
