package external

import (
	"bytes"
	"context"
	"fmt"

	"go.uber.org/zap"
	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
)

// Declare starts the command in the folder dir, asks it what it declares, ends it and
// writes the description connectors/NAME.yaml that fits it.
func Declare(ctx context.Context, dir, name string, command []string) ([]byte, error) {
	if len(command) == 0 || !nameForm.MatchString(name) {
		return nil, fmt.Errorf("a name of small letters, digits, - and _, and a command are needed")
	}
	p := &program{spec: spec{dir: dir, command: command, timeout: startWithin}, connector: &connectors.Connector{Name: name}}
	c := newConnection(p, connectors.Config{}, connectors.Env{Log: zap.NewNop()})
	defer c.stop()
	ctx, done := context.WithTimeout(ctx, startWithin)
	defer done()
	last := &lastLine{}
	run, err := start(p.spec, &callbacks{c: c, slots: make(chan struct{}, 1)}, last.keep)
	if err != nil {
		return nil, fmt.Errorf("the program cannot be started: %w", err)
	}
	defer func() {
		run.end(endWithin, nil)
		<-run.gone
	}()
	var hello wire.Initialized
	if err := c.exchange(ctx, run, wire.MethodInitialize, wire.Initialize{Protocol: wire.Version, Name: name}, &hello); err != nil {
		run.end(0, nil)
		<-run.gone
		return nil, fmt.Errorf("the program does not say what it declares: %w (%s)%s", err, run.reason(), last.text())
	}
	hello.Declaration.Name = "" // the file's name is the connector's
	src, err := describeYAML(command, &hello.Declaration)
	if err != nil {
		return nil, err
	}
	if _, problems := LoadIn(dir, name, src); len(problems) > 0 {
		return nil, fmt.Errorf("the program declares what the hub would refuse: %w", problems[0])
	}
	return src, nil
}

// describeYAML writes the description of a program.
func describeYAML(command []string, c *connectors.Connector) ([]byte, error) {
	raw, err := wire.Encode(*c)
	if err != nil {
		return nil, err
	}
	// JSON is YAML; read as such it keeps the order of its members.
	var declared yaml.Node
	if err := yaml.Unmarshal(raw, &declared); err != nil {
		return nil, err
	}
	block(&declared)
	var cmd yaml.Node
	if err := cmd.Encode(command); err != nil {
		return nil, err
	}
	cmd.Style = yaml.FlowStyle
	key := func(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: s} }
	doc := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
		key("kind"), key(Kind), key("command"), &cmd, key("declaration"), declared.Content[0]}}
	var b bytes.Buffer
	b.WriteString("# What this program declares, as `minihub connectors declare` wrote it. When the program\n" +
		"# starts, what it says must be the same.\n")
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}

// block takes the brackets and quotes of JSON away; the encoder quotes what needs it.
func block(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		block(c)
	}
}
