package h2

import "encoding/binary"

// Settings of RFC 9113 6.5.2.
const (
	settingHeaderTable   = 1
	settingPush          = 2
	settingInitialWindow = 4
	settingMaxFrame      = 5

	settingSize  = 6   // bytes
	mostSettings = 100 // of one frame: net/http takes no more
)

// lastSettings removes from the payload of a SETTINGS frame, in place, each setting that a later one
// of the same frame replaces, because net/http takes no setting twice. It leaves the payload as it
// is when one of them is invalid, or is the size of the header table, whose smallest value counts
// too (RFC 7541 4.2). window is the initial window that the frame sets; -1: none.
func lastSettings(p []byte) (rest []byte, window int64) {
	window = -1
	var last [8]int // 1 + the index of the last one with this number; higher numbers mean nothing to us
	twice := false
	for i := 0; i+settingSize <= len(p); i += settingSize {
		id, value := binary.BigEndian.Uint16(p[i:]), binary.BigEndian.Uint32(p[i+2:])
		if int(id) >= len(last) {
			continue
		}
		if !validSetting(id, value) || id == settingHeaderTable && last[id] > 0 {
			return p, window
		}
		if id == settingInitialWindow {
			window = int64(value)
		}
		twice = twice || last[id] > 0
		last[id] = i + 1
	}
	if !twice {
		return p, window
	}
	rest = p[:0]
	for i := 0; i+settingSize <= len(p); i += settingSize {
		if id := binary.BigEndian.Uint16(p[i:]); int(id) >= len(last) || last[id] == i+1 {
			rest = append(rest, p[i:i+settingSize]...)
		}
	}
	return rest, window
}

func validSetting(id uint16, value uint32) bool {
	switch id {
	case settingPush:
		return value <= 1
	case settingInitialWindow:
		return value < 1<<31
	case settingMaxFrame:
		return value >= 1<<14 && value < 1<<24
	}
	return true
}
