package salesforce

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// record is the fields of one Salesforce record by API name, as a JSON tree. A nested
// object names a parent by its external id.
type record = map[string]any

// contactFields are the standard fields of a contact that a document names as they are.
var contactFields = []string{"LastName", "FirstName", "Email", "Phone", "MobilePhone", "Birthdate", "MailingStreet", "MailingCity",
	"MailingState", "MailingPostalCode", "MailingCountry", "Description"}

// contact is a document of contact.push.
type contact struct {
	key  string
	body record
}

// transaction is a document of transaction.push.
type transaction struct {
	key               string
	contact, original string
	amount, currency  string
	status            string
	header            record
	lines             []line
}

type line struct {
	id       string // within the transaction
	quantity json.Number
	body     record
}

// gone tells a line that is there only to say that nothing is left of it.
func (l line) gone() bool { return zero(l.quantity) }

// readContact turns a document into a record.
func (c *conn) readContact(raw json.RawMessage) (contact, *connectors.Error) {
	m, err := members(raw)
	if err != nil {
		return contact{}, err
	}
	out := contact{body: record{}}
	if out.key, err = text(m, "external_id"); err != nil {
		return contact{}, err
	}
	for _, name := range contactFields {
		if v, ok := m[name]; ok {
			if _, isText := v.(string); !isText && v != nil {
				return contact{}, refuse("%s must be text or null", name)
			}
			out.body[name] = v
		}
	}
	if err := known(m, slices.Concat(contactFields, []string{"external_id", "fields"}), ""); err != nil {
		return contact{}, err
	}
	if err := pass(m["fields"], out.body, "fields", c.contactKey); err != nil {
		return contact{}, err
	}
	return out, nil
}

// readTransaction turns a document into the records of a header and its lines.
func (c *conn) readTransaction(raw json.RawMessage) (transaction, *connectors.Error) {
	m, err := members(raw)
	if err != nil {
		return transaction{}, err
	}
	out := transaction{header: record{}}
	for name, to := range map[string]*string{"external_id": &out.key, "Amount": &out.amount, "Status": &out.status} {
		if *to, err = text(m, name); err != nil {
			return transaction{}, err
		}
	}
	for name, to := range map[string]*string{"contact": &out.contact, "original": &out.original, "Currency": &out.currency} {
		if m[name] == nil {
			continue
		}
		if *to, err = text(m, name); err != nil {
			return transaction{}, err
		}
	}
	if err := known(m, append(plain(c.headerFields), "external_id", "contact", "original", "fields", "Lines"), ""); err != nil {
		return transaction{}, err
	}
	if err := take(m, out.header, c.headerFields, headerNumbers, ""); err != nil {
		return transaction{}, err
	}
	if out.contact != "" {
		out.header[c.headerContact] = record{c.contactKey: out.contact}
	}
	if out.original != "" {
		out.header[c.headerFirst] = record{c.headerKey: out.original}
	}
	if err := pass(m["fields"], out.header, "fields", append(named(c.headerFields), c.headerKey, c.headerContact, c.headerFirst)...); err != nil {
		return transaction{}, err
	}
	out.lines, err = c.readLines(m["Lines"])
	return out, err
}

// lineID keeps the colon for joining it to the header's key.
var lineID = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,31}$`)

func (c *conn) readLines(v any) ([]line, *connectors.Error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, refuse("Lines must be a list of at least one line")
	}
	seen := map[string]bool{}
	out := make([]line, 0, len(list))
	for i, v := range list {
		at := fmt.Sprintf("Lines/%d/", i)
		m, ok := v.(map[string]any)
		if !ok {
			return nil, refuse("%s must be an object", strings.TrimSuffix(at, "/"))
		}
		l := line{body: record{}}
		l.id, _ = m["line_id"].(string)
		if !lineID.MatchString(l.id) {
			return nil, refuse("%sline_id must be 1 to 31 letters, digits, '_', '.' or '-'", at)
		}
		fold := strings.ToLower(l.id)
		if seen[fold] {
			return nil, refuse("%sline_id comes twice", at)
		}
		seen[fold] = true
		if err := known(m, append(plain(c.lineFields), "line_id", "fields"), at); err != nil {
			return nil, err
		}
		for _, name := range []string{"Quantity", "NetAmount"} {
			if m[name] == nil {
				return nil, refuse("%s%s is missing", at, name)
			}
		}
		if err := take(m, l.body, c.lineFields, lineNumbers, at); err != nil {
			return nil, err
		}
		l.quantity, _ = l.body[c.lineFields["Quantity"]].(json.Number)
		if err := pass(m["fields"], l.body, at+"fields", append(named(c.lineFields), c.lineKey, c.lineParent)...); err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

var (
	headerNumbers = []string{"Amount"}
	lineNumbers   = []string{"LineNo", "Quantity", "UnitPrice", "Discount", "NetAmount"}
	decimalText   = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,6})?$`)
)

// take moves the fields that the document names in plain words, decimal text as a number.
func take(m map[string]any, into record, api map[string]string, numbers []string, at string) *connectors.Error {
	for name, field := range api {
		v, ok := m[name]
		if !ok {
			continue
		}
		s, isText := v.(string)
		if !isText && v != nil {
			return refuse("%s%s must be text", at, name)
		}
		if isText && slices.Contains(numbers, name) {
			if !decimalText.MatchString(s) {
				return refuse("%s%s must be decimal text like 96.00", at, name)
			}
			v = json.Number(s)
		}
		if field != "" {
			into[field] = v
		}
	}
	return nil
}

// pass carries fields under their API names. reserved are the connector's own.
func pass(v any, into record, at string, reserved ...string) *connectors.Error {
	if v == nil {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return refuse("%s must be an object", at)
	}
	taken := map[string]bool{"id": true, "attributes": true}
	for _, name := range reserved {
		taken[strings.ToLower(name)] = true
	}
	for name := range into {
		taken[strings.ToLower(name)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		switch fold := strings.ToLower(name); {
		case !apiName.MatchString(name):
			return refuse("%s holds a name that is no API name", at)
		case taken[fold]:
			return refuse("%s/%s is set elsewhere in the document or belongs to the connector", at, name)
		default:
			taken[fold] = true
		}
		if _, isList := m[name].([]any); isList || !isParent(m[name]) {
			return refuse("%s/%s must be text, a number, true, false, null, or a parent like {\"Code__c\": \"A-7\"}", at, name)
		}
		into[name] = m[name]
	}
	return nil
}

// isParent refuses objects that are not one external id of a parent.
func isParent(v any) bool {
	m, ok := v.(map[string]any)
	if !ok {
		return true
	}
	for name, id := range m {
		s, isText := id.(string)
		return len(m) == 1 && isText && s != "" && apiName.MatchString(name)
	}
	return false
}

func members(raw json.RawMessage) (map[string]any, *connectors.Error) {
	v, err := codec.Decode(raw)
	if err != nil {
		e := refuse("the document is not JSON")
		e.Err = err
		return nil, e
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, refuse("the document must be an object")
	}
	return m, nil
}

func text(m map[string]any, name string) (string, *connectors.Error) {
	s, ok := m[name].(string)
	if !ok || s == "" {
		return "", refuse("%s must be a text that is not empty", name)
	}
	return s, nil
}

func known(m map[string]any, names []string, at string) *connectors.Error {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(names, name) {
			return refuse("%s%s is unknown; put a field of your own below fields", at, short(name))
		}
	}
	return nil
}

// plain are a table's names in the document, named those in Salesforce.
func plain(api map[string]string) []string { return slices.Sorted(maps.Keys(api)) }

func named(api map[string]string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Values(api)), func(s string) bool { return s == "" })
}
