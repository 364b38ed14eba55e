package dnsprovider

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libdns/libdns"
	"github.com/miekg/dns"
)

var record1 = []libdns.Record{libdns.RR{Type: "TXT", Name: "_acme-challenge.shop", Data: "value", TTL: time.Minute}}

func TestRFC2136(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const secret = "c2VjcmV0c2VjcmV0c2VjcmV0"
	got := make(chan *dns.Msg, 4)
	started := make(chan struct{})
	server := &dns.Server{Listener: l, TsigSecret: map[string]string{"key.": secret}, NotifyStartedFunc: func() { close(started) },
		MsgAcceptFunc: func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }, // the default one refuses updates
		Handler: dns.HandlerFunc(func(w dns.ResponseWriter, m *dns.Msg) {
			answer := new(dns.Msg).SetReply(m)
			if m.IsTsig() == nil || w.TsigStatus() != nil {
				answer.Rcode = dns.RcodeNotAuth
			} else {
				answer.SetTsig("key.", dns.HmacSHA256, 300, time.Now().Unix())
			}
			got <- m
			_ = w.WriteMsg(answer)
		})}
	ended := make(chan struct{})
	go func() { _ = server.ActivateAndServe(); close(ended) }()
	<-started
	defer func() { _ = server.Shutdown(); <-ended }()
	p := &RFC2136{Server: l.Addr().String(), KeyName: "Key", Key: secret}
	if _, err := p.AppendRecords(t.Context(), "example.test.", record1); err != nil {
		t.Fatal(err)
	}
	m := <-got
	if m.Opcode != dns.OpcodeUpdate || m.Question[0].Name != "example.test." || len(m.Ns) != 1 {
		t.Fatal(m)
	}
	if r, ok := m.Ns[0].(*dns.TXT); !ok || r.Hdr.Name != "_acme-challenge.shop.example.test." || r.Txt[0] != "value" || r.Hdr.Class != dns.ClassINET || r.Hdr.Ttl != 60 {
		t.Error(m.Ns[0])
	}
	if _, err := p.DeleteRecords(t.Context(), "example.test.", record1); err != nil {
		t.Fatal(err)
	}
	if m = <-got; len(m.Ns) != 1 || m.Ns[0].Header().Class != dns.ClassNONE {
		t.Error(m)
	}
	p.KeyName = ""
	if _, err := p.AppendRecords(t.Context(), "example.test.", record1); !errors.Is(err, ErrUpdate) {
		t.Error(err)
	}
}

func TestCloudflare(t *testing.T) {
	records := map[string]record{"other": {ID: "other", Type: "TXT", Name: "_acme-challenge.shop.example.test", Content: `"another"`}}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply := func(result any) { _ = json.NewEncoder(w).Encode(map[string]any{"success": true, "result": result}) }
		switch {
		case r.Header.Get("Authorization") != "Bearer token":
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"success":false,"errors":[{"code":9109,"message":"Invalid access token"}]}`))
		case r.Method == "GET" && r.URL.Path == "/zones" && r.FormValue("name") == "example.test":
			reply([]map[string]string{{"id": "z1"}})
		case r.Method == "GET" && r.URL.Path == "/zones":
			reply([]string{})
		case r.Method == "POST" && r.URL.Path == "/zones/z1/dns_records":
			var made record
			if err := json.NewDecoder(r.Body).Decode(&made); err != nil {
				t.Error(err)
			}
			made.ID = "new"
			records["new"] = made
			reply(made)
		case r.Method == "GET" && r.URL.Path == "/zones/z1/dns_records" && r.FormValue("type") == "TXT":
			var list []record
			for _, one := range records {
				if one.Name == r.FormValue("name") {
					list = append(list, one)
				}
			}
			reply(list)
		case r.Method == "DELETE":
			delete(records, strings.TrimPrefix(r.URL.Path, "/zones/z1/dns_records/"))
			reply(nil)
		default:
			http.NotFound(w, r)
		}
	}))
	defer api.Close()
	p := &Cloudflare{Token: "token", API: api.URL}
	if _, err := p.AppendRecords(t.Context(), "example.test.", record1); err != nil {
		t.Fatal(err)
	}
	if made := records["new"]; made.Name != "_acme-challenge.shop.example.test" || made.Content != `"value"` || made.TTL != 60 || made.Type != "TXT" {
		t.Errorf("%+v", made)
	}
	if _, err := p.DeleteRecords(t.Context(), "example.test.", record1); err != nil {
		t.Fatal(err)
	}
	if _, there := records["other"]; !there || len(records) != 1 {
		t.Errorf("%+v", records)
	}
	if _, err := p.AppendRecords(t.Context(), "example.org.", record1); !errors.Is(err, ErrCloudflare) {
		t.Error(err)
	}
	p.Token = "wrong"
	if _, err := p.AppendRecords(t.Context(), "example.test.", record1); !errors.Is(err, ErrCloudflare) || !strings.Contains(err.Error(), "9109") {
		t.Error(err)
	}
}

func TestProgramFails(t *testing.T) {
	path := t.TempDir() + "/program"
	putProgram(t, path, "#!/bin/sh\necho no luck >&2\nexit 3\n")
	if err := (&Program{Path: path}).Present(t.Context(), "name", "value"); !errors.Is(err, ErrProgram) || !strings.Contains(err.Error(), "no luck") {
		t.Error(err)
	}
	putProgram(t, path, "#!/bin/sh\nexec sleep 600\n")
	if err := (&Program{Path: path, Timeout: 100 * time.Millisecond}).CleanUp(t.Context(), "name", "value"); !errors.Is(err, ErrProgram) {
		t.Error(err)
	}
}

func putProgram(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock() // a child of another test that had it open for writing would keep it from being run (ETXTBSY)
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

// The API's answers are bytes of another machine.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"success":true,"result":[{"id":"1"}]}`))
	f.Add(403, []byte(`{"success":false,"errors":[{"code":1,"message":"x"}]}`))
	f.Fuzz(func(t *testing.T, status int, b []byte) {
		var list []record
		if err := decodeAnswer(status, b, &list); err != nil && !errors.Is(err, ErrCloudflare) {
			t.Error(err)
		}
	})
}
