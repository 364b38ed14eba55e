package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/standpipe/standpipe/bridge/access"
)

// Denied are the networks that are denied at run time, those that were denied last first.
type Denied struct {
	Denied []access.Entry `json:"denied"`
}

// Clients say who was refused.
type Clients struct {
	// Denied are the networks that were denied last at run time, and Networks how many there are.
	Denied   []access.Entry `json:"denied,omitempty"`
	Networks int            `json:"networks"`
	// Refused are the refused requests and connections by rule.
	Refused []access.Count `json:"refused,omitempty"`
}

// MostShown is how many denied networks a Status has.
const MostShown = 10

// longest is how long a network may be denied.
const longest = 10 * 365 * 24 * time.Hour

// deniedList has the commands about them.
type deniedList struct{ server Server }

func (d deniedList) list(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, &Denied{append([]access.Entry{}, d.server.Denied()...)})
}

func (d deniedList) deny(_ context.Context, o *Order) (*Done, error) {
	networks, err := access.ParseNetwork(o.Network)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "bad_network", err)
	}
	length := time.Duration(o.Seconds * float64(time.Second))
	if o.Seconds < 0 || o.Seconds > longest.Seconds() || o.Seconds > 0 && length <= 0 {
		return nil, refuse(http.StatusBadRequest, "bad_duration", errors.New("a network is denied for at most ten years; without a duration, until it is allowed again"))
	}
	now := time.Now()
	for _, p := range networks {
		if why := access.Risky(p); why != "" && !o.Force {
			return nil, refuse(http.StatusConflict, "risky_network", fmt.Errorf("%s; --force denies it all the same", why))
		}
	}
	for _, p := range networks {
		e := access.Entry{Network: p, Since: now, Cause: o.Reason, ByCommand: true}
		if length > 0 {
			e.Until = now.Add(length)
		}
		if err := d.server.Deny(e); err != nil {
			return nil, refuse(http.StatusConflict, "not_denied", err)
		}
	}
	return &Done{Kept: d.server.Persist()}, nil
}

func (d deniedList) allow(_ context.Context, o *Order) (*Done, error) {
	networks, err := access.ParseNetwork(o.Network)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "bad_network", err)
	}
	found := false
	for _, p := range networks {
		ok, err := d.server.Allow(p)
		if err != nil {
			return nil, refuse(http.StatusConflict, "not_allowed", err)
		}
		found = found || ok
	}
	if !found {
		return nil, refuse(http.StatusNotFound, "not_denied", d.notDenied(o.Network, networks[0]))
	}
	return &Done{Kept: d.server.Persist()}, nil
}

// notDenied says which network has the address, if one has.
func (d deniedList) notDenied(text string, p netip.Prefix) error {
	for _, e := range d.server.Denied() {
		if e.Network.Overlaps(p) {
			return fmt.Errorf("%s itself is not denied, and %s is; standpipe allow %s", text, e.Network, e.Network)
		}
	}
	return fmt.Errorf("%s is not denied at run time; [[access]] may deny it", text)
}
