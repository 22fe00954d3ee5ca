package lanes

import (
	"context"
	"math/rand"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestModel holds the queue against a plain model: sorted ids per lane, one in flight,
// waiting heads come back at their time and nothing passes a begun head.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := time.Unix(1_000_000, 0)
		q := New(func() time.Time { return clock })
		type head struct {
			ids   []int64
			out   bool
			begun bool
			until time.Time
			held  bool
			again bool // woken while in flight: whatever ends the flight, it comes again
		}
		model := map[uint64]*head{}
		next := int64(0)
		var flying []Task
		size := func() int {
			n := 0
			for _, h := range model {
				n += len(h.ids)
			}
			return n
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				key := uint64(rapid.IntRange(1, 5).Draw(t, "lane"))
				next += 2
				id := next
				if rapid.Bool().Draw(t, "old") {
					id = next - int64(2*rapid.IntRange(1, 4).Draw(t, "by")) + 1
				}
				h := model[key]
				if h == nil {
					h = &head{}
				}
				if id < 1 || slices.Contains(h.ids, id) {
					t.Skip("already there")
				}
				model[key] = h
				q.Add(owner(key), key, id, time.Time{}, false)
				if len(h.ids) == 0 {
					h.ids = []int64{id}
					return
				}
				fixed := 0
				if h.begun {
					fixed = 1
				}
				h.ids = append(h.ids, id)
				slices.Sort(h.ids[fixed:])
				if fixed == 0 && h.ids[0] == id {
					h.until, h.held = time.Time{}, false
				}
			},
			"next": func(t *rapid.T) {
				task, _, ok, _ := q.try()
				any := false
				for _, h := range model {
					any = any || len(h.ids) > 0 && !h.out && !h.held && !h.until.After(clock)
				}
				if ok != any {
					t.Fatalf("a task: %v, the model has one: %v", ok, any)
				}
				if !ok {
					return
				}
				h := model[task.Lane]
				if h.out || h.ids[0] != task.ID || h.until.After(clock) || h.held {
					t.Fatalf("took %d of lane %d, model %+v", task.ID, task.Lane, *h)
				}
				if task.Behind != len(h.ids)-1 {
					t.Fatalf("behind %d, want %d", task.Behind, len(h.ids)-1)
				}
				h.out, h.begun = true, true
				flying = append(flying, task)
			},
			"end": func(t *rapid.T) {
				if len(flying) == 0 {
					t.Skip("nothing in flight")
				}
				i := rapid.IntRange(0, len(flying)-1).Draw(t, "which")
				task := flying[i]
				flying = slices.Delete(flying, i, i+1)
				h := model[task.Lane]
				h.out = false
				again := h.again
				h.again = false
				switch rapid.SampledFrom([]string{"done", "wait", "pause"}).Draw(t, "how") {
				case "done":
					q.Done(task.Lane, task.ID)
					if again {
						break
					}
					h.ids, h.begun, h.until = h.ids[1:], false, time.Time{}
					if len(h.ids) == 0 {
						delete(model, task.Lane)
					}
				case "wait":
					until := clock.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "s")) * time.Second)
					q.Wait(task.Lane, task.ID, until)
					if !again {
						h.until = until
					}
				case "pause":
					h.held = !again
					q.Pause(task.Lane, task.ID)
				}
			},
			"wake": func(t *rapid.T) {
				key := uint64(rapid.IntRange(1, 5).Draw(t, "lane"))
				h := model[key]
				if h == nil {
					t.Skip("no such lane")
				}
				h.again = h.out
				h.held, h.until = false, time.Time{}
				if rapid.Bool().Draw(t, "by adding") {
					q.Add(owner(key), key, h.ids[0], time.Time{}, false)
				} else {
					q.Wake(key, h.ids[0])
				}
			},
			"tick": func(t *rapid.T) { clock = clock.Add(time.Duration(rapid.IntRange(1, 10).Draw(t, "s")) * time.Second) },
			"": func(t *rapid.T) {
				if q.Len() != size() || q.Lanes() != len(model) {
					t.Fatalf("%d ids in %d lanes, want %d in %d", q.Len(), q.Lanes(), size(), len(model))
				}
			},
		})
	})
}

// owner gives a test's lanes three sources.
func owner(key uint64) string { return string(rune('a' + key%3)) }

// TestSourcesTakeTurns holds a burst of one source against a few lanes of others: they
// are handed out in turn, first in first out within each.
func TestSourcesTakeTurns(t *testing.T) {
	q := New(nil)
	id := int64(0)
	add := func(src string, n int) {
		for range n {
			id++
			q.Add(src, uint64(id), id, time.Time{}, false)
		}
	}
	add("burst", 5000)
	add("quiet", 3)
	add("other", 2)
	q.Done(5001, 5001) // a ready lane that leaves its line is no turn
	var got []int64
	for range 9 {
		task, _, ok, _ := q.try()
		if !ok {
			t.Fatal("nothing ready")
		}
		got = append(got, task.ID)
		q.Done(task.Lane, task.ID)
		if len(got) == 4 {
			add("late", 1)
		}
	}
	want := []int64{1, 5002, 5004, 2, 5003, 5005, 3, 5006, 4}
	if !slices.Equal(got, want) {
		t.Fatalf("handed out %v, want %v", got, want)
	}
}

func TestGateLetsOneProbeThrough(t *testing.T) {
	clock := time.Unix(1000, 0)
	q := New(func() time.Time { return clock })
	for i := range 5 {
		q.Add("shop", uint64(i), int64(i+1), time.Time{}, false)
	}
	q.CloseGate(clock.Add(time.Second))
	if _, _, ok, _ := q.try(); ok {
		t.Fatal("a closed gate let a task through")
	}
	clock = clock.Add(2 * time.Second)
	task, _, ok, _ := q.try()
	if !ok || !task.Probe {
		t.Fatalf("want one probe, got %+v %v", task, ok)
	}
	if _, _, ok, _ := q.try(); ok {
		t.Fatal("a second probe went through")
	}
	q.OpenGate()
	for range 4 {
		if _, _, ok, _ := q.try(); !ok {
			t.Fatal("an open gate held a task back")
		}
	}
}

func TestConcurrentOrder(t *testing.T) {
	const lanes, per = 200, 50
	q := New(nil)
	go func() {
		r := rand.New(rand.NewSource(1))
		id := int64(0)
		for range lanes * per {
			id++
			key := uint64(r.Intn(lanes))
			q.Add(owner(key), key, id, time.Time{}, false)
		}
	}()
	var mu sync.Mutex
	last := map[uint64]int64{}
	seen := 0
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewSource(int64(w)))
			for {
				task, ok := q.Next(ctx)
				if !ok {
					return
				}
				if r.Intn(20) == 0 {
					q.Wait(task.Lane, task.ID, time.Now().Add(time.Millisecond))
					continue
				}
				mu.Lock()
				if task.ID <= last[task.Lane] {
					t.Errorf("lane %d: %d after %d", task.Lane, task.ID, last[task.Lane])
				}
				last[task.Lane] = task.ID
				seen++
				if seen == lanes*per {
					cancel()
				}
				mu.Unlock()
				q.Done(task.Lane, task.ID)
			}
		})
	}
	wg.Wait()
	if seen != lanes*per || q.Len() != 0 {
		t.Fatalf("saw %d, %d left", seen, q.Len())
	}
}

// BenchmarkWaitingMemory prints the bytes a waiting lane costs.
func BenchmarkWaitingMemory(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		q := New(nil)
		at := time.Now().Add(time.Hour)
		for i := range n {
			q.Add("shop", uint64(i)*0x9E3779B97F4A7C15, int64(i+1), at, false)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/lane")
		runtime.KeepAlive(q)
	}
}
