package shim

// Outcome says how an exchange left its worker.
type Outcome int

const (
	// Clean: the answer ended; the worker is fit for the next request.
	Clean Outcome = iota
	// Cancelled: the answer was not read to its end. The worker was told, and
	// is free when it has ended the stream.
	Cancelled
	// Broken: the worker died or broke the protocol.
	Broken
	// Recalled: the worker has given the request back, unseen.
	Recalled
)

func (o Outcome) String() string {
	return [...]string{"clean", "cancelled", "broken", "recalled"}[o]
}
