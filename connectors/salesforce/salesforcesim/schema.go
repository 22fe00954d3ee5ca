package salesforcesim

import (
	"fmt"
	"strings"
)

// Type is a field's type as describe names it.
type Type string

// The field types the simulator knows.
const (
	Text      Type = "string"
	TextArea  Type = "textarea"
	Email     Type = "email"
	Phone     Type = "phone"
	Picklist  Type = "picklist" // always restricted
	Currency  Type = "currency"
	Double    Type = "double"
	Int       Type = "int"
	Boolean   Type = "boolean"
	Date      Type = "date"
	DateTime  Type = "datetime"
	Reference Type = "reference"
	ID        Type = "id"
)

// Field is one field of an object.
type Field struct {
	Name     string
	Type     Type
	Length   int // characters of a text; 0 means 255
	Digits   int // before the point, of a number; 0 means 16
	Scale    int // after the point, of a number
	Required bool
	// ExternalID makes the field a key for upserts; Unique forbids a second record of the same value.
	ExternalID    bool
	Unique        bool
	CaseSensitive bool
	ReadOnly      bool
	Values        []string // of a picklist
	// ReferenceTo is the parent object, Relationship the name under which its external id is nested.
	ReferenceTo  string
	Relationship string
	// MasterDetail fixes the parent once it is set.
	MasterDetail bool
}

// Object is one object of the organisation.
type Object struct {
	Name   string
	Prefix string // first three characters of its record ids
	Fields []Field
	// VersionField is the field whose value the history keeps as the version of a write.
	VersionField string
}

func (o *Object) field(name string) *Field {
	for i := range o.Fields {
		if strings.EqualFold(o.Fields[i].Name, name) {
			return &o.Fields[i]
		}
	}
	return nil
}

// relationship finds the reference field whose relationship has the name.
func (o *Object) relationship(name string) *Field {
	for i := range o.Fields {
		if o.Fields[i].Relationship != "" && strings.EqualFold(o.Fields[i].Relationship, name) {
			return &o.Fields[i]
		}
	}
	return nil
}

// key is the field that names the object's records in the history: its first external id.
func (o *Object) key() string {
	for _, f := range o.Fields {
		if f.ExternalID {
			return f.Name
		}
	}
	return "Id"
}

// system are the fields every object has.
func system() []Field {
	return []Field{
		{Name: "Id", Type: ID, ReadOnly: true},
		{Name: "IsDeleted", Type: Boolean, ReadOnly: true},
		{Name: "CreatedDate", Type: DateTime, ReadOnly: true},
		{Name: "LastModifiedDate", Type: DateTime, ReadOnly: true},
		{Name: "SystemModstamp", Type: DateTime, ReadOnly: true},
	}
}

// Schema is the organisation's objects, by name in lower case, after their checks.
type Schema struct{ objects map[string]*Object }

// NewSchema checks objects and gives them their system fields. It fails when a
// prefix or a field is there twice, or a reference leads nowhere.
func NewSchema(objects []Object) (*Schema, error) {
	out := map[string]*Object{}
	prefixes := map[string]string{}
	for _, o := range objects {
		if len(o.Prefix) != 3 || prefixes[o.Prefix] != "" {
			return nil, fmt.Errorf("object %s: prefix %q must be three characters of its own", o.Name, o.Prefix)
		}
		prefixes[o.Prefix] = o.Name
		c := o
		c.Fields = system()
		for _, f := range o.Fields {
			if c.field(f.Name) != nil {
				return nil, fmt.Errorf("object %s: field %s is there twice", o.Name, f.Name)
			}
			if f.Length == 0 {
				f.Length = 255
			}
			if f.Digits == 0 {
				f.Digits = 16
			}
			c.Fields = append(c.Fields, f)
		}
		out[strings.ToLower(o.Name)] = &c
	}
	for _, o := range out {
		for _, f := range o.Fields {
			if f.Type == Reference && out[strings.ToLower(f.ReferenceTo)] == nil {
				return nil, fmt.Errorf("object %s: field %s refers to %q, which is no object", o.Name, f.Name, f.ReferenceTo)
			}
		}
	}
	return &Schema{out}, nil
}

// DefaultObjects is a small retail organisation: accounts, members as contacts,
// transactions with lines, and points movements.
func DefaultObjects() []Object {
	text := func(name string, n int) Field { return Field{Name: name, Type: Text, Length: n} }
	money := func(name string) Field { return Field{Name: name, Type: Currency, Scale: 2} }
	count := func(name string, scale int) Field { return Field{Name: name, Type: Double, Digits: 12, Scale: scale} }
	at := func(name string) Field { return Field{Name: name, Type: DateTime} }
	words := func(name string, values ...string) Field {
		return Field{Name: name, Type: Picklist, Values: values}
	}
	extern := func(name string) Field {
		return Field{Name: name, Type: Text, Length: 80, ExternalID: true, Unique: true}
	}
	ref := func(name, to, rel string) Field {
		return Field{Name: name, Type: Reference, ReferenceTo: to, Relationship: rel}
	}
	currency := words("CurrencyIsoCode", "CNY", "HKD", "MOP", "TWD", "USD", "EUR", "GBP", "JPY", "SGD")
	version := text("SourceVersion__c", 40)
	return []Object{
		{Name: "Account", Prefix: "001", VersionField: version.Name, Fields: []Field{
			{Name: "Name", Type: Text, Length: 255, Required: true},
			{Name: "Hub_Account_Id__c", Type: Text, Length: 80, ExternalID: true}, // not unique: a second match answers 300
			{Name: "Phone", Type: Phone, Length: 40}, {Name: "BillingStreet", Type: TextArea, Length: 255}, text("BillingCity", 40),
			{Name: "Description", Type: TextArea, Length: 32000}, version,
		}},
		{Name: "Contact", Prefix: "003", VersionField: version.Name, Fields: []Field{
			extern("MemberNo__c"),
			{Name: "LastName", Type: Text, Length: 80, Required: true}, text("FirstName", 40), {Name: "Name", Type: Text, Length: 121, ReadOnly: true},
			{Name: "Email", Type: Email, Length: 80}, {Name: "Phone", Type: Phone, Length: 40}, {Name: "MobilePhone", Type: Phone, Length: 40},
			{Name: "Birthdate", Type: Date},
			{Name: "MailingStreet", Type: TextArea, Length: 255}, text("MailingCity", 40), text("MailingState", 80),
			text("MailingPostalCode", 20), text("MailingCountry", 80), {Name: "Description", Type: TextArea, Length: 32000},
			ref("AccountId", "Account", "Account"),
			{Name: "UnionId__c", Type: Text, Length: 64, Unique: true, CaseSensitive: true}, text("OpenId__c", 64),
			text("Nickname__c", 100), words("Gender__c", "male", "female", "unknown"), text("Tier__c", 40),
			{Name: "TierExpiresAt__c", Type: DateTime}, count("Points__c", 0), count("GrowthValue__c", 0),
			words("Status__c", "active", "frozen", "merged", "erased"), text("StoreCode__c", 40), at("RegisteredAt__c"),
			{Name: "OptIn__c", Type: Boolean}, version,
		}},
		{Name: "Transaction__c", Prefix: "a01", VersionField: version.Name, Fields: []Field{
			extern("External_Id__c"), text("Name", 80), text("OrderNo__c", 64), text("StoreCode__c", 40),
			words("Type__c", "sale", "refund"),
			words("Status__c", "pending_payment", "paid", "accepted", "partially_shipped", "shipped", "completed", "cancelled", "closed",
				"requested", "approved", "rejected", "goods_in_transit", "goods_received", "refunding", "refunded", "failed"),
			words("Kind__c", "refund_only", "return_refund", "exchange", "cancel_before_ship", "price_adjust"),
			ref("Contact__c", "Contact", "Contact__r"), ref("Original__c", "Transaction__c", "Original__r"),
			{Name: "TotalAmount__c", Type: Currency, Scale: 2, Required: true}, money("PaidAmount__c"), money("GoodsAmount__c"), money("Freight__c"),
			money("Discount__c"), money("RefundedAmount__c"), currency,
			at("PlacedAt__c"), at("PaidAt__c"), at("CompletedAt__c"), at("CancelledAt__c"), text("PaymentNo__c", 64), text("PaymentMethod__c", 40),
			text("ReceiverName__c", 80), {Name: "ReceiverPhone__c", Type: Phone, Length: 40}, text("ReceiverState__c", 80), text("ReceiverCity__c", 80),
			text("ReceiverDistrict__c", 80), {Name: "ReceiverAddress__c", Type: TextArea, Length: 255}, text("Reason__c", 255),
			{Name: "Remark__c", Type: TextArea, Length: 1000}, version,
		}},
		{Name: "TransactionLine__c", Prefix: "a02", VersionField: version.Name, Fields: []Field{
			extern("External_Id__c"), text("Name", 80),
			{Name: "Transaction__c", Type: Reference, ReferenceTo: "Transaction__c", Relationship: "Transaction__r", Required: true, MasterDetail: true},
			count("LineNo__c", 0), text("Sku__c", 64), text("Title__c", 255), count("Quantity__c", 3), money("UnitPrice__c"), money("Discount__c"),
			{Name: "NetAmount__c", Type: Currency, Scale: 2, Required: true}, words("Kind__c", "goods", "gift", "service", "freight", "bundle_parent", "bundle_child"), version,
		}},
		{Name: "PointsMovement__c", Prefix: "a03", VersionField: version.Name, Fields: []Field{
			extern("External_Id__c"), text("Name", 80), ref("Contact__c", "Contact", "Contact__r"),
			{Name: "Points__c", Type: Double, Digits: 12, Required: true}, count("BalanceAfter__c", 0),
			words("Kind__c", "earn", "burn", "expire", "adjust", "refund_back", "refund_deduct"), text("OrderNo__c", 64), at("OccurredAt__c"), version,
		}},
	}
}
