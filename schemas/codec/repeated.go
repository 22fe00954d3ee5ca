package codec

import (
	"bytes"
	"encoding/json"
)

// Repeated finds the first key that an object of a document holds twice: Decode keeps the
// last value in silence, which is not what whoever typed it means. The document is one
// that Decode takes; like Locate this is for people's typing, not for the hot path.
func Repeated(b []byte) (line, column int, found bool) {
	dec := json.NewDecoder(bytes.NewReader(b))
	var open []map[string]bool // the keys of each open object, nil for a list
	key := false
	for {
		at := skip(b, int(dec.InputOffset()))
		token, err := dec.Token()
		if err != nil {
			return 0, 0, false
		}
		switch token := token.(type) {
		case json.Delim:
			switch token {
			case '{':
				open, key = append(open, map[string]bool{}), true
				continue
			case '[':
				open = append(open, nil)
			default:
				open = open[:len(open)-1]
			}
		case string:
			if key {
				keys := open[len(open)-1]
				if keys[token] {
					line, column = Position(b, at)
					return line, column, true
				}
				keys[token], key = true, false
				continue
			}
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}
