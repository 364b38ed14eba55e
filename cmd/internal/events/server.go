package events

const pool = "app configured idle busy booting draining backing_off surplus ready waiting oldest"

// serverEvents are those of the server itself.
func serverEvents() []Event {
	const report = "This is a fault of standpipe: please report it, with the records around it."
	return []Event{
		event("accept_paused", "warn", "No new connection is accepted for a moment.", "address error max_connections hint", "Raise the limit of open files (ulimit -n, LimitNOFILE), or max_connections."),
		event("access_log", "error", "The access log cannot be written.", "error", "Look at the disk and at the file's owner; lines are lost meanwhile."),
		event("config", "warn", "The configuration is legal and probably not meant so.", "", "The message says what to change."),
		event("control", "info", "Somebody gave a command to this server.", "command app worker to level by", "Nothing: `by` says who it was."),
		event("control_socket", "info", "The control socket is open.", "path", "Nothing."),
		event("dispatch_stall", "error", "Requests wait although workers are idle.", pool, report),
		event("drain_ended", "warn", "Requests still ran at the end of their time; their workers are told to leave.", "", "Raise graceful_timeout and stop_timeout (and the service manager's own limit) if such requests must finish."),
		event("failed", "error", "The server ends because it cannot serve.", "exit", "The message says why; `standpipe explain N` explains the exit code."),
		event("http", "warn; error or debug", "The HTTP server says something about a connection.", "error", "Mostly a client's fault; at level error it is worth a look."),
		event("listener_failed", "error", "An address takes no connections any more.", "address error", "Restart; if it comes again, report it."),
		event("listening", "info", "An address is open.", "address", "Nothing."),
		event("log_dropped", "warn", "The reader of a log is too slow: records were dropped.", "log writes", "Write to a file, or have the collector read faster."),
		event("logs_not_reopened", "error", "The logs could not be opened again; they go on in the files that are open.", "error", "Check the folder's owner and mode, then send the signal again."),
		event("logs_reopened", "info", "The logs were opened again.", "", "Nothing."),
		event("loopback_in_container", "warn", "The server listens on loopback inside a container: only the container itself can connect.", "", "Use -b 0.0.0.0:PORT."),
		event("metrics", "info", "The address of the metrics is open.", "address", "Nothing."),
		event("modules", "debug", "Not written: the files that a reload on changes watches.", "", "Nothing."),
		event("no_control_socket", "warn; error in an upgrade", "There is no control socket: standpipe status and the other commands cannot reach this server.", "error", "Name a writable place with --control."),
		event("no_metrics", "error", "The address of the metrics could not be taken over.", "error", "Restart, or change the address."),
		event("no_runtime_dir", "warn", "No folder for run-time files can be written.", "reason", "Set runtime_dir, or RuntimeDirectory= in the unit."),
		event("no_spool_dir", "warn", "No folder for large request bodies can be written; they are kept in memory.", "error spool_total", "Set spool_dir to a writable folder on a disk."),
		event("max_body_unfit", "warn", "Bodies as large as max_body do not fit into the space for bodies.", "max_body spool_total client_total", "Lower max_body, or give spool_dir and spool_total more room."),
		event("no_watch", "error or warn", "Files cannot be watched; no change of theirs causes a reload.", "error", "Raise fs.inotify.max_user_watches, or reload by hand."),
		event("not_booted", "warn", "No app has started; the server waits for a change of the code to try again.", "", "Mend the code: app_failed says what is wrong."),
		event("not_listening", "info", "Addresses that the configuration no longer has are closed.", "addresses", "Nothing."),
		event("notify_failed", "warn", "The service manager cannot be told how this service does.", "error", "Check NotifyAccess= of the unit."),
		event("panic", "error", "A handler of the server panicked; the client got 500, or a broken connection.", "id method target error traceback", report),
		event("request", "info", "The access log's line of one request.", "client method target proto host status bytes referer user_agent app rt wait run id worker source upstream aborted error",
			"`status` and `source` say who answered what; `rt` is the whole time, `wait` the time in the queue, `run` the app's. aborted: bytes of the answer are missing."),
		event("restart_needed", "warn", "Settings have changed that are in force after a restart only.", "settings", "Restart when it suits."),
		event("root", "warn", "The server and the apps run as root.", "", "--user NAME drops privileges; --user root silences this."),
		event("serving", "info", "The start is over.", "apps up", "Nothing."),
		event("slots_do_not_add_up", "error", "The states of the workers do not add up.", pool, report),
		event("slow_client", "info", "A connection was ended because its client was too slow.", "peer reason hint", "Nothing, unless your clients are that slow: `reason` names the limit."),
		event("spool_in_memory", "warn", "The folder for large request bodies is in memory (tmpfs).", "dir spool_total answer_total", "Set spool_dir to a folder on a disk."),
		event("spool_swept", "info", "Files of a killed server were removed.", "dir folders", "Nothing."),
		event("stopped", "info", "The server has ended in order.", "reason took", "Nothing."),
		event("stopped_at_once", "warn", "A second signal ended the stop at once.", "signal", "Requests may have been cut off. Send one signal and wait."),
		event("stopping", "info", "The server stops: it takes no new connection and finishes what runs.", "signal budget", "Nothing."),
		event("upgrade", "info", "A new process boots and is to take over.", "program pid", "Nothing."),
		event("upgrade_failed", "error", "The new process did not take over; this one goes on serving.", "program error pid output", "Mend what `error` and `output` name, and upgrade again."),
		event("upgrade_refused", "warn", "An upgrade was asked for and cannot be.", "", "The message says why."),
		event("upgraded", "info", "The new process serves; this one finishes what it runs.", "pid", "Nothing."),
		event("watchdog_held", "error", "This process is stuck; the service manager's watchdog is not fed.", "error", report),
	}
}
