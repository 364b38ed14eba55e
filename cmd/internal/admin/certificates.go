package admin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/acme"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/cmd/internal/localca"
)

func (h *Handler) certificates(w http.ResponseWriter, _ *http.Request) {
	list := ListOf(h.Server.Certificates())
	list.Running = true
	answer(w, http.StatusOK, list)
}

// ListOf is the list for people and scripts.
func ListOf(found []certs.Info) *Certificates {
	list := &Certificates{Certificates: []Certificate{}}
	now := time.Now()
	for _, i := range found {
		c := Certificate{Info: i}
		if !i.NotAfter.IsZero() {
			days := int(math.Floor(i.DaysLeft(now)))
			c.DaysLeft = &days
		}
		list.Certificates = append(list.Certificates, c)
	}
	return list
}

// renewCertificate obtains a new certificate. The renewal continues if the client disconnects.
func (h *Handler) renewCertificate(ctx context.Context, o *Order) (*Done, error) {
	if o.Name == "" {
		return nil, refuse(http.StatusBadRequest, "no_such_certificate", errors.New("the command has no name of a certificate"))
	}
	err := h.Server.RenewCertificate(context.WithoutCancel(ctx), o.Name)
	switch {
	case errors.Is(err, acme.ErrNone):
		return nil, refuse(http.StatusConflict, "no_automatic_certificates", err)
	case errors.Is(err, acme.ErrUnknownName):
		return nil, refuse(http.StatusNotFound, "no_such_certificate", h.unknown(o.Name))
	case err != nil:
		return nil, refuse(http.StatusConflict, "not_renewed", fmt.Errorf("no new certificate for %s: %w", o.Name, err))
	}
	return &Done{}, nil
}

// unknown says which names can be renewed.
func (h *Handler) unknown(name string) error {
	var names []string
	for _, i := range h.Server.Certificates() {
		switch i.Source {
		case acme.Source:
			names = append(names, i.Name())
		case localca.Kind:
			names = append(names, i.Names...)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("%q: %w", name, acme.ErrUnknownName)
	}
	return fmt.Errorf("%q: %w; there are: %s", name, acme.ErrUnknownName, strings.Join(names, ", "))
}
