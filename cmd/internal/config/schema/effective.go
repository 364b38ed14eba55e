package schema

// Effective is one setting as it is in force.
type Effective struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// Effective lists all values of the configuration that root points to: those of the arrays of tables first.
func (s *Schema) Effective(root any, src *Sources) []Effective {
	var out []Effective
	for _, arrays := range []bool{true, false} {
		if !arrays {
			out = append(out, s.Top.effective(root, "", src)...)
		}
		for _, t := range s.Top.Tables {
			if t.Array == arrays {
				out = append(out, t.effectiveRows(root, "", src)...)
			}
		}
	}
	return out
}

func (s *Scope) effectiveRows(parent any, path string, src *Sources) (out []Effective) {
	for i, row := range s.within(parent) {
		at := s.path(path, i, row)
		out = append(out, s.effective(row, at, src)...)
		for _, t := range s.Tables {
			if s.Setting(t.Key) == nil { // otherwise the setting of this name shows the rows
				out = append(out, t.effectiveRows(row, at, src)...)
			}
		}
	}
	return out
}

func (s *Scope) effective(row any, path string, src *Sources) (out []Effective) {
	for _, one := range s.Settings {
		at := join(path, one.Key)
		from := src.Of(at)
		v, ok := one.Value(row)
		if ok && (v != "" || from.Given()) && !(s.ByName && one.Key == "name") { // the name is in every key
			out = append(out, Effective{at, v, from.String()})
		}
		if one.Items != nil {
			for _, item := range one.Items(one.owner(row).Addr().Interface()) {
				out = append(out, Effective{join(at, item.Name), item.Value, item.Source.String()})
			}
		}
	}
	return out
}

// Changed lists the settings that differ between two rows of a table and that a reload does not change: those of the tables
// of one key within it first.
func (s *Scope) Changed(old, new any, path string) (keys []string) {
	for _, t := range s.Tables {
		if !t.Array {
			keys = append(keys, t.Changed(t.within(old)[0], t.within(new)[0], join(path, t.Key))...)
		}
	}
	for _, one := range s.Settings {
		if one.Reload {
			continue
		}
		was, _ := one.Value(old)
		is, _ := one.Value(new)
		if was != is {
			keys = append(keys, join(path, one.Key))
		}
	}
	return keys
}
