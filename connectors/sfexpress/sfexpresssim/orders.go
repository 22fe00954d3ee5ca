package sfexpresssim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Order is an order as received, with what the carrier made of it. Weights and
// amounts are the decimal texts that came: kilograms and yuan.
type Order struct {
	OrderID         string    `json:"order_id"`
	Waybills        []Waybill `json:"waybills"`
	Sender          Contact   `json:"sender"`
	Receiver        Contact   `json:"receiver"`
	Cargo           []Cargo   `json:"cargo"`
	CargoDesc       string    `json:"cargo_desc,omitempty"`
	MonthlyCard     string    `json:"monthly_card,omitempty"`
	PayMethod       string    `json:"pay_method"`
	ExpressTypeID   string    `json:"express_type_id"`
	ParcelQty       int       `json:"parcel_qty"`
	TotalWeight     string    `json:"total_weight,omitempty"`
	SendStartTm     string    `json:"send_start_tm,omitempty"`
	IsDocall        string    `json:"is_docall,omitempty"`
	Remark          string    `json:"remark,omitempty"`
	CustReferenceNo string    `json:"cust_reference_no,omitempty"`
	Services        []Service `json:"services,omitempty"`
	FilterResult    int       `json:"filter_result"`
	Confirmed       bool      `json:"confirmed"`
	Cancelled       bool      `json:"cancelled"`
	Status          string    `json:"status"` // created, checking, not_serviceable, collected, delivered, cancelled
	Routes          []Route   `json:"routes,omitempty"`
	Digest          string    `json:"digest"` // of the request
	ReceivedAt      time.Time `json:"received_at"`
	Foreign         bool      `json:"foreign,omitempty"` // inserted through the control surface
}

// Waybill is one number; Type is 1 master, 2 child, 3 signed receipt.
type Waybill struct {
	Type int    `json:"waybillType"`
	No   string `json:"waybillNo"`
}

// Contact is a sender or a receiver.
type Contact struct {
	Contact  string `json:"contact"`
	Mobile   string `json:"mobile,omitempty"`
	Tel      string `json:"tel,omitempty"`
	Company  string `json:"company,omitempty"`
	Country  string `json:"country,omitempty"`
	Province string `json:"province,omitempty"`
	City     string `json:"city,omitempty"`
	County   string `json:"county,omitempty"`
	Address  string `json:"address"`
	PostCode string `json:"post_code,omitempty"`
}

// Cargo is one line of goods.
type Cargo struct {
	Name   string `json:"name"`
	Count  string `json:"count,omitempty"`
	Unit   string `json:"unit,omitempty"`
	Weight string `json:"weight,omitempty"`
	Amount string `json:"amount,omitempty"`
}

// Service is one value-added service.
type Service struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}

// Entry is one line of the history of effects.
type Entry struct {
	At      time.Time `json:"at"`
	OrderID string    `json:"order_id"`
	Waybill string    `json:"waybill,omitempty"`
	Digest  string    `json:"digest,omitempty"`
	Effect  string    `json:"effect"`
}

// Effects of calls and of the control surface.
const (
	Created          = "created"
	Unchanged        = "unchanged"         // a repeat, answered with the first result
	DuplicateRefused = "duplicate_refused" // a repeat, answered 8016
	ConfirmDone      = "confirmed"
	ConfirmRepeated  = "confirm_repeated"
	CancelDone       = "cancelled"
	CancelRepeated   = "cancel_repeated"
	CancelRefused    = "cancel_refused"
	Deleted          = "deleted"  // control
	Changed          = "changed"  // control
	Inserted         = "inserted" // control
)

var (
	cardShape   = regexp.MustCompile(`^[0-9]{10}$`)
	mobileShape = regexp.MustCompile(`^1[0-9]{10}$`)
	telShape    = regexp.MustCompile(`^\+?[0-9][0-9\- ]{4,18}$`)
	valueShape  = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
)

func (s *Sim) create(doc map[string]any) (any, *failure) {
	if bad := check("", doc, createTable()); bad != nil {
		return nil, bad
	}
	o, bad := s.readOrder(doc)
	if bad != nil {
		return nil, bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.orders[o.OrderID]; known != nil {
		if known.Cancelled || s.opt.Repeat == RepeatRefused {
			s.note(o, DuplicateRefused)
			return nil, &failure{"8016", "重复下单"}
		}
		o.Waybills = known.Waybills
		s.note(o, Unchanged)
		return s.createAnswer(known), nil
	}
	o.ReceivedAt = s.opt.Now()
	own := rows(doc, "waybillNoInfoList")
	if bad := s.ownNumbers(own); bad != nil {
		return nil, bad
	}
	s.add(o, own, digits(doc["isSignBack"]) == "1")
	s.note(o, Created)
	return s.createAnswer(o), nil
}

// readOrder checks what needs more than one field, and takes the request apart.
func (s *Sim) readOrder(doc map[string]any) (*Order, *failure) {
	o := &Order{
		OrderID: str(doc, "orderId"), CargoDesc: str(doc, "cargoDesc"), MonthlyCard: str(doc, "monthlyCard"),
		PayMethod: orElse(digits(doc["payMethod"]), "1"), ExpressTypeID: orElse(digits(doc["expressTypeId"]), "1"),
		ParcelQty: 1, TotalWeight: digits(doc["totalWeight"]), SendStartTm: str(doc, "sendStartTm"),
		IsDocall: digits(doc["isDocall"]), Remark: str(doc, "remark"), CustReferenceNo: str(doc, "custReferenceNo"),
		FilterResult: 2, Digest: digestOf(doc),
	}
	var bad *failure
	if o.Sender, o.Receiver, bad = contacts(doc); bad != nil {
		return nil, bad
	}
	for _, row := range rows(doc, "cargoDetails") {
		o.Cargo = append(o.Cargo, Cargo{str(row, "name"), digits(row["count"]), str(row, "unit"), digits(row["weight"]), digits(row["amount"])})
	}
	for _, row := range rows(doc, "serviceList") {
		v := Service{str(row, "name"), str(row, "value")}
		switch {
		case v.Name == "COD" && !valueShape.MatchString(v.Value):
			return nil, &failure{"6138", "代收货款金额不是数字"}
		case v.Name == "COD" && (strings.HasPrefix(v.Value, "-") || strings.Trim(v.Value, "0.") == ""):
			return nil, &failure{"6139", "代收货款金额应大于0"}
		}
		o.Services = append(o.Services, v)
	}
	if n := digits(doc["parcelQty"]); n != "" {
		o.ParcelQty, _ = strconv.Atoi(n) // the table admits at most nine digits
	}
	customs, _ := doc["customsInfo"].(map[string]any)
	abroad := o.Receiver.Country != "" && o.Receiver.Country != "CN"
	switch {
	case o.MonthlyCard != "" && !cardShape.MatchString(o.MonthlyCard):
		return nil, &failure{"6126", "月结卡号不合法"}
	case o.MonthlyCard != "" && o.MonthlyCard != s.opt.MonthlyCard:
		return nil, &failure{"8119", "月结卡号不存在"}
	case o.MonthlyCard != "" && o.PayMethod == "2":
		return nil, &failure{"8256", "不支持的付款方式"}
	case str(doc, "scenePlanCode") != "" && digits(doc["expressTypeId"]) != "":
		return nil, &failure{"8057", "expressTypeId与scenePlanCode只能填一个"}
	case o.ParcelQty > 307:
		return nil, &failure{"8067", "包裹数超过307"}
	case o.ParcelQty < 1:
		return nil, &failure{"S0007", "参数类型或取值错误: parcelQty 应为 1..307"}
	case o.TotalWeight != "" && strings.Trim(o.TotalWeight, "0.") == "":
		return nil, &failure{"S0007", "参数类型或取值错误: totalWeight 应大于0"}
	case o.ParcelQty > 1 && o.TotalWeight == "":
		return nil, &failure{missing, "必填参数为空: totalWeight"}
	case digits(doc["isGenWaybillNo"]) == "0" && len(rows(doc, "waybillNoInfoList")) == 0:
		return nil, &failure{missing, "必填参数为空: waybillNoInfoList"}
	case abroad && o.Receiver.PostCode == "":
		return nil, &failure{"1020", "收件方邮编为空"}
	case abroad && digits(customs["declaredValue"]) == "":
		return nil, &failure{"1038", "申报价值为空"}
	}
	if f, ok := s.opt.Filter[o.Receiver.City]; ok {
		o.FilterResult = f
	}
	return o, nil
}

// contacts wants one sender and one receiver.
func contacts(doc map[string]any) (sender, receiver Contact, bad *failure) {
	list := rows(doc, "contactInfoList")
	seen := map[string]bool{}
	for _, row := range list {
		seen[digits(row["contactType"])] = true
	}
	if len(list) != 2 || !seen["1"] || !seen["2"] {
		return sender, receiver, &failure{missing, "contactInfoList 应有一个寄件方和一个收件方"}
	}
	for _, row := range list {
		c := Contact{
			str(row, "contact"), str(row, "mobile"), str(row, "tel"), str(row, "company"), str(row, "country"), str(row, "province"),
			str(row, "city"), str(row, "county"), str(row, "address"), str(row, "postCode"),
		}
		who, codes := "寄件方", [3]string{"1010", "1011", "1012"}
		if digits(row["contactType"]) == "2" {
			who, codes = "收件方", [3]string{"1014", "1015", "1016"}
			receiver = c
		} else {
			sender = c
		}
		switch {
		case c.Address == "":
			return sender, receiver, &failure{codes[0], who + "地址为空"}
		case (c.Province == "" || c.City == "") && !strings.Contains(c.Address, "省") && !strings.Contains(c.Address, "市"):
			return sender, receiver, &failure{codes[0], who + "地址不含省市"}
		case c.Contact == "":
			return sender, receiver, &failure{codes[1], who + "联系人为空"}
		case c.Mobile == "" && c.Tel == "":
			return sender, receiver, &failure{codes[2], who + "电话为空"}
		case c.Mobile != "" && (c.Country == "" || c.Country == "CN") && !mobileShape.MatchString(c.Mobile),
			c.Tel != "" && !telShape.MatchString(c.Tel):
			return sender, receiver, &failure{"8196", who + "电话信息异常"}
		}
	}
	return sender, receiver, nil
}

var waybillShape = regexp.MustCompile(`^(SF[0-9]{13}|[0-9]{12})$`)

// ownNumbers checks waybill numbers that the customer brought.
func (s *Sim) ownNumbers(own []map[string]any) *failure {
	masters := 0
	for _, row := range own {
		no := str(row, "waybillNo")
		if digits(row["waybillType"]) == "1" {
			masters++
		}
		if _, taken := s.waybills[no]; taken || !waybillShape.MatchString(no) {
			return &failure{"8247", "运单号不合法: " + no}
		}
	}
	if len(own) > 0 && masters != 1 {
		return &failure{"8191", "运单号格式错误"}
	}
	return nil
}

func (s *Sim) add(o *Order, own []map[string]any, signBack bool) {
	s.orders[o.OrderID] = o
	s.ids = append(s.ids, o.OrderID)
	for _, row := range own {
		kind, _ := strconv.Atoi(digits(row["waybillType"])) // checked by the table
		s.give(o, Waybill{kind, str(row, "waybillNo")})
	}
	s.settle(o)
	if signBack && o.FilterResult == 2 {
		s.give(o, Waybill{3, s.number()})
	}
}

// settle gives waybills to a serviceable order that has none, and sets its status.
func (s *Sim) settle(o *Order) {
	switch o.FilterResult {
	case 2:
		o.Status = "created"
		if len(o.Waybills) == 0 {
			s.give(o, Waybill{1, s.number()})
			for range o.ParcelQty - 1 {
				s.give(o, Waybill{2, s.number()})
			}
		}
	case 3:
		o.Status = "not_serviceable"
	default:
		o.Status = "checking"
	}
}

// number makes a waybill number of the shape of the integration environment.
func (s *Sim) number() string {
	s.nextNo++
	return fmt.Sprintf("SF7444%09d", s.nextNo)
}

func (s *Sim) give(o *Order, w Waybill) {
	o.Waybills = append(o.Waybills, w)
	s.waybills[w.No] = o.OrderID
	if w.Type == 1 {
		s.made[o.OrderID] = append(s.made[o.OrderID], w.No)
	}
}

func (o *Order) master() string {
	for _, w := range o.Waybills {
		if w.Type == 1 {
			return w.No
		}
	}
	return ""
}

func (s *Sim) note(o *Order, effect string) {
	s.history = append(s.history, Entry{s.opt.Now(), o.OrderID, o.master(), o.Digest, effect})
}

func (o *Order) copy() Order {
	c := *o
	c.Waybills, c.Cargo = slices.Clone(o.Waybills), slices.Clone(o.Cargo)
	c.Services, c.Routes = slices.Clone(o.Services), slices.Clone(o.Routes)
	return c
}

func orElse(v, other string) string {
	if v == "" {
		return other
	}
	return v
}

// digestOf covers the whole request; encoding/json writes members in order.
func digestOf(doc map[string]any) string {
	raw, err := json.Marshal(doc)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}
