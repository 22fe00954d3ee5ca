package schemas

import (
	"strconv"
	"strings"
)

func escape(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
}

// pointers makes the true JSON pointer of a place, and the one to show: keys
// the schema does not name may be data, a phone number for instance, and are
// shown only when they look like field names.
func pointers(shape Shape, tokens []string) (place, shown string) {
	var a, b strings.Builder
	for _, token := range tokens {
		a.WriteString("/" + escape(token))
		next, named := step1(shape, token)
		if !named && !looksLikeName(token) {
			token = "*"
		}
		b.WriteString("/" + escape(token))
		shape = next
	}
	return a.String(), b.String()
}

// step1 goes one token down; ok tells whether the schema names the token.
func step1(shape Shape, token string) (next Shape, ok bool) {
	if shape == nil {
		return nil, false
	}
	if next, ok := shape.Field(token); ok {
		return next, contains(shape.Fields(), token)
	}
	if _, err := strconv.Atoi(token); err == nil {
		if next, ok := shape.Elem(); ok {
			return next, true
		}
	}
	return nil, false
}

func shapeAt(shape Shape, tokens []string) Shape {
	for _, token := range tokens {
		shape, _ = step1(shape, token)
	}
	return shape
}

func contains(list []string, want string) bool {
	for _, s := range list {
		if s == want {
			return true
		}
	}
	return false
}

// looksLikeName accepts short ASCII names and array indexes; a run of five
// digits may be part of a number that belongs to a person.
func looksLikeName(s string) bool {
	if s == "" || len(s) > 40 {
		return false
	}
	run := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			if run++; run >= 5 {
				return false
			}
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == '-', c == '$', c == '@':
			run = 0
		default:
			return false
		}
	}
	return true
}

// nearest finds the name that a misspelt word most likely means, or nothing.
func nearest(word string, names []string) string {
	best, bestAt := "", 1+min(3, max(1, len(word)/2))
	for _, name := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(name)); d < bestAt || d == bestAt && best != "" && name < best {
			best, bestAt = name, d
		}
	}
	return best
}

// distance counts the letters to add, drop or change between two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
