package httpx

import "testing"

func TestAccept(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string][2]bool{ // HTML is taken; JSON is preferred
		"": {true, false}, "*/*": {true, false}, "text/html,application/xhtml+xml,*/*;q=0.8": {true, false}, "application/json": {false, true},
		"application/json, */*;q=0.1": {true, true}, "application/json, text/html;q=0, */*": {false, true}, "TEXT/HTML; Q=0.5": {true, false}, "text/*;q=0": {false, false},
		"image/png,*/*;q=0": {false, false}, "text/html;q=0.3, application/vnd.api+json;q=0.4": {true, true}, "text/*, text/html;q=0": {false, false}, ",": {true, false}, "*/*, image/png": {true, false},
	} {
		if got := [2]bool{AcceptsHTML([]string{accept}), PrefersJSON([]string{accept})}; got != want {
			t.Errorf("%q: %v, want %v", accept, got, want)
		}
	}
	if !AcceptsHTML(nil) || PrefersJSON(nil) {
		t.Error("no Accept means HTML")
	}
}
