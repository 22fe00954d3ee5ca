package trytonsim

import (
	"cmp"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// match tells whether a record fits a domain: clauses [field, operator, value],
// lists of them joined by AND unless they begin with "OR".
func (s *Sim) match(name string, r *row, domain []any, ctx object) (bool, *fail) {
	if len(domain) == 0 {
		return true, nil
	}
	if first, ok := domain[0].(string); ok && first != "AND" && first != "OR" {
		return s.clause(name, r, domain, ctx)
	}
	either := domain[0] == "OR"
	if _, word := domain[0].(string); word {
		domain = domain[1:]
	}
	for _, part := range domain {
		list, ok := part.([]any)
		if !ok {
			return false, unexpected("a domain is made of lists, not of %v", part)
		}
		yes, f := s.match(name, r, list, ctx)
		if f != nil {
			return false, f
		}
		if yes == either {
			return either, nil
		}
	}
	return !either, nil
}

var operators = []string{"=", "!=", "<", "<=", ">", ">=", "in", "not in", "like", "not like", "ilike", "not ilike", "child_of", "where"}

func (s *Sim) clause(name string, r *row, clause []any, ctx object) (bool, *fail) {
	if len(clause) < 3 {
		return false, unexpected("not enough values to unpack (expected 3, got %d)", len(clause))
	}
	path, _ := clause[0].(string)
	op, _ := clause[1].(string)
	if !slices.Contains(operators, op) {
		return false, unexpected("Invalid operator %v", clause[1])
	}
	first, rest, dotted := strings.Cut(path, ".")
	v, f := s.get(name, r, first, ctx)
	if f != nil {
		return false, f
	}
	fd := s.models[name].fields[first]
	var targets []int
	switch v := v.(type) {
	case []int:
		targets = v
	case int:
		if fd.target != "" {
			targets = []int{v}
		}
	}
	if fd.target == "" && dotted {
		return false, unexpected("'%s'", path)
	}
	switch {
	case dotted || op == "where":
		inner, _ := clause[2].([]any)
		if op != "where" {
			inner = append([]any{rest}, clause[1:]...)
		}
		return s.anyOf(fd.target, targets, inner, ctx)
	case fd.target != "" && isText(clause[2]):
		return s.anyOf(fd.target, targets, append([]any{"rec_name"}, clause[1:]...), ctx)
	case fd.kind == one2many || fd.kind == many2many:
		return among(targets, op, clause[2]), nil
	}
	return compare(v, op, clause[2]), nil
}

func isText(v any) bool { _, ok := v.(string); return ok }

func (s *Sim) anyOf(target string, ids []int, inner []any, ctx object) (bool, *fail) {
	for _, id := range ids {
		r := s.tables[target].rows[id]
		if r == nil {
			continue
		}
		yes, f := s.match(target, r, inner, ctx)
		if f != nil || yes {
			return yes, f
		}
	}
	return false, nil
}

func among(ids []int, op string, want any) bool {
	if want == nil {
		return (op == "=") == (len(ids) == 0)
	}
	wanted, _ := asInts(want)
	has := slices.ContainsFunc(ids, func(id int) bool { return slices.Contains(wanted, id) })
	return has != strings.Contains(op, "not") && op != "!=" || op == "!=" && !has
}

// compare applies an operator as the database would: null is not below or above
// anything, and unequal to every value.
func compare(have any, op string, want any) bool {
	switch op {
	case "=":
		return equal(have, want)
	case "!=":
		return !equal(have, want)
	case "in", "not in", "child_of":
		list, ok := want.([]any)
		if !ok {
			list = []any{want}
		}
		return slices.ContainsFunc(list, func(w any) bool { return equal(have, w) }) == (op != "not in")
	case "like", "ilike", "not like", "not ilike":
		text, ok := have.(string)
		pattern, _ := want.(string)
		if !ok {
			return strings.HasPrefix(op, "not")
		}
		if strings.HasSuffix(op, "ilike") {
			text, pattern = strings.ToLower(text), strings.ToLower(pattern)
		}
		return like([]rune(text), []rune(pattern)) != strings.HasPrefix(op, "not")
	}
	n, ok := order(have, want)
	if !ok {
		return false
	}
	switch op {
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	}
	return n >= 0
}

func equal(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if x, ok := a.(int); ok { // ids, of which a search compares very many
		if text, ok := b.(json.Number); ok {
			if y, err := strconv.Atoi(text.String()); err == nil {
				return x == y
			}
		}
	}
	n, ok := order(a, b)
	return ok && n == 0
}

// order compares two values of one kind.
func order(a, b any) (int, bool) {
	if x, ok := number(a); ok {
		y, ok := number(b)
		if !ok {
			return 0, false
		}
		return x.Cmp(y), true
	}
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return strings.Compare(a, b), ok
	case bool:
		b, ok := b.(bool)
		if a == b {
			return 0, ok
		}
		return 1, ok
	case dateValue:
		b, ok := b.(dateValue)
		return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(a.M, b.M), cmp.Compare(a.D, b.D)), ok
	case time.Time:
		b, ok := b.(time.Time)
		return a.Truncate(time.Microsecond).Compare(b), ok
	}
	return 0, false
}

func number(v any) (*big.Rat, bool) {
	switch v := v.(type) {
	case int:
		return new(big.Rat).SetInt64(int64(v)), true
	case float64:
		r := new(big.Rat).SetFloat64(v)
		return r, r != nil
	case json.Number:
		r, err := parseDecimal(v.String())
		return r, err == nil
	case decimalValue:
		r, err := parseDecimal(string(v))
		return r, err == nil
	}
	return nil, false
}

// like matches an SQL pattern: % is any text, _ any character, \ takes the next one as it is.
func like(text, pattern []rune) bool {
	star, retry := -1, 0 // the last % and where its text may go on
	i, j := 0, 0
	for i < len(text) {
		step := 1
		switch {
		case j == len(pattern):
			step = 0
		case pattern[j] == '%':
			star, retry = j, i
			j++
			continue
		case pattern[j] == '\\' && j+1 < len(pattern):
			if step = 2; pattern[j+1] != text[i] {
				step = 0
			}
		case pattern[j] != '_' && pattern[j] != text[i]:
			step = 0
		}
		if step > 0 {
			i, j = i+1, j+step
			continue
		}
		if star < 0 {
			return false
		}
		retry++
		i, j = retry, star+1
	}
	for j < len(pattern) && pattern[j] == '%' {
		j++
	}
	return j == len(pattern)
}

// candidates narrows a search by an indexed clause at the top of its domain.
func (s *Sim) candidates(name string, domain []any) []int {
	t := s.tables[name]
	clauses := [][]any{domain}
	if len(domain) > 0 && !isText(domain[0]) {
		clauses = nil
		for _, part := range domain {
			if list, ok := part.([]any); ok {
				clauses = append(clauses, list)
			}
		}
	}
	for _, c := range clauses {
		if len(c) != 3 || c[1] != "=" || c[2] == nil {
			continue
		}
		fieldName, _ := c[0].(string)
		f := t.model.fields[fieldName]
		if f == nil || f.compute != nil {
			continue
		}
		if n, ok := asInt(c[2]); ok && f.kind == many2one {
			return s.where(name, fieldName, n)
		}
		if text, ok := c[2].(string); ok && f.indexed {
			return s.where(name, fieldName, text)
		}
	}
	return t.ids()
}
