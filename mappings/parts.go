package mappings

import (
	"bytes"
	"strings"
)

// part is one part of a case file.
type part struct {
	name string
	data []byte
	line int // of its mark; 1 is the file's first
}

// split cuts a text archive at its marks, lines such as -- input.json --, and answers
// the text before the first. Every part ends with a line break.
func split(data []byte) (comment []byte, parts []part) {
	at := &comment
	line := 0
	for text := range bytes.Lines(data) {
		line++
		if name := markOf(text); name != "" {
			parts = append(parts, part{name: name, line: line})
			at = &parts[len(parts)-1].data
			continue
		}
		*at = append(*at, text...)
		if text[len(text)-1] != '\n' {
			*at = append(*at, '\n')
		}
	}
	return comment, parts
}

// markOf is the name in a mark; empty when the line is none.
func markOf(line []byte) string {
	text, begins := strings.CutPrefix(strings.TrimRight(string(line), "\r\n"), "-- ")
	name, ends := strings.CutSuffix(text, " --")
	if !begins || !ends {
		return ""
	}
	return strings.TrimSpace(name)
}

// join writes a text archive.
func join(comment []byte, parts []part) []byte {
	out := bytes.Clone(comment)
	for _, p := range parts {
		out = append(out, "-- "+p.name+" --\n"...)
		out = append(out, p.data...)
		if len(p.data) > 0 && p.data[len(p.data)-1] != '\n' {
			out = append(out, '\n')
		}
	}
	return out
}
