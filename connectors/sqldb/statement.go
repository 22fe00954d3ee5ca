package sqldb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// checkSelect holds an integrator's SELECT to what may stand in brackets behind FROM: one
// statement that only reads. It knows strings, quoted names and comments, so that a
// semicolon inside a text is none.
func checkSelect(driver, text string) error {
	words, err := lex(driver, text)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return errors.New("there is no statement")
	}
	if w := words[0]; w != "SELECT" && w != "WITH" {
		return fmt.Errorf("the statement begins with %s; only a SELECT (or WITH ... SELECT) can be read", w)
	}
	depth := 0
	for i, w := range words {
		switch w {
		case "(":
			depth++
		case ")":
			if depth--; depth < 0 {
				return errors.New("a closing bracket has no opening one")
			}
		case ";":
			return errors.New("there is a semicolon: one statement, without a semicolon at its end")
		case "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "INTO", "CALL", "LOCK":
			// A column may have such a name: behind a dot or AS.
			if i == 0 || words[i-1] != "." && words[i-1] != "AS" {
				return fmt.Errorf("%s has no place in a statement that only reads; quote it if it is a column's name", w)
			}
		case "FOR":
			if i+1 < len(words) && slices.Contains([]string{"UPDATE", "SHARE", "NO", "KEY"}, words[i+1]) {
				return errors.New("FOR UPDATE and FOR SHARE lock rows; reading never locks")
			}
		case "?":
			if driver == driverMySQL {
				return errors.New("there is a placeholder (?); write the value")
			}
		case "$":
			return errors.New("there is a placeholder ($1); write the value")
		}
	}
	if depth > 0 {
		return errors.New("an opening bracket is not closed")
	}
	return nil
}

// lex cuts a statement into words and signs, in capitals; texts, quoted names and
// comments are left out.
func lex(driver, text string) ([]string, error) {
	var out []string
	mysql := driver == driverMySQL
	for i := 0; i < len(text); {
		c := text[i]
		rest := text[i:]
		switch {
		case c == 0:
			return nil, errors.New("there is a NUL byte")
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			i++
		case strings.HasPrefix(rest, "--") || mysql && c == '#':
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			i += n
		case strings.HasPrefix(rest, "/*"):
			if strings.HasPrefix(rest, "/*!") || strings.HasPrefix(rest, "/*M!") {
				return nil, errors.New("a comment that begins with /*! is executed by the server; leave it out")
			}
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return nil, errors.New("a comment is not closed")
			}
			if strings.Contains(rest[2:2+n], "/*") {
				return nil, errors.New("a comment stands within a comment; servers differ in how they read it")
			}
			i += n + 4
		case c == '\'' || c == '"' || c == '`':
			n := quoted(rest, mysql && c != '`' || !mysql && c == '\'' && len(out) > 0 && out[len(out)-1] == "E")
			if n < 0 {
				return nil, fmt.Errorf("a %c is not closed", c)
			}
			out = append(out, "''")
			i += n
		case c == '$' && !mysql:
			n, err := dollar(rest)
			if err != nil {
				return nil, err
			}
			if n == 1 {
				out = append(out, "$")
			} else {
				out = append(out, "''")
			}
			i += n
		case letter(c):
			n := 1
			for n < len(rest) && (letter(rest[n]) || rest[n] >= '0' && rest[n] <= '9' || rest[n] == '$') {
				n++
			}
			out = append(out, strings.ToUpper(rest[:n]))
			i += n
		default:
			out = append(out, string(c))
			i++
		}
	}
	return out, nil
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

// quoted is the length of a quoted text with its quotes, -1 when it is not closed. A
// doubled quote stands for itself, and so does one behind a backslash where those count.
func quoted(s string, backslash bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case backslash && s[i] == '\\':
			i++
		case s[i] == s[0]:
			if i+1 < len(s) && s[i+1] == s[0] {
				i++
				continue
			}
			return i + 1
		}
	}
	return -1
}

// dollar is the length of a dollar-quoted text, or 1 for a lone dollar.
func dollar(s string) (int, error) {
	n := 1
	for n < len(s) && (letter(s[n]) || n > 1 && s[n] >= '0' && s[n] <= '9') {
		n++
	}
	if n >= len(s) || s[n] != '$' {
		return 1, nil
	}
	tag := s[:n+1]
	end := strings.Index(s[n+1:], tag)
	if end < 0 {
		return 0, fmt.Errorf("a text that begins with %s is not closed", tag)
	}
	return 2*len(tag) + end, nil
}
