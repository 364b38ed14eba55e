package cache

import "testing"

func TestSteps(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		v                               verdict
		leads, may, readable, ownsError bool
		want                            step
	}{
		{unknown, true, true, true, false, askAlone},
		{unknown, false, false, true, false, askAlone},
		{shared, true, true, true, false, giveBody},
		{shared, false, true, true, false, giveBody},
		{shared, false, true, false, false, askAlone}, // too late
		{shared, false, false, true, false, askAlone},
		{confirmed, true, true, true, false, giveStored},
		{confirmed, false, true, false, false, giveStored},
		{confirmed, false, false, true, false, askAlone},
		{fetched, true, true, true, false, giveStored},
		{fetched, false, false, true, false, askAlone},
		{single, true, true, true, false, giveBody},
		{single, true, true, true, true, giveBody},
		{single, false, false, true, false, askAlone},
		{single, false, false, true, true, givePage},
		{failed, true, true, true, false, giveUp},
		{failed, false, false, true, false, giveUp},
	} {
		if got := stepOf(row.v, row.leads, row.may, row.readable, row.ownsError); got != row.want {
			t.Errorf("%+v: %d", row, got)
		}
	}
	// Nothing lets a request have what it may not have.
	for _, v := range []verdict{unknown, shared, confirmed, fetched, single, failed} {
		for bits := range 4 {
			if got := stepOf(v, false, false, bits&1 > 0, bits&2 > 0); got == giveStored || got == giveBody {
				t.Errorf("verdict %d: %d", v, got)
			}
		}
	}
}
