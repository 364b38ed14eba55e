package cgi

import "io"

// Body reads the body of an upstream's response: it ends at the declared length, else where From
// ends. An end before is io.ErrUnexpectedEOF.
type Body struct {
	From io.Reader
	Left int64                 // bytes until the end; -1: until that of From
	Why  func(err error) error // what an error of From means
	Err  error                 // what Read returns from now on; nil: it reads
}

// Read is io.Reader's. The last bytes come with io.EOF.
func (b *Body) Read(p []byte) (int, error) {
	switch {
	case b.Err != nil:
		return 0, b.Err
	case b.Left == 0:
		return 0, io.EOF
	case b.Left > 0 && int64(len(p)) > b.Left:
		p = p[:b.Left]
	}
	n, err := b.From.Read(p)
	if b.Left > 0 {
		b.Left -= int64(n)
	}
	switch {
	case err == io.EOF && b.Left > 0:
		err = io.ErrUnexpectedEOF
	case err == nil && b.Left == 0:
		err = io.EOF
	}
	if err != nil && err != io.EOF {
		err = b.Why(err)
	}
	b.Err = err
	return n, err
}
