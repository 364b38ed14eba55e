package metrics

import (
	"maps"
	"testing"
	"time"

	"github.com/standpipe/standpipe/supervisor"
)

// The time of a worker is that of all its processes, one after the other and beside each other; it does not fall.
func TestCPUTimes(t *testing.T) {
	var times cpuTimes
	for i, step := range []struct {
		processes map[int]time.Duration // of shop/1; of shop/2 from 100 on
		want      map[string]float64
	}{
		{map[int]time.Duration{}, map[string]float64{}},
		{map[int]time.Duration{10: time.Second}, map[string]float64{"shop/1": 1}},
		{map[int]time.Duration{10: 3 * time.Second, 100: time.Second}, map[string]float64{"shop/1": 3, "shop/2": 1}},
		{map[int]time.Duration{10: 4 * time.Second, 11: 2 * time.Second}, map[string]float64{"shop/1": 6, "shop/2": 1}}, // it is being replaced
		{map[int]time.Duration{11: 3 * time.Second, 101: time.Second}, map[string]float64{"shop/1": 7, "shop/2": 2}},
		{map[int]time.Duration{}, map[string]float64{"shop/1": 7, "shop/2": 2}},
	} {
		var list []supervisor.WorkerInfo
		for pid := range step.processes {
			name := "shop/1"
			if pid >= 100 {
				name = "shop/2"
			}
			list = append(list, supervisor.WorkerInfo{Who: supervisor.Who{App: "shop", Worker: name, Pid: pid}})
		}
		got := times.look("shop", list, func(pid int) time.Duration { return step.processes[pid] })
		if !maps.Equal(got, step.want) {
			t.Errorf("look %d: %v, want %v", i, got, step.want)
		}
	}
	if other := times.look("blog", nil, nil); len(other) != 0 {
		t.Errorf("another app: %v", other)
	}
}
