//go:build !linux

package listen

import "os"

func writeParts(c *Conn, head, body []byte) (int64, error) { return writeBoth(c, head, body) }

func read(c *Conn, p []byte) (int, error) { return c.Conn.Read(p) }

func sendParts(*Conn, []byte, *os.File, int64, int64) (sent int64, ok bool, err error) {
	return 0, false, nil
}
