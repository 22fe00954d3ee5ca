// Package desk says in plain words what the support desk shows: what a cause means,
// what to do about it, and how it ended.
package desk

import (
	"fmt"
	"time"
)

// Words is one text in both languages.
type Words struct {
	En string `json:"en"`
	Zh string `json:"zh"`
}

// In returns the text in Chinese or in English.
func (w Words) In(chinese bool) string {
	if chinese {
		return w.Zh
	}
	return w.En
}

// Fix names the act that mends a cause, for the button that does it.
type Fix string

// The acts.
const (
	Replay Fix = "replay" // replay the incident, when the cause is gone
	Lookup Fix = "lookup" // fill the missing entry in; what waits goes on by itself
	Map    Fix = "map"    // mend the mapping, then replay with re-map
	Look   Fix = "look"   // look at each message before anything is sent again
	Wait   Fix = "wait"   // it goes on by itself
	Access Fix = "access" // mend the credentials or the allowance at the vendor
)

// Meaning is what a cause means and what to do about it.
type Meaning struct {
	Means Words `json:"means"`
	Do    Words `json:"do"`
	Fix   Fix   `json:"fix"`
}

// Ended says how an incident closed: "recovered 14:02, 212 caught up, 0 left".
func Ended(at time.Time, caughtUp, left int64) Words {
	clock := at.Format("15:04")
	return Words{fmt.Sprintf("recovered %s, %d caught up, %d left", clock, caughtUp, left),
		fmt.Sprintf("%s 已恢复, 处理完 %d 条, 剩余 %d 条", clock, caughtUp, left)}
}
