package acme

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/caddyserver/certmagic"
)

// state is what is known of the failed attempts for a name. It is in the storage, so that another process can tell.
type state struct {
	Error    string    `json:"error"`
	At       time.Time `json:"at"`
	Next     time.Time `json:"next"`
	Failures int       `json:"failures"`
}

// maxError bounds the text of an error in the storage: a CA chooses its length.
const maxError = 4 << 10

const statePrefix = "standpipe/failures"

type states struct{ storage certmagic.Storage }

func stateKey(name string) string {
	return statePrefix + "/" + certmagic.StorageKeys.Safe(name) + ".json"
}

func (s *states) save(ctx context.Context, name string, st state) error {
	if len(st.Error) > maxError {
		st.Error = st.Error[:maxError]
	}
	b, err := json.Marshal(struct {
		Name string `json:"name"`
		state
	}{name, st})
	if err != nil {
		return fmt.Errorf("encoding the state of %s: %w", name, err)
	}
	return s.storage.Store(ctx, stateKey(name), b)
}

func (s *states) clear(ctx context.Context, name string) error {
	return s.storage.Delete(ctx, stateKey(name))
}

// load returns the zero state if there is none that can be read.
func (s *states) load(ctx context.Context, name string) state {
	b, err := s.storage.Load(ctx, stateKey(name))
	if err != nil {
		return state{}
	}
	_, st, _ := decodeState(b)
	return st
}

// decodeState reads what save has written, and rejects anything else.
func decodeState(b []byte) (name string, st state, ok bool) {
	var v struct {
		Name string `json:"name"`
		state
	}
	if json.Unmarshal(b, &v) != nil || v.Name == "" || v.Failures < 0 || len(v.Error) > maxError {
		return "", state{}, false
	}
	return v.Name, v.state, true
}
