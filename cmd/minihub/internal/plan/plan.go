package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Plan is what an apply would do.
type Plan struct {
	// Hash is what an apply is given: it holds for this content over this base only.
	Hash    string   `json:"plan"`
	Base    Base     `json:"base"`
	Content string   `json:"content"` // hash of the directory's files
	Changes []Change `json:"changes"`
	// Restart names what of hub.yaml takes effect at the next start only.
	Restart []string `json:"restart,omitempty"`
	Impact  *Impact  `json:"impact,omitempty"`
	Took    string   `json:"took"`
}

// Base is what a plan is compared with.
type Base struct {
	Revision int64  `json:"revision"` // 0: nothing was applied yet
	Hash     string `json:"hash,omitempty"`
	Running  bool   `json:"running"`
	Canary   int64  `json:"canary,omitempty"`
}

// Impact is how many stored messages would be mapped otherwise than by the base.
type Impact struct {
	Looked  int     `json:"looked"`  // messages that were mapped both ways
	Changed int     `json:"changed"` // of these, with another result
	Fields  []Field `json:"fields,omitempty"`
	Failing int     `json:"failing"` // that were mapped before and would not be now
	Mended  int     `json:"mended"`  // that could not be mapped before and would be now
	Error   string  `json:"error,omitempty"`
	// Partly: the time for looking was up before the last message.
	Partly bool `json:"partly,omitempty"`
}

// Field counts the messages in which one field of a target document would differ.
type Field struct {
	Flow    string `json:"flow"`
	Step    string `json:"step"`
	Path    string `json:"path"`
	Count   int    `json:"count"`
	Message int64  `json:"message"` // one of them
}

// HashOf is the hash of a plan: a content over a base, and nothing else.
func HashOf(content string, base Base) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s over %d %s, canary %d", content, base.Revision, base.Hash, base.Canary)))
	return hex.EncodeToString(sum[:6])
}

// Short is a content's hash as people read it.
func Short(hash string) string { return hash[:min(12, len(hash))] }

// startOnly are the keys of hub.yaml that are read when the hub starts.
var startOnly = map[string]bool{"store": true, "listen": true, "token": true, "intake": true, "log": true, "secrets": true, "backlog": true, "retry": true, "traces": true}

// restart names what among the changes an apply cannot put in force.
func restart(changes []Change) []string {
	var out []string
	for _, c := range changes {
		for _, e := range c.What {
			key := top(e.Path)
			if c.Kind == "hub" && startOnly[key] || c.Kind == "connection" && key == "slots" {
				out = append(out, c.File+" "+e.Path)
			}
		}
	}
	return out
}

func top(path string) string {
	for i, r := range path {
		if r == '.' || r == '[' {
			return path[:i]
		}
	}
	return path
}

// Make compares; impact is looked at by whoever has the stored messages.
func Make(base Base, old, next *Snapshot) *Plan {
	p := &Plan{Base: base, Content: next.Hash(), Changes: Compare(old, next)}
	p.Restart = restart(p.Changes)
	p.Hash = HashOf(p.Content, base)
	if p.Changes == nil {
		p.Changes = []Change{}
	}
	return p
}
