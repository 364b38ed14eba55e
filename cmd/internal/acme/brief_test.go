package acme

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The CA moves the time of a renewal to now, as it does before it revokes certificates: the certificate is renewed although it is
// valid for three months.
func TestRenewalInfo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := newCA(t, s, s.dns, time.Hour)
	storage, err := OpenFolder(storageDir(t))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Names: []string{"ari.example.test"}, Profile: "default", Authorities: []Authority{c.Authority}, HTTPPort: port(s.http.Addr()), Storage: storage, checkEvery: time.Second}
	o.Log = testLog(t)
	first, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	// It obtains the certificate while the other one answers the challenge.
	served(t, s, Options{Authorities: o.Authorities, HTTPPort: o.HTTPPort, Storage: storage})
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a certificate", func() bool { return len(first.cache.AllMatchingCertificates("ari.example.test")) > 0 })
	leaf := first.cache.AllMatchingCertificates("ari.example.test")[0].Leaf
	first.Stop()
	now := time.Now().UTC()
	window := fmt.Sprintf(`{"suggestedWindow":{"start":%q,"end":%q}}`, now.Add(-2*time.Hour).Format(time.RFC3339), now.Add(-time.Hour).Format(time.RFC3339))
	b, err := json.Marshal(map[string]string{"Certificate": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})), "ARIResponse": window})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.Roots}}}
	defer client.CloseIdleConnections()
	answer, err := client.Post("https://"+c.management+"/set-renewal-info/", "application/json", bytes.NewReader(b))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	answer.Body.Close()
	// The CA has said when to ask again, in six hours: they are over.
	keys, err := storage.List(t.Context(), "certificates", true)
	if err != nil {
		t.Fatal(err)
	}
	changed := false
	for _, key := range keys {
		if !strings.HasSuffix(key, ".json") {
			continue
		}
		var v map[string]any
		b, err := storage.Load(t.Context(), key)
		if err == nil {
			err = json.Unmarshal(b, &v)
		}
		data, _ := v["issuer_data"].(map[string]any)
		info, ok := data["renewal_info"].(map[string]any)
		if err != nil || !ok {
			t.Fatalf("%v %s", err, b)
		}
		info["_retryAfter"] = now.Add(-time.Minute).Format(time.RFC3339)
		info["_selectedTime"] = now.Add(50 * 24 * time.Hour).Format(time.RFC3339)
		if b, err = json.Marshal(v); err == nil {
			err = storage.Store(t.Context(), key, b)
		}
		if err != nil {
			t.Fatal(err)
		}
		changed = true
	}
	if !changed {
		t.Fatalf("%q", keys)
	}
	o.Log = testLog(t)
	second, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Stop)
	if err := second.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a renewal", func() bool {
		for _, c := range second.cache.AllMatchingCertificates("ari.example.test") {
			if !c.Leaf.Equal(leaf) {
				return true
			}
		}
		return false
	})
}
