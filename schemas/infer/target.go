package infer

import (
	"slices"
	"strings"

	"github.com/minihub/minihub/schemas"
)

// form of a target field's value.
type want int

const (
	wantText want = iota
	wantWhole
	wantNumber
	wantBool
	wantMoney
	wantMoment
	wantDay
)

// target is one field of the canonical document.
type target struct {
	path, name string
	parent     string // the object that holds it; "" at the top
	want       want
	required   bool
	words      []string // of an enumeration
	order      int
}

// listTarget is a list of objects in the canonical document.
type listTarget struct {
	name     string
	required bool
	fields   []*target
}

// passedOver are parts of canonical documents that a draft leaves to people: they are
// seldom in a first document, and a wrong guess there does harm.
var passedOver = []string{"extra", "store", "attribution", "bill_to", "invoice_request", "latin", "payments", "promotions", "parcels", "after_sales", "external_ids", "tax", "pickup_from",
	"seller_flag", "type", "payment_status", "fulfilment_status", "refund_status", "after_sale_status"}

// targetsOf lists the fields of a canonical document and its required list of objects.
func targetsOf(shape schemas.Shape) (fields []*target, lists []*listTarget) {
	for _, name := range shape.Fields() {
		f, ok := shape.Field(name)
		required := slices.Contains(shape.Required(), name)
		if !ok || slices.Contains(passedOver, name) && !required {
			continue
		}
		elem, isList := f.Elem()
		switch {
		case name == "store":
		case f.Type() == "array" && isList && elem.Type() == "object" && (required || name == "lines"):
			l := &listTarget{name: name, required: required}
			l.fields = objectTargets(elem, "", name)
			lists = append(lists, l)
		case f.Type() == "array":
		case f.Type() == "object" && !isMoney(f):
			inner := objectTargets(f, name, name)
			if !required {
				// Half of an object would fail for every document: its required fields are
				// wanted only together with the others.
				for _, t := range inner {
					t.required = false
				}
				if len(f.Required()) > 0 {
					continue
				}
			}
			fields = append(fields, inner...)
		default:
			fields = append(fields, leaf(f, "", "", name, required))
		}
	}
	for i, t := range fields {
		t.order = i
	}
	return fields, lists
}

func objectTargets(shape schemas.Shape, prefix, parent string) (out []*target) {
	for _, name := range shape.Fields() {
		f, ok := shape.Field(name)
		required := slices.Contains(shape.Required(), name)
		if !ok || slices.Contains(passedOver, name) && !required || f.Type() == "array" || f.Type() == "object" && !isMoney(f) {
			continue
		}
		t := leaf(f, prefix, parent, name, required)
		t.order = len(out)
		out = append(out, t)
	}
	return out
}

func leaf(f schemas.Shape, prefix, parent, name string, required bool) *target {
	t := &target{path: name, name: name, parent: parent, required: required, words: f.Enum()}
	if prefix != "" {
		t.path = prefix + "." + name
	}
	switch {
	case isMoney(f):
		t.want = wantMoney
	case f.Type() == "integer":
		t.want = wantWhole
	case f.Type() == "number":
		t.want = wantNumber
	case f.Type() == "boolean":
		t.want = wantBool
	case strings.HasSuffix(name, "_at"), slices.Contains([]string{"ship_by", "valid_from", "valid_to", "promise_from", "promise_by", "as_of", "eta"}, name):
		t.want = wantMoment
	case name == "birthday", strings.HasSuffix(name, "_date"):
		t.want = wantDay
	}
	return t
}

func isMoney(f schemas.Shape) bool {
	return f.Type() == "object" && slices.Contains(f.Fields(), "minor") && slices.Contains(f.Fields(), "currency")
}
