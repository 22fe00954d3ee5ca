package filedrop

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
)

// cursor is where a stream stands. It is all that a pull knows: a restart, or another
// process, goes on from it.
type cursor struct {
	Seen     []sighting `json:"seen,omitempty"` // files that rest, to see whether they are whole
	Reading  *reading   `json:"reading,omitempty"`
	Finished []finished `json:"finished,omitempty"` // files that were read and are still there
}

// maxFinished bounds the files that are left where they are.
const maxFinished = 10_000

// identity is one file with one content, as far as a listing shows.
type identity struct {
	Name  string `json:"n"`
	Size  int64  `json:"s"`
	MTime int64  `json:"t"` // milliseconds
}

func (e entry) identity() identity { return identity{e.Name, e.Size, e.MTime.UnixMilli()} }

// sighting is a file as it was first seen with this size and time.
type sighting struct {
	identity
	At int64 `json:"at"` // milliseconds
}

// reading is the file being read.
type reading struct {
	identity
	// Hashed and Sum are the hash of the content so far, until all of it was hashed.
	Hashed int64  `json:"h,omitempty"`
	Sum    []byte `json:"u,omitempty"`
	Hash   string `json:"hash,omitempty"`

	At      position `json:"at,omitzero"`
	Items   int      `json:"items,omitempty"`
	Rejects int      `json:"rej,omitempty"`
	Ignored int      `json:"ign,omitempty"`
}

// finished is a file that was read to its end. It is also what an Ack carries.
type finished struct {
	identity
	Hash    string `json:"hash"`
	Rejects int    `json:"rej,omitempty"`
	Fatal   string `json:"fatal,omitempty"` // why it could not be read to its end
	// Open: it is not known whether Ack has done its work.
	Open bool `json:"open,omitempty"`
}

func (f finished) id() string { return f.Name + "\x00" + f.Hash }

func (c *cursor) encode() (string, error) {
	if c.Seen == nil && c.Reading == nil && c.Finished == nil {
		return "", nil
	}
	b, err := json.Marshal(c)
	return string(b), err
}

func decodeCursor(s string) (*cursor, error) {
	c := &cursor{}
	if s == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(s), c); err != nil {
		return nil, badCursor(err)
	}
	return c, nil
}

// rests tells whether a file has kept size and time for long enough, and notes it if it
// was not seen like this before.
func (c *cursor) rests(e entry, settle time.Duration, now time.Time) bool {
	id := e.identity()
	i := slices.IndexFunc(c.Seen, func(s sighting) bool { return s.Name == id.Name })
	switch {
	case settle == 0:
		return true
	case i < 0:
		c.Seen = append(c.Seen, sighting{id, now.UnixMilli()})
		return false
	case c.Seen[i].identity != id || c.Seen[i].At > now.UnixMilli():
		c.Seen[i] = sighting{id, now.UnixMilli()}
		return false
	}
	return now.UnixMilli()-c.Seen[i].At >= settle.Milliseconds()
}

// forget drops what the folder no longer holds.
func (c *cursor) forget(list []entry) {
	there := map[string]bool{}
	for _, e := range list {
		there[e.Name] = true
	}
	c.Seen = slices.DeleteFunc(c.Seen, func(s sighting) bool { return !there[s.Name] })
	c.Finished = slices.DeleteFunc(c.Finished, func(f finished) bool { return !there[f.Name] })
}

func (c *cursor) finish(f finished) {
	c.Finished = slices.DeleteFunc(c.Finished, func(o finished) bool { return o.Name == f.Name })
	c.Finished = append(c.Finished, f)
	c.Seen = slices.DeleteFunc(c.Seen, func(s sighting) bool { return s.Name == f.Name })
	c.Reading = nil
}

// hashText is a content's hash as it stands in cursors and names.
func hashText(sum []byte) string { return base64.RawURLEncoding.EncodeToString(sum) }
