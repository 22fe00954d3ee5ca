package redact

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// side is who wrote a body.
type side int

const (
	ours   side = iota // a request: made of documents that are known
	theirs             // an answer: it may hold anything
)

// The names by which vendors call things, folded.
var (
	secretNames  = regexp.MustCompile(`token|secret|password|passwd|signature|digest|authoriz|session|cookie|credential|ticket|^sign$|sign$|apikey|accesskey|^sig$|^pwd$`)
	codeNames    = regexp.MustCompile(`^(api|sub|err|error|ret|return|result|biz|status|response|resp|res)?(code|no|status|flag|type|kind|success|state)$|^(is)?(success|ok|done|created|found|hasnext|more|hasmore)$|^(request|trace|log|track)(id|no)$|^(page|total|count|size)|^(jsonrpc|version|errorname|fault|exception|statuscode|statuscodes|fields|filterresult|resstatus)$`)
	timeNames    = regexp.MustCompile(`time|timestamp|^(created|modified|updated)(at)?$`)
	speechNames  = regexp.MustCompile(`msg|message|^error$|^errors$|errordesc|description|reason|^text$|^info$|detail|^hint$|^sql$|^title$`)
	peopleNames  = regexp.MustCompile(`name|receiver|consignee|contact|mobile|phone|^tel|addr|street|buyer|member|nick|email|mail|openid|unionid|idcard|birth|card|remark|memo|note|zip|postcode|postal|passport`)
	clockValue   = regexp.MustCompile(`^([0-9]{10}|[0-9]{13}|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]{5,15}(Z|[+-][0-9:]{4,6})?)?|[0-9]{14})$`)
	wordValue    = regexp.MustCompile(`^[A-Za-z0-9_.:/+@#*-]{1,64}$`)
	opaqueValue  = regexp.MustCompile(`^[A-Za-z0-9+/_=-]{20,}$`)
	shortNumber  = regexp.MustCompile(`^-?[0-9]{1,6}(\.[0-9]{1,4})?$`)
	plainName    = regexp.MustCompile(`^[A-Za-z_@$][A-Za-z0-9_.:@$-]{0,63}$`)
	longestState = 12 // runes of a state in Chinese
)

// leaf decides what is shown of one value; bare says that it stands without quotes.
func (k *Known) leaf(by side, name, s string, bare bool) (string, int) {
	n := fold(name)
	switch {
	case s == "" || bare && (s == "true" || s == "false" || s == "null"):
		return s, 0
	case secretNames.MatchString(n):
		return Dots, 1
	}
	if masked, ok := k.personal[fold(s)]; ok {
		if masked == "" || !strings.ContainsFunc(masked, func(r rune) bool { return r != '*' }) {
			return Dots, 1
		}
		return dots(masked), 1
	}
	kind := "text"
	if bare {
		kind = "number"
	}
	all := readings(s)
	raw := k.shared(s) != nil
	for i, r := range all {
		if looksPersonal(r) && (i > 0 || !speechNames.MatchString(n)) || i > 0 && k.shared(r) != nil {
			return sized(kind, s), 1
		}
	}
	switch {
	case k.vouched(s) && !looksPersonal(s):
		return s, 0
	case n == "key": // of a document, or to a door
		return Dots, 1
	case speechNames.MatchString(n) && !bare:
		return k.Say(s)
	case raw:
		return sized(kind, s), 1
	case k.innocent(by, n, s, bare):
		return s, 0
	}
	return sized(kind, s), 1
}

// innocent reports whether a value that nobody vouches for tells nothing of a person.
func (k *Known) innocent(by side, name, s string, bare bool) bool {
	switch {
	case bare && shortNumber.MatchString(s):
		return true
	case peopleNames.MatchString(name):
		return false
	case timeNames.MatchString(name) && clockValue.MatchString(s):
		return true
	case codeNames.MatchString(name):
		return wordValue.MatchString(s) || stateWord(s)
	case by == theirs || !k.sighted:
		return false
	}
	// What a connector adds of its own: a method, a service, a language.
	return wordValue.MatchString(s) && !opaque(s) && (digits(s) < 7 || clockValue.MatchString(s))
}

// opaque tells what looks like a signature or something encrypted from a long name.
func opaque(s string) bool {
	return opaqueValue.MatchString(s) && (digits(s) > 0 || strings.ToLower(s) != s && strings.ToUpper(s) != s)
}

func stateWord(s string) bool {
	return utf8.RuneCountInString(s) <= longestState && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
}

// name decides what is shown of a member's name: a map may be keyed by people.
func (k *Known) name(by side, s string) (string, int) {
	if looksPersonal(s) || k.owned(s) {
		return sized("name", s), 1
	}
	switch {
	case plainName.MatchString(s), k.vouched(s), s == "", shortNumber.MatchString(s):
		return s, 0
	case by == ours && utf8.RuneCountInString(s) <= longestState && k.shared(s) == nil:
		return s, 0
	}
	return sized("name", s), 1
}

// owned reports whether a text holds a whole personal value.
func (k *Known) owned(s string) bool {
	f := fold(s)
	for _, p := range k.folds {
		if strings.Contains(f, p) {
			return true
		}
	}
	return false
}
