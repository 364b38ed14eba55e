package limit

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

// denials is a Denier.
type denials struct {
	list []string
	err  error
}

func (d *denials) Deny(network netip.Prefix, until time.Time, cause string) error {
	d.list = append(d.list, fmt.Sprintf("%v %v %s", network, time.Until(until).Round(time.Minute), cause))
	return d.err
}

func banned(g *rig, d *denials) *BanOptions {
	return &BanOptions{Offenders: NewOffenders(), After: 3, Within: time.Minute, For: time.Hour, Denier: d, Cause: "limit api", Log: hclog.New(&hclog.LoggerOptions{Output: &g.log, JSONFormat: true}),
		Spared: func(p netip.Prefix) bool { return p.Overlaps(netip.MustParsePrefix("10.0.0.0/8")) }}
}

// A client is denied after so many refused requests within the time, and then counted from the beginning.
func TestBan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &denials{}
		g := newRig(t, Options{Rate: Rate{Count: 1, Per: 24 * time.Hour}}, nil)
		g.o.Ban = banned(g, d)
		g.h = New(g.o)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		g.statuses("192.0.2.1", 3) // two of them are refused
		time.Sleep(61 * time.Second)
		g.statuses("192.0.2.1", 2)
		if len(d.list) != 0 {
			t.Errorf("four refused requests in two minutes: %v", d.list)
		}
		g.statuses("192.0.2.1", 1)
		g.statuses("2001:db8::1", 3)
		g.statuses("2001:db8::2", 3)
		g.statuses("10.1.2.3", 10)
		if want := []string{"192.0.2.1/32 1h0m0s limit api", "2001:db8::/64 1h0m0s limit api"}; !slices.Equal(d.list, want) {
			t.Errorf("%v, want %v", d.list, want)
		}
		list := g.records("offender_denied")
		if len(list) != 2 || list[1]["network"] != "2001:db8::/64" || list[1]["client"] != "2001:db8::2" || list[1]["limit_name"] != "api" || list[1]["id"] != "id-2001:db8::2" || list[1]["error"] != nil {
			t.Errorf("%v", list)
		}
		d.err = errors.New("full")
		g.statuses("192.0.2.1", 3)
		if list := g.records("offender_denied"); len(list) != 3 || list[2]["error"] != "full" {
			t.Errorf("%v", list)
		}
		for range 10 { // a page of another site has its visitors send them
			g.send("192.0.2.9", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
		}
		if len(d.list) != 3 {
			t.Errorf("%v", d.list)
		}
	})
}

// What the limits let through, or a dry run does, is no offence.
func TestNoBan(t *testing.T) {
	t.Parallel()
	d := &denials{}
	g := newRig(t, Options{Rate: Rate{Count: 1, Per: time.Hour, Burst: 5}, DryRun: true}, nil)
	g.o.Ban = banned(g, d)
	g.h = New(g.o)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	g.want("a dry run", g.statuses("192.0.2.1", 10), slices.Repeat([]int{200}, 10))
	if len(d.list) != 0 {
		t.Errorf("%v", d.list)
	}
}
