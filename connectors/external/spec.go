package external

import (
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors/internal/describe"
)

// Kind is what `kind:` says in the description of a program.
const Kind = "program"

// file is connectors/NAME.yaml.
type file struct {
	At          describe.Place
	Kind        describe.Text               `yaml:"kind"`
	Command     []describe.Text             `yaml:"command"`
	Env         describe.Map[describe.Text] `yaml:"env"`
	SHA256      describe.Map[describe.Text] `yaml:"sha256"`
	Timeout     time.Duration               `yaml:"timeout"`
	Declaration yaml.Node                   `yaml:"declaration"`
}

// spec says how the program is started.
type spec struct {
	dir     string // relative paths of command and sha256 start here
	command []string
	env     []string          // NAME=value, beyond what every program gets
	sums    map[string]string // path -> SHA-256 in hex
	timeout time.Duration     // of a call that has no deadline of its own
}

const defaultTimeout = time.Minute

var (
	envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	sumForm = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
)

// spec checks how the program is to be started.
func (f *file) spec(d *describe.Decoder, dir string) spec {
	s := spec{dir: dir, sums: map[string]string{}, timeout: f.Timeout}
	if s.timeout == 0 {
		s.timeout = defaultTimeout
	}
	switch {
	case !f.Kind.Given():
		d.AddPlace(f.At, "`kind` is missing", "write `kind: program`")
	case f.Kind.Value != Kind:
		d.AddText(f.Kind, "this is not the description of a program", "write `kind: program`")
	}
	if len(f.Command) == 0 {
		d.AddPlace(f.At, "`command` is missing", "write the program and its arguments as a list: command: [./bin/acme]")
	}
	for i, c := range f.Command {
		if strings.TrimSpace(c.Value) == "" && i == 0 || strings.ContainsRune(c.Value, 0) {
			d.AddText(c, "this cannot be a part of a command", "write the path of the program, then one argument an entry")
		}
		s.command = append(s.command, c.Value)
	}
	for _, e := range f.Env {
		switch {
		case !envName.MatchString(e.Key.Value):
			d.AddText(e.Key, "this is not the name of an environment variable", "use letters, digits and underscores")
		case strings.Contains(e.Value.Value, "${"):
			d.AddText(e.Value, "references are not resolved here, and a secret does not belong into an environment",
				"declare a config field of kind secret: connections give it by reference and the program gets it when it is opened")
		default:
			s.env = append(s.env, e.Key.Value+"="+e.Value.Value)
		}
	}
	for _, e := range f.SHA256 {
		if !sumForm.MatchString(e.Value.Value) {
			d.AddText(e.Value, "this is not a SHA-256 digest", "write the 64 hexadecimal digits that `sha256sum FILE` prints")
		}
		s.sums[e.Key.Value] = strings.ToLower(e.Value.Value)
	}
	return s
}
