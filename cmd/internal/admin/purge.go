package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/standpipe/standpipe/bridge/cache"
)

// Purge is the part of an Order about the HTTP cache: what is removed, of App or of all.
type Purge struct {
	URLs     []string `json:"urls,omitempty"`
	Prefixes []string `json:"prefixes,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	All      bool     `json:"all,omitempty"`
	// Soft: it becomes stale, and stays.
	Soft bool `json:"soft,omitempty"`
}

// maxPurge is how many URLs, prefixes and groups one command names.
const maxPurge = 1024

// what says in a record what is removed.
func (p *Purge) what() string {
	if p.All {
		return "everything"
	}
	n := len(p.URLs) + len(p.Prefixes) + len(p.Groups)
	for _, list := range []struct {
		name  string
		texts []string
	}{{"URL", p.URLs}, {"prefix", p.Prefixes}, {"group", p.Groups}} {
		if len(list.texts) > 0 {
			text := fmt.Sprintf("%s %.200s", list.name, list.texts[0])
			if n > 1 {
				text += fmt.Sprintf(" and %d more", n-1)
			}
			return text
		}
	}
	return "nothing"
}

func (p *Purge) check() error {
	n := len(p.URLs) + len(p.Prefixes) + len(p.Groups)
	switch {
	case p.All && n > 0:
		return errors.New("all is everything; it goes with no URL, prefix or group")
	case n > maxPurge:
		return fmt.Errorf("%d URLs, prefixes and groups; at most %d at a time", n, maxPurge)
	case n == 0 && !p.All:
		return errors.New("a URL, a prefix, a group, or all is missing")
	}
	for _, list := range [][]string{p.URLs, p.Prefixes, p.Groups} {
		for _, text := range list {
			if text == "" {
				return errors.New("a URL, a prefix or a group is empty")
			}
		}
	}
	return nil
}

// purge removes entries of the HTTP cache.
func (h *Handler) purge(ctx context.Context, o *Order) (*Done, error) {
	p := o.Purge
	if p == nil {
		p = &Purge{}
	}
	if err := p.check(); err != nil {
		return nil, refuse(http.StatusBadRequest, "bad_purge", err)
	}
	if o.App != "" {
		if _, err := h.pools(o.App); err != nil {
			return nil, err
		}
	}
	removed, err := h.Server.Purge(ctx, o.App, cache.Purges{URLs: p.URLs, Prefixes: p.Prefixes, Groups: p.Groups, All: p.All, Soft: p.Soft})
	switch {
	case errors.Is(err, cache.ErrPurgeText):
		return nil, refuse(http.StatusBadRequest, "bad_purge", err)
	case errors.Is(err, cache.ErrOff):
		return &Done{Removed: new(int), NoCache: true}, nil
	case err != nil:
		return nil, refuse(http.StatusServiceUnavailable, "not_purged", fmt.Errorf("%d removed; the rest may still be stored: %w", removed, err))
	}
	return &Done{Removed: &removed}, nil
}
