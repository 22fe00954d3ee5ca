package filedrop

import "fmt"

// fatal is why a file cannot be read any further: the file is at fault, not the place.
type fatal struct {
	line int // where reading stopped, 0 = nowhere in particular
	text string
}

func (f *fatal) Error() string {
	if f.line > 0 {
		return fmt.Sprintf("line %d: %s", f.line, f.text)
	}
	return f.text
}
