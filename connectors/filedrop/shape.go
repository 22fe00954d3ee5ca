package filedrop

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors/internal/describe"
)

// The shape of a description, as file.schema.json has it; a test holds them together.
type (
	fileShape struct {
		At         describe.Place
		Kind       describe.Text                `yaml:"kind"`
		Title      describe.Text                `yaml:"title"`
		Role       describe.Text                `yaml:"role"`
		Text       describe.Text                `yaml:"text"`
		Docs       describe.Text                `yaml:"docs"`
		Streams    describe.Map[streamShape]    `yaml:"streams"`
		Operations describe.Map[operationShape] `yaml:"operations"`
	}

	streamShape struct {
		At         describe.Place
		Entity     describe.Text             `yaml:"entity"`
		Text       describe.Text             `yaml:"text"`
		Schema     describe.Text             `yaml:"schema"`
		RootEntity describe.Text             `yaml:"root_entity"`
		Folder     describe.Text             `yaml:"folder"`
		Glob       describe.Text             `yaml:"glob"`
		Order      describe.Text             `yaml:"order"`
		Format     describe.Text             `yaml:"format"`
		Encoding   describe.Text             `yaml:"encoding"`
		Delimiter  describe.Text             `yaml:"delimiter"`
		Header     *bool                     `yaml:"header"`
		Skip       int                       `yaml:"skip"`
		Sheet      describe.Text             `yaml:"sheet"`
		Row        describe.Text             `yaml:"row"`
		Lists      []describe.Text           `yaml:"lists"`
		Zone       describe.Text             `yaml:"zone"`
		Columns    describe.Map[columnShape] `yaml:"columns"`
		Key        names                     `yaml:"key"`
		Root       names                     `yaml:"root"`
		Version    *versionShape             `yaml:"version"`
		Group      *groupShape               `yaml:"group"`
		Ignore     *conditionShape           `yaml:"ignore"`
		Deleted    *conditionShape           `yaml:"deleted"`
		Settle     *time.Duration            `yaml:"settle"`
		Marker     describe.Text             `yaml:"marker"`
		Passing    []describe.Text           `yaml:"passing"`
		Done       *doneShape                `yaml:"done"`
		Rejects    describe.Text             `yaml:"rejects"`
		Page       int                       `yaml:"page"`
		MaxRow     int                       `yaml:"max_row"`
	}

	versionShape struct {
		At       describe.Place
		Column   describe.Text `yaml:"column"`
		As       describe.Text `yaml:"as"`
		Layout   describe.Text `yaml:"layout"`
		FileTime bool          `yaml:"file_time"`
	}

	groupShape struct {
		At      describe.Place
		By      names         `yaml:"by"`
		Lines   describe.Text `yaml:"lines"`
		Columns names         `yaml:"columns"`
		Most    int           `yaml:"most"`
	}

	conditionShape struct {
		At     describe.Place
		Column describe.Text `yaml:"column"`
		Values names         `yaml:"values"`
	}

	doneShape struct {
		At     describe.Place
		Action describe.Text `yaml:"action"`
		Folder describe.Text `yaml:"folder"`
	}

	operationShape struct {
		At        describe.Place
		Entity    describe.Text               `yaml:"entity"`
		Text      describe.Text               `yaml:"text"`
		Schema    describe.Text               `yaml:"schema"`
		Carries   describe.Text               `yaml:"carries"`
		Folder    describe.Text               `yaml:"folder"`
		File      describe.Text               `yaml:"file"`
		Format    describe.Text               `yaml:"format"`
		Encoding  describe.Text               `yaml:"encoding"`
		BOM       bool                        `yaml:"bom"`
		Delimiter describe.Text               `yaml:"delimiter"`
		Newline   describe.Text               `yaml:"newline"`
		Header    *bool                       `yaml:"header"`
		Rows      describe.Text               `yaml:"rows"`
		Columns   describe.Map[describe.Text] `yaml:"columns"`
		Zone      describe.Text               `yaml:"zone"`
		Marker    describe.Text               `yaml:"marker"`
		Batch     int                         `yaml:"batch"`
		Linger    time.Duration               `yaml:"linger"`
		Keep      *time.Duration              `yaml:"keep"`
		Journal   describe.Text               `yaml:"journal"`
	}
)

// names is one name or a list of them.
type names []describe.Text

// DecodeNode reads the short form beside the long one.
func (l *names) DecodeNode(d *describe.Decoder, n *yaml.Node, path string) {
	if n.Kind == yaml.ScalarNode {
		var one describe.Text
		d.Into(n, &one, path)
		*l = names{one}
		return
	}
	var list []describe.Text
	d.Into(n, &list, path)
	*l = list
}

func (l names) values() []string {
	var out []string
	for _, t := range l {
		out = append(out, t.Value)
	}
	return out
}

// columnShape is a header's text, or where the column is and how it is read.
type columnShape struct{ columnFields }

type columnFields struct {
	At       describe.Place
	Header   describe.Text `yaml:"header"`
	Position int           `yaml:"position"`
	As       describe.Text `yaml:"as"`
}

// DecodeNode reads the short form beside the long one.
func (c *columnShape) DecodeNode(d *describe.Decoder, n *yaml.Node, path string) {
	if n.Kind == yaml.ScalarNode {
		c.At = describe.Place{Line: n.Line, Column: n.Column, Path: path}
		d.Into(n, &c.Header, path)
		return
	}
	d.Into(n, &c.columnFields, path)
}
