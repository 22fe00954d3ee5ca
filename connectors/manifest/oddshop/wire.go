package oddshop

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Zone is where the shop's server stands; its times carry no offset.
var Zone = time.FixedZone("CST", 8*60*60)

// clockText is how the shop writes a time.
const clockText = "2006-01-02 15:04:05"

// nameWidth is the width in bytes of the column that receivers' names come from, titleWidth of the
// titles'; what is left over is NUL.
const (
	nameWidth  = 16
	titleWidth = 24
)

// wireRow is an order as the API writes it. The name is filled in later: raw NUL bytes are
// not JSON, so no encoder writes them.
type wireRow struct {
	OID         int64           `json:"oid"`
	OrderSN     string          `json:"order_sn"`
	ShopID      int64           `json:"shop_id"`
	State       State           `json:"state"`
	AddTime     string          `json:"add_time"`
	PayTime     int64           `json:"pay_time"`  // Unix seconds, 0 = never
	ShipTime    int64           `json:"ship_time"` // the same
	UID         string          `json:"uid"`
	Nick        string          `json:"nick"` // base64
	Consignee   string          `json:"consignee"`
	Tel         string          `json:"tel"`
	Province    string          `json:"province"`
	City        string          `json:"city"`
	District    string          `json:"district"`
	Address     string          `json:"address"`
	GoodsAmount string          `json:"goods_amount"` // yuan as text
	Freight     string          `json:"freight"`      // yuan as text
	Amount      json.RawMessage `json:"amount"`       // yuan as a decimal
	BuyerMsg    string          `json:"buyer_msg"`
	Waybill     string          `json:"waybill"`
	Goods       []wireLine      `json:"goods"`
}

type wireLine struct {
	RecID    int64           `json:"rec_id"`
	GoodsSN  string          `json:"goods_sn"`
	Title    string          `json:"title"`
	Price    string          `json:"price"`    // yuan as text
	Num      string          `json:"num"`      // text, as everything that came from the database unread
	Subtotal json.RawMessage `json:"subtotal"` // yuan as a decimal
}

// wire writes an order the shop's way, anew only when something was done to it.
func (s *Sim) wire(o *Order) (string, error) {
	if text, ok := s.wired[o.ID]; ok {
		return text, nil
	}
	text, err := s.write(o)
	if err == nil {
		s.wired[o.ID] = text
	}
	return text, err
}

func (s *Sim) write(o *Order) (string, error) {
	r := wireRow{
		OID: o.ID, OrderSN: o.Number, ShopID: s.opt.ShopID, State: o.State,
		AddTime: o.PlacedAt.In(Zone).Format(clockText), PayTime: epoch(o.PaidAt), ShipTime: epoch(o.ShippedAt),
		UID: strconv.FormatInt(o.Buyer.ID, 10), Nick: base64.StdEncoding.EncodeToString([]byte(o.Buyer.Nick)),
		Consignee: padMark, Tel: o.Receiver.Phone,
		Province: strconv.Itoa(o.Receiver.Province), City: strconv.Itoa(o.Receiver.City), District: strconv.Itoa(o.Receiver.District),
		Address: o.Receiver.Address, GoodsAmount: yuanText(o.goods()), Freight: yuanText(o.Freight), Amount: yuanNumber(o.Total),
		BuyerMsg: o.Note, Waybill: o.Waybill,
	}
	for _, l := range o.Lines {
		r.Goods = append(r.Goods, wireLine{RecID: l.ID, GoodsSN: l.SKU, Title: pad(l.Title, titleWidth), Price: yuanText(l.Price),
			Num: strconv.FormatInt(l.Qty, 10), Subtotal: yuanNumber(l.Price * l.Qty)})
	}
	text, err := encode(r)
	if err != nil {
		return "", err
	}
	name, err := encode(o.Receiver.Name)
	if err != nil {
		return "", err
	}
	// The padding goes in raw, as the shop's C extension copies the column.
	name = strings.TrimSuffix(name, `"`) + strings.Repeat("\x00", max(0, nameWidth-len(o.Receiver.Name))) + `"`
	return strings.Replace(text, `"`+padMark+`"`, name, 1), nil
}

// padMark stands where the padded name goes.
const padMark = "@consignee@"

func pad(text string, width int) string {
	return text + strings.Repeat("\x00", max(0, width-len(text)))
}

// encode is JSON without the escapes for HTML.
func encode(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// epoch is Unix seconds, 0 for never.
func epoch(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// yuanText is "12.30".
func yuanText(fen int64) string {
	return fmt.Sprintf("%d.%02d", fen/100, fen%100)
}

// yuanNumber is 12.3: a decimal without the zeros at its end.
func yuanNumber(fen int64) json.RawMessage {
	return json.RawMessage(strings.TrimSuffix(strings.TrimRight(yuanText(fen), "0"), "."))
}
