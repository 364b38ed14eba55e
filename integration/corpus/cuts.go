package corpus

import "math/rand/v2"

// EachByte cuts n bytes into single ones.
func EachByte(n int) []int {
	cuts := make([]int, 0, n)
	for i := 1; i < n; i++ {
		cuts = append(cuts, i)
	}
	return cuts
}

// Random cuts n bytes at up to some places, in order.
func Random(r *rand.Rand, n, some int) []int {
	cuts := make([]int, 0, some)
	for at := 0; len(cuts) < some; {
		if at += 1 + r.IntN(max(1, 2*n/some)); at >= n {
			break
		}
		cuts = append(cuts, at)
	}
	return cuts
}
