package sqldb

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors/internal/describe"
)

// Kind is the kind of the files that this package reads.
const Kind = "sql"

// description is a whole file.
type description struct {
	At         describe.Place
	Kind       describe.Text                     `yaml:"kind"`
	Driver     describe.Text                     `yaml:"driver"`
	Title      string                            `yaml:"title"`
	Role       describe.Text                     `yaml:"role"`
	Text       string                            `yaml:"text"`
	Docs       string                            `yaml:"docs"`
	Streams    describe.Map[streamDescription]   `yaml:"streams"`
	Operations describe.Map[operationDescribing] `yaml:"operations"`
}

// streamDescription is a table to read.
type streamDescription struct {
	At          describe.Place
	Entity      describe.Text                     `yaml:"entity"`
	Text        string                            `yaml:"text"`
	Schema      string                            `yaml:"schema"`
	Table       describe.Text                     `yaml:"table"`
	Select      describe.Text                     `yaml:"select"`
	Key         []describe.Text                   `yaml:"key"`
	Root        *rootDescription                  `yaml:"root"`
	Also        describe.Text                     `yaml:"also"`
	Version     describe.Text                     `yaml:"version"`
	Deleted     *valuesOf                         `yaml:"deleted"`
	Incremental *incrementalDescription           `yaml:"incremental"`
	Rising      *risingDescription                `yaml:"rising"`
	Rescan      *rescanDescription                `yaml:"rescan"`
	Page        int                               `yaml:"page"`
	Columns     describe.Map[columnDescription]   `yaml:"columns"`
	Omit        []describe.Text                   `yaml:"omit"`
	Children    describe.Map[childrenDescription] `yaml:"children"`
	List        *listDescription                  `yaml:"list"`
}

type rootDescription struct {
	At     describe.Place
	Entity describe.Text `yaml:"entity"`
	Column describe.Text `yaml:"column"`
}

// valuesOf is a column and the values that mean something.
type valuesOf struct {
	At     describe.Place
	Column describe.Text   `yaml:"column"`
	Values []describe.Text `yaml:"values"`
}

type incrementalDescription struct {
	At       describe.Place
	Column   describe.Text `yaml:"column"`
	Type     describe.Text `yaml:"type"` // time, unix, unix_ms
	Zone     describe.Text `yaml:"zone"`
	WhenNull describe.Text `yaml:"when_null"`
	Grain    time.Duration `yaml:"grain"`
	Overlap  time.Duration `yaml:"overlap"`
	Delay    time.Duration `yaml:"delay"`
	Span     time.Duration `yaml:"span"`
}

type risingDescription struct {
	At      describe.Place
	Column  describe.Text `yaml:"column"`
	Overlap time.Duration `yaml:"overlap"`
}

type rescanDescription struct {
	At      describe.Place
	Status  describe.Text   `yaml:"status"`
	Final   []describe.Text `yaml:"final"`
	Rising  describe.Text   `yaml:"rising"`
	Overlap time.Duration   `yaml:"overlap"`
}

// columnDescription says how one column is read.
type columnDescription struct {
	At      describe.Place
	As      describe.Text `yaml:"as"`
	Charset describe.Text `yaml:"charset"`
	Zone    describe.Text `yaml:"zone"`
	Zero    describe.Text `yaml:"zero"`
	Clean   describe.Text `yaml:"clean"`
}

// childrenDescription is a table whose rows are nested into their parent's document.
type childrenDescription struct {
	At       describe.Place
	Table    describe.Text                     `yaml:"table"`
	Select   describe.Text                     `yaml:"select"`
	On       describe.Map[describe.Text]       `yaml:"on"` // child column: parent column
	Order    []describe.Text                   `yaml:"order"`
	Single   bool                              `yaml:"single"`
	Columns  describe.Map[columnDescription]   `yaml:"columns"`
	Omit     []describe.Text                   `yaml:"omit"`
	Children describe.Map[childrenDescription] `yaml:"children"`
}

// listDescription tells reconciliation where the facts stand.
type listDescription struct {
	At       describe.Place
	Time     describe.Text                 `yaml:"time"`
	Type     describe.Text                 `yaml:"type"`
	Zone     describe.Text                 `yaml:"zone"`
	By       describe.Text                 `yaml:"by"`
	Status   describe.Text                 `yaml:"status"`
	Statuses describe.Map[[]describe.Text] `yaml:"statuses"` // open, cancelled, closed: values
	Amount   describe.Text                 `yaml:"amount"`
	Currency describe.Text                 `yaml:"currency"`
	Digits   *int                          `yaml:"digits"`
	Lines    describe.Text                 `yaml:"lines"`
	Store    describe.Text                 `yaml:"store"`
}

// operationDescribing is a table to write.
type operationDescribing struct {
	At       describe.Place
	Entity   describe.Text                 `yaml:"entity"`
	Text     string                        `yaml:"text"`
	Schema   string                        `yaml:"schema"`
	Action   describe.Text                 `yaml:"action"` // upsert, insert, update, delete
	Carries  describe.Text                 `yaml:"carries"`
	Undoes   describe.Text                 `yaml:"undoes"`
	Table    describe.Text                 `yaml:"table"`
	Key      describe.Map[fromDescription] `yaml:"key"`
	Columns  describe.Map[fromDescription] `yaml:"columns"`
	Version  describe.Text                 `yaml:"version"`
	OnlyIf   *valuesOf                     `yaml:"only_if"`
	Returns  []describe.Text               `yaml:"returns"`
	Children describe.Map[childrenOfWrite] `yaml:"children"`
	List     *listDescription              `yaml:"list"`
	KeyRule  *struct {
		At      describe.Place
		MaxLen  int           `yaml:"max_len"`
		Pattern describe.Text `yaml:"pattern"`
		Text    string        `yaml:"text"`
	} `yaml:"key_rule"`
	Timeout time.Duration `yaml:"timeout"`
}

// childrenOfWrite is a child table to write: the rows of a list in the document.
type childrenOfWrite struct {
	At      describe.Place
	Table   describe.Text                 `yaml:"table"`
	From    describe.Text                 `yaml:"from"`
	On      describe.Map[describe.Text]   `yaml:"on"`
	Key     describe.Map[fromDescription] `yaml:"key"`
	Columns describe.Map[fromDescription] `yaml:"columns"`
}

// fromDescription says where the value of a column comes from: a JSON pointer, $key for
// the remote key, or a fixed value. `column: /pointer` is its short form.
type fromDescription struct {
	At       describe.Place
	From     describe.Text `yaml:"from"`
	Value    describe.Text `yaml:"value"`
	Required bool          `yaml:"required"`
	Charset  describe.Text `yaml:"charset"`
	Zone     describe.Text `yaml:"zone"`
}

// DecodeNode reads the short and the long form.
func (f *fromDescription) DecodeNode(d *describe.Decoder, n *yaml.Node, path string) {
	if n.Kind == yaml.ScalarNode {
		f.At = describe.Place{Line: n.Line, Column: n.Column, Path: path}
		d.Into(n, &f.From, path)
		return
	}
	type long fromDescription // without this method
	d.Into(n, (*long)(f), path)
}
