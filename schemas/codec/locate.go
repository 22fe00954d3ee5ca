package codec

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// Locate finds the line and column (from 1) of the value a JSON pointer names
// in a document: of its key when it has one, else of the value. A pointer that
// leads nowhere gives the deepest place that exists. It reads the whole
// document again, so it is for messages to people, not for the hot path.
func Locate(b []byte, pointer string) (line, column int) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var tokens []string
	if pointer != "" {
		tokens = strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	}
	at := skip(b, 0)
	for _, token := range tokens {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		next, ok := descend(b, dec, token)
		if !ok {
			break
		}
		at = next
	}
	return Position(b, at)
}

// descend opens the value at the decoder's place and stops before the child
// that token names; it returns the child's offset.
func descend(b []byte, dec *json.Decoder, token string) (int, bool) {
	open, err := dec.Token()
	if err != nil || open != json.Delim('{') && open != json.Delim('[') {
		return 0, false
	}
	for i := 0; dec.More(); i++ {
		at := skip(b, int(dec.InputOffset()))
		name := strconv.Itoa(i)
		if open == json.Delim('{') {
			key, err := dec.Token()
			if err != nil {
				return 0, false
			}
			name, _ = key.(string)
		}
		if name == token {
			return at, true
		}
		var rest json.RawMessage
		if dec.Decode(&rest) != nil {
			return 0, false
		}
	}
	return 0, false
}

// skip steps over white space and punctuation between tokens.
func skip(b []byte, at int) int {
	for at < len(b) && strings.IndexByte(" \t\r\n,:", b[at]) >= 0 {
		at++
	}
	return at
}
