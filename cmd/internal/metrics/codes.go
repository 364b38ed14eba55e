package metrics

import (
	"net/http"
	"strconv"
	"sync/atomic"
)

// codes are the values of the label code: the statuses that have a name, and 499, which is logged for a client that has gone. The first
// one is for all others: an app may answer with any number.
var codes = func() []string {
	list := []string{"other"}
	for status := 100; status < 600; status++ {
		if http.StatusText(status) != "" || status == 499 {
			list = append(list, strconv.Itoa(status))
		}
	}
	return list
}()

// codesMost is how many codes there are at most.
const codesMost = 80

// codeOf has the place in codes of each status.
var codeOf = func() (of [600]uint8) {
	for i, code := range codes {
		if status, err := strconv.Atoi(code); err == nil {
			of[status] = uint8(i)
		}
	}
	return of
}()

// byCode are the counters of one app, by code. One is made when a response has its code for the first time.
type byCode [codesMost]atomic.Pointer[counter]

func (b *byCode) count(m *Metrics, app string, status int) {
	i := uint8(0)
	if status >= 0 && status < len(codeOf) {
		i = codeOf[status]
	}
	c := b[i].Load()
	if c == nil { // two requests at the same time find the same one
		c = &counter{m.responses.WithLabelValues(app, codes[i])}
		b[i].Store(c)
	}
	c.Inc()
}
