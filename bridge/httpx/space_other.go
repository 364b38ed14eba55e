//go:build !linux

package httpx

// Space is not known here.
func Space(string) (free int64, memory bool) { return 0, false }
