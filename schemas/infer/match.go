package infer

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// source is a field of the sample documents that is looked at as a whole: plain values, or
// what no row can read by itself.
type source struct {
	path  []string
	n     *seen
	taken bool
}

func (s *source) name() string { return s.path[len(s.path)-1] }

// listSource is a list of objects in the sample documents.
type listSource struct {
	path []string
	n    *seen // the items
}

// sourcesOf lists what an object holds, in order.
func sourcesOf(n *seen, path []string) (fields []*source, lists []*listSource) {
	for _, key := range slices.Sorted(maps.Keys(n.fields)) {
		f := n.fields[key]
		at := append(slices.Clone(path), key)
		switch {
		case f.maps > 0 && f.lists == 0 && f.scalars() == 0:
			inner, more := sourcesOf(f, at)
			fields, lists = append(fields, inner...), append(lists, more...)
		case f.lists > 0 && f.items != nil && f.items.maps > 0 && f.maps == 0 && f.scalars() == 0:
			lists = append(lists, &listSource{at, f.items})
		default:
			fields = append(fields, &source{path: at, n: f})
		}
	}
	return fields, lists
}

// pairing is a guess: this target from that source.
type pairing struct {
	t     *target
	s     *source
	score int
	named bool // the name speaks for it
	value bool // the values speak for it
	row   string
}

// Scores. A name that is exactly one of the known ones is enough; a part of one needs help
// from the values or from where it stands.
const (
	exactName  = 6
	partOfName = 3
	inPlace    = 2
	rightValue = 2
	enough     = 5
)

// match pairs targets with sources, the surest first, each source once.
func match(targets []*target, sources []*source) map[*target]*pairing {
	var all []*pairing
	for _, t := range targets {
		for _, s := range sources {
			if p := pair(t, s); p != nil && p.score >= enough {
				all = append(all, p)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *pairing) int {
		return cmp.Or(b.score-a.score, boolOrder(b.t.required)-boolOrder(a.t.required), a.t.order-b.t.order, slices.Compare(a.s.path, b.s.path))
	})
	out := map[*target]*pairing{}
	for _, p := range all {
		if out[p.t] == nil && !p.s.taken {
			out[p.t], p.s.taken = p, true
		}
	}
	// By value alone, where it is the only one that fits.
	for _, t := range targets {
		if out[t] != nil || !(t.required && (t.want == wantMoment || t.want == wantMoney) || t.path == "ship_to.phone" || t.path == "phone") {
			continue
		}
		var only []*pairing
		for _, s := range sources {
			if p := pair(t, s); !s.taken && p != nil && p.value && !elsewhere(t, s) {
				only = append(only, p)
			}
		}
		if len(only) == 1 {
			out[t], only[0].s.taken = only[0], true
		}
	}
	return out
}

func boolOrder(b bool) int {
	if b {
		return 1
	}
	return 0
}

// pair weighs one target against one source; nil when the values cannot be it.
func pair(t *target, s *source) *pairing {
	row, value, ok := conversion(t, s)
	if !ok {
		return nil
	}
	p := &pairing{t: t, s: s, row: row, value: value}
	named := nameScore(t, s)
	if named > 0 && elsewhere(t, s) {
		return nil
	}
	p.named = named > 0
	p.score = named
	if value {
		p.score += rightValue
	}
	if named > 0 && t.parent != "" && t.parent != "lines" && len(about[t.parent]) > 0 && stands(s, about[t.parent]) {
		p.score += inPlace
	}
	if named > 0 && t.parent == "" && len(s.path) > 1 {
		p.score--
	}
	return p
}

// nameScore says how much the name speaks for the pair, alone or with what holds it.
func nameScore(t *target, s *source) int {
	names := []string{plain(s.name())}
	if len(s.path) > 1 {
		names = append(names, plain(s.path[len(s.path)-2]+s.name()))
	}
	best := 0
	for _, p := range names {
		if p == plain(t.name) {
			best = max(best, exactName)
		}
		for i, a := range aliases[t.name] {
			switch {
			case p == a && i < 8 || p == a && !isASCII(a):
				best = max(best, exactName)
			case p == a:
				best = max(best, exactName-1)
			case (len(a) >= 5 || !isASCII(a) && len(a) >= 6) && (strings.HasSuffix(p, a) || strings.HasPrefix(p, a) && !isASCII(a)):
				best = max(best, partOfName)
			}
		}
	}
	// A name on the line is a title; a name elsewhere is a person's only where people are.
	if t.name == "recipient" && names[0] == "name" && !stands(s, about["ship_to"]) {
		return 0
	}
	return best
}

func stands(s *source, words []string) bool {
	path := strings.ToLower(strings.Join(s.path, "."))
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(path, w) })
}

// elsewhere says whether the source stands in a part of the document that is about
// something else.
func elsewhere(t *target, s *source) bool {
	if stands(s, []string{"sender", "shipper", "seller", "寄件", "发件", "invoice", "fapiao", "发票", "refund", "return", "退"}) &&
		!stands(&source{path: []string{t.path, t.name}}, []string{"seller", "refund", "return", "invoice"}) {
		return true
	}
	switch t.parent {
	case "buyer":
		return stands(s, about["ship_to"]) || !slices.Contains([]string{"openid", "unionid", "nickname", "member_no"}, t.name) && !stands(s, about["buyer"])
	case "delivery", "return_shipment":
		return !stands(s, about[t.parent])
	case "ship_to":
		return stands(s, about["buyer"]) && len(s.path) > 1 && !stands(s, about["ship_to"])
	}
	return false
}
