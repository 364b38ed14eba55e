package cgi

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// MaxHead bounds the head of a response that a server behind this one sends; bytes.
const MaxHead = 256 << 10

// BadResponse: the server's response does not follow its protocol, so no part of it is used.
type BadResponse struct{ Reason string }

func (e *BadResponse) Error() string { return "the upstream's response cannot be used: " + e.Reason }

// Bad makes a *BadResponse.
func Bad(format string, args ...any) error { return &BadResponse{fmt.Sprintf(format, args...)} }

// HeadReader reads the lines of one head.
type HeadReader struct {
	br   *bufio.Reader
	left int
	lf   bool
}

// NewHeadReader reads from br. lf: a line may end in LF alone (RFC 3875 6.2), else it ends in
// CR LF.
func NewHeadReader(br *bufio.Reader, lf bool) *HeadReader { return &HeadReader{br, MaxHead, lf} }

// Line reads a line and removes its end.
func (h *HeadReader) Line() (string, error) {
	var line []byte
	for {
		part, err := h.br.ReadSlice('\n')
		if h.left -= len(part); h.left < 0 {
			return "", Bad("its head is larger than %d bytes", MaxHead)
		}
		line = append(line, part...)
		if err == nil {
			break
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err == io.EOF && len(line) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	}
	switch n := len(line); {
	case n >= 2 && line[n-2] == '\r':
		line = line[:n-2]
	case h.lf:
		line = line[:n-1]
	default:
		return "", Bad("the line %.100q does not end in CR LF", line)
	}
	for _, c := range line {
		if c < ' ' && c != '\t' || c == 0x7f {
			return "", Bad("the line %.100q holds the control byte %#02x", line, c)
		}
	}
	return string(line), nil
}

// Fields reads the fields of resp, to the empty line behind them (RFC 9112 5; a folded line,
// 5.2, is none). It sets resp.ContentLength where the length is declared.
func (h *HeadReader) Fields(resp *http.Response) error {
	for {
		line, err := h.Line()
		if err != nil || line == "" {
			return err
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !httpx.IsToken(name) {
			return Bad("%.100q is no field", line)
		}
		value = strings.Trim(value, " \t")
		key := textproto.CanonicalMIMEHeaderKey(name)
		if key == "Content-Length" {
			n, err := strconv.ParseUint(value, 10, 63)
			if err != nil {
				return Bad("Content-Length %.100q is no length", value)
			}
			if resp.Header[key] != nil {
				return Bad("it has two Content-Length fields")
			}
			resp.ContentLength = int64(n)
		}
		resp.Header[key] = append(resp.Header[key], value)
	}
}

// ParseStatus reads "404 Not Found" into resp.
func ParseStatus(resp *http.Response, text string) error {
	code, _, _ := strings.Cut(text, " ")
	n, err := strconv.ParseUint(code, 10, 16)
	if err != nil || len(code) != 3 || n < 100 || n > 599 {
		return Bad("%.100q is no status", text)
	}
	resp.StatusCode, resp.Status = int(n), text
	return nil
}
