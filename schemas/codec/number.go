package codec

import "fmt"

// What scanNumber may find wrong.
const (
	numberFine  = iota
	numberShort // a digit is missing where the scan stopped
	numberHuge  // beyond MaxNumber or MaxExponent
)

var hugeNumber = fmt.Sprintf("a number longer than %d characters or with an exponent beyond %d", MaxNumber, MaxExponent)

// scanNumber gives the length of the JSON number at the start of s, and its fault.
func scanNumber[T string | []byte](s T) (n, fault int) {
	// Most numbers are a few digits.
	for n < len(s) && n < MaxNumber && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n > 0 && (n == 1 || s[0] != '0') && (n == len(s) || n < MaxNumber && s[n] != '.' && s[n] != 'e' && s[n] != 'E') {
		return n, numberFine
	}
	n = 0
	digits := func() bool {
		from := n
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		return n > from
	}
	if n < len(s) && s[n] == '-' {
		n++
	}
	if n < len(s) && s[n] == '0' {
		n++
	} else if !digits() {
		return n, numberShort
	}
	if n < len(s) && s[n] == '.' {
		if n++; !digits() {
			return n, numberShort
		}
	}
	exponent := 0
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		if n++; n < len(s) && (s[n] == '+' || s[n] == '-') {
			n++
		}
		from := n
		if !digits() {
			return n, numberShort
		}
		for k := from; k < n; k++ {
			exponent = min(exponent*10+int(s[k]-'0'), MaxExponent+1)
		}
	}
	if n > MaxNumber || exponent > MaxExponent {
		return n, numberHuge
	}
	return n, numberFine
}

// checkNumber says what is wrong with the text of a json.Number, or nothing.
func checkNumber(s string) string {
	switch n, fault := scanNumber(s); {
	case fault == numberShort, n != len(s):
		return "a json.Number that is not a JSON number"
	case fault == numberHuge:
		return hugeNumber
	}
	return ""
}
