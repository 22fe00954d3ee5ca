package codec

import "encoding/json"

// Short texts repeat: keys in every document, codes and zeros in every line of
// an order. These stores find the copy made before. A copy never shares memory
// with the document, so that one id kept for long does not keep a whole page
// of orders alive.

// keyStore holds keys of objects, from one document to the next.
type keyStore [256]string

const longestKey = 64

func (s *keyStore) keep(b []byte) string {
	if len(b) == 0 || len(b) > longestKey {
		return string(b)
	}
	slot := &s[slotOf(b)]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

// valueStore holds texts and numbers of one document as they stand in a tree.
type valueStore [64]struct{ text, number any }

const longestValue = 24

func (s *valueStore) keep(b []byte) any {
	if len(b) > longestValue || len(b) == 0 {
		return string(b)
	}
	slot := &s[slotOf(b)%64]
	if old, is := slot.text.(string); !is || old != string(b) {
		slot.text = string(b)
	}
	return slot.text
}

func (s *valueStore) number(b []byte) any {
	if len(b) > longestValue {
		return json.Number(b)
	}
	slot := &s[slotOf(b)%64]
	if old, is := slot.number.(json.Number); !is || string(old) != string(b) {
		slot.number = json.Number(b)
	}
	return slot.number
}

// slotOf mixes the ends, the middle and the length of a text that is not empty.
func slotOf(b []byte) uint8 {
	n := len(b)
	h := uint32(b[0]) | uint32(b[n/2])<<8 | uint32(b[n-1])<<16 | uint32(n)<<24
	return uint8(h * 0x9E3779B1 >> 24)
}
