package qimensim

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// The steps of an order in the warehouse (processStatus in the vendor's words).
const (
	StepNew       = "NEW"
	StepAccept    = "ACCEPT"
	StepPick      = "PICK"
	StepCheck     = "CHECK"
	StepPackage   = "PACKAGE"
	StepWeigh     = "WEIGH"
	StepReady     = "READY"
	StepDelivered = "DELIVERED"
	StepCanceled  = "CANCELED"
)

func steps() []string {
	return []string{StepNew, StepAccept, StepPick, StepCheck, StepPackage, StepWeigh, StepReady, StepDelivered}
}

// DeliveryOrder is an order as received, with what the warehouse made of it.
// Amounts are the decimal texts that came, in yuan; times are the texts that came,
// in China time.
type DeliveryOrder struct {
	Code               string            `json:"code"` // deliveryOrderCode
	ID                 string            `json:"id"`   // deliveryOrderId, given by the warehouse
	OwnerCode          string            `json:"owner_code"`
	OrderType          string            `json:"order_type"`
	WarehouseCode      string            `json:"warehouse_code"` // as received
	AssignedWarehouse  string            `json:"assigned_to"`    // differs where OTHER was received
	PreCode            string            `json:"pre_code,omitempty"`
	OrderFlag          string            `json:"order_flag,omitempty"`
	SourcePlatformCode string            `json:"source_platform_code,omitempty"`
	SourcePlatformName string            `json:"source_platform_name,omitempty"`
	CreateTime         string            `json:"create_time"`
	PlaceOrderTime     string            `json:"place_order_time"`
	PayTime            string            `json:"pay_time,omitempty"`
	PayNo              string            `json:"pay_no,omitempty"`
	OperateTime        string            `json:"operate_time"`
	ShopNick           string            `json:"shop_nick"`
	SellerNick         string            `json:"seller_nick,omitempty"`
	BuyerNick          string            `json:"buyer_nick,omitempty"`
	TotalAmount        string            `json:"total_amount,omitempty"`
	ItemAmount         string            `json:"item_amount,omitempty"`
	DiscountAmount     string            `json:"discount_amount,omitempty"`
	Freight            string            `json:"freight,omitempty"`
	ArAmount           string            `json:"ar_amount,omitempty"`
	GotAmount          string            `json:"got_amount,omitempty"`
	ServiceFee         string            `json:"service_fee,omitempty"`
	LogisticsCode      string            `json:"logistics_code"`
	LogisticsName      string            `json:"logistics_name,omitempty"`
	ExpressCode        string            `json:"express_code,omitempty"`
	InvoiceFlag        string            `json:"invoice_flag,omitempty"`
	Invoices           []Invoice         `json:"invoices,omitempty"`
	BuyerMessage       string            `json:"buyer_message,omitempty"`
	SellerMessage      string            `json:"seller_message,omitempty"`
	Remark             string            `json:"remark,omitempty"`
	Sender             Person            `json:"sender"`
	Receiver           Person            `json:"receiver"`
	Lines              []Line            `json:"lines"`
	ExtendProps        map[string]string `json:"extend_props,omitempty"` // of deliveryOrder

	Status       string    `json:"status"`  // the vendor's outbound word
	Process      string    `json:"process"` // the step reached
	Cancelled    bool      `json:"cancelled"`
	CancelReason string    `json:"cancel_reason,omitempty"`
	Packages     []Package `json:"packages,omitempty"`
	Digest       string    `json:"digest"` // of the content without createTime and operateTime
	ReceivedAt   time.Time `json:"received_at"`
	Foreign      bool      `json:"foreign,omitempty"` // inserted through the control surface

	confirmTime, confirmID string
}

// Person is a sender or a receiver.
type Person struct {
	Company       string `json:"company,omitempty"`
	Name          string `json:"name"`
	Mobile        string `json:"mobile"`
	Tel           string `json:"tel,omitempty"`
	Email         string `json:"email,omitempty"`
	ZipCode       string `json:"zip_code,omitempty"`
	CountryCode   string `json:"country_code,omitempty"`
	Province      string `json:"province"`
	City          string `json:"city"`
	Area          string `json:"area,omitempty"`
	Town          string `json:"town,omitempty"`
	DetailAddress string `json:"detail_address"`
	OAID          string `json:"oaid,omitempty"`
}

// Line is an order line; ActualQty is what was shipped of it.
type Line struct {
	LineNo             string `json:"line_no,omitempty"`
	SourceOrderCode    string `json:"source_order_code,omitempty"`
	SubSourceOrderCode string `json:"sub_source_order_code,omitempty"`
	OwnerCode          string `json:"owner_code"`
	ItemCode           string `json:"item_code"`
	ItemID             string `json:"item_id,omitempty"`
	ItemName           string `json:"item_name,omitempty"`
	ExtCode            string `json:"ext_code,omitempty"`
	InventoryType      string `json:"inventory_type,omitempty"`
	PlanQty            int64  `json:"plan_qty"`
	ActualQty          int64  `json:"actual_qty"`
	RetailPrice        string `json:"retail_price,omitempty"`
	ActualPrice        string `json:"actual_price"`
	DiscountAmount     string `json:"discount_amount,omitempty"`
}

// Invoice is what the order says about an invoice.
type Invoice struct {
	Type      string `json:"type,omitempty"`
	Header    string `json:"header,omitempty"`
	Amount    string `json:"amount,omitempty"`
	Content   string `json:"content,omitempty"`
	TaxNumber string `json:"tax_number,omitempty"`
}

// Package is one parcel with its waybill.
type Package struct {
	Code          string        `json:"code"`
	LogisticsCode string        `json:"logistics_code"`
	LogisticsName string        `json:"logistics_name,omitempty"`
	ExpressCode   string        `json:"express_code"`
	WeightGrams   int64         `json:"weight_grams"`
	Items         []PackageItem `json:"items"`
}

// PackageItem is what a parcel holds of one line.
type PackageItem struct {
	LineNo   string `json:"line_no,omitempty"`
	ItemCode string `json:"item_code"`
	ItemID   string `json:"item_id,omitempty"`
	Quantity int64  `json:"quantity"`

	line int // index of the order line
}

// Entry is one line of the history of effects.
type Entry struct {
	At     time.Time `json:"at"`
	Code   string    `json:"code"`
	Digest string    `json:"digest,omitempty"`
	Effect string    `json:"effect"`
}

// Effects of calls and of the control surface.
const (
	Created          = "created"
	Unchanged        = "unchanged"         // a repeat with the same content, answered success
	Ignored          = "ignored"           // a repeat with other content, answered success, not applied
	DuplicateRefused = "duplicate_refused" // a repeat, answered failure
	CancelDone       = "cancelled"
	CancelRepeated   = "cancel_repeated"
	CancelRefused    = "cancel_refused"
	Shipped          = "shipped"
	Deleted          = "deleted"  // control
	Changed          = "changed"  // control
	Inserted         = "inserted" // control
)

func (s *Sim) createOrder(root *node) (func(*writer), *failure) {
	if wrong := check("request", root, s.create); wrong != "" {
		return nil, &failure{code: "invalid-field", text: wrong}
	}
	o := readOrder(root)
	if bad := s.acceptable(root, o); bad != nil {
		return nil, bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.orders[o.Code]; known != nil {
		return s.repeat(known, o)
	}
	o.ReceivedAt = s.opt.Now()
	s.add(o)
	s.note(o, Created)
	return created(o), nil
}

// acceptable holds the rules that need more than one field.
func (s *Sim) acceptable(root *node, o *DeliveryOrder) *failure {
	if !slices.Contains(s.opt.Warehouses, o.WarehouseCode) && o.WarehouseCode != "OTHER" {
		return &failure{code: "unknown-warehouse", text: "仓库编码不存在: " + o.WarehouseCode}
	}
	if o.OrderType == "HHCK" && o.PreCode == "" {
		return &failure{code: "invalid-field", text: "换货出库单的 preDeliveryOrderCode 不能为空"}
	}
	if owner := root.at("deliveryOrder", "ownerCode"); owner != "" && owner != s.opt.OwnerCode {
		return &failure{code: "unknown-owner", text: "货主编码不存在: " + owner}
	}
	if n := root.at("deliveryOrder", "totalOrderLines"); n != "" && n != strconv.Itoa(len(o.Lines)) {
		return &failure{code: "invalid-field", text: "totalOrderLines 与单据行数不一致"}
	}
	if s.opt.CheckTotals {
		if wrong := o.totals(); wrong != "" {
			return &failure{code: "invalid-amount", text: wrong}
		}
	}
	numbers := map[string]bool{}
	for _, l := range o.Lines {
		switch {
		case l.OwnerCode != s.opt.OwnerCode:
			return &failure{code: "unknown-owner", text: "货主编码不存在: " + l.OwnerCode}
		case s.opt.Items != nil && !slices.Contains(s.opt.Items, l.ItemCode):
			return &failure{code: "unknown-item", text: "商品不存在: " + l.ItemCode}
		case l.LineNo != "" && numbers[l.LineNo]:
			return &failure{code: "invalid-field", text: "单据行号重复: " + l.LineNo}
		}
		numbers[l.LineNo] = true
	}
	return nil
}

func (s *Sim) repeat(known, o *DeliveryOrder) (func(*writer), *failure) {
	same := known.Digest == o.Digest
	switch {
	case known.Cancelled:
		s.noteAs(o, known.Code, DuplicateRefused)
		return nil, &failure{code: "order-cancelled", text: "出库单已取消，单号不能重复使用: " + o.Code}
	case s.opt.Repeat == RepeatRefused, s.opt.Repeat == RepeatRefusedIfChanged && !same:
		s.noteAs(o, known.Code, DuplicateRefused)
		return nil, &failure{code: "order-exists", text: "出库单已存在: " + o.Code}
	case same:
		s.noteAs(o, known.Code, Unchanged)
	default:
		s.noteAs(o, known.Code, Ignored)
	}
	return created(known), nil
}

func created(o *DeliveryOrder) func(*writer) {
	at, id, warehouse, carrier := o.ReceivedAt.In(china()).Format(momentLayout), o.ID, o.AssignedWarehouse, o.LogisticsCode
	return func(w *writer) {
		w.leaf("createTime", at)
		w.leaf("deliveryOrderId", id)
		w.leaf("warehouseCode", warehouse)
		w.leaf("logisticsCode", carrier)
	}
}

func (s *Sim) cancelOrder(root *node) (func(*writer), *failure) {
	if wrong := check("request", root, cancelTable()); wrong != "" {
		return nil, &failure{code: "invalid-field", text: wrong}
	}
	code := root.at("orderCode")
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[code]
	if o == nil || !matches(root, o) {
		return nil, &failure{code: "order-not-found", text: "单据不存在: " + code}
	}
	limit := slices.Index(steps(), StepPick)
	if s.opt.CancelUntilReady {
		limit = slices.Index(steps(), StepReady)
	}
	switch {
	case o.Cancelled:
		s.note(o, CancelRepeated)
	case slices.Index(steps(), o.Process) >= limit:
		s.note(o, CancelRefused)
		text := "订单已拣货，取消失败: "
		if o.Process == StepDelivered {
			text = "订单已发货，取消失败: "
		}
		return nil, &failure{code: "cancel-refused", text: text + code}
	default:
		o.cancel(root.at("cancelReason"))
		s.note(o, CancelDone)
	}
	return nil, nil
}

// matches compares what a cancel or a query says beside the code.
func matches(root *node, o *DeliveryOrder) bool {
	for _, c := range []struct{ said, holds string }{
		{root.at("ownerCode"), o.OwnerCode},
		{root.at("orderId"), o.ID},
		{root.at("orderType"), o.OrderType},
	} {
		if c.said != "" && c.said != c.holds {
			return false
		}
	}
	w := root.at("warehouseCode")
	return w == "" || w == o.WarehouseCode || w == o.AssignedWarehouse
}

func (o *DeliveryOrder) cancel(reason string) {
	o.Cancelled, o.CancelReason, o.Status, o.Process = true, reason, StepCanceled, StepCanceled
}

func (s *Sim) queryOrder(root *node) (func(*writer), *failure) {
	if wrong := check("request", root, queryTable()); wrong != "" {
		return nil, &failure{code: "invalid-field", text: wrong}
	}
	// The table admits at most ten digits, so both fit.
	page, _ := strconv.ParseInt(root.at("page"), 10, 64)
	size, _ := strconv.ParseInt(root.at("pageSize"), 10, 64)
	if size > 100 {
		return nil, &failure{code: "invalid-field", text: "pageSize 最大为100"}
	}
	before := s.opt.Now().Add(-s.opt.Faults.LagOf(system, callQuery))
	code, source := root.at("orderCode"), root.at("orderSourceCode")
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.orders[code]
	if held == nil || held.ReceivedAt.After(before) || !matches(root, held) ||
		source != "" && !slices.ContainsFunc(held.Lines, func(l Line) bool { return l.SourceOrderCode == source }) {
		return nil, &failure{code: "order-not-found", text: "单据不存在: " + code}
	}
	o := held.copy()
	total := int64(len(o.Lines))
	from := min((page-1)*size, total)
	lines := o.Lines[from:min(from+size, total)]
	return func(w *writer) {
		w.leaf("totalLines", strconv.FormatInt(total, 10))
		w.group("deliveryOrder", func() { o.head(w, o.confirmID, "0", o.confirmTime) })
		w.group("packages", func() { writePackages(w, o.Packages) })
		w.group("orderLines", func() {
			for _, l := range lines {
				l.write(w, l.ActualQty)
			}
		})
	}, nil
}

func (s *Sim) add(o *DeliveryOrder) {
	s.nextID++
	o.ID = cmp.Or(o.ID, fmt.Sprintf("WMS%d", s.nextID))
	o.AssignedWarehouse = o.WarehouseCode
	if o.WarehouseCode == "OTHER" {
		o.AssignedWarehouse = s.opt.Warehouses[0]
	}
	o.Status, o.Process = StepNew, StepNew
	s.orders[o.Code] = o
	s.codes = append(s.codes, o.Code)
}

func (s *Sim) note(o *DeliveryOrder, effect string) { s.noteAs(o, o.Code, effect) }

func (s *Sim) noteAs(o *DeliveryOrder, code, effect string) {
	s.history = append(s.history, Entry{s.opt.Now(), code, o.Digest, effect})
}

func (o *DeliveryOrder) copy() *DeliveryOrder {
	c := *o
	c.Lines = slices.Clone(o.Lines)
	c.Invoices = slices.Clone(o.Invoices)
	c.ExtendProps = maps.Clone(o.ExtendProps)
	c.Packages = slices.Clone(o.Packages)
	for i := range c.Packages {
		c.Packages[i].Items = slices.Clone(c.Packages[i].Items)
	}
	return &c
}

// digest covers every leaf but the two times a resend may change.
func digest(root *node) string {
	h := sha256.New()
	var walk func(n *node)
	walk = func(n *node) {
		if n.name == "createTime" || n.name == "operateTime" || len(n.kids) == 0 && n.text == "" {
			return
		}
		fmt.Fprintf(h, "%q=%q{", n.name, n.text)
		for _, k := range n.kids {
			walk(k)
		}
		h.Write([]byte("}"))
	}
	walk(root)
	return hex.EncodeToString(h.Sum(nil)[:16])
}
