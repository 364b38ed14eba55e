//go:build !linux

package listen

import "os"

func (c *Conn) writeParts(head, body []byte) (int64, error) { return c.writeBoth(head, body) }

func (c *Conn) sendParts([]byte, *os.File, int64, int64) (sent int64, ok bool, err error) {
	return 0, false, nil
}
