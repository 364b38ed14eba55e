package netset

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

func set(t testing.TB, text string) *Set {
	t.Helper()
	var b Builder
	for i, line := range strings.Fields(text) {
		if line == "all" {
			b.AddAll(Value(i + 1))
			continue
		}
		p, err := Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		b.Add(p, Value(i+1))
	}
	return b.Build()
}

func TestMostSpecificNetwork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		networks, address string
		want              Value
	}{
		{"", "10.0.0.1", 0},
		{"10.0.0.0/8", "10.255.255.255", 1},
		{"10.0.0.0/8", "11.0.0.0", 0},
		{"10.0.0.0/8", "9.255.255.255", 0},
		{"10.0.0.0/8 10.1.0.0/16 10.1.2.3", "10.1.2.3", 3},
		{"10.0.0.0/8 10.1.0.0/16 10.1.2.3", "10.1.2.4", 2},
		{"10.0.0.0/8 10.1.0.0/16 10.1.2.3", "10.2.0.0", 1},
		{"10.0.0.0/8 10.0.0.0/8", "10.2.0.0", 1}, // the smaller value
		{"255.255.255.255", "255.255.255.255", 1},
		{"0.0.0.0/0", "255.255.255.255", 1},
		{"0.0.0.0/0 255.0.0.0/8", "255.255.255.255", 2},
		{"0.0.0.0/0", "::1", 0},
		{"all", "::1", 1},
		{"all 2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 2},
		{"all 2001:db8::/32", "2001:db9::", 1},
		{"all ffff::/16", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 2},
		{"::ffff:10.0.0.0/104", "10.1.2.3", 1},
		{"10.0.0.0/8", "::ffff:10.1.2.3", 1},
		{"10.0.0.0/9 10.128.0.0/9", "10.128.0.0", 2},
		{"2001:db8::/64", "2001:db8::ffff:0:0:1%eth0", 1},
		{"2001:db8::1", "2001:db8::1", 1},
		{"2001:db8::1", "2001:db8::2", 0},
	} {
		if got := set(t, c.networks).Find(netip.MustParseAddr(c.address)).Value; got != c.want {
			t.Errorf("%s in %q: %d, want %d", c.address, c.networks, got, c.want)
		}
	}
	if got := set(t, "all").Find(netip.Addr{}); got.Value != 0 {
		t.Errorf("no address: %v", got)
	}
	if got := (*Set)(nil).Find(netip.MustParseAddr("::1")); got.Value != 0 {
		t.Errorf("no set: %v", got)
	}
}

// TestAgainstScan compares with a look at each network.
func TestAgainstScan(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 100 {
		var b Builder
		var list []netip.Prefix
		most := 40
		if round < 3 {
			most = 8 * step // a search has several of its steps
		}
		for i := range r.IntN(most) + most/2 {
			p := prefix(r, r.IntN(2) == 0, 0x7, 26)
			list = append(list, p)
			b.Add(p, Value(i+1))
		}
		s := b.Build()
		for range 300 {
			a := prefix(r, r.IntN(2) == 0, 0x7, 128).Addr()
			want, bits := Match{}, -1
			for i, p := range list {
				if p.Contains(a) && p.Bits() > bits {
					want, bits = Match{Value(i + 1), uint8(p.Bits())}, p.Bits()
				}
			}
			if got := s.Find(a); got != want {
				t.Fatalf("%v in %v: %v, want %v", a, list, got, want)
			}
		}
	}
}

// prefix is a random network that is near others: few bits of its address vary.
func prefix(r *rand.Rand, six bool, mask uint32, least int) netip.Prefix {
	x := r.Uint32()&mask<<29 | r.Uint32()&mask
	a, bits := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, x))), 32
	if six {
		b := [16]byte{}
		binary.BigEndian.PutUint32(b[8*r.IntN(2):], x) // in one of the halves
		binary.BigEndian.PutUint32(b[12:], r.Uint32()&mask)
		a, bits = netip.AddrFrom16(b), 128
	}
	if least < bits && r.IntN(3) > 0 {
		bits = r.IntN(bits + 1)
	}
	return netip.PrefixFrom(a, bits).Masked()
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.0.0.1": "10.0.0.1/32", "10.0.0.0/8": "10.0.0.0/8", "::1": "::1/128", "::ffff:1.2.3.4": "1.2.3.4/32", "::ffff:1.2.3.0/120": "1.2.3.0/24",
		"10.0.0.1/8": "", "10.0.0": "", "fe80::1%eth0": "", "": "", "10.0.0.0/33": "", "example.org": "", "010.0.0.1": "",
	} {
		p, err := Parse(text)
		if got := p.String(); err == nil && got != want || err != nil && want != "" {
			t.Errorf("%q: %s, %v; want %q", text, got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("10.0.0.0/8")
	f.Add("::ffff:1.2.3.0/120")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 || p != p.Masked() || !p.IsValid() {
			t.Fatalf("%q became %v", text, p)
		}
		var b Builder
		b.Add(p, 7)
		if got := b.Build().Find(p.Addr()); got != (Match{7, uint8(p.Bits())}) {
			t.Fatalf("%v does not have its own address", p)
		}
	})
}
