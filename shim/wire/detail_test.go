package wire_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"testing"

	"github.com/standpipe/standpipe/shim/wire"
)

type detailVector struct {
	Name       string
	PayloadHex string `json:"payload_hex"`
	Detail     *wire.Detail
	Error      bool

	payload []byte
}

func detailVectors(t testing.TB) (list []detailVector) {
	t.Helper()
	b, err := os.ReadFile("../testdata/vectors/details.json")
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	for i := range list {
		if err == nil {
			list[i].payload, err = hex.DecodeString(list[i].PayloadHex)
		}
	}
	if err != nil || len(list) < 8 {
		t.Fatalf("%d vectors, %v", len(list), err)
	}
	return list
}

// The same bytes are made by shim_py/tests.
func TestDetailVectors(t *testing.T) {
	for _, v := range detailVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			m, err := wire.DecodeDetail(v.payload)
			if v.Error {
				if pe := (*wire.ProtocolError)(nil); !errors.As(err, &pe) {
					t.Errorf("%+v, %v", m, err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(m, v.Detail) {
				t.Errorf("%+v, %v; want %+v", m, err, v.Detail)
			}
			for name, decode := range map[string]func([]byte) (*wire.Detail, error){
				"Error":  func(p []byte) (*wire.Detail, error) { e, err := wire.DecodeError(p); return e.Detail, err },
				"Failed": func(p []byte) (*wire.Detail, error) { f, err := wire.DecodeFailed(p); return f.Detail, err },
			} {
				n := len(v.payload)
				m, err := decode(append([]byte("\x81\xa6detail\xc6\x00"), append([]byte{byte(n >> 16), byte(n >> 8), byte(n)}, v.payload...)...))
				if err != nil || !reflect.DeepEqual(m, v.Detail) {
					t.Errorf("%s: %+v, %v", name, m, err)
				}
			}
		})
	}
}

// Each bound holds: many small elements take no memory beyond it.
func TestDetailIsBounded(t *testing.T) {
	big := make([]byte, wire.MaxDetail+1)
	if _, err := wire.DecodeDetail(big); err == nil {
		t.Error("a Detail beyond its size")
	}
	for name, p := range map[string]string{
		"exceptions": "\x81\xaaexceptions\xdc\x00\x41", "frames": "\x81\xaaexceptions\x91\x81\xa6frames\xdc\x01\x01", "sections": "\x81\xa8sections\xdc\x00\x11",
		"source": "\x81\xaaexceptions\x91\x81\xa6frames\x91\x81\xa6source\xdc\x00\x41", "locals": "\x81\xaaexceptions\x91\x81\xa6frames\x91\x81\xa6locals\xdc\x01\x02",
		"notes": "\x81\xaaexceptions\x91\x81\xa5notes\xdc\x00\x41", "pairs": "\x81\xa8sections\x91\x81\xa5pairs\xdc\x04\x02",
	} {
		one := byte(0x80)
		if name != "exceptions" && name != "frames" && name != "sections" {
			one = 0xa0
		}
		rest := make([]byte, 2000)
		for i := range rest {
			rest[i] = one
		}
		if _, err := wire.DecodeDetail(append([]byte(p), rest...)); err == nil {
			t.Errorf("%s: no bound", name)
		}
	}
}
