package monitor

import (
	"reflect"
	"testing"
)

// Last cuts each list, also one that a later version has; the original stays.
func TestLast(t *testing.T) {
	var a AppHistory
	v := reflect.ValueOf(&a).Elem()
	lists := 0
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.Slice {
			v.Field(i).Set(reflect.ValueOf([]float32{1, 2, 3}))
			lists++
		}
	}
	h := History{Step: 5, Apps: []AppHistory{a}}
	for n, want := range map[int]int{1: 1, 2: 2, 3: 3, 9: 3} {
		got := h.Last(n)
		cut := reflect.ValueOf(got.Apps[0])
		for i := range cut.NumField() {
			if f := cut.Field(i); f.Kind() == reflect.Slice && (f.Len() != want || f.Index(want-1).Float() != 3) {
				t.Errorf("Last(%d): %s is %v", n, cut.Type().Field(i).Name, f)
			}
		}
		if got.Step != 5 || len(h.Apps[0].Requests) != 3 || lists < 12 {
			t.Errorf("%+v", h)
		}
	}
}
