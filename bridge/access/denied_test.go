package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func network(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func TestDenied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := NewDenied()
		is := func(client string, want bool) {
			t.Helper()
			if _, yes := d.Find(addr(client), time.Now()); yes != want {
				t.Errorf("%s denied: %v", client, yes)
			}
		}
		now := time.Now()
		for _, e := range []Entry{
			{Network: network("203.0.113.7/32"), Until: now.Add(time.Hour), Since: now, ByCommand: true},
			{Network: network("198.51.100.0/24"), Since: now.Add(time.Second), Cause: "scanner"},
			{Network: network("2001:db8::/64"), Until: now.Add(time.Minute), Since: now.Add(2 * time.Second)},
		} {
			if err := d.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		is("203.0.113.7", true)
		is("::ffff:203.0.113.7", true)
		is("203.0.113.8", false)
		is("198.51.100.77", true)
		is("2001:db8::1:2:3:4%eth0", true)
		is("2001:db8:0:1::", false)
		is("", false)
		if list := d.List(now, 2); len(list) != 2 || list[0].Network != network("2001:db8::/64") || list[1].Cause != "scanner" {
			t.Errorf("list: %v", list)
		}

		// What a person said is not shortened by the server; a longer denial counts.
		if err := d.Deny(network("203.0.113.7/32"), now.Add(time.Minute), "rate"); err != nil || d.Len() != 3 {
			t.Error(err)
		}
		time.Sleep(2 * time.Minute)
		is("203.0.113.7", true)
		is("2001:db8::1", false) // over, and not swept yet
		d.Sweep(time.Now())
		if d.Len() != 2 {
			t.Errorf("%d entries after the sweep", d.Len())
		}

		// Another process gets what is left.
		kept, err := d.Encode(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		next := NewDenied()
		if err := next.Restore(kept, time.Now()); err != nil || next.Len() != 2 {
			t.Errorf("restored %d: %v", next.Len(), err)
		}
		if e, yes := next.Find(addr("203.0.113.7"), time.Now()); !yes || !e.ByCommand || !e.Until.Equal(now.Add(time.Hour)) {
			t.Errorf("restored %+v", e)
		}
		if err := next.Restore([]byte("{"), time.Now()); err == nil {
			t.Error("broken bytes are restored")
		}

		if !d.Remove(network("198.51.100.0/24")) || d.Remove(network("198.51.100.0/24")) {
			t.Error("removed once")
		}
		is("198.51.100.77", false)
		time.Sleep(time.Hour)
		is("203.0.113.7", false)
	})
}

// The number of entries is bounded, and clients cannot use up the places that are left to people.
func TestDeniedIsBounded(t *testing.T) {
	t.Parallel()
	d := NewDenied()
	now := time.Now()
	at := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
	}
	for i := range MaxDenied - forPeople {
		if err := d.Deny(at(i), now.Add(time.Hour), ""); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := d.Deny(at(1<<20), now.Add(time.Hour), ""); !errors.Is(err, ErrFull) {
		t.Errorf("one more of the server: %v", err)
	}
	if err := d.Deny(at(5), now.Add(2*time.Hour), ""); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	if err := d.Add(Entry{Network: network("192.0.2.1/32"), Since: now, ByCommand: true}); err != nil {
		t.Errorf("one of a person: %v", err)
	}
	if err := d.Add(Entry{Network: at(1 << 20), Since: now.Add(90 * time.Minute)}); err != nil {
		t.Errorf("after an hour: %v", err)
	}
	if d.Len() != 3 {
		t.Errorf("%d entries", d.Len())
	}
}

func TestRisky(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"0.0.0.0/0": true, "::/0": true, "127.0.0.1/32": true, "::1/128": true, "10.0.0.0/7": true, "2000::/3": true, "203.0.113.7/32": false, "10.0.0.0/8": false, "2001:db8::/32": false,
	} {
		if got := Risky(network(text)); (got != "") != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func FuzzRestore(f *testing.F) {
	b, _ := json.Marshal([]Entry{{Network: network("10.0.0.0/8"), Since: time.Unix(1, 0)}})
	f.Add(b)
	f.Add([]byte(`[{"network":"10.0.0.1/8"},{"network":""},{}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := NewDenied()
		_ = d.Restore(b, time.Unix(0, 0))
		for _, e := range d.List(time.Unix(0, 0), 0) {
			if _, yes := d.Find(e.Network.Addr(), time.Unix(0, 0)); !yes {
				t.Fatalf("%v is listed, and does not deny its own address", e.Network)
			}
		}
		if got := fmt.Sprint(d.Len()); d.Len() > MaxDenied {
			t.Fatal(got)
		}
	})
}
