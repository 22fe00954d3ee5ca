package salesforcesim

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

var (
	numberText = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	emailText  = regexp.MustCompile(`^[^\s@<>(),;:"]+@[^\s@<>(),;:".]+(\.[^\s@<>(),;:".]+)+$`)
)

const readLayout = "2006-01-02T15:04:05.000-0700"

// writeLayouts are the date-time forms a write accepts.
var writeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700"}

func parseDateTime(s string) (time.Time, bool) {
	for _, l := range writeLayouts {
		if t, err := time.Parse(l, s); err == nil {
			return t.UTC().Truncate(time.Millisecond), true
		}
	}
	return time.Time{}, false
}

// decode turns a JSON value into what the field stores: text, json.Number, bool, or
// nil for empty. An ill-typed value breaks the request, not the row, since it
// already breaks the parser.
func (f *Field) decode(v any) (any, *apiError) {
	if v == nil {
		return nil, nil
	}
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	switch f.Type {
	case Boolean:
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case Currency, Double, Int:
		if isNumber {
			return number, nil
		}
	case Date:
		if d, err := time.Parse(time.DateOnly, text); isText && err == nil {
			return d.Format(time.DateOnly), nil
		}
	case DateTime:
		if t, ok := parseDateTime(text); isText && ok {
			return t.Format(readLayout), nil
		}
	default:
		if isText {
			if text = strings.TrimSpace(text); text == "" {
				return nil, nil
			}
			return text, nil
		}
	}
	shown, token := jsonShown(v)
	return nil, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "Cannot deserialize instance of %s from %s value %s or request may be missing a required field at [line:1, column:2]",
		f.Type, token, shown).on(f.Name).echoing(shown)
}

func jsonShown(v any) (shown, token string) {
	switch v := v.(type) {
	case string:
		return v, "VALUE_STRING"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return v.String(), "VALUE_NUMBER_FLOAT"
		}
		return v.String(), "VALUE_NUMBER_INT"
	case bool:
		if v {
			return "true", "VALUE_TRUE"
		}
		return "false", "VALUE_FALSE"
	case []any:
		return "[line:1]", "START_ARRAY"
	}
	return "{line:1}", "START_OBJECT"
}

// validate checks a stored value against the field's own rules.
func (f *Field) validate(v any) *apiError {
	label := strings.TrimSuffix(f.Name, "__c")
	switch v := v.(type) {
	case string:
		switch {
		case f.Type == Reference:
			if _, ok := normalID(v); !ok {
				return fail(400, "MALFORMED_ID", "%s: id value of incorrect type: %s", label, v).on(f.Name).echoing(v)
			}
		case f.Type == Date || f.Type == DateTime:
		case utf8.RuneCountInString(v) > f.Length:
			return fail(400, "STRING_TOO_LONG", "%s: data value too large: %s (max length=%d)", label, v, f.Length).on(f.Name).echoing(v)
		case f.Type == Email && !emailText.MatchString(v):
			return fail(400, "INVALID_EMAIL_ADDRESS", "%s: invalid email address: %s", label, v).on(f.Name).echoing(v)
		case f.Type == Picklist && !slices.Contains(f.Values, v):
			return fail(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "%s: bad value for restricted picklist field: %s", label, v).on(f.Name).echoing(v)
		}
	case json.Number:
		whole, frac, _ := strings.Cut(strings.TrimPrefix(v.String(), "-"), ".")
		if !numberText.MatchString(v.String()) || len(whole) > f.Digits || len(strings.TrimRight(frac, "0")) > f.Scale {
			return fail(400, "NUMBER_OUTSIDE_VALID_RANGE", "%s: value outside of valid range on numeric field: %s", label, v).on(f.Name).echoing(v.String())
		}
	}
	return nil
}

// shown is a stored value as an answer shows it. Numbers always carry a decimal point.
func (f *Field) shown(v any) any {
	n, ok := v.(json.Number)
	if !ok || f.Type == Int {
		return v
	}
	whole, frac, _ := strings.Cut(n.String(), ".")
	if frac = strings.TrimRight(frac, "0"); frac == "" {
		frac = "0"
	}
	return json.Number(whole + "." + frac)
}

// fold is a value as a key: text ids ignore case unless told otherwise.
func (f *Field) fold(v string) string {
	if f.CaseSensitive {
		return v
	}
	return strings.ToLower(v)
}
