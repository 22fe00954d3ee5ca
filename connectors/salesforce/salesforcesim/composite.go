package salesforcesim

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	maxSubrequests = 25
	maxHeavy       = 5 // queries and collections among them
)

var (
	referenceID   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	referenceText = regexp.MustCompile(`@\{([A-Za-z][A-Za-z0-9_]*)((?:\.[A-Za-z0-9_]+|\[[0-9]+\])*)\}`)
	referenceStep = regexp.MustCompile(`[A-Za-z0-9_]+`)
)

// subrequest is one element of compositeRequest.
type subrequest struct {
	method, url, ref string
	body             any
}

func (s subrequest) call() string { return callName(strings.SplitN(s.url, "?", 2)[0]) }

// rowsFailed reports a collection of which a row failed: under allOrNone it fails the
// whole composite, although it answers 200 itself.
func rowsFailed(body any) bool {
	rows, _ := body.([]map[string]any)
	return slices.ContainsFunc(rows, func(row map[string]any) bool { return row["success"] == false })
}

// composite serves POST composite: up to 25 calls in order, later ones may refer to
// the answers of earlier ones. It counts as one call.
func (s *Sim) composite(q *request) (reply, *apiError) {
	if q.method != http.MethodPost {
		return reply{}, errMethod(q.method, "POST")
	}
	subs, allOrNone, err := parseComposite(q)
	if err != nil {
		return reply{}, err
	}
	mark, noted := s.store.begin(), len(s.history)
	answers := map[string]any{}
	results := make([]map[string]any, len(subs))
	var broken []bool
	anyBroken := false
	for i, sub := range subs {
		if rows, ok := sub.body.(map[string]any); ok && allOrNone && strings.HasPrefix(sub.call(), "composite/sobjects") {
			rows["allOrNone"] = true // the composite's own overrides the collection's
		}
		rep, err := s.sub(q, sub, answers)
		if err != nil {
			s.refused(q.call, err)
			rep = err.reply()
		}
		if err == nil && rep.body != nil {
			answers[sub.ref] = rep.body
		}
		broken = append(broken, err != nil || rowsFailed(rep.body))
		anyBroken = anyBroken || broken[i]
		results[i] = map[string]any{"body": rep.body, "httpHeaders": map[string]any{}, "httpStatusCode": rep.status, "referenceId": sub.ref}
	}
	if allOrNone && anyBroken {
		s.store.rollback(mark)
		s.keepRefused(noted)
		for i := range results {
			if !broken[i] {
				halted := fail(400, "PROCESSING_HALTED", "The transaction was rolled back since another operation in the same transaction failed.")
				results[i]["body"], results[i]["httpStatusCode"] = halted.body(), 400
			}
		}
	}
	return reply{status: http.StatusOK, body: map[string]any{"compositeResponse": results}}, nil
}

func parseComposite(q *request) ([]subrequest, bool, *apiError) {
	doc, err := q.json()
	if err != nil {
		return nil, false, err
	}
	bad := func(format string, args ...any) *apiError {
		return fail(http.StatusBadRequest, "JSON_PARSER_ERROR", format, args...)
	}
	for k := range doc {
		if k != "allOrNone" && k != "compositeRequest" && k != "collateSubrequests" {
			return nil, false, bad("Unrecognized field \"%s\" at [line:1, column:2]", k)
		}
	}
	list, ok := doc["compositeRequest"].([]any)
	if !ok || len(list) == 0 {
		return nil, false, bad("compositeRequest must be a list with at least one subrequest")
	}
	var subs []subrequest
	seen, heavy := map[string]bool{}, 0
	for i, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			return nil, false, bad("subrequest %d is not an object", i+1)
		}
		sub := subrequest{body: m["body"]}
		sub.method, _ = m["method"].(string)
		sub.url, _ = m["url"].(string)
		sub.ref, _ = m["referenceId"].(string)
		if sub.method == "" || sub.url == "" || !referenceID.MatchString(sub.ref) || seen[sub.ref] {
			return nil, false, bad("subrequest %d needs a method, a url and a referenceId of its own (letters, digits, underscore)", i+1)
		}
		seen[sub.ref] = true
		if c := sub.call(); c == "query" || c == "queryAll" || strings.HasPrefix(c, "composite/sobjects") {
			heavy++
		}
		subs = append(subs, sub)
	}
	if len(subs) > maxSubrequests || heavy > maxHeavy {
		return nil, false, fail(http.StatusBadRequest, "LIMIT_EXCEEDED", "Limit exceeded: at most %d subrequests, %d of them queries or collections", maxSubrequests, maxHeavy)
	}
	allOrNone, _ := doc["allOrNone"].(bool)
	return subs, allOrNone, nil
}

// sub runs one subrequest after filling in its references.
func (s *Sim) sub(outer *request, sub subrequest, answers map[string]any) (reply, *apiError) {
	target, err := fill(sub.url, answers)
	if err != nil {
		return reply{}, err
	}
	body, err := fillTree(sub.body, answers)
	if err != nil {
		return reply{}, err
	}
	path, query, _ := strings.Cut(target, "?")
	req, err := parseTarget(sub.method, path, query)
	if err != nil {
		return reply{}, err
	}
	if req.call == "composite" || req.call == "limits" {
		return reply{}, errNotFound()
	}
	req.call, req.contentType = outer.call, "application/json"
	if body != nil {
		req.body = encode(body)
	}
	return s.dispatch(req)
}

// fill replaces each @{ref.path} of a text.
func fill(text string, answers map[string]any) (string, *apiError) {
	var failed *apiError
	out := referenceText.ReplaceAllStringFunc(text, func(whole string) string {
		m := referenceText.FindStringSubmatch(whole)
		v, ok := walk(answers[m[1]], referenceStep.FindAllString(m[2], -1))
		if !ok {
			failed = fail(http.StatusBadRequest, "PROCESSING_HALTED", "Invalid reference specified. No value for %s found in %s", strings.TrimPrefix(m[2], "."), m[1])
		}
		return v
	})
	return out, failed
}

// walk follows the steps of a reference into an answer.
func walk(v any, steps []string) (string, bool) {
	if v == nil || len(steps) == 0 {
		return "", false
	}
	tree, err := decodeJSON(encode(v))
	if err != nil {
		return "", false
	}
	for _, step := range steps {
		switch node := tree.(type) {
		case map[string]any:
			tree = node[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(node) {
				return "", false
			}
			tree = node[i]
		default:
			return "", false
		}
	}
	switch tree.(type) {
	case nil, map[string]any, []any:
		return "", false
	}
	return fmt.Sprint(tree), true
}

func fillTree(v any, answers map[string]any) (any, *apiError) {
	switch v := v.(type) {
	case string:
		return fill(v, answers)
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			f, err := fillTree(e, answers)
			if err != nil {
				return nil, err
			}
			out[k] = f
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			f, err := fillTree(e, answers)
			if err != nil {
				return nil, err
			}
			out[i] = f
		}
		return out, nil
	}
	return v, nil
}
