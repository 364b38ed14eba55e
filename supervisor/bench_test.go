package supervisor

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/standpipe/standpipe/shim"
)

// What a request does under the lock of its pool: it takes a place and gives it back. All cores want the same lock
// (go test -cpu 1,2,4); there is no worker behind the places.
func BenchmarkPlaces(b *testing.B) {
	for _, workers := range []int{1, 8, 64, 512} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			p := New(Options{App: "shop", Threads: 2, MaxWorkers: workers, Workers: workers}) // two: no pipe is looked at
			for i := range workers {
				w := newWorker(p, p.core.gen, i, &orders{})
				w.conn = &shim.Conn{}
				w.serving = true
				p.dispatch.able = append(p.dispatch.able, &w.backend)
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					w, err := p.dispatch.acquire(context.Background(), &shim.Label{}, false)
					if err != nil {
						b.Error(err)
						return
					}
					p.dispatch.free(w, true, time.Millisecond)
				}
			})
		})
	}
}
