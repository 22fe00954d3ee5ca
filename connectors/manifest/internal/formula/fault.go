package formula

import "fmt"

// Fault is what is wrong with an expression or its evaluation. Its text never quotes a
// value of a document.
type Fault struct {
	Text   string
	Hint   string
	Column int // of the expression, from 1; 0 = not known
}

func (f *Fault) Error() string {
	if f.Hint != "" {
		return f.Text + " (" + f.Hint + ")"
	}
	return f.Text
}

func faultf(format string, a ...any) *Fault { return &Fault{Text: fmt.Sprintf(format, a...)} }

func (f *Fault) hint(text string) *Fault {
	f.Hint = text
	return f
}
