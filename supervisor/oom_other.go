//go:build !linux

package supervisor

type oomWatch struct{}

func watchOOM(*Cgroup) *oomWatch { return &oomWatch{} }

func (*oomWatch) look() {}

func (*oomWatch) happened(Exit, bool) bool { return false }

func residentSize(int) int64 { return 0 }
