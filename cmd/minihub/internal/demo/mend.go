package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/minihub/minihub/cmd/minihub/internal/oracle"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
)

// What mends the planted orders.
const (
	unknownSKU = "NO-SUCH-SKU"
	knownSKU   = "SKU-MUG-01"
	longest    = 40 // characters of a receiver's name
)

// Row is something that needs a person, or waits for something that does.
type Row struct {
	Kind   string `json:"kind"` // record or delivery
	ID     int64  `json:"id"`
	Key    string `json:"key"`              // store code and number of the order it belongs to
	Target string `json:"target,omitempty"` // connection.operation
	State  string `json:"state"`
	Code   string `json:"code"`
	Text   string `json:"text"`
}

// rows lists what is parked or blocked.
func (d *Demo) rows(ctx context.Context) ([]Row, error) {
	l := d.hub.Ledger()
	rows := []Row{}
	parked, err := l.Records(ctx, ledger.Filter{States: []string{string(ledger.RecordParked)}, Limit: 10_000})
	if err != nil {
		return nil, err
	}
	for _, r := range parked {
		rows = append(rows, Row{Kind: "record", ID: r.ID, Key: r.DocKey.Connection + "-" + r.RootKey, State: string(r.State), Code: r.Code, Text: r.Text})
	}
	stuck, err := l.Deliveries(ctx, ledger.Filter{States: []string{string(ledger.Parked), string(ledger.Blocked)}, Limit: 10_000})
	if err != nil {
		return nil, err
	}
	for _, s := range stuck {
		r, err := l.Record(ctx, s.Record)
		if err != nil {
			return nil, err
		}
		rows = append(rows, Row{Kind: "delivery", ID: s.ID, Key: r.DocKey.Connection + "-" + r.RootKey, Target: s.Connection + "." + s.Operation,
			State: string(s.State), Code: s.Code, Text: s.Text})
	}
	return rows, nil
}

// mend does what people would: a missing lookup entry is filled, a mapping learns to cut
// long names and its records are replayed, and a shop adds a name that is missing. One
// order is left: nobody knows what its status means.
func (d *Demo) mend(ctx context.Context) error {
	before, err := d.rows(ctx)
	if err != nil {
		return err
	}
	d.Result.Parked = len(before)
	if len(before) == 0 {
		return nil
	}
	d.say.mending(before)
	if _, err := d.hub.Engine().PutLookup(ctx, "skus", unknownSKU, knownSKU, "demo", "the shop's new code of the mug"); err != nil {
		return err
	}
	if err := d.correctNames(); err != nil {
		return err
	}
	if err := d.cutNames(ctx); err != nil {
		return err
	}
	if err := d.replay(ctx); err != nil {
		return err
	}
	if err := errors.Join(d.drain(ctx), d.rest(ctx)); err != nil {
		return err
	}
	after, err := d.rows(ctx)
	if err != nil {
		return err
	}
	still := map[string]bool{}
	for _, r := range after {
		still[fmt.Sprint(r.Kind, r.ID)] = true
	}
	for _, r := range before {
		if !still[fmt.Sprint(r.Kind, r.ID)] {
			d.Result.Replayed++
		}
	}
	return nil
}

// correctNames is the shop's clerk, who asks the buyer for the name that is missing.
func (d *Demo) correctNames() error {
	for _, shop := range d.shops() {
		for _, o := range shop.Sold() {
			if o.Bad != wechatshopsim.BadEmptyName {
				continue
			}
			a := o.Receiver
			a.Name = "王小明"
			if err := shop.EditAddress(o.OrderID, a); err != nil {
				return err
			}
		}
	}
	return nil
}

const orderMapping = "wechatshop/in/order.yaml"

// cutNames lays a mended mapping over the shipped one, as an integrator would, and opens
// the hub again on the same store.
func (d *Demo) cutNames(ctx context.Context) error {
	shipped, err := fs.ReadFile(mappings.Shipped(), orderMapping)
	if err != nil {
		return err
	}
	row := regexp.MustCompile(`(\{ to: recipient, expr: .*), omit_empty: true \}`)
	if !row.Match(shipped) {
		return fmt.Errorf("mapping %s has no row for the recipient to mend", orderMapping)
	}
	mended := row.ReplaceAll(shipped, fmt.Appendf(nil, "${1}, convert: shorten(%d), omit_empty: true }", longest))
	file := filepath.Join(d.dir, "mappings", filepath.FromSlash(orderMapping))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, mended, 0o644); err != nil {
		return err
	}
	return d.reopen(ctx)
}

// replay maps every parked record again, and lets parked deliveries that are ready for it
// into their lanes.
func (d *Demo) replay(ctx context.Context) error {
	rows, err := d.rows(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		switch {
		case r.State != "parked":
		case r.Kind == "record":
			_, err = d.hub.Engine().ReplayRecord(ctx, r.ID, pipelines.Remap, "demo")
		default:
			_, err = d.hub.Engine().ReplayDelivery(ctx, r.ID, pipelines.Remap, "demo", false)
		}
		// A row that moved meanwhile, or that must not be repeated unasked, stays as it is.
		if err != nil && ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// excluded are the planted orders with rows that still need a person, and why.
func excluded(truth oracle.Truth, left []Row) map[string]string {
	why := map[string]string{}
	for _, r := range left {
		if why[r.Key] == "" {
			why[r.Key] = r.Code
		}
	}
	out := map[string]string{}
	for _, s := range truth.Stores {
		for _, o := range s.Orders {
			key := s.Code + "-" + o.OrderID
			if o.Bad != "" && why[key] != "" {
				out[key] = o.Bad + ": " + why[key]
			}
		}
	}
	return out
}

// cut are the names that the mended mapping shortens, by order.
func cut(truth oracle.Truth) map[string]string {
	out := map[string]string{}
	for _, s := range truth.Stores {
		for _, o := range s.Orders {
			if name := []rune(o.Receiver.Name); o.Bad == wechatshopsim.BadLongReceiver {
				out[s.Code+"-"+o.OrderID] = string(name[:longest])
			}
		}
	}
	return out
}
