package compress

import "bytes"

// Encoder compresses whole contents. It may be used by several goroutines.
type Encoder struct{ coders coders }

// NewEncoder returns an Encoder of a level.
func NewEncoder(level Level) *Encoder { return &Encoder{coders{level: level}} }

// Encode returns p in a coding.
func (e *Encoder) Encode(coding string, p []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(p)/4 + 64)
	z, err := e.coders.get(coding, &out)
	if err != nil {
		return nil, err
	}
	defer z.free()
	if _, err := z.Write(p); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return bytes.Clone(out.Bytes()), nil
}
