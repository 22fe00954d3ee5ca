package mapper

import (
	"crypto/sha256"
	"encoding/hex"
	"sort"
)

// Options says what a mapping is compiled against.
type Options struct {
	// Input and Output are the shapes of the two documents; nil where unknown.
	Input, Output Shape
	// Lookups are the tables lookups read, at compile time (do they exist?)
	// and at run time (the entries). nil accepts any table name, and a run
	// then needs Context.Lookups.
	Lookups Tables
	// Context declares context values beyond key, store, source and links, and
	// gives the shapes of any of them.
	Context map[string]Shape
	// Shapes finds the shapes by the names the file gives under input: and
	// output:, where Input and Output are not given. A name it does not know
	// is a problem. May be nil.
	Shapes func(name string) (Shape, bool)
}

// Program is a compiled mapping, safe for concurrent use.
type Program struct {
	name, title, input, output string
	version                    string
	rows                       []*row
	width                      int // how many fields the rows set at most
	targets, sources, used     []string
	tables                     Tables
	zones                      *zoneCache
}

// Name is the name given to Compile, usually the file's path.
func (p *Program) Name() string { return p.name }

// Title is the text under mapping: in the file.
func (p *Program) Title() string { return p.title }

// Input is the schema name of what the mapping reads; like Output empty where the file
// declares none.
func (p *Program) Input() string { return p.input }

// Output is the schema name of what the mapping writes.
func (p *Program) Output() string { return p.output }

// Version is a short hash of the file's content; the ledger keeps it with
// every document mapped.
func (p *Program) Version() string { return p.version }

// Targets lists the output paths the rows set, such as lines[].qty, sorted.
func (p *Program) Targets() []string { return append([]string(nil), p.targets...) }

// Sources lists the input paths and context values the mapping reads, sorted.
func (p *Program) Sources() []string { return append([]string(nil), p.sources...) }

// Tables lists the lookup tables the mapping reads, sorted.
func (p *Program) Tables() []string { return append([]string(nil), p.used...) }

func contentHash(src []byte) string {
	sum := sha256.Sum256(src)
	return hex.EncodeToString(sum[:6])
}

func sortedKeys(set map[string]bool) []string {
	keys := make([]string, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// row is a compiled row.
type row struct {
	at     spot
	file   string
	target []string // its steps
	name   string   // the steps with points between them
	source string   // path or expression, for errors

	when *expression
	each *expression

	value     any         // a constant, with isConst
	isConst   bool        //
	from      *path       //
	expr      *expression //
	exprText  *text       // where expr stands in the file, for error places
	whenText  *text
	eachText  *text
	converts  []converter
	choices   map[string]any // map
	hasMap    bool
	known     string // the map's keys, for the error
	otherwise *constant
	table     string
	onMissing string

	def         *constant
	required    bool
	omitEmpty   bool
	appends     bool
	alternative bool // an earlier row has the same target
	fresh       bool // the value is a new list or object that nothing else holds
	fields      []*row
	width       int // how many fields they set at most
	hasFields   bool
}

// widthOf counts the fields that rows set in the document they fill.
func widthOf(rows []*row) int {
	names := map[string]bool{}
	for _, r := range rows {
		names[r.target[0]] = true
	}
	return len(names)
}

// converter is one step of a row's convert chain.
type converter struct {
	fn   *Function
	args []any // with a hole at fn.slot for the value
	at   spot
	text string
}
