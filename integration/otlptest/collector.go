package otlptest

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Collector takes spans.
type Collector struct {
	URL string
	// Answer answers in place of the collector, if it is not nil. It is set before the first message comes.
	Answer http.HandlerFunc

	t testing.TB

	mu      sync.Mutex
	spans   []Span
	posts   int
	headers []http.Header
}

// New starts a collector, which ends with the test.
func New(t testing.TB) *Collector {
	c := &Collector{t: t}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	c.URL = s.URL
	return c
}

// ServeHTTP takes one message.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.posts++
	c.headers = append(c.headers, r.Header.Clone())
	c.mu.Unlock()
	if c.Answer != nil {
		c.Answer(w, r)
		return
	}
	if err := c.Take(r); err != nil {
		c.t.Error(err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// Take reads the message of a request.
func (c *Collector) Take(r *http.Request) error {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		return fmt.Errorf("%s %s, %v", r.Method, r.URL, r.Header)
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = z
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	list, err := Decode(b)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spans = append(c.spans, list...)
	return nil
}

// Partial is a response that says that so many spans were not taken.
func Partial(rejected int64, message string) []byte {
	p := dynamicpb.NewMessage(messages["ExportTraceServiceResponse"])
	s := p.Mutable(p.Descriptor().Fields().ByNumber(1)).Message()
	s.Set(s.Descriptor().Fields().ByNumber(1), protoreflect.ValueOfInt64(rejected))
	s.Set(s.Descriptor().Fields().ByNumber(2), protoreflect.ValueOfString(message))
	b, err := proto.Marshal(p)
	if err != nil {
		panic(err) // of memory
	}
	return b
}

// Spans are those that have come.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Posts is how many messages have come, and Header what the last one had.
func (c *Collector) Posts() (n int, last http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n = c.posts; n > 0 {
		last = c.headers[n-1]
	}
	return n, last
}

// Wait waits until the spans that have come satisfy f, and returns them.
func (c *Collector) Wait(f func([]Span) bool) []Span {
	c.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if list := c.Spans(); f(list) {
			return list
		}
	}
	c.t.Fatalf("the spans have not come; these have:\n%s", Format(c.Spans()))
	return nil
}

// Of waits for the whole trace of a request, by its id: its own span and n others.
func (c *Collector) Of(request string, n int) Tree {
	c.t.Helper()
	var tree Tree
	c.Wait(func(list []Span) bool {
		i := slices.IndexFunc(list, func(s Span) bool { return s.Kind == Server && s.Text("standpipe.request_id") == request })
		if i < 0 {
			return false
		}
		tree = Tree{Root: list[i]}
		for _, s := range list {
			if s.Trace == list[i].Trace && s.ID != list[i].ID {
				tree.Spans = append(tree.Spans, s)
			}
		}
		return len(tree.Spans) >= n
	})
	if len(tree.Spans) != n {
		c.t.Fatalf("%d spans, want %d:\n%s", len(tree.Spans), n, Format(tree.Spans))
	}
	return tree
}

// Tree are the spans of one trace.
type Tree struct {
	Root  Span   // of the request
	Spans []Span // all others
}

// Named are those of a name, in the order of their begin.
func (t *Tree) Named(name string) (list []Span) {
	for _, s := range t.Spans {
		if s.Name == name {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return list
}

// Format is a list of spans for people.
func Format(list []Span) (text string) {
	for _, s := range list {
		text += fmt.Sprintf("%s %s<-%s %q kind %d, %v, status %d %q, %v, events %v\n", s.Trace, s.ID, s.Parent, s.Name, s.Kind, s.Took(), s.Code, s.Message, s.Attributes, s.Events)
	}
	return text
}
