package config

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/yamlfile"
)

// value is a configuration value: text, or a map of texts.
type value struct {
	yamlfile.Text
	entries map[string]string
}

// UnmarshalYAML takes a scalar or a map of scalars.
func (v *value) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.MappingNode {
		v.Line, v.Column = n.Line, n.Column
		return n.Decode(&v.entries)
	}
	return v.Text.UnmarshalYAML(n)
}

var reference = regexp.MustCompile(`^\$\{(env|file):([^}]+)\}$`)

func isReference(s string) bool { return reference.MatchString(s) }

// secret takes a reference and refuses a literal (Invariant 8).
func (l *loader) secret(t text, file string) connectors.Secret {
	if t.Value == "" {
		return connectors.Secret{}
	}
	if !isReference(t.Value) {
		l.add(t.Problem(CodeSecret, file, "a secret stands here as it is", literalHint))
		return connectors.Secret{}
	}
	s, _ := l.resolve(t, file)
	return s
}

const literalHint = "write ${env:NAME} or ${file:PATH}, and keep the value out of the file"

// address checks HOST:PORT.
func (l *loader) address(t text, fallback string) string {
	addr := orElse(t.Value, fallback)
	_, port, err := net.SplitHostPort(addr)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 0 || n > 65535 {
		l.add(t.Problem(CodeValue, hubName, fmt.Sprintf("%q is not an address to listen at", addr), "write HOST:PORT, for instance "+fallback))
	}
	return addr
}

// resolve reads ${env:NAME} or ${file:PATH}; a path is relative to the deployment.
func (l *loader) resolve(t text, file string) (connectors.Secret, bool) {
	m := reference.FindStringSubmatch(t.Value)
	fail := func(text, hint string) (connectors.Secret, bool) {
		p := t.Problem(CodeSecret, file, text, hint)
		if l.opt.Secrets {
			l.add(p)
		} else {
			l.out.Warnings = append(l.out.Warnings, p)
		}
		return connectors.Secret{}, false
	}
	if m[1] == "env" {
		v, ok := l.opt.Env(m[2])
		if !ok || v == "" {
			return fail(fmt.Sprintf("the environment variable %s is not set", m[2]), "set it where `minihub serve` runs")
		}
		return connectors.NewSecret(v), true
	}
	p := m[2]
	if !filepath.IsAbs(p) {
		p = filepath.Join(l.dir, p)
	}
	b, err := os.ReadFile(p)
	if err != nil {
		return fail(fmt.Sprintf("the secret's file %s cannot be read", m[2]), "it is relative to the deployment's directory")
	}
	return connectors.NewSecret(strings.TrimRight(string(b), "\r\n")), true
}

func (l *loader) duration(t text, file string, fallback time.Duration) time.Duration {
	if t.Value == "" {
		return fallback
	}
	d, err := parseDuration(t.Value)
	if err != nil || d <= 0 {
		l.add(t.Problem(CodeValue, file, fmt.Sprintf("%q is not a span of time", t.Value), "write 500ms, 2s, 15m, 72h or 180d"))
	}
	return d
}

// parseDuration knows days beside Go's units.
func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

func (l *loader) integer(t text, file string, fallback int) int {
	if t.Value == "" {
		return fallback
	}
	n, err := strconv.Atoi(t.Value)
	if err != nil || n <= 0 {
		l.add(t.Problem(CodeValue, file, fmt.Sprintf("%q is not a positive whole number", t.Value), ""))
	}
	return n
}

var sizeOf = regexp.MustCompile(`^(\d+)\s*(B|KiB|MiB|GiB)?$`)

func (l *loader) bytes(t text, fallback int) int {
	if t.Value == "" {
		return fallback
	}
	m := sizeOf.FindStringSubmatch(t.Value)
	if m == nil {
		l.add(t.Problem(CodeValue, hubName, fmt.Sprintf("%q is not a size", t.Value), "write 512KiB or 2MiB"))
		return fallback
	}
	n, _ := strconv.Atoi(m[1])
	return n << map[string]int{"KiB": 10, "MiB": 20, "GiB": 30}[m[2]]
}

func (l *loader) zone(t text, file, fallback string) *time.Location {
	name := orElse(t.Value, fallback)
	z, err := time.LoadLocation(name)
	if err != nil {
		l.add(t.Problem(CodeValue, file, fmt.Sprintf("%q is not a time zone", name), "write an IANA name such as Asia/Shanghai"))
		return time.UTC
	}
	return z
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func beforeAt(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	before, _, _ := strings.Cut(rest, "@")
	return before
}

// normalize makes numbers of a store block exact for mappings (Invariant 6).
func normalize(m map[string]any) {
	for k, v := range m {
		switch v := v.(type) {
		case int:
			m[k] = json.Number(strconv.Itoa(v))
		case uint64:
			m[k] = json.Number(strconv.FormatUint(v, 10))
		case map[string]any:
			normalize(v)
		}
	}
}

func sortProblems(ps mapper.Problems) {
	slices.SortStableFunc(ps, func(a, b *mapper.Problem) int {
		if a.File != b.File {
			return strings.Compare(a.File, b.File)
		}
		return a.Line - b.Line
	})
}
