package config

import "github.com/standpipe/standpipe/cmd/internal/config/schema"

// Account is the user that the serving process becomes.
type Account struct {
	User     string    `key:"user"`
	Group    string    `key:"group"`
	Identity *Identity // what they are; nil: the process stays what it is
}

// Settings are keys at the top.
func (*Account) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "user", Kind: schema.Text, Flags: []string{"user", "u"}, Hint: "USER", Derived: "the user that starts standpipe"},
		{Key: "group", Kind: schema.Text, Flags: []string{"group", "g"}, Hint: "GROUP", Derived: "the user's own group"},
	}}
}
