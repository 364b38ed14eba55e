package httpx

import "time"

// Pace is how slow a client may be: it may be silent for Silence, and on average no slower
// than Rate. Both are one rule. A client has a patience of Silence. Waiting for it uses
// patience up; each byte gives 1/Rate of a second back, never above Silence. A client that
// sends nothing has none left after Silence, one with half of Rate after twice that, and one
// above Rate never.
type Pace struct {
	Silence time.Duration // 0: no limit at all
	Rate    int64         // bytes per second; 0: any byte gives all of the patience back
}

// Patience is the rest of a client's Pace.
type Patience struct {
	Pace
	left time.Duration
}

// Begin gives all of the patience.
func (p *Patience) Begin(pace Pace) { *p = Patience{pace, pace.Silence} }

// Spend accounts for a wait for the client and the bytes that moved in it. It reports whether
// patience is left.
func (p *Patience) Spend(waited time.Duration, moved int64) bool {
	if p.Silence <= 0 {
		return true
	}
	p.left -= waited
	switch {
	case moved <= 0:
	case p.Rate <= 0 || moved >= int64(p.Silence.Seconds()*float64(p.Rate)):
		p.left = p.Silence
	default:
		p.left = min(p.left+time.Duration(float64(moved)/float64(p.Rate)*float64(time.Second)), p.Silence)
	}
	return p.left > 0
}

// Left is the patience that is left.
func (p *Patience) Left() time.Duration { return p.left }
