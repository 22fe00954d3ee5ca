package config

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/yamlfile"
)

// CodeDescribed is the code of every problem of a file in connectors/.
const CodeDescribed = "config.described"

const describedDir = "connectors"

// describedKind reads the files of one kind in the deployment dir: the connector that a
// file describes, or everything wrong with it.
type describedKind func(dir, name string, src []byte) (*connectors.Connector, mapper.Problems)

// described reads connectors/NAME.yaml: connectors that the directory describes itself,
// beside those that the program has.
func (l *loader) described() {
	l.out.Registry = l.opt.Registry
	names, _ := fs.Glob(l.fsys, describedDir+"/*.yaml")
	sort.Strings(names)
	var own []*connectors.Connector
	for _, file := range names {
		src, ok := l.read(file)
		if !ok {
			continue
		}
		if c := l.describedOne(file, src); c != nil {
			own = append(own, c)
			continue
		}
		l.undescribed = append(l.undescribed, strings.TrimSuffix(path.Base(file), ".yaml"))
	}
	if len(own) == 0 {
		return
	}
	r, err := connectors.NewRegistry(append(l.opt.Registry.List(), own...)...)
	if err != nil {
		l.add(&mapper.Problem{Code: CodeDescribed, File: describedDir + "/", Text: err.Error()})
		return
	}
	l.out.Registry = r
}

func (l *loader) describedOne(file string, src []byte) *connectors.Connector {
	name := strings.TrimSuffix(path.Base(file), ".yaml")
	kind, problem := kindOf(file, src)
	if problem != nil {
		l.add(problem)
		return nil
	}
	load := describedKinds[kind.Value]
	if load == nil {
		var known []string
		for k := range describedKinds {
			known = append(known, k)
		}
		sort.Strings(known)
		hint := "known: " + strings.Join(known, ", ")
		if n := mapper.Nearest(kind.Value, known); n != "" {
			hint = fmt.Sprintf("did you mean %q?", n)
		}
		l.add(kind.Problem(CodeDescribed, file, fmt.Sprintf("there is no kind %q of connector", kind.Value), hint))
		return nil
	}
	c, problems := load(l.dir, name, src)
	for _, p := range problems {
		p.File, p.Code = file, orElse(p.Code, CodeDescribed)
	}
	l.add(problems...)
	switch {
	case len(problems) > 0:
		return nil
	case c.Name != name:
		l.add(kind.Problem(CodeDescribed, file, fmt.Sprintf("the connector is named %q and its file %q", c.Name, name), "give both the same name"))
		return nil
	}
	if _, taken := l.opt.Registry.Get(name); taken {
		l.add(kind.Problem(CodeDescribed, file, fmt.Sprintf("the program has a connector %q already", name), "give the file another name"))
		return nil
	}
	if _, err := connectors.NewRegistry(c); err != nil {
		for _, text := range strings.Split(err.Error(), "\n") {
			l.add(kind.Problem(CodeDescribed, file, text, ""))
		}
		return nil
	}
	return c
}

var yamlLine = regexp.MustCompile(`(?s)^line (\d+): (.*)$`)

// kindOf finds the key that says how a description is read.
func kindOf(file string, src []byte) (yamlfile.Text, *mapper.Problem) {
	var doc struct {
		Kind yaml.Node `yaml:"kind"`
	}
	hint := "begin the file with `kind: http`"
	if err := yaml.NewDecoder(bytes.NewReader(src)).Decode(&doc); err != nil {
		said, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
		if m := yamlLine.FindStringSubmatch(said); m != nil {
			line, _ = strconv.Atoi(m[1])
			said = m[2]
		}
		return yamlfile.Text{}, yamlfile.Text{Line: line}.Problem(CodeDescribed, file, "this cannot be read as keys with values: "+said, hint)
	}
	t := yamlfile.Text{Value: doc.Kind.Value, Line: doc.Kind.Line, Column: doc.Kind.Column}
	if t.Value == "" {
		return t, t.Problem(CodeMissing, file, "the file does not say what kind of connector it describes", hint)
	}
	return t, nil
}

// unread reports whether a connector's own file could not be read: what refers to it is
// not reported a second time.
func (l *loader) unread(connector string) bool { return slices.Contains(l.undescribed, connector) }
