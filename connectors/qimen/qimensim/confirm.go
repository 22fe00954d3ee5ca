package qimensim

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// Confirm is one deliveryorder.confirm message and what became of it.
type Confirm struct {
	OutBizCode   string   `json:"out_biz_code"`
	Code         string   `json:"code"`         // deliveryOrderCode
	ConfirmType  string   `json:"confirm_type"` // "1" intermediate, "0" final
	Body         string   `json:"body"`
	Answers      []Answer `json:"answers"` // one for every time it was sent
	Acknowledged bool     `json:"acknowledged"`
}

// Answer is what the hub said to one sending. Problem says what was wrong with
// an answer that is neither success nor failure.
type Answer struct {
	At      time.Time `json:"at"`
	Status  int       `json:"status"`
	Flag    string    `json:"flag,omitempty"`
	Code    string    `json:"code,omitempty"`
	Message string    `json:"message,omitempty"`
	Problem string    `json:"problem,omitempty"`
}

// SetHub sets where confirms are sent; the URL may carry a query of its own.
func (s *Sim) SetHub(rawURL string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hub = rawURL
}

// SetWrongSignature makes confirms carry a wrong signature.
func (s *Sim) SetWrongSignature(wrong bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrongSign = wrong
}

// confirm writes one message; its quantities are those of its own parcels.
func (s *Sim) confirm(o *DeliveryOrder, parcels []Package, confirmType, status string) {
	s.nextID++
	o.confirmID = fmt.Sprintf("CF%d", s.nextID)
	sent := map[int]int64{}
	for _, p := range parcels {
		for _, item := range p.Items {
			sent[item.line] += item.Quantity
		}
	}
	w := newWriter()
	w.group("request", func() {
		w.group("deliveryOrder", func() {
			head := o.copy()
			head.Status = status
			head.head(w, o.confirmID, confirmType, o.confirmTime)
		})
		w.group("packages", func() { writePackages(w, parcels) })
		w.group("orderLines", func() {
			for i, l := range o.Lines {
				if qty, ok := sent[i]; ok || confirmType == "0" {
					l.write(w, qty)
				}
			}
		})
	})
	s.confirms = append(s.confirms, &Confirm{OutBizCode: o.confirmID, Code: o.Code, ConfirmType: confirmType, Body: w.b.String()})
}

func (o *DeliveryOrder) head(w *writer, outBizCode, confirmType, confirmTime string) {
	w.leaf("deliveryOrderCode", o.Code)
	w.leaf("deliveryOrderId", o.ID)
	w.leaf("warehouseCode", o.AssignedWarehouse)
	w.leaf("orderType", o.OrderType)
	w.leaf("status", o.Status)
	w.leaf("outBizCode", outBizCode)
	w.leaf("confirmType", confirmType)
	w.leaf("orderConfirmTime", confirmTime)
	w.leaf("operatorCode", "OP01")
	w.leaf("operatorName", "仓库操作员")
	w.leaf("operateTime", cmp.Or(confirmTime, o.ReceivedAt.In(china()).Format(momentLayout)))
}

func (l Line) write(w *writer, actual int64) {
	w.group("orderLine", func() {
		w.leaf("orderLineNo", l.LineNo)
		w.leaf("orderSourceCode", l.SourceOrderCode)
		w.leaf("subSourceCode", l.SubSourceOrderCode)
		w.leaf("itemCode", l.ItemCode)
		w.leaf("itemId", l.ItemID)
		w.leaf("inventoryType", cmp.Or(l.InventoryType, "ZP"))
		w.leaf("ownerCode", l.OwnerCode)
		w.leaf("itemName", l.ItemName)
		w.leaf("extCode", l.ExtCode)
		w.leaf("planQty", strconv.FormatInt(l.PlanQty, 10))
		w.leaf("actualQty", strconv.FormatInt(actual, 10))
	})
}

func writePackages(w *writer, parcels []Package) {
	for _, p := range parcels {
		w.group("package", func() {
			w.leaf("logisticsCode", p.LogisticsCode)
			w.leaf("logisticsName", p.LogisticsName)
			w.leaf("expressCode", p.ExpressCode)
			w.leaf("packageCode", p.Code)
			w.leaf("weight", fmt.Sprintf("%d.%03d", p.WeightGrams/1000, p.WeightGrams%1000))
			w.group("items", func() {
				for _, item := range p.Items {
					w.group("item", func() {
						w.leaf("itemCode", item.ItemCode)
						w.leaf("itemId", item.ItemID)
						w.leaf("quantity", strconv.FormatInt(item.Quantity, 10))
						w.leaf("orderLineNo", item.LineNo)
					})
				}
			})
		})
	}
}

// Resend sends every confirm again that the hub has not acknowledged.
func (s *Sim) Resend(ctx context.Context) error {
	return s.flush(ctx, func(*Confirm) bool { return true })
}

// flush sends the unacknowledged confirms that want accepts, in order unless the
// reorder fault strikes.
func (s *Sim) flush(ctx context.Context, want func(*Confirm) bool) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.mu.Lock()
	var waiting []*Confirm
	for _, c := range s.confirms {
		if !c.Acknowledged && want(c) {
			waiting = append(waiting, c)
		}
	}
	s.mu.Unlock()
	if _, hit := s.opt.Faults.Hit(system, callConfirm, simkit.Reorder); hit {
		slices.Reverse(waiting)
	}
	var all []error
	for _, c := range waiting {
		if _, hit := s.opt.Faults.Hit(system, callConfirm, simkit.DropRequest); hit {
			all = append(all, fmt.Errorf("confirm %s of %s was lost by a fault", c.OutBizCode, c.Code))
			continue
		}
		err := s.send(ctx, c)
		if _, hit := s.opt.Faults.Hit(system, callConfirm, simkit.Duplicate); hit {
			err = s.send(ctx, c)
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

func (s *Sim) send(ctx context.Context, c *Confirm) error {
	a, err := s.post(ctx, []byte(c.Body))
	if err != nil {
		a.Problem = err.Error()
	}
	s.mu.Lock()
	c.Answers = append(c.Answers, a)
	c.Acknowledged = c.Acknowledged || err == nil && a.Flag == "success"
	s.mu.Unlock()
	if err == nil && a.Flag != "success" {
		err = fmt.Errorf("the hub answered %s: %s", a.Code, a.Message)
	}
	if err != nil {
		return fmt.Errorf("confirm %s of %s: %w", c.OutBizCode, c.Code, err)
	}
	return nil
}

// SendRaw posts any body to the hub under a true (or, as set, wrong) signature,
// and returns its answer; the error is for transport and malformed answers.
func (s *Sim) SendRaw(ctx context.Context, body []byte) (Answer, error) { return s.post(ctx, body) }

func (s *Sim) post(ctx context.Context, body []byte) (Answer, error) {
	s.mu.Lock()
	hub, secret := s.hub, s.opt.Secret
	if s.wrongSign {
		secret += "x"
	}
	s.mu.Unlock()
	a := Answer{At: s.opt.Now()}
	u, err := url.Parse(hub)
	if err != nil || hub == "" {
		return a, errors.New("the hub's address is not set or not a URL")
	}
	params := map[string]string{
		"method": callConfirm, "timestamp": a.At.In(china()).Format(momentLayout), "format": "xml",
		"app_key": s.opt.AppKey, "v": "2.0", "sign_method": "md5", "customerId": s.opt.CustomerID,
	}
	params["sign"] = sign("md5", secret, params, body)
	q := u.Query()
	for name, v := range params {
		q.Set(name, v)
	}
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	req.Header.Set("Content-Type", "text/xml;charset=utf-8")
	resp, err := s.client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a.Status = resp.StatusCode
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return a, err
	}
	return a.read(raw)
}

// read checks the hub's answer as strictly as its requests.
func (a Answer) read(raw []byte) (Answer, error) {
	if a.Status != http.StatusOK {
		return a, fmt.Errorf("the hub answered HTTP %d", a.Status)
	}
	root, err := parse(raw)
	if err != nil {
		return a, fmt.Errorf("the hub's answer: %w", err)
	}
	if root.name != "response" {
		return a, fmt.Errorf("the hub's answer has the root %s, not response", root.name)
	}
	a.Flag, a.Code, a.Message = root.at("flag"), root.at("code"), root.at("message")
	if a.Flag != "success" && a.Flag != "failure" || root.child("code") == nil || root.child("message") == nil {
		return a, errors.New("the hub's answer needs flag success or failure, code and message")
	}
	return a, nil
}
