package mapper

import "sync"

// code computes a value of an expression; test answers a condition. Both are
// closures made once from the translated expression (generate.go) and are
// safe for concurrent use: what changes is in the machine.
type (
	code func(m *machine) (any, error)
	test func(m *machine) (bool, error)
)

// machine is the working memory of one run. It belongs to one session at a
// time and goes back to a pool, emptied, when the run ends.
type machine struct {
	f     *frame
	stack []any   // arguments of calls under way
	lets  []any   // values of let, by slot
	loops []cycle // loops under way, by nesting
	made  int     // list items the expression made, against maxExprMemory
	at    int     // the rune of the expression that runs; where an error stands

	shared []remembered // what is the same for the whole document, by slot
	spare  []*frame     // not in use

	objects []map[string]any // made by expressions, used again by the next run
	used    int              // how many of them this run has
}

// cycle is a loop's item and its number.
type cycle struct {
	item  any
	index int
}

// remembered is the result of a part of an expression, with what computing it
// spent: taking it again is charged the same, so that bounds do not depend on
// what happens to be remembered.
type remembered struct {
	v          any
	work, made int
	set        bool
}

var machines = sync.Pool{New: func() any { return new(machine) }}

// release empties the machine and hands it back.
func (m *machine) release() {
	const keep = 4096 // elements; a huge document's memory is let go
	if cap(m.stack)+cap(m.lets)+cap(m.loops)+cap(m.shared) > keep {
		return
	}
	m.f, m.made, m.at = nil, 0, 0
	clear(m.stack[:cap(m.stack)])
	clear(m.lets)
	clear(m.loops)
	clear(m.shared)
	m.stack = m.stack[:0]
	m.forget()
	machines.Put(m)
}

// maxObjects is how many objects are kept for the next run.
const maxObjects = 256

// object answers an empty object for a run that copies what goes into its
// result, so that none outlives the run.
func (m *machine) object(n int) map[string]any {
	if m.used == maxObjects {
		return make(map[string]any, n)
	}
	if m.used == len(m.objects) {
		m.objects = append(m.objects, make(map[string]any, n))
	}
	m.used++
	return m.objects[m.used-1]
}

// forget empties the objects of the run.
func (m *machine) forget() {
	const size = 32
	for i, o := range m.objects[:m.used] {
		if len(o) > size {
			m.objects[i] = make(map[string]any, size)
			continue
		}
		clear(o)
	}
	m.used = 0
}

// errShape stands for a value that an expression does not expect, where no
// function or operator of ours says what is wrong.
var errShape = &fault{code: CodeValue, text: "the expression cannot be computed for this document", hint: "a value has a type the expression does not expect"}

var errMemory = &fault{code: CodeLimit, text: "the expression builds lists that are too long"}

// grow charges a list or an object that an expression builds.
func (m *machine) grow(n int) error {
	if m.made += n; m.made >= maxExprMemory {
		return errMemory
	}
	return nil
}

// run computes an expression at a frame.
func (m *machine) run(e *expression, f *frame) (v any, err error) {
	defer func() {
		// The functions are ours, the libraries below them are not.
		if r := recover(); r != nil {
			v, err = nil, errShape
		}
	}()
	m.f, m.made, m.at = f, 0, 0
	m.stack = m.stack[:0]
	if len(m.lets) < e.lets {
		m.lets = make([]any, e.lets+8)
	}
	if len(m.loops) < e.loops {
		m.loops = make([]cycle, e.loops+4)
	}
	return e.code(m)
}
