package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/fields"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// FieldRule says which fields of requests or responses are changed.
type FieldRule struct {
	Side     string   `key:"side"` // "request" or "response"
	Statuses [][2]int // from, to; of responses; none: all
	Remove   []string `key:"remove"`
	Set, Add []FieldValue
}

// FieldValue is a field that a rule makes.
type FieldValue struct {
	Name  string
	Value fields.Value
}

// Settings are those of [[fields]], [[app.fields]] and [[route.fields]].
func (*FieldRule) Settings() schema.Group {
	values := func(key string, at func(*FieldRule) *[]FieldValue) schema.Setting {
		return schema.Setting{Key: key, Kind: schema.Pairs, Reload: true,
			Set: schema.Set(func(f *FieldRule, in schema.Input) error {
				*at(f) = nil
				for _, v := range in.Values {
					name, text, _ := strings.Cut(v, "=")
					value, err := fields.ParseValue(text)
					if err != nil {
						return fmt.Errorf("%s: %w", name, err)
					}
					*at(f) = append(*at(f), FieldValue{name, value})
				}
				return nil
			}), Show: schema.Show(func(f *FieldRule) (string, bool) {
				var out []string
				for _, v := range *at(f) {
					out = append(out, v.Name+"="+v.Value.String())
				}
				return strings.Join(out, "; "), len(out) > 0
			})}
	}
	return schema.Group{Key: "fields", FileOnly: true, Settings: []schema.Setting{
		{Key: "side", Kind: schema.Choice, Choices: []string{"request", "response"}, Default: "response", Reload: true},
		{Key: "status", Kind: schema.List, Derived: "every status", Reload: true,
			Set: schema.Set(func(f *FieldRule, in schema.Input) (err error) {
				f.Statuses, err = parseStatuses(in.List())
				return err
			}), Show: schema.Show(func(f *FieldRule) (string, bool) { return formatStatuses(f.Statuses), len(f.Statuses) > 0 })},
		{Key: "remove", Kind: schema.List, Reload: true},
		values("set", func(f *FieldRule) *[]FieldValue { return &f.Set }),
		values("add", func(f *FieldRule) *[]FieldValue { return &f.Add }),
	}}
}

// parseStatuses reads statuses and ranges of them.
func parseStatuses(list []string) (out [][2]int, err error) {
	for _, v := range list {
		first, last, isRange := strings.Cut(v, "-")
		if !isRange {
			last = first
		}
		a, err := strconv.Atoi(first)
		b, err2 := strconv.Atoi(last)
		if err != nil || err2 != nil || a < 100 || b > 599 || a > b {
			return nil, fmt.Errorf("%q is not a status, or a range such as 200-399", v)
		}
		out = append(out, [2]int{a, b})
	}
	return out, nil
}

func formatStatuses(statuses [][2]int) string {
	list := make([]string, len(statuses))
	for i, s := range statuses {
		if list[i] = strconv.Itoa(s[0]); s[1] != s[0] {
			list[i] += "-" + strconv.Itoa(s[1])
		}
	}
	return strings.Join(list, ",")
}

// Check finds fields that cannot be changed.
func (f *FieldRule) Check(row *schema.Row) {
	response := f.Side != "request"
	if !response && len(f.Statuses) > 0 {
		row.Bad("status", "status is for responses, and side is request; leave it out")
	}
	if len(f.Remove)+len(f.Set)+len(f.Add) == 0 && !row.Unsure("remove", "set", "add") {
		row.BadRow("changes no field; write set = { X-Name = \"value\" }, add or remove")
	}
	seen := map[string]string{}
	check := func(key, name string) {
		if err := fields.MayChange(name, response); err != nil {
			row.Bad(key, "%s: %v", key, err)
			return
		}
		lower := strings.ToLower(name)
		if other := seen[lower]; other != "" {
			row.Bad(key, "%s is in %s and in %s; leave one of them out", name, other, key)
		}
		seen[lower] = key
	}
	for _, name := range f.Remove {
		check("remove", name)
	}
	for _, v := range f.Set {
		check("set", v.Name)
	}
	for _, v := range f.Add {
		check("add", v.Name)
		if single := []string{"content-type", "location", "etag", "last-modified"}; slices.Contains(single, strings.ToLower(v.Name)) {
			row.Bad("add", "add: a message has one %s; write set", v.Name)
		}
	}
}
