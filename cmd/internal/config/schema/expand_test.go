package schema

import (
	"slices"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	env := Environment{"PORT": "81", "EMPTY": "", "A_b1": "${PORT}"}
	for text, want := range map[string]string{
		"":                    "",
		"0.0.0.0:${PORT}":     "0.0.0.0:81",
		"${PORT}${PORT:-2}":   "8181",
		"${NONE:-8000}":       "8000",
		"${EMPTY:-x}":         "x",
		"${NONE:-}":           "",
		"${A_b1}":             "${PORT}", // a variable's value is not read again
		"$${PORT} $5 $PORT $": "${PORT} $5 $PORT $",
		"$$${PORT}":           "$${PORT}",
	} {
		if got, _, err := Expand(text, env); got != want || err != nil {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
	for text, names := range map[string]string{"${NONE}": "NONE", "${EMPTY}": "EMPTY", "${PORT": "}", "${1}": "${1}", "${}": "${}", "${PORT:?no}": ":?no", "${A b}": "A b"} {
		if got, _, err := Expand(text, env); err == nil || !strings.Contains(err.Error(), names) {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
}

func TestVariablesInAFile(t *testing.T) {
	var g garden
	s := gardenSchema()
	v := s.NewValues(nil, nil, "/")
	v.File = s.ParseTOML([]byte("name = \"${NAME}\"\n[[bed]]\nname = \"${BED:-south}\"\nsize = \"${SIZE}\"\n[[bed.row]]\nplants = [\"${A}\", \"b\"]\n[water]\nhours = \"${HOURS}\"\n"),
		"f", "/", Environment{"NAME": "g", "SIZE": "4", "A": "x,y"}, &v.Problems)
	v.Fill(s.Top, &g, "", v.File.Top)
	beds := s.Top.Table("bed")
	v.FillRows(beds, &g, "", v.File.Top.Tables[beds])
	if g.Name != "g" || g.Beds[0].Size != 4 || g.Beds[0].Label != "south" {
		t.Errorf("%+v", g)
	}
	if len(v.Problems) != 1 || v.Problems[0].Where != "f:8" || !strings.HasPrefix(v.Problems[0].Message, "water.hours needs the variable HOURS") {
		t.Errorf("%v", v.Problems)
	}
	if src := v.Sources.Of("name"); src.String() != "f:1 (env NAME)" || src.Position() != "f:1" {
		t.Errorf("%v", src)
	}
	for _, given := range v.File.Top.Tables[beds][0].Tables[beds.Table("row")][0].Givens {
		if !slices.Equal(given.In.Values, []string{"x,y", "b"}) { // a comma of a variable in an array is part of the text
			t.Errorf("%q", given.In.Values)
		}
	}
}
