package jushuitan

import "testing"

// The vectors were computed from the signature rule with another program.
func TestSignatureVectors(t *testing.T) {
	const secret = "demoSecret0001"
	business := map[string]string{
		"app_key": "demoAppKey", "access_token": "demoToken", "timestamp": "1735696800", "charset": "utf-8", "version": "2",
		"biz": `[{"shop_id":10001,"so_id":"WX202501010001","order_date":"2025-01-01 10:00:00","shop_status":"WAIT_SELLER_SEND_GOODS","shop_buyer_id":"买家A"}]`,
	}
	token := map[string]string{"app_key": "demoAppKey", "charset": "utf-8", "code": "a1b2c3", "grant_type": "authorization_code", "timestamp": "1735696800"}
	for want, form := range map[string]map[string]string{"d6f4e7af09bc33318d17ef497d1d3636": business, "14489f0bb040f66da98914e482b7e71d": token} {
		if got := sign(secret, form); got != want {
			t.Errorf("signature %s, want %s", got, want)
		}
		form["sign"], form["empty"] = "left out", ""
		if got := sign(secret, form); got != want {
			t.Errorf("with sign and an empty value: %s, want %s", got, want)
		}
	}
}
