package pipelines_test

import (
	"testing"
	"time"
)

// TestEachMomentIsReadTwice: however often a stream is pulled, a change costs two looks,
// not one for each pull within the overlap; after a long pause only one.
func TestEachMomentIsReadTwice(t *testing.T) {
	f := newFeedWorld(t)
	const every, pulls = 30 * time.Second, 60
	for range pulls {
		f.feed.now = f.feed.now.Add(every)
		if _, err := f.pull(t); err != nil {
			t.Fatal(err)
		}
	}
	looks := func(at time.Time) (n int) {
		for _, req := range f.feed.asked {
			if !at.Before(req.Window.From) && at.Before(req.Window.To) {
				n++
			}
		}
		return n
	}
	for at := f.start; at.Before(f.feed.now.Add(-f.stream.Delay - f.stream.Overlap - every)); at = at.Add(time.Second) {
		if n := looks(at); n != 2 {
			t.Fatalf("%s after the start was read %d times", at.Sub(f.start), n)
		}
	}
	paused := f.feed.now
	f.feed.now = paused.Add(3 * time.Hour)
	if _, err := f.pull(t); err != nil {
		t.Fatal(err)
	}
	if n := looks(paused.Add(time.Hour)); n != 1 {
		t.Fatalf("what had settled during a pause was read %d times", n)
	}
}
