package mapper

import "github.com/expr-lang/expr/ast"

// Mappings say the same thing in several rows: what a line costs and what was
// taken off it start from the same list of prices. A part of an expression
// that depends on nothing but the document is computed once in a run, one that
// depends on the item of its rows once for that item. Functions have no
// effects, so this cannot be seen from outside; what a part spent is charged
// again each time it is taken (remembered).

// memoTable numbers the remembered parts of a document or of an item.
type memoTable struct {
	slots map[int]int // id of the part -> slot
}

func (t *memoTable) slot(id int) int {
	if t.slots == nil {
		t.slots = map[int]int{}
	}
	i, known := t.slots[id]
	if !known {
		i = len(t.slots)
		t.slots[id] = i
	}
	return i
}

// worthwhile says whether remembering could pay at all.
func (f facts) worthwhile() bool { return f.loops == 0 && !f.live && f.cost >= 2 }

// id numbers the parts of all expressions by what they compute.
func (u *usage) id(key string) int {
	id, known := u.ids[key]
	if !known {
		id = len(u.ids) + 1
		u.ids[key] = id
	}
	return id
}

// note counts a part. In a loop, or at every item though it depends on the
// document alone, it runs more than once.
func (u *usage) note(sc *scope, f facts, depth int) {
	if !f.worthwhile() {
		return
	}
	u.times[f.id]++
	if depth > 0 || !f.frame && sc.up != nil {
		u.times[f.id]++
	}
}

// remember answers how often a part is wanted, if it is worth remembering:
// more often than the remembered part that it stands in.
func (g *generator) remember(n ast.Node) (facts, bool) {
	f, known := g.nodes[n]
	return f, known && f.worthwhile() && g.sc.used.times[f.id] > g.within
}

func (g *generator) memoCode(n ast.Node) code {
	f, worth := g.remember(n)
	if !worth {
		return g.plain(n)
	}
	outer := g.within
	g.within = g.sc.used.times[f.id]
	c := g.plain(n)
	g.within = outer
	if !f.frame {
		return remembering(g.sc.used.shared, f.id, c)
	}
	return rememberingItem(g.sc.memo, f.id, c)
}

func (g *generator) memoTest(n ast.Node, at int) test {
	if _, worth := g.remember(n); !worth {
		return g.plainTest(n, at)
	}
	c := g.memoCode(n)
	return func(m *machine) (bool, error) { return boolOf(m, c, at) }
}

// remembering keeps c's value for the rest of the run.
func remembering(t *memoTable, id int, c code) code {
	slot := t.slot(id)
	return func(m *machine) (any, error) {
		if slot >= len(m.shared) {
			grown := make([]remembered, max(len(t.slots), slot+1))
			copy(grown, m.shared)
			m.shared = grown
		}
		if m.shared[slot].set && m.affords(&m.shared[slot]) {
			return m.shared[slot].v, nil
		}
		r, err := m.record(c)
		if err == nil {
			m.shared[slot] = r
		}
		return r.v, err
	}
}

// rememberingItem keeps c's value for the rest of the frame.
func rememberingItem(t *memoTable, id int, c code) code {
	slot := t.slot(id)
	return func(m *machine) (any, error) {
		f := m.f
		if slot >= len(f.memo) {
			grown := make([]remembered, max(len(t.slots), slot+1))
			copy(grown, f.memo)
			f.memo = grown
		}
		if f.memo[slot].set && m.affords(&f.memo[slot]) {
			return f.memo[slot].v, nil
		}
		r, err := m.record(c)
		if err == nil {
			f.memo[slot] = r
		}
		return r.v, err
	}
}

// affords charges what computing a remembered value cost. Where that is too
// much it charges nothing: computing it anew fails at the right place.
func (m *machine) affords(r *remembered) bool {
	if m.f.s.work+r.work > maxWork || m.made+r.made >= maxExprMemory {
		return false
	}
	m.f.s.work += r.work
	m.made += r.made
	return true
}

// record computes a value and what that spent.
func (m *machine) record(c code) (remembered, error) {
	work, made := m.f.s.work, m.made
	v, err := c(m)
	if err != nil {
		return remembered{}, err
	}
	return remembered{v: v, work: m.f.s.work - work, made: m.made - made, set: true}, nil
}
