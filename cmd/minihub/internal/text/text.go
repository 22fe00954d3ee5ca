// Package text is what the commands say to people, in English and 简体中文. A text is
// known by a stable id; the language follows LC_ALL, LC_MESSAGES and LANG. Problems of
// mappings, schemas and flows stay English: they are searched for and pasted into
// tickets.
package text

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// ID names a text of the catalogue.
type ID string

// pair is a text in both languages; both take the same arguments in the same order.
type pair struct{ en, zh string }

// The catalogue: what every area says, what its commands are about, what its codes mean.
var (
	messages = merged(commonMessages, alarmMessages, bulkMessages, newMessages, deskMessages, doctorMessages, editMessages, jobMessages, mapMessages, peopleMessages, planMessages, schemaMessages)
	help     = merged(commonHelp, alarmHelp, bulkHelp, newHelp, deskHelp, doctorHelp, editHelp, jobHelp, mapHelp, peopleHelp, planHelp, schemaHelp)
	codes    = merged(commonCodes, alarmCodes, bulkCodes, deskCodes, editCodes, jobCodes, peopleCodes, planCodes)
)

// merged joins maps that share no key.
func merged[K comparable, V any](parts ...map[K]V) map[K]V {
	all := map[K]V{}
	for _, part := range parts {
		for k, v := range part {
			if _, twice := all[k]; twice {
				panic(fmt.Sprintf("the catalogue has %v twice", k))
			}
			all[k] = v
		}
	}
	return all
}

// Texts speaks one language; the zero value speaks English.
type Texts struct{ chinese bool }

// In returns the texts for a locale such as zh_CN.UTF-8; every other one is English.
func In(locale string) Texts {
	return Texts{chinese: strings.HasPrefix(strings.ToLower(locale), "zh")}
}

// Locale reads the locale of a process from its environment.
func Locale(getenv func(string) string) string {
	return cmp.Or(getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG"))
}

// Say returns a text with its arguments filled in.
func (t Texts) Say(id ID, args ...any) string {
	p, ok := messages[id]
	if !ok {
		return string(id)
	}
	if t.chinese {
		return fmt.Sprintf(p.zh, args...)
	}
	return fmt.Sprintf(p.en, args...)
}

// Help returns the text of a command, a flag or a column, whose English stands in the
// code that declares it; path names it: "messages find", "messages find --kind".
func (t Texts) Help(path, english string) string {
	if zh := help[path]; t.chinese && zh != "" {
		return zh
	}
	return english
}

// Code returns what an error code of the API means, or the text the hub gave in English.
func (t Texts) Code(code, english string) string {
	if zh := codes[code]; t.chinese && zh != "" {
		return zh
	}
	return english
}

// Width is how many columns of a terminal a text takes: two for a Chinese character.
func Width(s string) int {
	n := utf8.RuneCountInString(s)
	for _, r := range s {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n++
		}
	}
	return n
}
