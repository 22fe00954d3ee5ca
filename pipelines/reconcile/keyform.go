package reconcile

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/minihub/minihub/connectors"
)

// keyForm tells keys that a flow could have built from other people's: by the literal
// text of its `key:` and by the store codes that were seen.
type keyForm struct {
	parts []keyPart
	sep   string                // of a generation
	store bool                  // the key has a store code
	forms map[string]*storeForm // by store code; "" when the key has none
	exact *regexp.Regexp        // finds the store when the document's own key is known
	any   *regexp.Regexp        // finds it at a guess
}

// storeForm is the form of one store's keys.
type storeForm struct {
	*regexp.Regexp
	name string // of the store in the report
}

type keyPart struct {
	text  string // of a literal
	hole  bool
	store bool
}

// newKeyForm reads a key template: '{store.code}-{order_no}'. It answers nil when the
// keys have neither literal text nor a store: nobody can tell them from others.
func newKeyForm(template string, op *connectors.Operation) *keyForm {
	f := &keyForm{sep: genSep(op), forms: map[string]*storeForm{}}
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			f.parts = append(f.parts, keyPart{text: lit.String()})
			lit.Reset()
		}
	}
	known := false
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case strings.HasPrefix(template[i:], "{{"), strings.HasPrefix(template[i:], "}}"):
			lit.WriteByte(c)
			i++
		case c == '{':
			flush()
			end := strings.IndexByte(template[i:], '}')
			if end < 0 {
				return nil
			}
			store := slices.Contains(strings.FieldsFunc(template[i+1:i+end], func(r rune) bool { return !letterOrDigit(r) && r != '_' }), "store")
			f.parts = append(f.parts, keyPart{hole: true, store: store})
			known = known || store // '{store.code}', '{upper(order.store.code)}'
			i += end
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	for _, p := range f.parts {
		known = known || !p.hole && strings.ContainsFunc(p.text, letterOrDigit)
		f.store = f.store || p.store
	}
	if !known {
		return nil
	}
	if !f.store {
		f.forms[""] = &storeForm{Regexp: f.compile("", "(.+?)", ".+?")}
	}
	return f
}

// own stands for a document's own key within the key that was built of it.
const own = "\x00"

// compile makes the pattern of the keys of one store; when it is not given, as group 1
// by the pattern unknown. Other holes follow the pattern hole.
func (f *keyForm) compile(store, unknown, hole string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("^")
	grouped := false
	for _, p := range f.parts {
		switch {
		case !p.hole:
			b.WriteString(regexp.QuoteMeta(p.text))
		case p.store && store != "":
			b.WriteString(regexp.QuoteMeta(store))
		case p.store && !grouped:
			b.WriteString(unknown)
			grouped = true
		default:
			b.WriteString(hole)
		}
	}
	b.WriteString("(?:" + regexp.QuoteMeta(f.sep) + "[0-9]+)?$")
	return regexp.MustCompile(b.String())
}

func letterOrDigit(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r > 127
}

// learn takes the store code out of a key that the hub built of a document: the store
// its source names, if the key has it in its place, or what stands there. name is what the
// report calls the store.
func (f *keyForm) learn(key string, of *document) {
	if !f.store || of.store != "" && f.forms[of.store] != nil {
		return
	}
	if of.store != "" && f.keep(of.store, key, of.storeName()) {
		return
	}
	if f.any == nil {
		f.any = f.compile("", "(.+?)", ".+?")
		f.exact = f.compile("", "([^"+own+"]+)", "(?:"+own+"|.+?)")
	}
	if i := strings.LastIndex(key, of.key); i >= 0 && of.key != "" {
		if m := f.exact.FindStringSubmatch(key[:i] + own + key[i+len(of.key):]); m != nil && f.keep(m[1], key, of.storeName()) {
			return
		}
	}
	if m := f.any.FindStringSubmatch(key); m != nil {
		f.keep(m[1], key, of.storeName())
	}
}

// keep adds a store's form if the key is of it.
func (f *keyForm) keep(store, key, name string) bool {
	if f.forms[store] != nil {
		return true
	}
	re := f.compile(store, "", ".+?")
	if !re.MatchString(key) {
		return false
	}
	f.forms[store] = &storeForm{re, name}
	return true
}

// ours reports whether the hub could have built the key, and the name of its store; empty
// when keys have none.
func (f *keyForm) ours(key string) (name string, ok bool) {
	longest := -1
	for store, form := range f.forms {
		// The longest of the stores that fit: "shop" and "shop-a" may both be there.
		if len(store) > longest && form.MatchString(key) {
			name, longest = form.name, len(store)
		}
	}
	return name, longest >= 0
}

func genSep(op *connectors.Operation) string {
	if op.Key.GenSep != "" {
		return op.Key.GenSep
	}
	return "-g"
}

// keyOf is a remote key as the target knows it.
func keyOf(op *connectors.Operation, base string, generation int) string {
	if generation == 0 {
		return base
	}
	return base + genSep(op) + strconv.Itoa(generation)
}

// base takes the generation off a key; ok is false when it has none.
func base(key, sep string) (string, bool) {
	i := strings.LastIndex(key, sep)
	if i <= 0 || i+len(sep) == len(key) {
		return key, false
	}
	for _, c := range key[i+len(sep):] {
		if c < '0' || c > '9' {
			return key, false
		}
	}
	return key[:i], true
}
