package trytonsim

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// call is one authorised request.
type call struct {
	name, model, method string
	params              []any
	ctx                 object
	at                  time.Time
}

func (s *Sim) call(c *call) (any, *fail) {
	switch c.model + "." + c.method {
	case "ir.date.today":
		t := c.at.In(companyZone())
		return dateValue{t.Year(), int(t.Month()), t.Day()}, nil
	case "res.user.get_preferences":
		return object{"company": 1, "company.rec_name": "Hub Test Trading Co.", "company_filter": "one", "language": "en", "language_direction": "ltr", "groups": []any{1, 2, 3}}, nil
	}
	m := s.models[c.model]
	if m == nil {
		return nil, unexpected("'%s'", c.model)
	}
	if button := m.buttons[c.method]; button != nil {
		return s.press(c, m, button)
	}
	generic := map[string]struct {
		serve    func(*Sim, *call, *model) (any, *fail)
		min, max int
	}{
		"create": {create, 1, 1}, "read": {readCall, 2, 2}, "write": {write, 2, 1 << 20}, "delete": {deleteCall, 1, 1},
		"search": {search, 1, 5}, "search_read": {searchRead, 1, 5}, "search_count": {searchCount, 1, 3}, "fields_get": {fieldsGet, 0, 2},
	}
	g, known := generic[c.method]
	if !known {
		return nil, &fail{status: http.StatusForbidden}
	}
	if len(c.params) < g.min || len(c.params) > g.max {
		return nil, unexpected("ModelSQL.%s() takes %d to %d positional arguments but %d were given", c.method, g.min, g.max, len(c.params))
	}
	return g.serve(s, c, m)
}

func companyZone() *time.Location { return time.FixedZone("Asia/Shanghai", 8*3600) }

// rowsOf returns the records of an ids parameter, or the refusal about a missing one.
func (s *Sim) rowsOf(c *call, m *model, v any, doing string) ([]*row, *fail) {
	ids, ok := asInts(v)
	if !ok {
		return nil, unexpected("ids must be a list of numbers")
	}
	out := make([]*row, len(ids))
	for i, id := range ids {
		r := s.tables[c.model].rows[id]
		if r == nil {
			if m.company {
				return nil, userError("You are not allowed to %s records \"%d\" of %q because of at least one of these rules:\nUser in companies", doing, id, m.label)
			}
			return nil, userError("You are trying to %s records \"%d\" of %q that don't exist anymore.", doing, id, m.label)
		}
		out[i] = r
	}
	return out, nil
}

func create(s *Sim, c *call, m *model) (any, *fail) {
	list, ok := c.params[0].([]any)
	if !ok {
		return nil, unexpected("create() wants a list of values")
	}
	ids := []any{}
	for _, v := range list {
		values, ok := v.(map[string]any)
		if !ok {
			return nil, unexpected("create() wants a list of values")
		}
		r, f := s.create(c, c.model, values)
		if f != nil {
			return nil, f
		}
		ids = append(ids, r.id)
	}
	for _, id := range ids {
		s.wrote(c, m, s.tables[c.model].rows[id.(int)], "created")
	}
	return ids, nil
}

// create adds one record with its children and checks it.
func (s *Sim) create(c *call, name string, values object) (*row, *fail) {
	m := s.models[name]
	r := s.insert(name, c.at)
	for field, f := range m.fields {
		if _, given := values[field]; !given && f.fallback != nil && f.fallback != "" {
			s.set(name, r, field, f.fallback)
		}
	}
	s.defaults(name, r, values)
	if f := s.assign(c, name, r, values); f != nil {
		return nil, f
	}
	return r, s.validate(name, r)
}

// defaults are the few that the server knows without a client's help.
func (s *Sim) defaults(name string, r *row, values object) {
	put := func(field string, v any) {
		if _, given := values[field]; !given && s.models[name].fields[field] != nil {
			s.set(name, r, field, v)
		}
	}
	switch name {
	case "sale.sale":
		put("currency", 1)
		put("warehouse", 5)
		fallthrough
	case "stock.shipment.out", "stock.shipment.out.return", "account.tax":
		put("company", 1)
	case "party.party":
		if code, _ := values["code"].(string); code == "" {
			delete(values, "code")
			s.set(name, r, "code", s.sequence("party", 0))
		}
	}
}

// assign sets the given values; relations of many come as commands.
func (s *Sim) assign(c *call, name string, r *row, values object) *fail {
	m := s.models[name]
	var later []string
	for field, v := range values {
		f := m.fields[field]
		switch {
		case f == nil:
			return unexpected("'%s'", field)
		case f.compute != nil:
			return unexpected("Not implemented setter for field %q of %q", field, name)
		case f.kind == one2many || f.kind == many2many:
			later = append(later, field)
		default:
			value, fl := s.coerce(m, f, v)
			if fl != nil {
				return fl
			}
			if text, _ := value.(string); f.unique != "" && text != "" {
				if taken := s.where(name, field, text); len(taken) > 0 && taken[0] != r.id {
					return userError("%s", f.unique)
				}
			}
			s.set(name, r, field, value)
		}
	}
	slices.Sort(later)
	for _, field := range later {
		if fl := s.commands(c, name, r, field, values[field]); fl != nil {
			return fl
		}
	}
	return nil
}

// commands changes a one2many or many2many: create, write, delete, add, remove.
func (s *Sim) commands(c *call, name string, r *row, fieldName string, v any) *fail {
	f := s.models[name].fields[fieldName]
	list, ok := v.([]any)
	if !ok && v != nil {
		return unexpected("field %q wants a list of commands", fieldName)
	}
	for _, item := range list {
		command, ok := item.([]any)
		if !ok || len(command) < 2 {
			return unexpected("field %q: a command is a list of a word and its values", fieldName)
		}
		var fl *fail
		switch command[0] {
		case "create":
			fl = s.createChildren(c, f, name, r, fieldName, command[1])
		case "write":
			if len(command) != 3 {
				return unexpected("write wants ids and values")
			}
			sub := &call{name: c.name, model: f.target, method: "write", params: command[1:], ctx: object{}, at: c.at}
			_, fl = write(s, sub, s.models[f.target])
		case "delete":
			sub := &call{name: c.name, model: f.target, method: "delete", params: command[1:2], ctx: object{}, at: c.at}
			_, fl = deleteCall(s, sub, s.models[f.target])
		case "add", "remove":
			fl = s.link(f, name, r, fieldName, command)
		default:
			return unexpected("unknown command %v", command[0])
		}
		if fl != nil {
			return fl
		}
	}
	return nil
}

func (s *Sim) createChildren(c *call, f *field, name string, r *row, fieldName string, v any) *fail {
	list, ok := v.([]any)
	if !ok || f.kind != one2many {
		return unexpected("field %q: create wants a list of values", fieldName)
	}
	for _, item := range list {
		values, ok := item.(map[string]any)
		if !ok {
			return unexpected("field %q: create wants a list of values", fieldName)
		}
		values[f.inverse] = r.id
		if _, fl := s.create(c, f.target, values); fl != nil {
			return fl
		}
	}
	return nil
}

func (s *Sim) link(f *field, name string, r *row, fieldName string, command []any) *fail {
	ids, ok := asInts(command[1])
	if !ok || f.kind != many2many {
		return unexpected("field %q: %v wants ids", fieldName, command[0])
	}
	now := slices.Clone(r.refs(fieldName))
	for _, id := range ids {
		if s.tables[f.target].rows[id] == nil {
			return userError("The value \"%d\" for field %q in %q does not exist.", id, s.models[f.target].label, s.models[name].label+" - "+s.models[f.target].label)
		}
		now = slices.DeleteFunc(now, func(have int) bool { return have == id })
		if command[0] == "add" {
			now = append(now, id)
		}
	}
	s.set(name, r, fieldName, now)
	return nil
}

// validate checks what is required of a record.
func (s *Sim) validate(name string, r *row) *fail {
	m := s.models[name]
	var fields []string
	for field, f := range m.fields {
		if f.required {
			fields = append(fields, field)
		}
	}
	slices.Sort(fields)
	for _, field := range fields {
		if r.v[field] == nil || r.v[field] == "" {
			return userError("A value is required for field %q in %q.", m.fields[field].label, m.label)
		}
	}
	if m.check != nil {
		return m.check(s, r)
	}
	return nil
}

func readCall(s *Sim, c *call, m *model) (any, *fail) {
	rows, f := s.rowsOf(c, m, c.params[0], "read")
	if f != nil {
		return nil, f
	}
	fields, ok := asTexts(c.params[1])
	if !ok {
		return nil, unexpected("fields_names must be a list of names")
	}
	return s.readAll(c, rows, fields)
}

func (s *Sim) readAll(c *call, rows []*row, fields []string) (any, *fail) {
	out := []object{}
	for _, r := range rows {
		doc, f := s.read(c.model, r, fields, c.ctx)
		if f != nil {
			return nil, f
		}
		out = append(out, doc)
	}
	return out, nil
}

func write(s *Sim, c *call, m *model) (any, *fail) {
	if len(c.params)%2 != 0 {
		return nil, unexpected("write() wants pairs of ids and values")
	}
	for i := 0; i < len(c.params); i += 2 {
		rows, f := s.rowsOf(c, m, c.params[i], "write to")
		if f != nil {
			return nil, f
		}
		values, ok := c.params[i+1].(map[string]any)
		if !ok {
			return nil, unexpected("write() wants pairs of ids and values")
		}
		seen := map[int]bool{}
		for _, r := range rows {
			if seen[r.id] {
				return nil, unexpected("Duplicate ids")
			}
			seen[r.id] = true
			if f := s.writeRow(c, m, r, values); f != nil {
				return nil, f
			}
		}
	}
	return nil, nil
}

func (s *Sim) writeRow(c *call, m *model, r *row, values object) *fail {
	if stamps, ok := c.ctx["_timestamp"].(map[string]any); ok {
		if want, given := stamps[c.model+","+itoa(r.id)]; given && want != r.stamp() {
			return &fail{envelop: []any{"ConcurrencyException", "Records were modified in the meanwhile"}}
		}
	}
	if f := s.assign(c, c.model, r, values); f != nil {
		return f
	}
	if f := s.validate(c.model, r); f != nil {
		return f
	}
	s.touch(r, c.at)
	s.wrote(c, m, r, "updated")
	return nil
}

func deleteCall(s *Sim, c *call, m *model) (any, *fail) {
	rows, f := s.rowsOf(c, m, c.params[0], "read")
	if f != nil {
		return nil, f
	}
	for _, r := range rows {
		if m.remove != nil {
			if f := m.remove(s, r); f != nil {
				return nil, f
			}
		}
		if f := s.release(c.model, r); f != nil {
			return nil, f
		}
		s.remove(c.model, r)
		s.wrote(c, m, r, "deleted")
	}
	return nil, nil
}

// release settles what refers to a record that goes: its parts go with it, what
// needs it refuses, other references become null.
func (s *Sim) release(name string, r *row) *fail {
	parts := map[string]string{}
	for _, f := range s.models[name].fields {
		if f.kind == one2many {
			parts[f.target+" "+f.inverse] = f.target
		}
	}
	for _, other := range slices.Sorted(maps.Keys(s.models)) {
		for field, f := range s.models[other].fields {
			if f.kind != many2one || f.target != name || f.compute != nil {
				continue
			}
			for _, id := range s.where(other, field, r.id) {
				user := s.tables[other].rows[id]
				switch _, part := parts[other+" "+field]; {
				case part:
					s.remove(other, user)
				case f.required || f.restrict:
					return userError("The records could not be deleted because they are used by field %q of %q.", f.label, s.models[other].label)
				default:
					s.set(other, user, field, nil)
				}
			}
		}
	}
	return nil
}

// press is a button: it changes those records whose state allows it, silently.
func (s *Sim) press(c *call, m *model, button func(*Sim, *row, *call) (string, any, *fail)) (any, *fail) {
	if len(c.params) != 1 {
		return nil, unexpected("%s() takes 2 positional arguments but %d were given", c.method, len(c.params)+1)
	}
	rows, f := s.rowsOf(c, m, c.params[0], "read")
	if f != nil {
		return nil, f
	}
	var result any
	for _, r := range rows {
		effect, out, f := button(s, r, c)
		if f != nil {
			return nil, f
		}
		if effect != "unchanged" {
			s.touch(r, c.at)
		}
		s.wrote(c, m, r, effect)
		result = out
	}
	return result, nil
}

// wrote appends to the history; a rollback takes it back.
func (s *Sim) wrote(c *call, m *model, r *row, effect string) {
	raw, _ := json.Marshal(encode(c.params))
	k := r.text("reference")
	if m.label == "Party" {
		k = r.text("code")
	}
	n := len(s.history)
	s.history = append(s.history, Write{At: c.at, Call: c.name, Model: c.model, ID: r.id, Key: k, Digest: digest(string(raw))[:16], Effect: effect})
	s.undo = append(s.undo, func() { s.history = s.history[:n] })
}

func (s *Sim) find(c *call, domain any, order any) ([]*row, *fail) {
	list, ok := domain.([]any)
	if !ok {
		return nil, unexpected("a domain is a list")
	}
	if len(list) > 0 && isText(list[0]) && list[0] != "AND" && list[0] != "OR" {
		list = []any{list}
	}
	lag := s.opts.Faults.LagOf(s.opts.Name, c.name)
	t := s.tables[c.model]
	if f := s.checkDomain(c.model, list); f != nil {
		return nil, f
	}
	var out []*row
	for _, id := range s.candidates(c.model, list) {
		r := t.rows[id]
		if lag > 0 && c.at.Sub(r.created) < lag {
			continue
		}
		if c.ctx["active_test"] != false && r.v["active"] == false && !mentionsActive(list) {
			continue
		}
		yes, f := s.match(c.model, r, list, c.ctx)
		if f != nil {
			return nil, f
		}
		if yes {
			out = append(out, r)
		}
	}
	return out, s.sort(c, out, order)
}

// checkDomain finds an unknown field even when no record is there to be matched.
func (s *Sim) checkDomain(name string, domain []any) *fail {
	if len(domain) > 0 && isText(domain[0]) && domain[0] != "AND" && domain[0] != "OR" {
		first, _, _ := strings.Cut(domain[0].(string), ".")
		m := s.models[name]
		switch f := m.fields[first]; {
		case f == nil:
			return unexpected("'%s'", first)
		case f.unsearch:
			return unexpected("Missing search function for field %q in %q.", f.label, m.label)
		}
		return nil
	}
	for _, part := range domain {
		if list, ok := part.([]any); ok {
			if f := s.checkDomain(name, list); f != nil {
				return f
			}
		}
	}
	return nil
}

func mentionsActive(domain []any) bool {
	for _, part := range domain {
		if list, ok := part.([]any); ok && (len(list) > 0 && list[0] == "active" || mentionsActive(list)) {
			return true
		}
	}
	return false
}

func (s *Sim) sort(c *call, rows []*row, by any) *fail {
	keys, _ := by.([]any)
	if len(keys) == 0 && c.model == "sale.sale" {
		keys = []any{[]any{"sale_date", "DESC NULLS FIRST"}, []any{"id", "DESC"}}
	}
	for i := len(keys) - 1; i >= 0; i-- {
		k, ok := keys[i].([]any)
		if !ok || len(k) != 2 {
			return unexpected("an order is a list of [field, direction]")
		}
		path, _ := k[0].(string)
		way, _ := k[1].(string)
		if s.models[c.model].fields[path] == nil {
			return unexpected("'%s'", path)
		}
		down := strings.HasPrefix(strings.ToUpper(way), "DESC")
		first := strings.Contains(strings.ToUpper(way), "NULLS FIRST") || down && !strings.Contains(strings.ToUpper(way), "NULLS LAST")
		slices.SortStableFunc(rows, func(a, b *row) int {
			x, _ := s.get(c.model, a, path, c.ctx)
			y, _ := s.get(c.model, b, path, c.ctx)
			if x == nil || y == nil {
				switch {
				case x == nil && y == nil:
					return 0
				case (x == nil) == first:
					return -1
				}
				return 1
			}
			n, _ := order(x, y)
			if down {
				return -n
			}
			return n
		})
	}
	return nil
}

func param(c *call, i int) any {
	if i < len(c.params) {
		return c.params[i]
	}
	return nil
}

func (s *Sim) searchRows(c *call) ([]*row, *fail) {
	rows, f := s.find(c, c.params[0], param(c, 3))
	if f != nil {
		return nil, f
	}
	offset, _ := asInt(param(c, 1))
	rows = rows[min(max(0, offset), len(rows)):]
	if limit, limited := asInt(param(c, 2)); limited {
		rows = rows[:min(max(0, limit), len(rows))]
	}
	return rows, nil
}

func search(s *Sim, c *call, _ *model) (any, *fail) {
	rows, f := s.searchRows(c)
	if f != nil {
		return nil, f
	}
	if count, _ := param(c, 4).(bool); count {
		return len(rows), nil
	}
	ids := []any{}
	for _, r := range rows {
		ids = append(ids, r.id)
	}
	return ids, nil
}

func searchRead(s *Sim, c *call, _ *model) (any, *fail) {
	rows, f := s.searchRows(c)
	if f != nil {
		return nil, f
	}
	fields, ok := asTexts(param(c, 4))
	if !ok && param(c, 4) != nil {
		return nil, unexpected("fields_names must be a list of names")
	}
	return s.readAll(c, rows, fields)
}

func searchCount(s *Sim, c *call, _ *model) (any, *fail) {
	rows, f := s.find(c, c.params[0], []any{[]any{"id", "ASC"}})
	return len(rows), f
}

func fieldsGet(s *Sim, c *call, m *model) (any, *fail) {
	names, _ := asTexts(param(c, 0))
	out := object{}
	for name, f := range m.fields {
		if len(names) == 0 || slices.Contains(names, name) {
			out[name] = object{"name": name, "string": f.label, "type": string(f.kind), "required": f.required, "relation": f.target}
		}
	}
	return out, nil
}
