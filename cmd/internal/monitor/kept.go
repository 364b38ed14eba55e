package monitor

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"time"
)

// kept is what the process of an upgrade gets of this one.
type kept struct {
	Columns int           `json:"columns"` // of a row: those of another version are not read
	At      time.Time     `json:"at"`      // of the newest rows
	Apps    []keptApp     `json:"apps"`
	Fixed   []keptApp     `json:"fixed"` // static, routes, server, others
	Slow    []SlowRequest `json:"slow"`  // the oldest first
	Marks   []Mark        `json:"marks"`
}

type keptApp struct {
	Name string `json:"name"`
	Rows []byte `json:"rows"` // the oldest first; the bits of each number in 4 bytes, little-endian
}

// rowSize is the size of a row in bytes.
const rowSize = 4 * columns

// Encode is the last hour, for Restore in the process of an upgrade.
func (m *Monitor) Encode() ([]byte, error) {
	k := kept{Columns: columns, Marks: m.marks.all("", time.Now()), Slow: m.slow.snapshot()}
	pools := m.o.Pools()
	m.mu.Lock()
	k.At = m.steps
	for _, s := range m.sources(pools) {
		a := keptApp{s.name, s.steps.encode()}
		switch {
		case len(a.Rows) == 0:
		case s.fixed:
			k.Fixed = append(k.Fixed, a)
		default:
			k.Apps = append(k.Apps, a)
		}
	}
	m.mu.Unlock()
	return json.Marshal(&k)
}

// Restore takes over what Encode has written, before Run. Bytes that are something else are an error; they change nothing.
func (m *Monitor) Restore(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	var k kept
	if err := json.Unmarshal(b, &k); err != nil {
		return err
	}
	now := time.Now()
	m.mu.Lock()
	if age := now.Sub(k.At); age >= 0 && age < keepTime && k.Columns == columns {
		m.steps = k.At
		byApp := map[string]*source{}
		for _, a := range k.Apps[:min(len(k.Apps), maxApps)] {
			s := &source{name: a.Name}
			s.steps.decode(a.Rows)
			byApp[a.Name] = s
		}
		m.byApp.Store(&byApp)
		for _, a := range k.Fixed {
			for _, s := range []*source{m.others, m.static, m.routes, m.server} {
				if s.name == a.Name {
					s.steps = ring{}
					s.steps.decode(a.Rows)
				}
			}
		}
	}
	m.mu.Unlock()
	for _, s := range k.Slow[max(len(k.Slow)-maxSlow, 0):] {
		s.Method, s.Target, s.Runs = brief(s.Method, maxMethod), brief(s.Target, maxTarget), false
		m.slow.keep(s)
	}
	for _, mark := range k.Marks[max(len(k.Marks)-maxMarks, 0):] {
		if !mark.At.After(now) {
			m.marks.put(mark)
		}
	}
	return nil
}

func (r *ring) encode() []byte {
	b := make([]byte, 0, len(r.rows)*rowSize)
	for i := range r.rows {
		for _, v := range r.rows[(r.next+i)%len(r.rows)] {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	return b
}

// decode adds the newest rows of b. What is no number of a row, such as an infinite one, becomes 0: JSON has none.
func (r *ring) decode(b []byte) {
	rows := len(b) / rowSize
	for i := max(rows-maxSteps, 0); i < rows; i++ {
		var one row
		for c := range one {
			v := math.Float32frombits(binary.LittleEndian.Uint32(b[i*rowSize+4*c:]))
			if v >= 0 && v <= math.MaxFloat32 {
				one[c] = v
			}
		}
		r.add(one)
	}
}
