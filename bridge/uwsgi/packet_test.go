package uwsgi

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/shim/wire"
)

func TestParseVars(t *testing.T) {
	for _, c := range []struct {
		packet, want, fault string
	}{
		{"", "", ""},
		{"\x01\x00A\x01\x00b", "A=b", ""},
		{"\x01\x00A\x00\x00", "A=", ""},
		{"\x01\x00A\x01\x00b\x02\x00CD\x00\x00", "A=b CD=", ""},
		{"\x01\x00A\x01\x00b\x01\x00A\x01\x00c", "A=b A=c", ""}, // who repeats is judged by bridge/cgi
		{"\x01", "", "name"},
		{"\x02\x00A", "", "name"},
		{"\xff\xffA", "", "name"},
		{"\x01\x00A", "", `"A"`},
		{"\x01\x00A\x01", "", `"A"`},
		{"\x01\x00A\x02\x00b", "", `"A"`},
		{"\x01\x00A\xff\xffb", "", `"A"`},
		{"\x00\x00\x01\x00b", "", "name"},
		{"\x01\x00A\x01\x00b\x00", "", "name"},
	} {
		vars, err := parseVars(nil, []byte(c.packet))
		if c.fault != "" {
			var pe *packetError
			if !errors.As(err, &pe) || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%q: error %v, want one with %q", c.packet, err, c.fault)
			}
			continue
		}
		got := make([]string, len(vars))
		for i, v := range vars {
			got[i] = v.Name + "=" + v.Value
		}
		if s := strings.Join(got, " "); err != nil || s != c.want {
			t.Errorf("%q: %q, %v; want %q", c.packet, s, err, c.want)
		}
	}
}

func TestAppendPacketKnowsItsSize(t *testing.T) {
	most := []wire.Var{{Name: "A", Value: strings.Repeat("x", maxVars-5)}}
	p, err := appendPacket(nil, most)
	if err != nil || len(p) != headerSize+maxVars {
		t.Fatalf("%d bytes, %v", len(p), err)
	}
	if h := parseHeader(p); h.size != maxVars || h.modifier1 != 0 || h.modifier2 != 0 {
		t.Errorf("%+v", h)
	}
	most[0].Value += "x"
	var large *TooLarge
	if _, err := appendPacket(nil, most); !errors.As(err, &large) || large.Size != maxVars+1 {
		t.Errorf("%v", err)
	}
}

// FuzzPacket: no packet makes the parser read beyond it, and what it takes is written
// back as the same bytes. What bridge/cgi makes of the variables is no request with
// a field that holds a line end, nor one without a length.
func FuzzPacket(f *testing.F) {
	f.Add([]byte("\x00\x06\x00\x00\x01\x00A\x01\x00b"))
	f.Add([]byte("\x00\xff\xff\x00\xff\xff\xff\xff"))
	f.Add([]byte("\x64\x00\x00\x00"))
	whole, _ := appendPacket(nil, []wire.Var{{Name: "REQUEST_METHOD", Value: "POST"}, {Name: "PATH_INFO", Value: "/a\x00b"}, {Name: "CONTENT_LENGTH", Value: "3"}, {Name: "HTTP_X_A", Value: "b"}, {Name: "UWSGI_FILE", Value: "x"}})
	f.Add(whole)
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) < headerSize {
			return
		}
		h := parseHeader(p)
		if h.size > len(p)-headerSize {
			return
		}
		p = p[:headerSize+h.size]
		vars, err := parseVars(nil, p[headerSize:])
		if err != nil {
			return
		}
		back, err := appendPacket(nil, vars)
		if err != nil || !bytes.Equal(back[headerSize:], p[headerSize:]) {
			t.Fatalf("%q becomes %q, %v", p, back, err)
		}
		r, g, err := cgi.Request(vars)
		if err != nil {
			return
		}
		for name, values := range r.Header {
			if strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00") {
				t.Fatalf("field %q: %q", name, values)
			}
		}
		if r.ContentLength < 0 || r.TransferEncoding != nil || r.URL.Path == "" || r.URL.Path[0] != '/' {
			t.Fatalf("%+v", r)
		}
		for _, v := range g.Extra {
			if v.Name == "" || v.Name == "PATH" || strings.HasPrefix(v.Name, "UWSGI_") || strings.HasPrefix(v.Name, "HTTP_") || strings.ContainsAny(v.Name, ".= ") {
				t.Fatalf("the environ would get %q", v.Name)
			}
		}
		cgi.AppendVars(nil, r, &cgi.Info{Extra: g.Extra})
	})
}
