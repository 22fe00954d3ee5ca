package salesforcesim

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors/simkit"
)

// input is one record of a request after parsing: values by field (nil empties
// the field) and parents named by their external ids.
type input struct {
	object  *Object
	values  map[string]any
	parents []parent
	locked  []string // fields a caller may not write
	clerk   bool     // typed in through the control surface: nothing contends with it
}

type parent struct {
	field *Field // the reference field of the child
	of    *Object
	by    *Field // the parent's external id field
	value string
}

// parse reads a record. Its errors break the whole request: unknown fields and
// ill-typed values already fail in the vendor's parser.
func (s *Sim) parse(o *Object, raw map[string]any) (*input, *apiError) {
	in := &input{object: o, values: map[string]any{}}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		v := raw[name]
		if name == "attributes" {
			continue
		}
		if f := o.relationship(name); f != nil {
			p, err := s.parseParent(o, f, name, v)
			if err != nil {
				return nil, err
			}
			in.parents = append(in.parents, p)
			continue
		}
		f := o.field(name)
		if f == nil {
			return nil, fail(http.StatusBadRequest, "INVALID_FIELD", "No such column '%s' on sobject of type %s", name, o.Name)
		}
		if f.ReadOnly {
			in.locked = append(in.locked, f.Name)
			continue
		}
		if _, twice := in.values[f.Name]; twice {
			return nil, fail(http.StatusBadRequest, "INVALID_FIELD", "Duplicate field: '%s'", f.Name)
		}
		stored, err := f.decode(v)
		if err != nil {
			return nil, err
		}
		in.values[f.Name] = stored
	}
	return in, nil
}

func (s *Sim) parseParent(o *Object, f *Field, name string, v any) (parent, *apiError) {
	to := s.objects[strings.ToLower(f.ReferenceTo)]
	nested, ok := v.(map[string]any)
	if !ok {
		return parent{}, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "Cannot deserialize %s: a nested object with an external id is expected", name).on(name)
	}
	p := parent{field: f, of: to}
	for k, v := range nested {
		if k == "attributes" {
			continue
		}
		by := to.field(k)
		text, isText := v.(string)
		if by == nil || !by.ExternalID || p.by != nil || !isText || text == "" {
			return parent{}, fail(http.StatusBadRequest, "INVALID_FIELD", "Relationship %s on sobject %s must name exactly one external id field of %s with a value", name, o.Name, to.Name).on(name)
		}
		p.by, p.value = by, text
	}
	if p.by == nil {
		return parent{}, fail(http.StatusBadRequest, "INVALID_FIELD", "Relationship %s on sobject %s names no external id field of %s", name, o.Name, to.Name).on(name)
	}
	return p, nil
}

// apply writes the input over old (nil creates) and says what that did.
func (s *Sim) apply(old *record, in *input, key string) (*record, Effect, *apiError) {
	o := in.object
	if len(in.locked) > 0 {
		return nil, "", fail(400, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: %s. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
			strings.Join(in.locked, ", ")).on(in.locked...)
	}
	if err := s.contended(in, o, key); err != nil {
		return nil, "", err
	}
	if err := s.resolve(in); err != nil {
		return nil, "", err
	}
	next := &record{object: o, values: map[string]any{}, created: s.now(), modified: s.now()}
	if old != nil {
		next.id, next.created, next.values = old.id, old.created, maps.Clone(old.values)
	}
	for name, v := range in.values {
		if v == nil {
			delete(next.values, name)
		} else {
			next.values[name] = v
		}
	}
	if err := s.rules(old, next, in); err != nil {
		return nil, "", err
	}
	if old == nil {
		s.serial++
		next.id = newID(o.Prefix, s.serial)
		s.store.put(next)
		return next, EffectCreated, nil
	}
	s.store.put(next)
	if reflect.DeepEqual(old.values, next.values) {
		return next, EffectUnchanged, nil
	}
	return next, EffectUpdated, nil
}

// contended refuses the row when another transaction is said to hold it.
func (s *Sim) contended(in *input, o *Object, key string) *apiError {
	if in.clerk {
		return nil
	}
	if f, hit := s.opts.Faults.Hit(System, "row/"+o.Name, simkit.ErrorBody); hit {
		return faultError(f.Code)
	}
	at := lockKey(o.Name, key)
	if s.locks[at] == 0 {
		return nil
	}
	s.locks[at]--
	return fail(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
}

func lockKey(object, key string) string { return strings.ToLower(object + "/" + key) }

// resolve turns parents named by external id into record ids.
func (s *Sim) resolve(in *input) *apiError {
	for _, p := range in.parents {
		found := s.store.match(p.of, p.by, p.value)
		switch {
		case len(found) == 0:
			return fail(400, "INVALID_FIELD", "Foreign key external ID: %s not found for field %s in entity %s", p.value, p.by.Name, p.of.Name).on(p.field.Name)
		case len(found) > 1:
			return manyFound(p.by, found)
		}
		if err := s.contended(in, p.of, p.value); err != nil {
			return err
		}
		in.values[p.field.Name] = found[0].id
	}
	return nil
}

func manyFound(by *Field, found []*record) *apiError {
	var ids []string
	for _, r := range found {
		ids = append(ids, r.id)
	}
	return fail(400, "DUPLICATE_EXTERNAL_ID", "%s: more than one record found for external id field: [%s]", by.Name, strings.Join(ids, ", "))
}

// rules are the checks a row must pass before it is written.
func (s *Sim) rules(old, next *record, in *input) *apiError {
	o := in.object
	var missing []string
	for i := range o.Fields {
		f := &o.Fields[i]
		v, given := in.values[f.Name]
		if f.Required && next.values[f.Name] == nil && (old == nil || given) {
			missing = append(missing, f.Name)
		}
		if !given || v == nil {
			continue
		}
		if err := f.validate(v); err != nil {
			return err
		}
		if err := s.reference(old, next, f); err != nil {
			return err
		}
		if text, ok := v.(string); ok && f.Unique {
			for _, r := range s.store.match(o, f, text) {
				if r.id != next.id {
					return fail(400, "DUPLICATE_VALUE", "duplicate value found: %s duplicates value on record with id: %s", f.Name, r.id)
				}
			}
		}
	}
	if missing != nil {
		return fail(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [%s]", strings.Join(missing, ", ")).on(missing...)
	}
	return nil
}

func (s *Sim) reference(old, next *record, f *Field) *apiError {
	if f.Type != Reference {
		return nil
	}
	id, _ := next.values[f.Name].(string)
	to := s.store.get(s.objects[strings.ToLower(f.ReferenceTo)], id)
	if to == nil {
		return fail(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id").on(f.Name)
	}
	next.values[f.Name] = to.id
	if old != nil && f.MasterDetail && old.values[f.Name] != to.id {
		return fail(400, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: %s. The parent of a detail record cannot be changed.", f.Name).on(f.Name)
	}
	return nil
}

// upsert writes by external id. Its error carries the status of a single call.
func (s *Sim) upsert(q *request, in *input, by *Field, value string, updateOnly bool) (*record, bool, *apiError) {
	o := in.object
	found := s.store.match(o, by, value)
	in.values[by.Name] = value
	var rec *record
	var effect Effect
	var err *apiError
	switch {
	case len(found) > 1:
		err = manyFound(by, found)
		err.status = http.StatusMultipleChoices
		for _, r := range found {
			err.links = append(err.links, recordURL(q.version, r))
		}
	case len(found) == 0 && updateOnly:
		err = errNotFound()
	case len(found) == 1:
		in.values[by.Name] = found[0].values[by.Name] // however the caller spelled it
		rec, effect, err = s.apply(found[0], in, value)
	default:
		rec, effect, err = s.apply(nil, in, value)
	}
	s.note(q.call, in, rec, value, effect, err)
	return rec, effect == EffectCreated, err
}

func recordURL(version int, r *record) string {
	return fmt.Sprintf("/services/data/v%d.0/sobjects/%s/%s", version, r.object.Name, r.id)
}
