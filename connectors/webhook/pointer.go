package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// pointer is a JSON pointer (RFC 6901); nil is none.
type pointer []string

func parsePointer(s string) (pointer, error) {
	if s == "" {
		return nil, nil
	}
	if s[0] != '/' {
		return nil, errors.New("a JSON pointer begins with /")
	}
	parts := strings.Split(s[1:], "/")
	for i, p := range parts {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(p), "~") {
			return nil, errors.New("in a JSON pointer ~ is written ~0, and / inside a name ~1")
		}
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
	}
	return parts, nil
}

func (p pointer) String() string {
	var b strings.Builder
	for _, s := range p {
		b.WriteString("/" + escape(s))
	}
	return b.String()
}

// find returns the value at the pointer, nil when there is none.
func (p pointer) find(tree any) any {
	for _, name := range p {
		switch t := tree.(type) {
		case map[string]any:
			tree = t[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(t) {
				return nil
			}
			tree = t[i]
		default:
			return nil
		}
	}
	return tree
}

// text reads an id: a text that is not empty, or a number letter for letter.
func (p pointer) text(tree any) (string, error) {
	switch v := p.find(tree).(type) {
	case string:
		if v != "" {
			return v, nil
		}
	case json.Number:
		return v.String(), nil
	}
	return "", fmt.Errorf("the body has no text or number at %s", p)
}

// version reads a whole number, in digits or as a number, or an RFC 3339 time, which
// becomes microseconds since 1970.
func (p pointer) version(tree any) (int64, error) {
	s, err := p.text(tree)
	if err != nil {
		return 0, err
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, fmt.Errorf("the version at %s is neither a whole number nor an RFC 3339 time", p)
	}
	return t.UnixMicro(), nil
}
