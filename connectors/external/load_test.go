package external_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external"
)

const sound = `kind: program
command: [./acme]
declaration:
  title: Acme
  role: erp
  config:
    - {name: url, kind: url, required: true, text: where}
  limits:
    - {name: calls, requests: 10, per: 1s}
  operations:
    - name: order.push
      entity: order
      carries: state
      changes: upsert
      repeat: ask-first
      settle: 5s
      uses: [{limit: calls, cost: 1}]
      list: {reason: no list call}
`

func TestLoad(t *testing.T) {
	c, problems := external.Load("acme", []byte(sound))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := connectors.Operation{Name: "order.push", Entity: "order", Carries: connectors.State, Changes: connectors.Upsert, Repeat: connectors.AskFirst,
		Settle: 5e9, Uses: []connectors.Use{{Limit: "calls", Cost: 1}}, List: connectors.Listing{Reason: "no list call"}}
	if diff := cmp.Diff([]connectors.Operation{want}, c.Operations); diff != "" || c.Name != "acme" || c.Open == nil {
		t.Error(c.Name, diff)
	}
}

func TestProblemsComeWithTheirPlaces(t *testing.T) {
	edit := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(sound) }
	for name, c := range map[string]struct {
		src  string
		want []string
	}{
		"nothing": {"", []string{"connectors/acme.yaml:1:1: the file is empty"}},
		"nothing said": {"env: {A: b}\n", []string{
			"connectors/acme.yaml:1:1: `kind` is missing (write `kind: program`)",
			"connectors/acme.yaml:1:1: `command` is missing (write the program and its arguments as a list: command: [./bin/acme])",
			"connectors/acme.yaml:1:1: `declaration` is missing (`minihub connectors declare acme -- COMMAND` asks the program and writes this file)"}},
		"unknown keys": {edit("command:", "comand:", "repeat:", "repaet:"), []string{
			`connectors/acme.yaml:1:1: ` + "`command` is missing (write the program and its arguments as a list: command: [./bin/acme])",
			`connectors/acme.yaml:2:1: comand: unknown key "comand" (did you mean "command"?)`,
			`connectors/acme.yaml:15:7: declaration.operations[0].repaet: unknown member (did you mean "repeat"?)`}},
		"unknown words": {edit("ask-first", "ask-frist", "kind: url", "kind: hyperlink"), []string{
			`connectors/acme.yaml:7:19: declaration.config[0].kind: "hyperlink" is not known here (known: bool, duration, int, map, secret, string, url)`,
			`connectors/acme.yaml:15:7: declaration.operations[0].repeat: "ask-frist" is not known here (did you mean "ask-first"?)`}},
		"wrong forms": {edit("settle: 5s", "settle: 5", "requests: 10", "requests: ten", "required: true", "required: yes!"), []string{
			`connectors/acme.yaml:7:30: declaration.config[0].required: true or false is wanted here, not text`,
			`connectors/acme.yaml:9:21: declaration.limits[0].requests: this is not a whole number of 64 bits (write digits only, as a number or as text)`,
			`connectors/acme.yaml:16:7: declaration.operations[0].settle: "5" is not a span of time (write it like 300ms, 30s, 5m or 1h30m)`}},
		"the contract": {edit("limit: calls", "limit: cals", "      list: {reason: no list call}\n", ""), []string{
			`connectors/acme.yaml:11:7: declaration.operations[0]: operation order.push does not say why it cannot be listed (docs/external-protocol.md, section Declaration, says what must be given)`,
			`connectors/acme.yaml:11:7: declaration.operations[0]: operation order.push uses limit "cals", which is not declared (docs/external-protocol.md, section Declaration, says what must be given)`}},
		"a secret in the environment": {edit("command: [./acme]", "command: [./acme]\nenv: {TOKEN: '${env:TOKEN}', 1A: b}\nsha256: {./acme: abc}"), []string{
			`connectors/acme.yaml:3:14: env.TOKEN: references are not resolved here, and a secret does not belong into an environment (declare a config field of kind secret: connections give it by reference and the program gets it when it is opened)`,
			`connectors/acme.yaml:3:30: env.1A: this is not the name of an environment variable (use letters, digits and underscores)`,
			"connectors/acme.yaml:4:18: sha256../acme: this is not a SHA-256 digest (write the 64 hexadecimal digits that `sha256sum FILE` prints)"}},
		"twice": {edit("  role: erp\n", "  role: erp\n  role: oms\n"), []string{
			`connectors/acme.yaml:6:3: declaration.role: the key "role" is there twice (keep one of them)`}},
		"another kind": {edit("kind: program", "kind: manifest"), []string{
			"connectors/acme.yaml:1:7: kind: this is not the description of a program (write `kind: program`)"}},
		"another name": {edit("title: Acme", "name: ecma\n  title: Acme"), []string{
			`connectors/acme.yaml:4:3: declaration.name: the file is called acme.yaml (leave the name out, or call the file ecma.yaml)`}},
	} {
		t.Run(name, func(t *testing.T) {
			loaded, problems := external.Load("acme", []byte(c.src))
			var got []string
			for _, p := range problems {
				got = append(got, p.Error())
			}
			if diff := cmp.Diff(c.want, got); loaded != nil || diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, problems := external.Load("Acme Ltd", []byte(sound)); len(problems) != 1 {
		t.Errorf("a bad name gives %v", problems)
	}
}

// A program whose file is another one than was reviewed is not started.
func TestTheDigestIsChecked(t *testing.T) {
	dir := t.TempDir()
	script := []byte("#!/bin/sh\nexit 0\n")
	if err := os.WriteFile(filepath.Join(dir, "acme"), script, 0o700); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("another file"))
	src := strings.Replace(sound, "command: [./acme]", "command: [./acme]\nsha256: {./acme: "+hex.EncodeToString(sum[:])+"}", 1)
	c, problems := external.LoadIn(dir, "acme", []byte(src))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	_, err := c.OpenConnection(t.Context(), connectors.Config{}, connectors.Env{})
	var e *connectors.Error
	if !errors.As(err, &e) || e.Code != external.CodeStart || !strings.Contains(err.Error(), "digest") {
		t.Errorf("%v", err)
	}
}

func TestAProgramThatIsNotThere(t *testing.T) {
	c, problems := external.LoadIn(t.TempDir(), "acme", []byte(sound))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	_, err := c.OpenConnection(t.Context(), connectors.Config{}, connectors.Env{})
	if e := connectors.AsError(err); e == nil || e.Code != external.CodeStart || e.Sent || e.Hint == "" {
		t.Errorf("%+v", e)
	}
}

// A field that the program refuses when it opens is named as a field.
func TestAFieldIsNamed(t *testing.T) {
	c := loaded(t, programs()["webhook"])
	cfg, errs := connectors.NewConfig(c.Config, connectors.Values{Secrets: map[string]connectors.Secret{"secret": connectors.NewSecret("no-prefix")}})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	_, err := c.OpenConnection(t.Context(), cfg, connectors.Env{})
	var field *connectors.FieldError
	if !errors.As(err, &field) || field.Field != "secret" {
		t.Errorf("%v", err)
	}
}

func TestDeclareSaysWhatIsWrong(t *testing.T) {
	if _, err := external.Declare(t.Context(), ".", "acme", []string{"sh", "-c", "echo no such module >&2; exit 5"}); err == nil ||
		!strings.Contains(err.Error(), "exit status 5") || !strings.Contains(err.Error(), "no such module") {
		t.Errorf("%v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(sound))
	f.Add([]byte("kind: program\ncommand: [a]\ndeclaration: {streams: [{name: 1}], limits: {}}\n"))
	f.Add([]byte("declaration: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, problems := external.Load("acme", src)
		if (c == nil) == (len(problems) == 0) {
			t.Fatalf("%v and %v", c, problems)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Text == "" {
				t.Errorf("a problem without place or text: %+v", p)
			}
		}
	})
}
