package external

import "sync"

// lastLine keeps the last line a program wrote to its standard error.
type lastLine struct {
	mu   sync.Mutex
	line string
}

func (l *lastLine) keep(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = line
}

func (l *lastLine) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.line == "" {
		return ""
	}
	return "; its last line on standard error: " + cut(l.line)
}
