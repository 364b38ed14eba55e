package config

import (
	"os"
	"strings"
	"testing"
)

func TestEnvFile(t *testing.T) {
	text := "\ufeff# comment\n\nA=1\nexport B = two words # comment\nC='a#b $x \\n'\nD=\"x\\ny \\\"q\\\" \\$z\" # c\nE=\nF=a#b\nG=\"one\ntwo\"\nH=last"
	vars, err := parseEnv(".env", text)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"A=1", "B=two words", "C=a#b $x \\n", "D=x\ny \"q\" $z", "E=", "F=a#b", "G=one\ntwo", "H=last"}
	for i, v := range vars {
		if i >= len(want) || v.Name+"="+v.Value != want[i] {
			t.Errorf("%d: %s=%q", i, v.Name, v.Value)
		}
	}
	if len(vars) != len(want) {
		t.Errorf("%d variables, want %d", len(vars), len(want))
	}
	if got := vars[len(vars)-1].Source.Where; got != ".env:11" {
		t.Errorf("the last one stands in %s", got)
	}
	for text, want := range map[string]string{
		"A=1\nB\n": ".env:2: B", "A='x": ".env:1: A", "A=\"x\" y": ".env:1: y", "=1": ".env:1: \"\"", "A B=1": ".env:1:", "A=\x00": ".env:1: NUL", "\nsecret-without-an-equals-sign": ".env:2: secret-witho...\"",
	} {
		if _, err := parseEnv(".env", text); err == nil || !names(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

// Without Windows' line ends the values would end in a carriage return.
func TestEnvFileCRLF(t *testing.T) {
	path := t.TempDir() + "/env"
	if err := os.WriteFile(path, []byte("A=1\r\nB=\"x\"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	vars, err := readEnvFile(path)
	if err != nil || len(vars) != 2 || vars[0].Value != "1" || vars[1].Value != "x" {
		t.Errorf("%+v, %v", vars, err)
	}
}

func FuzzParseEnv(f *testing.F) {
	f.Add("A=1\nexport B='x'\nC=\"y\\n\" # z")
	f.Add("A=\"\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		vars, err := parseEnv("f", text)
		if err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Errorf("an error without a place: %v", err)
		}
		for _, v := range vars {
			if v.Name == "" || strings.ContainsAny(v.Name, "=\x00") || strings.ContainsRune(v.Value, 0) {
				t.Errorf("%q=%q", v.Name, v.Value)
			}
		}
	})
}
