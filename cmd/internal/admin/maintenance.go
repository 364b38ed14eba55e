package admin

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/netip"
	"time"

	"github.com/standpipe/standpipe/bridge/access"
	"github.com/standpipe/standpipe/bridge/maintain"
)

// Maintenance is what is under maintenance.
type Maintenance struct {
	Maintenance []maintain.Window `json:"maintenance"`
}

// Pause is the part of an Order about maintenance.
type Pause struct {
	Allow      []string `json:"allow,omitempty"` // addresses and networks that are served
	Page       []byte   `json:"page,omitempty"`
	Type       string   `json:"type,omitempty"`        // media type of Page
	RetryAfter float64  `json:"retry_after,omitempty"` // seconds; 0: not said
}

// maintained has the commands about it.
type maintained struct{ h *Handler }

func (m maintained) list(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, &Maintenance{m.h.Server.Maintenance().All(time.Now())})
}

func (m maintained) begin(_ context.Context, o *Order) (*Done, error) {
	if err := m.may(o); err != nil {
		return nil, err
	}
	p := o.Maintenance
	if p == nil {
		p = &Pause{}
	}
	now := time.Now()
	one := maintain.Window{App: o.App, Since: now, Page: p.Page, Type: p.Type, RetryAfter: p.RetryAfter}
	for _, text := range p.Allow {
		networks, err := access.ParseNetwork(text)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "bad_network", err)
		}
		one.Allow = append(one.Allow, networks...)
	}
	one.Allow = append([]netip.Prefix{}, one.Allow...)
	if _, _, err := mime.ParseMediaType(p.Type); len(p.Page) > 0 && err != nil {
		return nil, refuse(http.StatusBadRequest, "bad_type", fmt.Errorf("%q is not a media type", p.Type))
	}
	if o.Seconds < 0 || o.Seconds > longest.Seconds() {
		return nil, refuse(http.StatusBadRequest, "bad_duration", errors.New("a maintenance lasts at most ten years; without a duration, until standpipe maintenance off"))
	}
	if o.Seconds > 0 {
		one.Until = now.Add(time.Duration(o.Seconds * float64(time.Second)))
	}
	if err := m.h.Server.Maintenance().Begin(one); err != nil {
		return nil, refuse(http.StatusBadRequest, "bad_maintenance", err)
	}
	return &Done{Kept: m.h.Server.Persist()}, nil
}

func (m maintained) end(_ context.Context, o *Order) (*Done, error) {
	if m.h.Server.Upgrading() {
		return nil, refuse(http.StatusConflict, "upgrading", ErrUpgrading)
	}
	if !m.h.Server.Maintenance().End(o.App) {
		what := "there is no maintenance of the whole server"
		if o.App != "" {
			what = fmt.Sprintf("app %q is not under maintenance by itself", o.App)
		}
		return nil, refuse(http.StatusNotFound, "no_maintenance", fmt.Errorf("%s; standpipe maintenance status shows what is", what))
	}
	return &Done{Kept: m.h.Server.Persist()}, nil
}

// may reports whether a maintenance of that app may begin.
func (m maintained) may(o *Order) error {
	if m.h.Server.Upgrading() {
		return refuse(http.StatusConflict, "upgrading", ErrUpgrading)
	}
	if o.App == "" {
		return nil
	}
	_, err := m.h.pools(o.App)
	return err
}
