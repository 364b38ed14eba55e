package wire

// MaxHintFields bounds the fields of one EarlyHints.
const MaxHintFields = 128

// DecodeEarlyHints decodes an EarlyHints' payload: fields for an informational
// answer (RFC 8297), which were not checked.
func DecodeEarlyHints(p []byte) ([]Field, error) {
	w := newWalker(p)
	defer w.free()
	n, err := w.arrayLen()
	if err != nil {
		return nil, err
	}
	if n%2 != 0 || n/2 > MaxHintFields { // a field may take two bytes there, and takes 32 here
		return nil, Errorf(p, "an EarlyHints of %d names and values", n)
	}
	fields := make([]Field, 0, n/2)
	for ; n > 0; n -= 2 {
		var f Field
		if f.Name, err = w.str(); err != nil {
			return nil, err
		}
		if f.Value, err = w.str(); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, w.end()
}
