package trace

import "encoding/binary"

// Sampler decides which of the traces that begin here are recorded. The zero Sampler takes none.
type Sampler struct{ taken uint64 } // of all values of the random bits, the highest ones

// randomBits are those of an id that are random in any case where Random is set.
const randomBits = 56

// NewSampler takes that part of all traces, from 0 to 1.
func NewSampler(part float64) Sampler {
	return Sampler{uint64(min(max(part, 0), 1) * (1 << randomBits))}
}

// Takes reports whether the trace is recorded. It is the rule of OpenTelemetry's samplers: those with the same part decide alike.
func (s Sampler) Takes(id ID) bool {
	return binary.BigEndian.Uint64(id[8:])&(1<<randomBits-1) >= 1<<randomBits-s.taken
}
