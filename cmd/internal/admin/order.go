package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// read reads the body of a command; an empty body is an empty Order.
func read(w http.ResponseWriter, r *http.Request) (*Order, error) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(bodyTimeout)) // fails for the recorder of a test
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "bad_request", fmt.Errorf("the command could not be read: %w", err))
	}
	_ = rc.SetReadDeadline(time.Time{}) // an expired deadline would end the command's context
	return parseOrder(b)
}

func parseOrder(b []byte) (*Order, error) {
	o := new(Order)
	if len(bytes.TrimSpace(b)) == 0 {
		return o, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields() // part of an order is worse than none
	if err := d.Decode(o); err != nil {
		return nil, refuse(http.StatusBadRequest, "bad_request", fmt.Errorf("the command is not valid: %w", err))
	}
	if d.More() {
		return nil, refuse(http.StatusBadRequest, "bad_request", errors.New("the command is not valid: there is more after it"))
	}
	return o, nil
}
