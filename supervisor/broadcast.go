package supervisor

// broadcast wakes all goroutines that wait for a change. The lock that guards what they wait for guards it.
type broadcast struct{ changed chan struct{} } // nil: no goroutine waits

// wait returns a channel that is closed at the next change.
func (b *broadcast) wait() <-chan struct{} {
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
}

// tell wakes the goroutines that wait.
func (b *broadcast) tell() {
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}
