package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
)

func vectors(t *testing.T, file string, into any) {
	t.Helper()
	b, err := os.ReadFile("../testdata/vectors/" + file)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The same bytes are read by shim_py/tests.
func TestFrameVectors(t *testing.T) {
	var list []struct {
		Name       string
		Kind       Kind
		Flags      Flags
		Stream     uint32
		PayloadHex string `json:"payload_hex"`
		FrameHex   string `json:"frame_hex"`
		OK         bool
		Error      string
	}
	vectors(t, "frames.json", &list)
	if len(list) < 20 {
		t.Fatalf("%d vectors", len(list))
	}
	for _, v := range list {
		t.Run(v.Name, func(t *testing.T) {
			raw := unhex(t, v.FrameHex)
			fr := NewReader(bytes.NewReader(raw))
			f, err := fr.Next()
			if !v.OK {
				var pe *ProtocolError
				if v.Error == "short" && err != io.ErrUnexpectedEOF || v.Error != "short" && !errors.As(err, &pe) {
					t.Errorf("%s: read with %v", v.Error, err)
				}
				return
			}
			want := Frame{v.Kind, v.Flags, v.Stream, unhex(t, v.PayloadHex)}
			if err != nil || f.Kind != want.Kind || f.Flags != want.Flags || f.Stream != want.Stream || !bytes.Equal(f.Payload, want.Payload) {
				t.Errorf("read %+v, %v", f, err)
			}
			if b := AppendFrame(nil, want); !bytes.Equal(b, raw) {
				t.Errorf("written % x", b)
			}
		})
	}
}

func TestValueVectors(t *testing.T) {
	var list []struct{ Name, Hex, Error string }
	vectors(t, "values.json", &list)
	if len(list) < 20 {
		t.Fatalf("%d vectors", len(list))
	}
	for _, v := range list {
		t.Run(v.Name, func(t *testing.T) {
			w := newWalker(unhex(t, v.Hex))
			defer w.free()
			err := w.skip(maxDepth)
			if err == nil {
				err = w.end()
			}
			var pe *ProtocolError
			if v.Error == "" && err != nil || v.Error != "" && !errors.As(err, &pe) {
				t.Errorf("walked with %v; the vector says %q", err, v.Error)
			}
		})
	}
}

func TestNamesVector(t *testing.T) {
	var v struct{ Names []string }
	vectors(t, "names.json", &v)
	if !slices.Equal(v.Names, Names[:]) {
		t.Errorf("%q", v.Names)
	}
	for i, name := range Names {
		if Known(name) != uint8(i+1) {
			t.Errorf("%s is %d", name, Known(name))
		}
	}
	if len(Names) > 64 || Known("HTTP_X_OTHER") != 0 {
		t.Error(len(Names))
	}
}

func TestRequestVectors(t *testing.T) {
	var list []struct {
		Name       string
		PayloadHex string            `json:"payload_hex"`
		Environ    map[string]string // in hex
		BodyHex    string            `json:"body_hex"`
		Exact      bool
		Error      bool
	}
	vectors(t, "requests.json", &list)
	if len(list) < 10 {
		t.Fatalf("%d vectors", len(list))
	}
	for _, v := range list {
		t.Run(v.Name, func(t *testing.T) {
			payload := unhex(t, v.PayloadHex)
			vars, body, err := DecodeRequest(payload)
			if v.Error {
				if pe := (*ProtocolError)(nil); !errors.As(err, &pe) {
					t.Errorf("%+v, %v", vars, err)
				}
				return
			}
			if err != nil || len(vars) != len(v.Environ) || !bytes.Equal(body, unhex(t, v.BodyHex)) {
				t.Fatalf("%+v, %q, %v", vars, body, err)
			}
			for i, got := range vars {
				if want, there := v.Environ[got.Name]; !there || got.Value != string(unhex(t, want)) {
					t.Errorf("%s is %q", got.Name, got.Value)
				}
				vars[i].Known = Known(got.Name)
			}
			frame, err := AppendRequest(nil, 7, FlagEnd, vars, body)
			if err != nil {
				t.Fatal(err)
			}
			if again := frame[HeaderSize:]; v.Exact && !bytes.Equal(again, payload) {
				t.Errorf("written % x", again)
			} else if back, _, err := DecodeRequest(again); err != nil || len(back) != len(vars) {
				t.Errorf("%+v, %v", back, err)
			}
		})
	}
}
