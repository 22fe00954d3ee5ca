package salesforcesim

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// sobjects serves sobjects/<Object>[/describe | /<id> | /<external id field>/<value>].
func (s *Sim) sobjects(q *request) (reply, *apiError) {
	o := s.objects[strings.ToLower(q.rest[1])]
	if o == nil {
		return reply{}, errNotFound()
	}
	switch len(q.rest) {
	case 2:
		if q.method != http.MethodPost {
			return reply{}, errMethod(q.method, "POST")
		}
		return s.create(q, o)
	case 3:
		if q.rest[2] == "describe" {
			return s.describe(q, o)
		}
		r := s.store.get(o, q.rest[2])
		if r == nil || s.hidden(q, r) {
			return reply{}, errNotFound()
		}
		return s.one(q, r)
	case 4:
		by, value, err := externalKey(o, q.rest[2], q.rest[3])
		if err != nil {
			return reply{}, err
		}
		if q.method == http.MethodPatch {
			return s.upsertOne(q, o, by, value)
		}
		found := s.store.match(o, by, value)
		switch {
		case len(found) == 0 || s.hidden(q, found[0]):
			return reply{}, errNotFound()
		case len(found) > 1:
			links := []any{}
			for _, r := range found {
				links = append(links, recordURL(q.version, r))
			}
			return reply{status: http.StatusMultipleChoices, body: links}, nil
		}
		return s.one(q, found[0])
	}
	return reply{}, errNotFound()
}

// externalKey reads <field>/<value> of a path. A dot that is not encoded is taken
// for a format suffix, so the route is not found.
func externalKey(o *Object, name, escaped string) (*Field, string, *apiError) {
	by := o.field(name)
	if by == nil || !by.ExternalID {
		return nil, "", fail(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: %s", name)
	}
	value, err := url.PathUnescape(escaped)
	if err != nil || strings.TrimSpace(value) == "" || strings.Contains(escaped, ".") {
		return nil, "", errNotFound()
	}
	return by, strings.TrimSpace(value), nil
}

func (s *Sim) create(q *request, o *Object) (reply, *apiError) {
	raw, err := q.json()
	if err != nil {
		return reply{}, err
	}
	in, err := s.parse(o, raw)
	if err != nil {
		return reply{}, err
	}
	key, _ := in.values[o.key()].(string)
	rec, effect, err := s.apply(nil, in, key)
	s.note(q.call, in, rec, key, effect, err)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, body: map[string]any{"id": rec.id, "success": true, "errors": []any{}}}, nil
}

func (s *Sim) upsertOne(q *request, o *Object, by *Field, value string) (reply, *apiError) {
	raw, err := q.json()
	if err != nil {
		return reply{}, err
	}
	in, err := s.parse(o, raw)
	if err != nil {
		return reply{}, err
	}
	for _, name := range []string{by.Name, "Id"} {
		if _, ok := raw[name]; ok {
			return reply{}, fail(http.StatusBadRequest, "INVALID_FIELD", "The %s field should not be specified in the sobject data.", name).on(name)
		}
	}
	rec, created, err := s.upsert(q, in, by, value, q.query.Get("updateOnly") == "true")
	switch {
	case err != nil:
		return reply{}, err
	case created:
		return reply{status: http.StatusCreated, body: upserted(rec, true)}, nil
	case q.version < bodyOnUpdate:
		return reply{status: http.StatusNoContent}, nil
	}
	return reply{status: http.StatusOK, body: upserted(rec, false)}, nil
}

func upserted(r *record, created bool) map[string]any {
	return map[string]any{"id": r.id, "success": true, "errors": []any{}, "created": created}
}

// one serves GET, PATCH and DELETE of a record that was found.
func (s *Sim) one(q *request, r *record) (reply, *apiError) {
	key, _ := r.values[r.object.key()].(string)
	switch q.method {
	case http.MethodGet:
		return s.read(q, r)
	case http.MethodPatch:
		raw, err := q.json()
		if err != nil {
			return reply{}, err
		}
		in, err := s.parse(r.object, raw)
		if err != nil {
			return reply{}, err
		}
		rec, effect, err := s.apply(r, in, key)
		s.note(q.call, in, rec, key, effect, err)
		if err != nil {
			return reply{}, err
		}
		return reply{status: http.StatusNoContent}, nil
	case http.MethodDelete:
		gone := *r
		gone.deleted, gone.modified = true, s.now()
		s.store.put(&gone)
		s.note(q.call, &input{object: r.object}, &gone, key, EffectDeleted, nil)
		return reply{status: http.StatusNoContent}, nil
	}
	return reply{}, errMethod(q.method, "GET", "PATCH", "DELETE")
}

func (s *Sim) read(q *request, r *record) (reply, *apiError) {
	out := map[string]any{"attributes": attributes(q.version, r)}
	wanted := map[string]bool{}
	for _, name := range strings.Split(q.query.Get("fields"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			f := r.object.field(name)
			if f == nil {
				return reply{}, fail(http.StatusBadRequest, "INVALID_FIELD", "No such column '%s' on sobject of type %s", name, r.object.Name)
			}
			wanted[f.Name] = true
		}
	}
	for i := range r.object.Fields {
		if f := &r.object.Fields[i]; len(wanted) == 0 || wanted[f.Name] || f.Name == "Id" {
			out[f.Name] = f.shown(r.field(f.Name))
		}
	}
	return reply{status: http.StatusOK, body: out}, nil
}

func attributes(version int, r *record) map[string]any {
	return map[string]any{"type": r.object.Name, "url": recordURL(version, r)}
}

// hidden says whether the lag fault hides a young record from this look-up.
func (s *Sim) hidden(q *request, r *record) bool {
	return q.method == http.MethodGet && r.created.After(s.now().Add(-s.opts.Faults.LagOf(System, q.call)))
}

func (s *Sim) describe(q *request, o *Object) (reply, *apiError) {
	if q.method != http.MethodGet {
		return reply{}, errMethod(q.method, "GET", "HEAD")
	}
	fields := []any{}
	for _, f := range o.Fields {
		values := []any{}
		for _, v := range f.Values {
			values = append(values, map[string]any{"active": true, "label": v, "value": v})
		}
		precision, refs := 0, []string{}
		if f.Type == Currency || f.Type == Double {
			precision = f.Digits + f.Scale
		}
		if f.Type == Reference {
			refs = []string{f.ReferenceTo}
		}
		var rel any
		if f.Relationship != "" {
			rel = f.Relationship
		}
		fields = append(fields, map[string]any{"name": f.Name, "label": strings.TrimSuffix(f.Name, "__c"), "type": f.Type, "length": f.Length, "precision": precision, "scale": f.Scale,
			"nillable": !f.Required, "createable": !f.ReadOnly, "updateable": !f.ReadOnly && !f.MasterDetail, "externalId": f.ExternalID, "unique": f.Unique,
			"restrictedPicklist": f.Type == Picklist, "picklistValues": values, "referenceTo": refs, "relationshipName": rel, "idLookup": f.ExternalID || f.Name == "Id"})
	}
	return reply{status: http.StatusOK, body: map[string]any{"name": o.Name, "keyPrefix": o.Prefix, "custom": strings.HasSuffix(o.Name, "__c"), "fields": fields,
		"urls": map[string]any{"sobject": fmt.Sprintf("/services/data/v%d.0/sobjects/%s", q.version, o.Name)}}}, nil
}
