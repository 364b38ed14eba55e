package exit

import (
	"errors"
	"fmt"
	"testing"
)

func TestCode(t *testing.T) {
	cause := errors.New("in use")
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, OK}, {cause, Failed}, {With(Address, cause), Address}, {fmt.Errorf("listen: %w", With(Address, cause)), Address}, {Silent(NotBooted), NotBooted},
	} {
		if got := Code(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
	if Silent(1).Error() != "" || !errors.Is(With(2, cause), cause) {
		t.Error("the cause is lost, or silence speaks")
	}
}
