//go:build !linux

package process

// ReapStrangers does nothing: there is no child subreaper here.
func ReapStrangers() (stop func()) { return func() {} }
