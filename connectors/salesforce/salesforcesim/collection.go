package salesforcesim

import (
	"net/http"
	"net/url"
	"strings"
)

const maxCollection = 200

// collection serves PATCH composite/sobjects/<Object>/<external id field>: up to 200
// upserts with a result each, in the order of the input.
func (s *Sim) collection(q *request) (reply, *apiError) {
	o := s.objects[strings.ToLower(q.rest[2])]
	name, unescape := url.PathUnescape(q.rest[3])
	if o == nil || unescape != nil {
		return reply{}, errNotFound()
	}
	if q.method != http.MethodPatch {
		return reply{}, errMethod(q.method, "PATCH")
	}
	by := o.field(name)
	if by == nil || !by.ExternalID {
		return reply{}, fail(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: %s", name)
	}
	rows, allOrNone, err := s.parseCollection(q, o)
	if err != nil {
		return reply{}, err
	}
	mark, noted := s.store.begin(), len(s.history)
	results := make([]map[string]any, len(rows))
	errs := make([]*apiError, len(rows))
	seen := map[string]bool{}
	failed := false
	for i, in := range rows {
		results[i], errs[i] = s.collectionRow(q, in, by, seen)
		failed = failed || errs[i] != nil
	}
	if allOrNone && failed {
		s.store.rollback(mark)
		s.keepRefused(noted)
		for i := range rows {
			if errs[i] == nil {
				results[i] = fail(400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid and the request was using AllOrNone header").row()
			}
		}
	}
	for _, e := range errs {
		if e != nil {
			s.refused(q.call, e)
		}
	}
	return reply{status: http.StatusOK, body: results}, nil
}

func (s *Sim) collectionRow(q *request, in *input, by *Field, seen map[string]bool) (map[string]any, *apiError) {
	value, ok := in.values[by.Name].(string)
	var err *apiError
	switch {
	case !ok:
		err = fail(400, "MISSING_ARGUMENT", "%s not specified", by.Name)
	case seen[by.fold(value)]:
		err = fail(400, "DUPLICATE_VALUE", "Duplicate external id specified: %s", value)
	}
	if err != nil {
		s.note(q.call, in, nil, value, "", err)
		return err.row(), err
	}
	seen[by.fold(value)] = true
	rec, created, err := s.upsert(q, in, by, value, false)
	if err != nil {
		return err.row(), err
	}
	return upserted(rec, created), nil
}

func (s *Sim) parseCollection(q *request, o *Object) ([]*input, bool, *apiError) {
	doc, err := q.json()
	if err != nil {
		return nil, false, err
	}
	bad := func(format string, args ...any) *apiError {
		return fail(http.StatusBadRequest, "JSON_PARSER_ERROR", format, args...)
	}
	for k := range doc {
		if k != "allOrNone" && k != "records" {
			return nil, false, bad("Unrecognized field \"%s\" at [line:1, column:2]", k)
		}
	}
	allOrNone, isBool := doc["allOrNone"].(bool)
	if _, given := doc["allOrNone"]; given && !isBool {
		return nil, false, bad("allOrNone must be a boolean")
	}
	list, ok := doc["records"].([]any)
	if !ok || len(list) == 0 {
		return nil, false, bad("records must be a list with at least one record")
	}
	if len(list) > maxCollection {
		return nil, false, fail(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than %d records into this call", maxCollection)
	}
	var rows []*input
	for i, e := range list {
		raw, ok := e.(map[string]any)
		if !ok {
			return nil, false, bad("record %d is not an object", i+1)
		}
		attrs, _ := raw["attributes"].(map[string]any)
		if kind, _ := attrs["type"].(string); !strings.EqualFold(kind, o.Name) {
			return nil, false, fail(http.StatusBadRequest, "INVALID_TYPE", "record %d: attributes.type must be %s", i+1, o.Name)
		}
		in, err := s.parse(o, raw)
		if err != nil {
			return nil, false, err
		}
		rows = append(rows, in)
	}
	return rows, allOrNone, nil
}
