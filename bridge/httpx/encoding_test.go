package httpx

import "testing"

func TestPickEncoding(t *testing.T) {
	offers := []string{"br", "zstd", "gzip"}
	for field, want := range map[string]int{
		"":                                -1,
		"gzip":                            2,
		"x-gzip":                          2,
		"GZIP":                            2,
		"gzip, deflate, br, zstd":         0,
		"gzip, deflate":                   2,
		"br;q=0.5, gzip":                  2,
		"br;q=0, gzip;q=0.1":              2,
		"*":                               0,
		"*;q=0.5, br;q=0":                 1,
		"*;q=0":                           -1,
		"identity":                        -1,
		"identity;q=0.5, gzip;q=0.4":      -1,
		"identity;q=0.5, gzip;q=0.5":      2,
		"identity;q=0, gzip;q=0.001":      2,
		"identity;q=0":                    -1,
		"gzip;q=2":                        -1,
		"gzip;q=x":                        -1,
		"gzip ; q=0.8 , zstd ; Q=0.9":     1,
		"br;q=1.000,zstd;q=1.0, gzip;q=1": 0,
		",,gzip,,":                        2,
		"deflate, compress":               -1,
	} {
		if got := PickEncoding([]string{field}, offers); got != want {
			t.Errorf("%q: %d, want %d", field, got, want)
		}
	}
	if got := PickEncoding([]string{"deflate", "zstd;q=0.2"}, offers); got != 1 {
		t.Errorf("two fields: %d", got)
	}
}
