package filedrop

import (
	_ "embed" // the schema
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/describe"
)

// Problem is one thing wrong with a description.
type Problem = describe.Problem

//go:embed file.schema.json
var schema []byte

// Schema returns the JSON Schema (draft 7) of a description of kind file.
func Schema() []byte { return slices.Clone(schema) }

var nameRule = regexp.MustCompile(`^[a-z][a-z0-9_.]{0,63}$`)

// Load reads connectors/NAME.yaml of kind file. The connector is nil when there are
// problems; all of them are reported at once.
func Load(name string, src []byte) (*connectors.Connector, []Problem) {
	l := &loader{}
	var shape fileShape
	l.Decoder = describe.Decode(name+".yaml", src, &shape)
	if len(l.Problems) == 0 || shape.At.Line > 0 {
		l.check(name, &shape)
	}
	if len(l.Problems) > 0 {
		describe.Sort(l.Problems)
		return nil, l.Problems
	}
	return l.connector(name, &shape), nil
}

// loader checks a description and keeps what it says.
type loader struct {
	*describe.Decoder
	streams    []*streamSpec
	operations []*operationSpec
}

func (l *loader) check(name string, f *fileShape) {
	if !nameRule.MatchString(name) {
		l.AddAt(1, 1, "", fmt.Sprintf("%q is no name of a connector", name), "the file's name: small letters, digits, _ and ., a letter first")
	}
	if l.need(f.At, f.Kind, "kind", "write kind: file") && f.Kind.Value != "file" {
		l.AddText(f.Kind, fmt.Sprintf("kind %q is not read here", f.Kind.Value), "write kind: file")
	}
	l.need(f.At, f.Title, "title", "the system as people know it")
	l.word(f.Role, "", "store", "oms", "wms", "erp", "crm", "logistics", "any")
	if len(f.Streams) == 0 && len(f.Operations) == 0 {
		l.AddPlace(f.At, "there is neither a stream nor an operation", "describe what is read under streams, what is written under operations")
	}
	for i := range f.Streams {
		e := &f.Streams[i]
		l.name(e.Key)
		l.streams = append(l.streams, l.stream(e.Key.Value, &e.Value))
	}
	for i := range f.Operations {
		e := &f.Operations[i]
		l.name(e.Key)
		l.operations = append(l.operations, l.operation(e.Key.Value, &e.Value))
	}
	l.apart(f)
}

func (l *loader) name(t describe.Text) {
	if !nameRule.MatchString(t.Value) {
		l.AddText(t, fmt.Sprintf("%q is no name", t.Value), "small letters, digits, _ and ., a letter first")
	}
}

// apart refuses two streams that would take the same files from each other.
func (l *loader) apart(f *fileShape) {
	for i, a := range l.streams {
		for _, b := range l.streams[:i] {
			if a.Folder != "" && a.Folder == b.Folder && a.Glob == b.Glob {
				l.AddText(f.Streams[i].Value.Folder, fmt.Sprintf("stream %s reads the same files", b.Name), "give each stream a folder or a glob of its own")
			}
		}
	}
}

// need reports a key that must be there and be more than nothing.
func (l *loader) need(at describe.Place, t describe.Text, key, hint string) bool {
	path := key
	if at.Path != "" {
		path = at.Path + "." + key
	}
	switch {
	case !t.Given():
		l.AddAt(at.Line, at.Column, path, "is required", hint)
	case strings.TrimSpace(t.Value) == "":
		l.AddText(t, "is empty", hint)
	default:
		return true
	}
	return false
}

// word reads one of a few words.
func (l *loader) word(t describe.Text, def string, words ...string) string {
	if !t.Given() {
		return def
	}
	if !slices.Contains(words, t.Value) {
		l.AddText(t, fmt.Sprintf("%q is not known here", t.Value), describe.Suggest(t.Value, words))
		return def
	}
	return t.Value
}

// number holds a whole number against its bounds; 0 means def.
func (l *loader) number(at describe.Place, key string, n, def, least, most int) int {
	switch {
	case n == 0:
		return def
	case n < least || n > most:
		l.AddAt(at.Line, at.Column, at.Path+"."+key, fmt.Sprintf("%d is out of bounds", n), fmt.Sprintf("from %d to %d", least, most))
	}
	return n
}

func (l *loader) zone(t describe.Text) *time.Location {
	if !t.Given() {
		return nil
	}
	z, err := time.LoadLocation(t.Value)
	if err != nil || t.Value == "" || t.Value == "Local" {
		l.AddText(t, fmt.Sprintf("%q is no time zone", t.Value), "write one like Asia/Shanghai or UTC")
		return time.UTC
	}
	return z
}

// folder reads a slash path below the connection's root.
func (l *loader) folder(t describe.Text, def string) string {
	if !t.Given() {
		return def
	}
	name := strings.TrimSuffix(t.Value, "/")
	if !below(name) {
		l.AddText(t, fmt.Sprintf("%q is no folder below the connection's root", t.Value), "write it like in/orders: no leading slash, no ..")
		return def
	}
	return name
}

// delimiter reads one ASCII character.
func (l *loader) delimiter(t describe.Text) byte {
	switch {
	case !t.Given():
		return ','
	case t.Value == "tab":
		return '\t'
	case len(t.Value) == 1 && t.Value[0] < 0x7F && !strings.ContainsAny(t.Value, "\"\r\n \x00") && !alphanumeric(t.Value[0]):
		return t.Value[0]
	}
	l.AddText(t, fmt.Sprintf("%q cannot be a delimiter", t.Value), `write one of "," ";" "|" or tab`)
	return ','
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
