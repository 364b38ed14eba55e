package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// zone is a table that standpipe does not have. All that a new table takes is such a type, and a field of Config.
type zone struct {
	Rate  int           `key:"zone_rate"`
	Burst time.Duration `key:"zone_burst"`
}

func (*zone) Settings() schema.Group {
	return schema.Group{Key: "zone", FileOnly: true, Doc: "One table for each zone.", Settings: []schema.Setting{
		{Key: "zone_rate", Kind: schema.Int, Required: "zone_rate = 10", Doc: "Requests per second."},
		{Key: "zone_burst", Kind: schema.Duration, Default: "5s", Flags: []string{"zone-burst"}, Doc: "How long more is allowed."},
	}}
}

func (z *zone) Check(r *schema.Row) {
	if z.Rate > 1000 {
		r.Bad("zone_rate", "zone_rate is %d; it is 0 to 1000", z.Rate)
	}
}

// extended is a Config with one more field.
type extended struct {
	Product Config
	Zones   []zone
}

// Everything knows a new table: the file, flags, variables, check, config and the documentation.
func TestNewTable(t *testing.T) {
	s := schemaOf(&extended{})
	p := newProject(t, "app.py")
	read := func() (*extended, *schema.Sources, error) {
		cfg := &extended{}
		src, err := load(p.in, s, cfg, &cfg.Product)
		return cfg, src, err
	}

	p.toml("[[zone]]\nzone_rate = 7\n[[zone]]\nzone_rate = 8\nzone_burst = \"6s\"\n")
	cfg, src, err := read()
	if want := []zone{{7, 5 * time.Second}, {8, 6 * time.Second}}; err != nil || !slices.Equal(cfg.Zones, want) {
		t.Errorf("from the file: %+v, %v", cfg.Zones, err)
	}
	shown := map[string]string{}
	for _, e := range s.Effective(cfg, src) {
		shown[e.Key] = e.Value + " " + e.Source
	}
	if shown["zone.0.zone_rate"] != "7 standpipe.toml:2" || shown["zone.0.zone_burst"] != "5s default" || shown["zone.1.zone_burst"] != "6s standpipe.toml:5" {
		t.Errorf("config shows %v", shown)
	}

	p.env("STANDPIPE_ZONE_BURST=7s")
	if cfg, src, _ := read(); cfg.Zones[1].Burst != 7*time.Second || src.Of("zone.1.zone_burst").String() != "env STANDPIPE_ZONE_BURST" || len(cfg.Product.Warnings) > 0 {
		t.Errorf("from the environment: %+v %v", cfg.Zones, cfg.Product.Warnings)
	}
	p.flag("zone-burst", "8s")
	if cfg, src, _ := read(); cfg.Zones[1].Burst != 8*time.Second || src.Of("zone.1.zone_burst").String() != "flag --zone-burst" {
		t.Errorf("from the flag: %+v", cfg.Zones)
	}
	if one := s.Flag("zone-burst"); one == nil || one.Placeholder() != "DURATION" || s.Flag("zone-rate") != nil {
		t.Errorf("the flag is %+v", one)
	}

	p.toml("[zones]\n[[zone]]\nzone_rate = 2000\nzone_brust = 1\n[[zone]]\n[limits]\nzone_rate = 1\n")
	_, _, err = read()
	for _, want := range []string{
		"standpipe.toml:1: there is no setting zones; did you mean zone?",
		"standpipe.toml:3: [[zone]] zone_rate is 2000; it is 0 to 1000",
		"standpipe.toml:4: there is no setting zone_brust; did you mean zone_burst?",
		"standpipe.toml:7: there is no limits.zone_rate here; it belongs into [[zone]]",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("check does not say %q:\n%v", want, err)
		}
	}
	p.toml("[[zone]]\n")
	if _, _, err := read(); err == nil || err.Error() != "standpipe.toml:1: [[zone]] has no zone_rate; write zone_rate = 10" {
		t.Errorf("check says %v", err)
	}

	var page strings.Builder
	if err := writeDocs(s, &page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n## [[zone]]\n\nOne table for each zone.\n", "\n### zone_rate\n\nRequests per second.\n\n- value: number\n", "- flag: `--zone-burst`\n- variable: `STANDPIPE_ZONE_BURST`\n"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the documentation does not have %q", want)
		}
	}
}
