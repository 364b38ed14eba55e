//go:build !linux

package process

import "time"

type OOMWatch struct{}

func WatchOOM(*Cgroup) *OOMWatch { return &OOMWatch{} }

func (*OOMWatch) Count() int64 { return 0 }

func (*OOMWatch) Look(int64) {}

func (*OOMWatch) Happened(Exit, bool) bool { return false }

func residentSize(int) int64 { return 0 }

// PSS: unknown here.
func PSS(int) int64 { return 0 }

// CPU: unknown here.
func CPU(int) time.Duration { return 0 }
