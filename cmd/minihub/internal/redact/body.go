package redact

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The formats of a body.
const (
	JSON = "json"
	XML  = "xml"
	Form = "form"
	HTML = "html"
	Text = "text"
	None = "none" // nothing was sent, or it was not kept
)

// Body is a request or an answer as it may be shown: laid out for reading, dots where it
// is masked.
type Body struct {
	Format string `json:"format"` // json, xml, form, html, text, none
	Text   string `json:"text,omitempty"`
	Bytes  int    `json:"bytes"`
	Hidden int    `json:"hidden,omitempty"` // how many values are dots
	// Cut: what was captured ends before the body did.
	Cut bool `json:"cut,omitempty"`
}

// cutMark ends a body that was longer than what is captured.
const cutMark = "…"

// Request masks what was sent.
func (k *Known) Request(body string) Body { return k.body(ours, body) }

// Response masks what came back.
func (k *Known) Response(body string) Body { return k.body(theirs, body) }

func (k *Known) body(by side, raw string) Body {
	out := Body{Format: None, Bytes: len(raw)}
	text := strings.TrimSpace(raw)
	if cut, ok := strings.CutSuffix(text, cutMark); ok {
		text, out.Cut = strings.TrimSpace(cut), true
	}
	if text == "" {
		return out
	}
	p := &printer{k: k, by: by}
	out.Format = p.any(text, out.Cut)
	out.Text, out.Hidden = strings.TrimRight(p.String(), "\n "), p.hidden
	if k.slipped(out.Text) {
		// The last line of defence: better nothing than a person.
		out.Text, out.Hidden = sized(out.Format, text), 1
	}
	return out
}

// slipped reports whether a personal value stands in what would be shown.
func (k *Known) slipped(shown string) bool {
	for _, p := range k.whole {
		if strings.Contains(shown, p) {
			return true
		}
	}
	return false
}

var (
	formBody = regexp.MustCompile(`^[A-Za-z0-9_.\[\]%-]{1,64}=[^\n]*$`)
	htmlBody = regexp.MustCompile(`(?i)^(<!doctype html|<html|<head|<body)`)
	title    = regexp.MustCompile(`(?is)<title[^>]*>(.{0,200}?)</title>`)
	firstOne = regexp.MustCompile(`^[A-Za-z_]{1,32}(?:[ :,.;]|$)`)
)

// any prints a body of whatever format and names it.
func (p *printer) any(text string, cut bool) string {
	switch {
	case htmlBody.MatchString(text):
		p.page(text)
		return HTML
	case text[0] == '<':
		if n, ok := parseXML(text, cut); ok {
			p.xml(n, 0)
			return XML
		}
		p.put(sized(XML, text))
		return XML
	}
	if n, ok := parseJSON(text, cut); ok {
		p.json(n, 0)
		return JSON
	}
	if text[0] == '{' || text[0] == '[' {
		p.put(sized(JSON, text))
		return JSON
	}
	if formBody.MatchString(text) {
		p.form(text)
		return Form
	}
	p.plain(text)
	return Text
}

func (p *printer) put(hidden string) {
	p.WriteString(hidden)
	p.hidden++
}

// page shows the title of a web page, which says what went wrong.
func (p *printer) page(text string) {
	if m := title.FindStringSubmatch(text); m != nil {
		p.WriteString("<title>")
		p.say(strings.TrimSpace(m[1]))
		p.WriteString("</title> ")
	}
	p.put(sized(HTML, text))
}

func (p *printer) say(s string) {
	shown, n := p.k.Say(s)
	p.WriteString(shown)
	p.hidden += n
}

// plain shows the lines of ours, and of theirs the first word.
func (p *printer) plain(text string) {
	if p.by == ours && p.k.sighted {
		p.say(text)
		return
	}
	if utf8.RuneCountInString(text) <= 64 && p.k.vouched(text) {
		p.WriteString(text)
		return
	}
	word := strings.TrimRight(firstOne.FindString(text), " :,.;")
	if word != "" && !p.k.owned(word) && p.k.shared(word) == nil {
		p.WriteString(word)
		text = strings.TrimSpace(text[len(word):])
		if text == "" {
			return
		}
		p.WriteString(" ")
	}
	p.put(sized(Text, text))
}

// form prints one pair a line; a value that holds a document is laid out.
func (p *printer) form(text string) {
	for _, pair := range strings.Split(text, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if s, err := url.QueryUnescape(name); err == nil {
			name = s
		}
		if s, err := url.QueryUnescape(value); err == nil {
			value = s
		}
		shown, n := p.k.name(p.by, name)
		p.hidden += n
		p.WriteString(shown)
		p.WriteString("=")
		p.within(name, value)
		p.WriteString("\n")
	}
}

// within prints a text value that may hold a document.
func (p *printer) within(name, value string) {
	if t := strings.TrimSpace(value); len(t) > 1 && !secretNames.MatchString(fold(name)) {
		if t[0] == '{' || t[0] == '[' {
			if n, ok := parseJSON(t, false); ok {
				p.json(n, 0)
				return
			}
		}
		if t[0] == '<' {
			if n, ok := parseXML(t, false); ok {
				p.WriteString("\n")
				p.xml(n, 1)
				return
			}
		}
	}
	p.leaf(name, value, false)
}

func (p *printer) leaf(name, value string, bare bool) {
	shown, n := p.k.leaf(p.by, name, value, bare)
	p.WriteString(shown)
	p.hidden += n
}

// Place shows where a call went: host and path, and the names of its parameters.
func (k *Known) Place(raw string) string {
	where, query, asked := strings.Cut(raw, "?")
	scheme, rest, has := strings.Cut(where, "://")
	if !has {
		scheme, rest = "", where
	} else {
		scheme += "://"
	}
	host, path, _ := strings.Cut(rest, "/")
	parts := strings.Split(path, "/")
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil || k.shared(plain) != nil && !k.vouched(plain) || looksPersonal(plain) {
			parts[i] = Dots
		}
	}
	out := scheme + host
	if path != "" || strings.Contains(rest, "/") {
		out += "/" + strings.Join(parts, "/")
	}
	if !asked {
		return out
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if s, err := url.QueryUnescape(value); err == nil {
			value = s
		}
		shown, _ := k.name(ours, name)
		if pairs[i] = shown; ok {
			if strings.Trim(value, "*") != "" {
				value, _ = k.leaf(ours, name, value, false)
			} else {
				value = Dots
			}
			pairs[i] += "=" + value
		}
	}
	return out + "?" + strings.Join(pairs, "&")
}
