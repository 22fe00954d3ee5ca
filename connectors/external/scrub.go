package external

import (
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/minihub/minihub/connectors"
)

// shortest is the length below which a secret is not searched for: it would be found in
// every text.
const shortest = 4

// scrubber takes the connection's secrets out of what a program says (Invariant 8). A
// program should not say them in the first place.
type scrubber struct {
	mu      sync.RWMutex
	secrets []string
	replace *strings.Replacer
}

func (s *scrubber) learn(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range secrets {
		if len(one) >= shortest && !slices.Contains(s.secrets, one) {
			s.secrets = append(s.secrets, one)
		}
	}
	// The longest first: one may begin with another.
	slices.SortFunc(s.secrets, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, one := range s.secrets {
		pairs = append(pairs, one, "****", url.QueryEscape(one), "****")
	}
	s.replace = strings.NewReplacer(pairs...)
}

func (s *scrubber) text(t string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.replace == nil {
		return t
	}
	return s.replace.Replace(t)
}

func (s *scrubber) err(e *connectors.Error) *connectors.Error {
	if e != nil {
		e.Code, e.Text, e.Hint = s.text(e.Code), s.text(e.Text), s.text(e.Hint)
		if len(e.Raw) > 0 {
			e.Raw = []byte(s.text(string(e.Raw)))
		}
	}
	return e
}

func (s *scrubber) exchanges(list []connectors.Exchange) {
	for i := range list {
		x := &list[i]
		x.URL, x.Request, x.Response, x.Err = s.text(x.URL), s.text(x.Request), s.text(x.Response), s.text(x.Err)
	}
}
