package starter

import (
	"errors"
	"fmt"
	"time"
)

// ErrStart is answered when the start is neither "now" nor a time.
var ErrStart = errors.New("no time to start from")

// Options shape what Init writes.
type Options struct {
	// Start is where the shops' history begins: "now" (also when empty) or an RFC 3339 time.
	Start string
	// Force writes into a directory that is not empty, over files of the same names.
	Force bool
}

// Init writes a commented deployment with one connection of every kind the shipped flows
// name. Vendors' secrets are ${env:NAME}; the hub's own keys are made and kept in files
// below secrets/. It answers ErrNotEmpty when the directory holds something and Force is
// not set, and ErrStart.
func Init(dir string, opt Options) error {
	switch {
	case opt.Start == "":
		opt.Start = "now"
	case opt.Start != "now":
		if _, err := time.Parse(time.RFC3339, opt.Start); err != nil {
			return fmt.Errorf("%w: %q; write now, or a time with its zone such as 2026-11-01T00:00:00+08:00", ErrStart, opt.Start)
		}
	}
	if err := empty(dir); err != nil && !opt.Force {
		return err
	}
	return blank(opt.Start).write(dir)
}

// blank is a deployment whose accounts are still to be filled in.
func blank(start string) *deployment {
	d := &deployment{
		hub: hub{Store: "sqlite:data/hub.db", Listen: "127.0.0.1:8377", Intake: "127.0.0.1:8378", Log: "info",
			RetryBase: "2s", RetryMax: "15m", RetryProbe: "1s", SearchKey: "${file:secrets/search_key}", VaultKey: "${file:secrets/vault_key}"},
		jobs:    jobs{PullOrders: "@every 30s", PullMembers: "@every 15m"},
		secrets: map[string]string{"secrets/search_key": random(), "secrets/vault_key": random()},
	}
	for _, s := range []struct{ name, env, app string }{{"shop-a", "SHOP_A", "wx0000000000000001"}, {"shop-b", "SHOP_B", "wx0000000000000002"}} {
		d.connections = append(d.connections, connection{Name: s.name, Template: "shop", Start: start,
			Store: storeSettings(s.name, "示例小店 "+s.name, s.app),
			Config: map[string]string{"app_id": s.app, "app_secret": "${env:" + s.env + "_APP_SECRET}",
				"push_token": "${env:" + s.env + "_PUSH_TOKEN}", "encoding_aes_key": "${env:" + s.env + "_AES_KEY}"}})
	}
	d.connections = append(d.connections,
		connection{Name: "oms", Template: "oms", Config: map[string]string{"app_key": "YOUR-APP-KEY", "app_secret": "${env:JUSHUITAN_APP_SECRET}"}},
		connection{Name: "wms", Template: "wms", Config: map[string]string{"app_key": "YOUR-APP-KEY", "secret": "${env:QIMEN_SECRET}",
			"customer_id": "YOUR-CUSTOMER-ID", "owner_code": "OWN01", "warehouse_code": "WH01"}},
		connection{Name: "erp", Template: "erp", URL: "http://erp.example.test:8000", Config: map[string]string{"database": "tryton",
			"username": "minihub", "password": "${env:TRYTON_PASSWORD}"}},
		connection{Name: "crm", Template: "crm", URL: "https://brand.my.salesforce.example", Config: map[string]string{"client_id": "YOUR-CONSUMER-KEY",
			"client_secret": "${env:SALESFORCE_CLIENT_SECRET}"}},
		connection{Name: "sf", Template: "sf", Config: map[string]string{"partner_id": "YOUR-PARTNER-ID", "check_word": "${env:SF_CHECK_WORD}",
			"monthly_card": "7550000000"}},
		connection{Name: "events", Template: "events", URL: "https://events.example.test/hook", Config: map[string]string{"secret": "${env:EVENTS_SECRET}"}},
	)
	for i := range d.connections {
		d.connections[i].LimitsX = "1"
	}
	return d
}

// storeSettings are the settings that the shipped mappings ask of a store.
func storeSettings(code, name, appID string) map[string]string {
	return map[string]string{"code": code, "name": name, "app_id": appID, "jst_shop_id": "10001", "wms_owner_code": "OWN01",
		"wms_warehouse_code": "WH01", "sender_name": "示例仓", "sender_phone": "13900000000"}
}
