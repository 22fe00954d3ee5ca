package schemas

import (
	"encoding/json"
	"regexp"
	"strconv"
	"unicode/utf8"

	"github.com/xeipuuv/gojsonschema"

	"github.com/minihub/minihub/schemas/codec"
)

// check is the short way to yes. The library takes 70 to 90 µs to find that an
// order fits, most of a message's time in the hub; check takes a tenth. It
// knows the keywords that nearly all schemas are made of, and it only ever says
// "surely fits". Whatever it does not know, and whatever does not fit, goes to
// the library, which stays the judge and words the violations.
type check struct {
	unsure bool // holds a keyword the short way does not know

	text, number, integer, boolean, null, object, array bool

	words              map[string]bool // enum of strings
	minLength          int
	maxLength          int // -1: no limit
	pattern            *regexp.Regexp
	format             string
	minimum            int64
	maximum            int64
	bounded            bool
	required           []string
	fields             map[string]*check
	others             *check // of additionalProperties; nil: anything
	closed             bool
	items              *check
	minItems, maxItems int // maxItems -1: no limit
	all                []*check
}

func newCheck(n *node, known map[*node]*check) *check {
	if n.ref != nil {
		return newCheck(n.ref, known) // beside a $ref only annotations count
	}
	if c, ok := known[n]; ok {
		return c
	}
	c := &check{maxLength: -1, maxItems: -1}
	known[n] = c
	m, ok := n.clean.(map[string]any)
	if !ok {
		c.unsure = n.never
		c.kinds(nil)
		return c
	}
	c.kinds(n.types)
	for key, v := range m {
		c.keyword(n, key, v, known)
	}
	return c
}

func (c *check) kinds(types []string) {
	if len(types) == 0 {
		types = []string{"string", "number", "boolean", "null", "object", "array"}
	}
	for _, t := range types {
		switch t {
		case "string":
			c.text = true
		case "number":
			c.number, c.integer = true, true
		case "integer":
			c.integer = true
		case "boolean":
			c.boolean = true
		case "null":
			c.null = true
		case "object":
			c.object = true
		case "array":
			c.array = true
		}
	}
}

func (c *check) keyword(n *node, key string, v any, known map[*node]*check) {
	switch key {
	case "type", "definitions":
	case "enum":
		c.words = map[string]bool{}
		for _, allowed := range n.enum {
			word, ok := allowed.(string)
			c.words[word], c.unsure = true, c.unsure || !ok
		}
	case "minLength":
		c.minLength = c.size(v)
	case "maxLength":
		c.maxLength = c.size(v)
	case "minItems":
		c.minItems = c.size(v)
	case "maxItems":
		c.maxItems = c.size(v)
	case "minimum", "maximum":
		c.bound(key, v)
	case "pattern":
		c.pattern = regexp.MustCompile(v.(string)) // the loader has compiled it before
	case "format":
		c.format = v.(string)
	case "required":
		c.required = n.required
	case "properties":
		c.fields = map[string]*check{}
		for name, child := range n.properties {
			c.fields[name] = newCheck(child, known)
		}
	case "additionalProperties":
		if n.additional.never {
			c.closed = true
		} else {
			c.others = newCheck(n.additional, known)
		}
	case "items":
		if n.items == nil {
			c.unsure = true
			return
		}
		c.items = newCheck(n.items, known)
	case "allOf":
		for _, child := range n.allOf {
			c.all = append(c.all, newCheck(child, known))
		}
	default:
		c.unsure = true
	}
}

func (c *check) size(v any) int {
	n, ok := whole(v)
	c.unsure = c.unsure || !ok || n > 1<<31
	return int(n)
}

func (c *check) bound(key string, v any) {
	n, ok := whole(v)
	if !c.bounded {
		c.bounded, c.minimum, c.maximum = true, -1<<63, 1<<63-1
	}
	if key == "minimum" {
		c.minimum = n
	} else {
		c.maximum = n
	}
	c.unsure = c.unsure || !ok
}

// whole reads an integer written without fraction or exponent; others it leaves
// to the library.
func whole(v any) (int64, bool) {
	number, ok := v.(json.Number)
	if !ok || !codec.IsTree(number) {
		return 0, false
	}
	n, err := strconv.ParseInt(string(number), 10, 64)
	return n, err == nil
}

// accepts tells that v surely fits. Only true trees are ever accepted.
func (c *check) accepts(v any, depth int) bool {
	if c.unsure || depth > codec.MaxDepth {
		return false
	}
	for _, other := range c.all {
		if !other.accepts(v, depth) {
			return false
		}
	}
	switch v := v.(type) {
	case string:
		return c.text && c.acceptsText(v)
	case json.Number:
		return c.words == nil && c.acceptsNumber(v)
	case map[string]any:
		return c.object && c.words == nil && c.acceptsObject(v, depth)
	case []any:
		return c.array && c.words == nil && c.acceptsArray(v, depth)
	case bool:
		return c.boolean && c.words == nil
	case nil:
		return c.null && c.words == nil
	}
	return false
}

func (c *check) acceptsText(s string) bool {
	if c.words != nil && !c.words[s] {
		return false
	}
	// A text has at most as many characters as bytes, and at least a quarter.
	if c.maxLength >= 0 && len(s) > c.maxLength && utf8.RuneCountInString(s) > c.maxLength {
		return false
	}
	if c.minLength > 0 && (len(s) < c.minLength || len(s) < 4*c.minLength && utf8.RuneCountInString(s) < c.minLength) {
		return false
	}
	if c.pattern != nil && !c.pattern.MatchString(s) {
		return false
	}
	return c.format == "" || gojsonschema.FormatCheckers.IsFormat(c.format, s)
}

func (c *check) acceptsNumber(v json.Number) bool {
	if !c.integer {
		return false
	}
	if n, ok := whole(v); ok {
		return !c.bounded || n >= c.minimum && n <= c.maximum
	}
	return c.number && !c.bounded && codec.IsTree(v)
}

func (c *check) acceptsObject(m map[string]any, depth int) bool {
	for _, name := range c.required {
		if _, ok := m[name]; !ok {
			return false
		}
	}
	for name, child := range m {
		next, ok := c.fields[name]
		switch {
		case ok:
		case c.closed:
			return false
		case c.others == nil:
			if !codec.IsTree(child) {
				return false
			}
			continue
		default:
			next = c.others
		}
		if !next.accepts(child, depth+1) {
			return false
		}
	}
	return true
}

func (c *check) acceptsArray(list []any, depth int) bool {
	if len(list) < c.minItems || c.maxItems >= 0 && len(list) > c.maxItems {
		return false
	}
	for _, item := range list {
		if c.items == nil {
			if !codec.IsTree(item) {
				return false
			}
		} else if !c.items.accepts(item, depth+1) {
			return false
		}
	}
	return true
}
