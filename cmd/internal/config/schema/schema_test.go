package schema

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// garden is a made-up configuration.
type garden struct {
	Name  string `key:"name"`
	Water water
	Beds  []bed
}

type water struct {
	Hours int `key:"hours"`
}

type bed struct {
	Label string `key:"name"`
	Size  int    `key:"size"`
	Soil  soil
	Rows  []row
}

type soil struct {
	Acid bool `key:"acid"`
}

type row struct {
	Plants []string `key:"plants"`
}

func (*garden) Settings() Group { return Group{Settings: []Setting{{Key: "name", Kind: Text}}} }
func (*water) Settings() Group {
	return Group{Key: "water", Settings: []Setting{{Key: "hours", Kind: Int, Default: "2"}}}
}
func (*bed) Settings() Group {
	return Group{Key: "bed", ByName: true, Settings: []Setting{{Key: "name", Kind: Text, NoFlag: true, NoEnv: true, Vital: true}, {Key: "size", Kind: Int, Default: "1"}}}
}
func (*soil) Settings() Group { return Group{Settings: []Setting{{Key: "acid", Kind: Switch}}} }
func (*row) Settings() Group {
	return Group{Key: "row", FileOnly: true, Settings: []Setting{{Key: "plants", Kind: List}}}
}
func (b *bed) RowName() string { return b.Label }

func gardenSchema() *Schema {
	texts := fstest.MapFS{"water.md": {Data: []byte("About water.\n\n## hours\n\nHow many\nhours.\n")}}
	return Of(&garden{}, "GARDEN_", texts, Group{Settings: []Setting{{Key: "config", Kind: Path}}})
}

// The tables of a struct, those within others included, and the settings of a struct without a key in the one around it.
func TestScopes(t *testing.T) {
	s := gardenSchema()
	var got []string
	for scope := range s.scopes() {
		for _, one := range scope.Settings {
			got = append(got, strings.TrimSpace(strings.Join([]string{scope.Heading(), one.FileKey(), strings.Join(one.FlagNames(), ","), one.EnvName()}, " ")))
		}
	}
	want := []string{"name name GARDEN_NAME", "[water] water.hours hours GARDEN_HOURS", "[[bed]] name", "[[bed]] size size GARDEN_SIZE", "[[bed]] acid acid GARDEN_ACID", "[[bed.row]] plants"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if one := s.Flag("hours"); one == nil || one.Doc != "How many hours." || one.Scope().Doc != "About water." {
		t.Errorf("the flag is of %+v", one)
	}
}

// Each layer wins over the one before it; what is said about one row wins over what is said about all.
func TestFill(t *testing.T) {
	s := gardenSchema()
	v := s.NewValues(Environment{"GARDEN_HOURS": "5", "GARDEN_SIZE": "south=7,6"}, []Flag{{Name: "acid", Values: []string{"on"}}}, "/")
	v.File = s.ParseTOML([]byte("name = \"g\"\n[water]\nhours = 3\n[[bed]]\nname = \"south\"\n[[bed.row]]\nplants = [\"a,b\", \"c\"]\n"), "f", "/", nil, &v.Problems)
	var g garden
	v.Fill(s.Top, &g, "", v.File.Top)
	beds := s.Top.Table("bed")
	v.FillRows(beds, &g, "", v.File.Top.Tables[beds])
	v.Apply(&g.Beds[0], "bed.south", v.Variables(beds, "south"))
	rows := beds.Table("row")
	v.FillRows(rows, &g.Beds[0], "bed.south", v.File.Top.Tables[beds][0].Tables[rows])
	if g.Name != "g" || g.Water.Hours != 5 || g.Beds[0].Size != 7 || !g.Beds[0].Soil.Acid || !slices.Equal(g.Beds[0].Rows[0].Plants, []string{"a,b", "c"}) || len(v.Problems) > 0 {
		t.Errorf("%+v, %v", g, v.Problems)
	}
	shown := map[string]string{}
	for _, e := range s.Effective(&g, v.Sources) {
		shown[e.Key] = e.Value + " from " + e.Source
	}
	for key, want := range map[string]string{"name": "g from f:1", "water.hours": "5 from env GARDEN_HOURS", "bed.south.size": "7 from env GARDEN_SIZE", "bed.south.row.0.plants": "a,b,c from f:7"} {
		if shown[key] != want {
			t.Errorf("%s is shown as %q, want %q", key, shown[key], want)
		}
	}
	other := g
	other.Water.Hours = 6
	if got := s.Top.Changed(&g, &other, ""); !slices.Equal(got, []string{"water.hours"}) {
		t.Errorf("changed: %q", got)
	}
}

func TestParseRow(t *testing.T) {
	for text, want := range map[string]string{
		`name=a,size=3`: "name=a size=3", `"name=a,b",size=3`: "name=a,b size=3", `name='x y'`: "name=x y", `name=f(1,2)`: "name=f(1,2)", "": "",
		"name=a,name=b": "name=a !", `name="x`: "name! !", "size": "name! !", "sise=3": "size! !",
	} {
		s := gardenSchema()
		var bad Problems
		got := ""
		for _, g := range s.ParseRow(s.Top.Table("bed"), text, Source{Kind: FromFlag, Where: "--bed"}, "/", "name=x", &bad).Givens {
			if got += g.Setting.Key; g.Bad {
				got += "! "
			} else {
				got += "=" + strings.Join(g.In.Values, "|") + " "
			}
		}
		got += strings.Repeat("!", len(bad))
		if got = strings.TrimSpace(got); got != want {
			t.Errorf("%q: %q, want %q (%v)", text, got, want, bad)
		}
	}
}

func FuzzParseRow(f *testing.F) {
	f.Add(`name="a,b",size=3`)
	f.Add(`name=f(1,2),'x`)
	f.Fuzz(func(t *testing.T, text string) {
		s := gardenSchema()
		var bad Problems
		for _, g := range s.ParseRow(s.Top.Table("bed"), text, Source{Kind: FromFlag, Where: "--bed"}, "/", "name=x", &bad).Givens {
			if g.Setting == nil || g.Bad && len(bad) == 0 {
				t.Errorf("%q: %+v without a problem", text, g)
			}
		}
	})
}
