package tune

// Start tunes the run-time of this process. memory is the limit of the control group in
// bytes; 0: there is none. It is called once, before any app runs.
func Start(memory int64) {
	fixProcs()
	setCollector()
	limitMemory(memory)
	reserveThreads(threadsNeeded())
}
