package events

// requestEvents are the events of requests and responses.
func requestEvents() []Event {
	return []Event{
		event("after_response_failed", "error", "A callback of standpipe.after_response raised.", ofWorker+ofRequest+"traceback", "Fix the callback; the response had been sent completely."),
		event("answer_spool", "warn", "Responses to slow clients cannot be written to files; their workers wait for the clients.", ofRequest+"error", "Free space in spool_dir, or raise answer_total."),
		event("app_error", "error", "The app raised an exception; the client got 500, or a cut connection if the response had begun.", ofRequest+"error traceback at", "Fix the app: the traceback is its own."),
		event("bad_response", "error", "The app's response violates WSGI; the client got 500.", ofRequest+"error", "Fix the app: `error` names the violation."),
		event("body_file_unreadable", "warn", "A worker could not open a request body's file and reads it through the pipe.", ofWorker+ofRequest, "Give the app's user access to spool_dir."),
		event("close_failed", "error", "close() of the app's result raised after the response.", ofWorker+ofRequest+"traceback", "Fix the app; the response had been sent completely."),
		event("content_length_mismatch", "warn", "The app's body is not as long as its Content-Length.", ofRequest+"declared body", "Fix the app. A body that is too long was cut to the declared length; for one that is too short the connection is cut."),
		event("body_too_large", "warn", "A request body is larger than max_body; the client got 413.", "app client id method target declared limit", "Raise max_body (`--max-body 1GiB`) if such bodies are expected. Logged at most once a minute for each app."),
		event("host_refused", "warn", "Django refused a host that ALLOWED_HOSTS does not name; the client got 400.", ofWorker+ofRequest+"host", "Add the host to ALLOWED_HOSTS in the project's settings if it is yours. Scanners cause this too. Logged once for each host."),
		event("origin_refused", "warn", "Django refused a form because of its Origin or Referer; the client got 403.", ofWorker+ofRequest+"origin", "If the origin is your site: the proxy in front ends TLS, so have it send X-Forwarded-Proto and name it in trusted_proxies, set SECURE_PROXY_SSL_HEADER, or add the origin to CSRF_TRUSTED_ORIGINS. Logged once for each origin."),
		event("early_hints_dropped", "warn", "The app sent more Early Hints than one request may have.", ofRequest+"sent dropped", "Send fewer."),
		event("field_dropped", "warn", "A request has a field with an underscore in its name; the app does not get it.", "app upstream field client id", "Have the client send the name with hyphens (api-key), which is the same variable (HTTP_API_KEY); or allow the name with underscore_fields."),
		event("forwarded_ignored", "warn", "Forwarded fields were removed: the peer is not a trusted proxy, or trusted_fields does not name them.", "peer fields id", "`message` says which of the two. If the peer is your proxy, name it in trusted_proxies; if it writes these fields itself, name them in trusted_fields. Otherwise a client tries to forge them, and there is nothing to do."),
		event("hop_by_hop_removed", "warn", "The app's response has a field that only a server may send; it was removed.", ofRequest+"field", "Remove the field from the app's responses."),
		event("no_route", "warn", "No app serves this host and path; the client got 404.", "host path id", "Check `hosts` and `mount` of the apps. Scanners cause this too."),
		event("on_cancel_failed", "error", "A callback of standpipe.on_cancel raised.", ofWorker+ofRequest+"traceback", "Fix the callback."),
		event("queue_full", "warn", "Requests were answered 503 at once because the queue was full.", "app waiting waiting_of oldest refused timed_out busy", "`busy` names what occupies the workers. If those requests are slow, make them faster (`standpipe dump WORKER` shows where they are); if the machine has room, add workers or threads."),
		event("queue_timeout", "warn", "Requests were answered 503 after waiting for queue_timeout.", "app waiting waiting_of oldest refused timed_out busy", "As with queue_full."),
		event("request_failed", "error", "A request could not be served.", ofRequest+"error", "`error` gives the reason; if the worker died, its worker_exit has the cause."),
		event("request_refused", "warn", "A request was refused before any app or file was asked, because it does not follow HTTP, or exceeds a limit of `[limits]`.", "client id method target status reason", "`message` says what is wrong, with the clause of the standard. `reason` is one word for each kind, which the metrics count too; logged at most once a minute for each. Scanners and attackers cause this; for a client of yours, fix the client, or raise the limit that `reason` names."),
		event("request_retried", "info", "A request runs a second time, because its worker was killed from outside.", ofRequest, "Nothing. retry = \"never\" switches it off."),
		event("request_timeout", "error", "A request ran longer than timeout; the client got 504, and the worker is replaced.", ofWorker+ofRequest+"wait ran client stuck at stacks", "`stuck` is the line in which it hangs: it was there in two samples; otherwise `at` is where it was at the end. Fix that line, or raise timeout for this app."),
		event("sendfile_refused", "error", "The app named a file that it may not send; the client got 404.", ofRequest+"field path root error", "Add the folder to sendfile_roots or [[internal]], or fix the path."),
		event("spool_full", "error", "Request bodies have used up spool_total or the disk; the client got 503 or 507.", "app id client dir used error", "Free space in spool_dir, raise spool_total, or lower max_body."),
		event("spool_not_given", "warn", "A request body's file cannot be made readable for the app's user; the body is sent through the pipe.", "app error", "Give the app's user access to spool_dir."),
		event("stream_broken", "warn", "The app has replaced sys.stdout or sys.stderr by an object that cannot be flushed.", ofWorker+"id method target", "Give the object a flush() that does not raise. Printed text may arrive late or not at all."),
		event("upstream_failed", "error", "An upstream of a route did not respond.", "upstream id method target error status", "Check the upstream: `error` says how it failed."),
		event("upstream_skipped", "warn", "A request went to another upstream, because the first one refused the connection.", "upstream error id", "Check the upstream that is named."),
		event("uwsgi_cut_unseen", "warn", "A response was cut off, and the server in front cannot notice it.", "method target", "Use TCP between the server in front and standpipe (uwsgi://127.0.0.1:PORT)."),
		event("uwsgi_ignored", "warn", "A peer that speaks uwsgi is not a trusted proxy; its variables were removed.", "peer remote_addr variables id", "If the peer is your web server, name it in trusted_proxies."),
		event("uwsgi_refused", "warn", "The bytes on a uwsgi address were not a request.", "peer error status asks_for modifier1 modifier2 bytes id method target", "`message` says what the peer seems to speak. Nothing but the web server should reach this address."),
		event("websocket_ignored", "warn", "A client asked a WSGI app for WebSocket; it got an ordinary response.", "app id target", "Send WebSocket requests to a server that speaks it, with a [[route]]."),
	}
}
