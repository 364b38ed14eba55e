package cache

// verdict is what the head of a fetch's response means for those who wait for it.
type verdict uint8

const (
	unknown   verdict = iota // the head has not come
	shared                   // the response is being stored: others may have it, too
	confirmed                // the stored answer is valid: 304
	fetched                  // another server has fetched it
	single                   // the response is the first client's alone
	failed                   // there is none
)

// step is what a request does with the verdict.
type step uint8

const (
	askAlone   step = iota // the response is not one for it
	giveStored             // it gets the stored answer
	giveBody               // it gets the response while that comes
	givePage               // it gets an error page of its own
	giveUp                 // it gets none
)

// stepOf decides what a request does. leads: the fetch is its own. may: the request may have what the fetch has brought. readable:
// the beginning of the body is still there. ownError: the server itself has made the response, an error.
func stepOf(v verdict, leads, may, readable, ownError bool) step {
	switch v {
	case confirmed, fetched:
		if may {
			return giveStored
		}
	case shared:
		if may && readable {
			return giveBody
		}
	case single:
		switch {
		case leads && readable:
			return giveBody
		case !leads && ownError:
			return givePage
		}
	case failed:
		return giveUp
	}
	return askAlone
}
