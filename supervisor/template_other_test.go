//go:build unix && !linux

package supervisor

// templateHelper is not asked for: templates are Linux's alone.
func templateHelper(string) int { return 2 }

// middleHelper likewise.
func middleHelper() int { return 2 }
