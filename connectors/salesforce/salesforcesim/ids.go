package salesforcesim

import "strings"

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newID makes an 18-character record id of a three-character prefix and a serial number.
func newID(prefix string, serial int64) string {
	tail := make([]byte, 12)
	for i := len(tail) - 1; i >= 0; i-- {
		tail[i] = base62[serial%62]
		serial /= 62
	}
	copy(tail, "5gS") // the pod
	return withSuffix(prefix + string(tail))
}

// withSuffix adds the three characters that make a 15-character id safe where case is lost.
func withSuffix(id string) string {
	var suffix strings.Builder
	for chunk := range 3 {
		bits := 0
		for i := range 5 {
			if c := id[chunk*5+i]; c >= 'A' && c <= 'Z' {
				bits |= 1 << i
			}
		}
		suffix.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits])
	}
	return id + suffix.String()
}

// normalID returns the 18-character form of a record id, false when it is none.
func normalID(id string) (string, bool) {
	if len(id) != 15 && len(id) != 18 || strings.Trim(id, base62) != "" {
		return "", false
	}
	full := withSuffix(id[:15])
	return full, len(id) == 15 || id == full
}
