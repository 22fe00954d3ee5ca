package canonical

// Payment is money that came in for an order.
type Payment struct {
	// The merchant's number of the payment (out_trade_no); its natural key.
	PaymentNo string `json:"payment_no"`
	// Further numbers of the document in other systems.
	ExternalIDs []ExternalID `json:"external_ids,omitempty"`
	// The order it pays.
	OrderNo string `json:"order_no"`
	// The store it belongs to.
	Store *StoreRef `json:"store,omitempty"`
	// How it was paid. One of wechat_pay, alipay, unionpay, card, pay_later, gift_card, stored_value, points,
	// balance, cash, cod, bank_transfer, free, other.
	Method string `json:"method"`
	// State of the payment. One of pending, succeeded, closed, failed.
	Status string `json:"status"`
	// The provider's own word for the status.
	StatusRaw string `json:"status_raw,omitempty"`
	// What the buyer paid.
	Amount Money `json:"amount"`
	// What reaches the merchant before fees.
	SettlementAmount *Money `json:"settlement_amount,omitempty"`
	// Fee of the provider.
	Fee *Money `json:"fee,omitempty"`
	// Number of the payment at the provider.
	TransactionID string `json:"transaction_id,omitempty"`
	// Account that received the money (mchid).
	MerchantID string `json:"merchant_id,omitempty"`
	// The app the payment was made in.
	AppID string `json:"appid,omitempty"`
	// Account that paid: openid or account at the provider.
	PayerID string `json:"payer_id,omitempty"`
	// Bank or wallet behind the payment.
	BankType string `json:"bank_type,omitempty"`
	// When it succeeded.
	PaidAt Time `json:"paid_at,omitempty"`
	// Day of the bill it appears on.
	SettlementDate Date `json:"settlement_date,omitempty"`
	// When the source last changed the document; the version that decides which of two is newer.
	SourceUpdatedAt Time `json:"source_updated_at,omitempty"`
	// Fields of your own; carried along, never interpreted.
	Extra map[string]any `json:"extra,omitempty"`
}
