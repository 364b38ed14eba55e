package access

import (
	"fmt"
	"io"
	"net/netip"
	"os"

	"github.com/oschwald/maxminddb-golang/v2"
)

// maxDatabase bounds a file of countries, in bytes; GeoLite2-Country has 10 MB, a file of cities 60 MB.
const maxDatabase = 256 << 20

// UnknownCountry stands for addresses whose country is not known.
const UnknownCountry = "unknown"

// Countries is a database in MaxMind's format. It is read into memory: a mapped file that is overwritten in place would end the
// process.
type Countries struct{ reader *maxminddb.Reader }

// probes are addresses that are looked up before a database is used: its tree and its data have to be readable.
var probes = []netip.Addr{
	netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("81.2.69.142"), netip.MustParseAddr("193.0.6.139"), netip.MustParseAddr("255.255.255.255"),
	netip.MustParseAddr("2001:4860:4860::8888"), netip.MustParseAddr("2a00::1"), netip.MustParseAddr("::1"),
}

func readCountries(path string, r io.Reader) (*Countries, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxDatabase+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxDatabase {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxDatabase)
	}
	db, err := maxminddb.OpenBytes(b)
	if err != nil {
		return nil, fmt.Errorf("%s is no MaxMind database (.mmdb), or is incomplete: %w", path, err)
	}
	c := &Countries{db}
	known := 0
	for _, a := range probes {
		code, err := c.lookup(a)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s is broken: %w", path, err)
		case code != "":
			known++
		}
	}
	if known == 0 && db.Metadata.NodeCount > 10_000 { // a small one may be of some networks alone
		return nil, fmt.Errorf("%s (%s) has no countries (country.iso_code)", path, db.Metadata.DatabaseType)
	}
	return c, nil
}

func (c *Countries) lookup(a netip.Addr) (code string, err error) {
	defer func() { // the bytes are of a file, and one broken byte must not end the process
		if r := recover(); r != nil {
			code, err = "", fmt.Errorf("the database cannot be read: %v", r)
		}
	}()
	if a.Is6() && c.reader.Metadata.IPVersion == 4 {
		return "", nil
	}
	err = c.reader.Lookup(a).DecodePath(&code, "country", "iso_code")
	return code, err
}

// Of returns the country of an address, as ISO 3166-1 has it; UnknownCountry: it is not in the database, or cannot be read.
func (c *Countries) Of(a netip.Addr) string {
	code, err := c.lookup(a.Unmap())
	if err != nil || code == "" {
		return UnknownCountry
	}
	return code
}

// CheckCountries reads a database and forgets it.
func CheckCountries(file string) error {
	r, err := os.Open(file)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = readCountries(file, r)
	return err
}
