package shim

// Wake makes Early, Head, File and Next look again whether their context has ended,
// and ask for its Done anew. It is for contexts that can end before the channel that
// they had given is closed.
func (x *Exchange) Wake() { wake(x.wakeRead) }
