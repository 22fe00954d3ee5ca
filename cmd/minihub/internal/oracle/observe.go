package oracle

import (
	"github.com/minihub/minihub/cmd/minihub/internal/sims"
	"github.com/minihub/minihub/connectors/jushuitan/jushuitansim"
	"github.com/minihub/minihub/connectors/qimen/qimensim"
	"github.com/minihub/minihub/connectors/salesforce/salesforcesim"
	"github.com/minihub/minihub/connectors/sfexpress/sfexpresssim"
	"github.com/minihub/minihub/connectors/tryton/trytonsim"
	"github.com/minihub/minihub/connectors/webhook/webhooksim"
	"github.com/minihub/minihub/connectors/wechatshop/wechatshopsim"
)

// Systems is what the targets hold, each in its own words.
type Systems struct {
	OMSOrders     []jushuitansim.Order
	OMSAfterSales []jushuitansim.AfterSale
	Sales         []trytonsim.Sale
	Parties       []trytonsim.Party
	Carrier       []sfexpresssim.Order
	Waybills      map[string][]string // ever made, by order id
	Warehouse     []qimensim.DeliveryOrder
	Contacts      []salesforcesim.Record
	Transactions  []salesforcesim.Record
	Lines         []salesforcesim.Record
	Events        []webhooksim.Event
}

// Observe reads a world: the shops' truth and what the targets hold. names are the stores'
// names by code.
func Observe(w *sims.World, names map[string]string) (Truth, Systems) {
	var t Truth
	for _, shop := range []*wechatshopsim.Sim{w.ShopA, w.ShopB} {
		code := shop.System()
		t.Stores = append(t.Stores, Store{Code: code, Name: names[code], OMSShop: w.OMS.Credentials()["shop_id"], Orders: shop.Sold(),
			AfterSales: shop.AfterSales(), Members: shop.Members()})
	}
	return t, Systems{
		OMSOrders: w.OMS.Orders(), OMSAfterSales: w.OMS.AfterSales(), Sales: w.ERP.Sales(), Parties: w.ERP.Parties(),
		Carrier: w.SF.Orders(), Waybills: w.SF.WaybillsMade(), Warehouse: w.WMS.DeliveryOrders(),
		Contacts: w.CRM.Records("Contact"), Transactions: w.CRM.Records("Transaction__c"), Lines: w.CRM.Records("TransactionLine__c"),
		Events: w.Hook.Events(),
	}
}
