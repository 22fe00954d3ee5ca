package sfexpress

import (
	"encoding/json"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

// The kinds of remote ids.
const (
	idOrder   = "orderId" // ours: the remote key as sent
	idWaybill = "waybill"
	idChild   = "child_waybill"  // one for each further parcel
	idReceipt = "return_waybill" // of the signed receipt that comes back
)

// filterNo says that the carrier does not serve the order.
const filterNo = "3"

// made is the answer of EXP_RECE_CREATE_ORDER and EXP_RECE_SEARCH_ORDER_RESP.
type made struct {
	filter   string
	remark   string
	master   string
	children []string
	receipts []string
}

func readMade(data json.RawMessage) (made, *connectors.Error) {
	answer, ok := unwrap(data)
	if !ok {
		return made{}, unreadable(data, "msgData is no object", nil)
	}
	m := made{filter: answer.text("filterResult"), remark: answer.text("remark")}
	var numbers []object
	if raw := answer["waybillNoInfoList"]; len(raw) > 0 {
		if err := codec.Unmarshal(raw, &numbers); err != nil {
			return made{}, unreadable(data, "waybillNoInfoList is no list of objects", err)
		}
	}
	for _, n := range numbers {
		no := n.text("waybillNo")
		switch kind := n.text("waybillType"); {
		case no == "":
		case kind == "1" && m.master == "":
			m.master = no
		case kind == "3":
			m.receipts = append(m.receipts, no)
		default:
			m.children = append(m.children, no)
		}
	}
	return m, nil
}

func (m made) remoteIDs(orderID string) []connectors.RemoteID {
	ids := []connectors.RemoteID{{Kind: idOrder, Value: orderID}}
	if m.master != "" {
		ids = append(ids, connectors.RemoteID{Kind: idWaybill, Value: m.master})
	}
	for _, no := range m.children {
		ids = append(ids, connectors.RemoteID{Kind: idChild, Value: no})
	}
	for _, no := range m.receipts {
		ids = append(ids, connectors.RemoteID{Kind: idReceipt, Value: no})
	}
	return ids
}

// reason says why an order is not served (EXP_RECE_CREATE_ORDER, remark).
func (m made) reason() string {
	switch m.remark {
	case "1":
		return "the carrier does not serve the order: pickup is out of range"
	case "2":
		return "the carrier does not serve the order: delivery is out of range"
	}
	return "the carrier does not serve the order"
}
