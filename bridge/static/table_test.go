package static

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The requests and nginx's raw answers to them; testdata/nginx/record.py makes them.
type recorded struct {
	Files   map[string]string
	GZ      string
	Answers []struct {
		Method, Target, Answer string
		Fields                 []string
	}
}

// looks is what of an answer is compared.
type looks struct {
	status int
	fields string
	body   string
}

// compared fields: with their values, or only whether they are there.
var (
	byValue    = []string{"Content-Type", "Content-Length", "Content-Range", "Last-Modified", "Accept-Ranges", "Content-Encoding", "Vary", "Location"}
	byPresence = []string{"Etag"}
)

func look(r *http.Response, text string) looks {
	l := looks{status: r.StatusCode}
	var b strings.Builder
	kind := r.Header.Get("Content-Type")
	boundary := ""
	if m, params, err := mime.ParseMediaType(kind); err == nil && m == "multipart/byteranges" {
		kind, boundary = m, params["boundary"]
	}
	for _, name := range byValue {
		v := r.Header.Get(name)
		switch name {
		case "Content-Type":
			v = kind
		case "Content-Length":
			if boundary != "" {
				v = "" // the boundary's length is part of it
			}
		}
		if v != "" {
			b.WriteString(name + ": " + v + "\n")
		}
	}
	for _, name := range byPresence {
		if r.Header.Get(name) != "" {
			b.WriteString(name + "\n")
		}
	}
	l.fields = b.String()
	if boundary == "" {
		l.body = text
		return l
	}
	parts := multipart.NewReader(strings.NewReader(text), boundary)
	for {
		p, err := parts.NextRawPart()
		if err != nil {
			return l
		}
		body, _ := io.ReadAll(p)
		l.body += p.Header.Get("Content-Type") + " " + p.Header.Get("Content-Range") + ": " + string(body) + "\n"
	}
}

// bare: what is no file's answer is a page, which each server has its own of, and has
// neither validators nor a length to compare.
func (l looks) bare() looks {
	switch l.status {
	case 200, 206, 304:
		return l
	case 301, 416:
		keep := map[int]string{301: "Location", 416: "Content-Range"}[l.status]
		l.fields = strings.Join(slices.DeleteFunc(strings.SplitAfter(l.fields, "\n"), func(s string) bool { return !strings.HasPrefix(s, keep) }), "")
		return looks{l.status, l.fields, ""}
	}
	return looks{status: l.status}
}

// differences are the requests that are answered in another way than nginx's, and why.
// want is the status; "same" fields and bodies are then not compared with nginx's.
var differences = map[string]struct {
	want int
	why  string
}{}

func differ(want int, why string, requests ...string) {
	for _, r := range requests {
		differences[r] = struct {
			want int
			why  string
		}{want, why}
	}
}

func init() {
	differ(404, "RFC 3986 6.2.2.3: dot segments are the client's to remove; a path that has some is nobody's file here",
		"GET x/../hello.txt", "GET ../s/hello.txt", "GET ./hello.txt", "GET %2e/hello.txt", "GET x/%2e%2e/hello.txt", "GET deep/a/b/../b/c/d.txt", "GET css/..")
	differ(404, "RFC 3986 3.3: an empty segment is a segment; nginx merges slashes", "GET deep//a/b/c/d.txt", "GET %2fhello.txt")
	differ(404, "a folder without an index is not there; nginx says that it is forbidden (RFC 9110 15.5.4 allows 404 instead)", "GET noindex/", "GET css/")
	differ(404, "a folder without an index is not there; nginx redirects to it", "GET css", "GET noindex")
	differ(405, "RFC 9110 15.5.6: the method is possible for no file; Allow says which are", "POST none.txt")
	differ(404, "a name with a NUL is nobody's; nginx calls the request bad", "GET hello.txt%00", "GET %00")
	differ(200, "the media types of the two tables are not the same for .gz", "GET css/a.css.gz")
	differ(304, "RFC 9110 13.1.3: a file that is older than the date is not modified since; nginx wants the very date", "GET hello.txt | If-Modified-Since: Mon, 06 May 2024 07:08:10 GMT")
	differ(304, "RFC 9110 13.1.3: If-Modified-Since does not count beside If-None-Match", "GET hello.txt | If-None-Match: {etag:hello.txt} | If-Modified-Since: Mon, 06 May 2024 07:08:08 GMT")
	differ(200, "RFC 9110 13.1.4: If-Unmodified-Since does not count when it is no date", "GET hello.txt | If-Unmodified-Since: tomorrow")
	differ(200, "RFC 9110 13.1.4: If-Unmodified-Since does not count beside If-Match", "GET hello.txt | If-Match: {etag:hello.txt} | If-Unmodified-Since: Mon, 06 May 2024 07:08:08 GMT")
	differ(200, "RFC 9110 14.2: what is no ranges-specifier may be ignored; 416 is for ranges beyond the end (15.5.17)",
		"GET hello.txt | Range: bytes=5-4", "GET hello.txt | Range: bytes=a-b", "GET hello.txt | Range: bytes=-", "GET hello.txt | Range: bytes=0-1,a-b",
		"GET hello.txt | Range: bytes=0x1-2", "GET hello.txt | Range: bytes=+1-2", "GET hello.txt | Range: bytes=1-2-3")
	differ(200, "RFC 9110 14.2: ranges that overlap may be ignored", "GET hello.txt | Range: bytes=0-1,0-1", "GET hello.txt | Range: bytes=0-5,3-8")
	differ(206, "RFC 9110 5.6.1.2: empty elements of a list are allowed", "GET hello.txt | Range: bytes=,0-1", "GET hello.txt | Range: bytes=0-1,")
	differ(206, "RFC 9110 14.1.2: a last position beyond the end means the end, however large it is", "GET hello.txt | Range: bytes=0-99999999999999999999")
	differ(206, "RFC 9110 14.2: how many ranges are too many is the server's to say: 64 here, 16 in the nginx that was asked",
		"GET hello.txt | Range: bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16")
	differ(200, "RFC 9110 14.2: Range is for GET alone", "HEAD hello.txt | Range: bytes=0-1")
	differ(200, "RFC 9110 14.3: parts of a file that was compressed ahead can be had", "GET css/a.css | Accept-Encoding: gzip", "GET css/a.css | Accept-Encoding: gzip;q=0.5",
		"GET css/a.css | Accept-Encoding: gzip, deflate, br", "GET css/a.css | Accept-Encoding: GZIP", "HEAD css/a.css | Accept-Encoding: gzip")
	differ(206, "RFC 9110 14.3: parts of a file that was compressed ahead can be had", "GET css/a.css | Accept-Encoding: gzip | Range: bytes=0-4")
	differ(200, "RFC 9110 12.5.3: * is any coding, and 8.4.1.3: x-gzip is gzip", "GET css/a.css | Accept-Encoding: *", "GET css/a.css | Accept-Encoding: x-gzip")
}

func TestAnswersAreNginxs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "nginx", "answers.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rec recorded
	if err := json.Unmarshal(text, &rec); err != nil {
		t.Fatal(err)
	}
	if len(rec.Answers) < 120 {
		t.Fatalf("%d requests", len(rec.Answers))
	}
	rg := newRig(t, Options{}, func(p *Mount) { p.URL, p.Index, p.Compress = "/s", []string{"index.html"}, false })
	for name, content := range rec.Files {
		if name == "big.bin" {
			content = strings.Repeat(content, 10000)
		}
		rg.write(name, latin1(content, name))
	}
	rg.write("css/a.css.gz", latin1(rec.GZ, ""))
	etag := func(name string) string { return rg.do("HEAD", "/s/"+name).Header.Get("ETag") }
	unused := maps.Clone(differences)
	for _, c := range rec.Answers {
		name := strings.Join(append([]string{c.Method + " " + strings.TrimPrefix(c.Target, "/s/")}, c.Fields...), " | ")
		var fields []string
		for _, f := range c.Fields {
			k, v, _ := strings.Cut(f, ": ")
			if before, rest, ok := strings.Cut(v, "{etag:"); ok {
				file, after, _ := strings.Cut(rest, "}")
				v = before + etag(file) + after
			}
			fields = append(fields, k, v)
		}
		theirs, err := http.ReadResponse(bufio.NewReader(strings.NewReader(latin1(c.Answer, ""))), &http.Request{Method: c.Method})
		if err != nil {
			t.Errorf("%s: nginx's answer: %v", name, err)
			continue
		}
		body, _ := io.ReadAll(theirs.Body)
		want := look(theirs, string(body)).bare()
		a := rg.do(c.Method, c.Target, fields...)
		got := look(a.Response, a.text).bare()
		if d, ok := differences[name]; ok {
			delete(unused, name)
			if got.status != d.want {
				t.Errorf("%s: %d, want %d (%s)", name, got.status, d.want, d.why)
			}
			if got == want {
				t.Errorf("%s: is nginx's answer after all", name)
			}
			continue
		}
		if got != want {
			t.Errorf("%s:\n%d %q\n%s\nnginx:\n%d %q\n%s", name, got.status, got.body, got.fields, want.status, want.body, want.fields)
		}
	}
	for name := range unused {
		t.Errorf("%s: no such request", name)
	}
}

// latin1 turns the characters of a JSON text into the bytes that they stand for. One
// file's name and content are UTF-8.
func latin1(s, name string) string {
	if strings.Contains(name, "ü") {
		return s
	}
	b := make([]byte, 0, len(s))
	for _, c := range s {
		b = append(b, byte(c))
	}
	return string(b)
}
