// Package builtin lists the connectors a program is built with: the one file that
// imports every vendor.
package builtin

import (
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/jushuitan"
	"github.com/minihub/minihub/connectors/qimen"
	"github.com/minihub/minihub/connectors/salesforce"
	"github.com/minihub/minihub/connectors/sfexpress"
	"github.com/minihub/minihub/connectors/tryton"
	"github.com/minihub/minihub/connectors/webhook"
	"github.com/minihub/minihub/connectors/wechatshop"
)

// Registry returns every connector this program has.
func Registry() (*connectors.Registry, error) {
	return connectors.NewRegistry(
		jushuitan.Connector(),
		qimen.Connector(),
		salesforce.Connector(),
		sfexpress.Connector(),
		tryton.Connector(),
		webhook.Connector(),
		wechatshop.Connector(),
	)
}
