package external

import "time"

// WriteWithin shortens how long a program may leave its input unread.
func WriteWithin(d time.Duration) (restore func()) {
	old := writeWithin
	writeWithin = d
	return func() { writeWithin = old }
}
