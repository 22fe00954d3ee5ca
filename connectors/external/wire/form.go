package wire

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/minihub/minihub/connectors"
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
	rawType      = reflect.TypeFor[json.RawMessage]()
	bytesType    = reflect.TypeFor[[]byte]()
)

// words are the enumerations that Go keeps as numbers, in the order of those.
var words = map[reflect.Type][]string{
	reflect.TypeFor[connectors.Outcome]():  {"unknown", "done", "took", "not_sent", "refused", "duplicate", "missing_reference"},
	reflect.TypeFor[connectors.Presence](): {"cannot_tell", "absent", "same", "other"},
}

// texts are the enumerations that Go keeps as text.
var texts = map[reflect.Type][]string{
	reflect.TypeFor[connectors.Carries]():   {string(connectors.State), string(connectors.Event)},
	reflect.TypeFor[connectors.Changes]():   {string(connectors.Upsert), string(connectors.CreateOnly)},
	reflect.TypeFor[connectors.Repeat]():    {string(connectors.Idempotent), string(connectors.AskFirst), string(connectors.OneShot)},
	reflect.TypeFor[connectors.FieldKind](): {"string", "secret", "url", "int", "bool", "duration", "map"},
	reflect.TypeFor[connectors.Scope]():     {string(connectors.OfDocument), string(connectors.OfConnection), string(connectors.OfOperation)},
	reflect.TypeFor[connectors.Kind](): {string(connectors.Invalid), string(connectors.Unauthorized), string(connectors.Forbidden), string(connectors.NotFound),
		string(connectors.Conflict), string(connectors.RateLimited), string(connectors.Quota), string(connectors.Unavailable), string(connectors.Unreadable),
		string(connectors.Unclassified)},
}

// absent are the members whose absence does not mean zero. They are always written.
var absent = map[reflect.Type]map[string]reflect.Value{
	// Who forgets to say that nothing was sent has not said that (Invariant 3).
	reflect.TypeFor[connectors.Error](): {"sent": reflect.ValueOf(true)},
	// Lines that are not given are not compared.
	reflect.TypeFor[connectors.Summary](): {"lines": reflect.ValueOf(-1)},
}

// member is one field of a struct on the wire.
type member struct {
	name   string
	index  []int
	typ    reflect.Type
	absent reflect.Value // invalid: zero
}

var members sync.Map // reflect.Type -> []member

// membersOf lists what of a struct travels: no functions, no interfaces.
func membersOf(t reflect.Type) []member {
	if known, ok := members.Load(t); ok {
		return known.([]member)
	}
	var out []member
	for i := range t.NumField() {
		f := t.Field(i)
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			for _, m := range membersOf(f.Type) {
				m.index = append([]int{i}, m.index...)
				out = append(out, m)
			}
		case !f.IsExported() || f.Type.Kind() == reflect.Func || f.Type.Kind() == reflect.Interface:
		default:
			name := snake(f.Name)
			out = append(out, member{name, []int{i}, f.Type, absent[t][name]})
		}
	}
	members.Store(t, out)
	return out
}

// snake turns RemoteIDs into remote_ids.
func snake(s string) string {
	s = strings.NewReplacer("IDs", "Ids", "ID", "Id", "URL", "Url").Replace(s)
	var b strings.Builder
	for i, r := range s {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
