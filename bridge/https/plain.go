package https

import (
	"fmt"
	"net/http"

	"github.com/standpipe/standpipe/bridge/listen"
)

const plainPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>400 Bad Request</title></head>
<body><h1>400 Bad Request</h1><p>This address speaks HTTPS, and the request came without TLS. Use https:// in front of the address.</p></body></html>
`

// plainAnswer is the whole of it. There is no redirect: what came without TLS may have been meant
// for another server, and has been sent readable once.
var plainAnswer = []byte(fmt.Sprintf("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n%s",
	len(plainPage), plainPage))

// answerPlain answers a client that speaks plain HTTP, and closes the connection.
func (s *Server) answerPlain(inner *listen.Conn) {
	_, err := inner.Write(plainAnswer)
	if err != nil {
		_ = inner.Close()
		return
	}
	if s.o.Refused != nil {
		s.o.Refused(inner.RemoteAddr().String(), http.StatusBadRequest)
	}
	_ = inner.LingeringClose()
}
