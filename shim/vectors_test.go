package shim

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"
)

func vectors(t *testing.T, file string, into any) {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors/" + file)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func octets(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The same octets are read by shim_py/tests.
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
			raw := octets(t, v.FrameHex)
			fr := NewFrameReader(bytes.NewReader(raw))
			f, err := fr.Next()
			if !v.OK {
				var pe *ProtocolError
				if v.Error == "short" && err != io.ErrUnexpectedEOF || v.Error != "short" && !errors.As(err, &pe) {
					t.Errorf("%s: read with %v", v.Error, err)
				}
				return
			}
			want := Frame{v.Kind, v.Flags, v.Stream, octets(t, v.PayloadHex)}
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
			w := newWalker(octets(t, v.Hex))
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
