package starter

import (
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/minihub/minihub/cmd/minihub/internal/sims"
)

// WorldOptions shape a deployment for simulators.
type WorldOptions struct {
	Start   string  // RFC 3339, or "now"
	LimitsX float64 // of every connection; the simulators' own must be the same
	Log     string  // level; empty = error
	// Listen and Intake are the hub's addresses; empty takes free ports on the loopback.
	Listen, Intake string
}

// StoreNames are the names of the simulated shops on parcels and sales, by store code.
func StoreNames() map[string]string {
	return map[string]string{"shop-a": "示例小店 shop-a", "shop-b": "示例小店 shop-b"}
}

// ERPTax is the sales tax of the simulated ERP, in basis points.
const ERPTax = 1300

// ForWorld writes a deployment whose connections are the simulators of a world, with their
// invented credentials as files below secrets/. The directory must be empty or missing.
func ForWorld(dir string, w *sims.World, opt WorldOptions) error {
	if err := empty(dir); err != nil {
		return err
	}
	d := blank(opt.Start)
	d.hub.Listen, d.hub.Intake, d.hub.Log = orElse(opt.Listen, "127.0.0.1:0"), orElse(opt.Intake, "127.0.0.1:0"), orElse(opt.Log, "error")
	d.hub.RetryBase, d.hub.RetryMax, d.hub.RetryProbe = "100ms", "2s", "100ms"
	d.jobs = jobs{PullOrders: "@every 3s", PullMembers: "@every 10m"}
	for i := range d.connections {
		c := &d.connections[i]
		if err := c.point(w, d.secrets); err != nil {
			return err
		}
		c.LimitsX = strconv.FormatFloat(opt.LimitsX, 'f', -1, 64)
	}
	return d.write(dir)
}

// simulated names the simulator behind each connection and which credentials are secret.
var simulated = map[string]struct {
	system, path string
	secret       []string
}{
	"shop-a": {"shop-a", "", []string{"app_secret", "push_token", "encoding_aes_key"}},
	"shop-b": {"shop-b", "", []string{"app_secret", "push_token", "encoding_aes_key"}},
	"oms":    {"jushuitan", "", []string{"app_secret"}},
	"wms":    {"qimen", "", []string{"secret"}},
	"erp":    {"tryton", "", []string{"password"}},
	"crm":    {"salesforce", "", []string{"client_secret"}},
	"sf":     {"sfexpress", "", []string{"check_word"}},
	"events": {"webhook", "/hook", []string{"secret"}},
}

// point fills a connection with a simulator's address and credentials.
func (c *connection) point(w *sims.World, secrets map[string]string) error {
	s := simulated[c.Name]
	system := w.System(s.system)
	if system == nil {
		return fmt.Errorf("there is no simulator for connection %s", c.Name)
	}
	c.URL = system.URL + s.path
	c.Config = maps.Clone(system.Credentials)
	for _, name := range s.secret {
		value, ok := c.Config[name]
		if !ok {
			return errors.New("simulator " + s.system + " gives no " + name)
		}
		file := "secrets/" + c.Name + "_" + name
		secrets[file], c.Config[name] = value, "${file:"+file+"}"
	}
	if c.Template == "shop" {
		oms, wms := w.System("jushuitan").Credentials, w.System("qimen").Credentials
		maps.Copy(c.Store, map[string]string{"name": StoreNames()[c.Name], "app_id": c.Config["app_id"], "jst_shop_id": oms["shop_id"],
			"wms_owner_code": wms["owner_code"], "wms_warehouse_code": wms["warehouse_code"], "erp_tax_code": "VAT 13%"})
	}
	return nil
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
