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

// shelf is a table within an array of tables within another one.
type shelf struct {
	Size  int `key:"size"`
	Boxes []box
}

type box struct {
	Label string `key:"label"`
	Lid   lid
}

type lid struct {
	Thick int `key:"thick"`
}

type cellar struct{ Shelves []shelf }

func (*cellar) Settings() Group { return Group{} }
func (*shelf) Settings() Group {
	return Group{Key: "shelf", FileOnly: true, Doc: "Shelves.", Settings: []Setting{{Key: "size", Kind: Int, Default: "1", Doc: "How large."}}}
}
func (*box) Settings() Group {
	return Group{Key: "box", FileOnly: true, Doc: "Boxes of a shelf.", Settings: []Setting{{Key: "label", Kind: Text, Required: `label = "x"`, Doc: "Its text."}}}
}
func (*lid) Settings() Group {
	return Group{Key: "lid", FileOnly: true, Settings: []Setting{{Key: "thick", Kind: Int, Default: "3", Doc: "Its size."}}}
}
func (b *box) Check(r *Row) {
	if b.Label == "bad" {
		r.Bad("label", "label is bad")
	}
}
func (l *lid) Check(r *Row) {
	if l.Thick > 9 {
		r.Bad("thick", "thick is %d", l.Thick)
	}
}
func (s *shelf) Check(r *Row) {
	if len(s.Boxes) == 0 && !r.Unsure("box.0.label") {
		r.BadRow("no box")
	}
}

// Arrays of tables within arrays of tables: values, defaults and their lines, mistakes, what is shown, and the page.
func TestNestedArrays(t *testing.T) {
	s := Of(&cellar{}, "", nil, Group{})
	read := func(text string) (*cellar, *Values) {
		v := s.NewValues(nil, nil, "/")
		v.File = s.ParseTOML([]byte(text), "f", "/", nil, &v.Problems)
		var c cellar
		shelves := s.Top.Table("shelf")
		v.Fill(s.Top, &c, "", v.File.Top)
		v.FillRows(shelves, &c, "", v.File.Top.Tables[shelves])
		v.Check(&c)
		return &c, v
	}
	c, v := read("[[shelf]]\n[[shelf.box]]\nlabel = \"a\"\n[shelf.box.lid]\nthick = 4\n[[shelf.box]]\nlabel = \"b\"\n[[shelf]]\nsize = 2\nbox = [{ label = \"c\" }]\n")
	if len(v.Problems) > 0 || len(c.Shelves) != 2 || len(c.Shelves[0].Boxes) != 2 || len(c.Shelves[1].Boxes) != 1 {
		t.Fatalf("%+v %v", c, v.Problems)
	}
	if c.Shelves[0].Boxes[0].Lid.Thick != 4 || c.Shelves[0].Boxes[1].Lid.Thick != 3 || c.Shelves[1].Boxes[0].Label != "c" {
		t.Errorf("%+v", c)
	}
	shown := map[string]string{}
	for _, e := range s.Effective(c, v.Sources) {
		shown[e.Key] = e.Value + " " + e.Source
	}
	for key, want := range map[string]string{"shelf.0.size": "1 default", "shelf.0.box.1.label": "b f:7", "shelf.0.box.0.lid.thick": "4 f:5", "shelf.1.box.0.label": "c f:10", "shelf.1.box.0.lid.thick": "3 default"} {
		if shown[key] != want {
			t.Errorf("%s is shown as %q, want %q", key, shown[key], want)
		}
	}
	for text, want := range map[string][]string{
		"[[shelf]]\n[[shelf]]\n[[shelf.box]]\n[[shelf.box]]\nlabel = \"bad\"\nlable = 1\n[shelf.box.lid]\nthick = 10\n[[shelf]]\nlabel = \"x\"\n": {
			"f:10: there is no label here; it belongs into [[shelf.box]]",
			"f:1: [[shelf]] no box",
			"f:3: [[shelf.box]] has no label; write label = \"x\"",
			"f:5: [[shelf.box]] label is bad",
			"f:6: there is no setting lable; did you mean label?",
			"f:8: [shelf.box.lid] thick is 10",
			"f:9: [[shelf]] no box",
		},
		// What was probably meant for a row is in none: no problem follows from its absence.
		"[[shelf]]\n[[shelf.bx]]\n":  {"f:2: there is no setting bx; did you mean box?"},
		"[[shelf]]\nbox = 3\n":       {"f:2: box is an array of tables; write [[shelf.box]] with two brackets"},
		"[[shelf]]\n[shelf.box]\n":   {"f:2: box is an array of tables; write [[shelf.box]] with two brackets"},
		"[[shelf]]\n[[shelf.lid]]\n": {"f:1: [[shelf]] no box", "f:2: there is no setting lid; these are: box, size"},
		"[[shelf]]\nbox = [1]\n":     {"f:2: box contains a value that is not a table; write [[shelf.box]]"},
	} {
		_, v := read(text)
		var got []string
		for _, p := range v.Problems {
			got = append(got, p.String())
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", text, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	var page strings.Builder
	if err := s.WriteDocs(&page, "", "Top"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "\n## [[shelf]]\n\nShelves.\n") || !strings.Contains(page.String(), "\n## [[shelf.box]]\n\nBoxes of a shelf.\n\n### label\n") || !strings.Contains(page.String(), "\n## [shelf.box.lid]\n") {
		t.Error(page.String())
	}
}
