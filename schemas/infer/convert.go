package infer

import "strings"

// conversion is the rest of a row that turns the source's values into the target's form;
// value says whether the values themselves speak for the pair. ok is false where they
// cannot be it.
func conversion(t *target, s *source) (row string, value, ok bool) {
	n := s.n
	if n.scalars() == 0 || n.maps+n.lists > 0 {
		return "", false, false // nulls, empty texts and mixtures: nothing speaks for it
	}
	if len(t.words) > 0 {
		return choice(t, n)
	}
	plainBool := n.bools > 0 && n.wholes+n.decimals+n.texts == 0
	switch t.want {
	case wantMoment:
		return momentOf(n, s.name())
	case wantDay:
		return "", n.is(calendarDay), n.is(calendarDay)
	case wantMoney:
		return moneyOf(n, s.name())
	case wantWhole:
		switch {
		case n.wholes > 0 && n.wholes == n.scalars():
			return "", false, true
		case n.is(digits) && n.longest < 16:
			return "convert: int", false, true
		}
		return "", false, false
	case wantNumber:
		return "", false, n.wholes+n.decimals == n.scalars()
	case wantBool:
		switch {
		case plainBool:
			return "", true, true
		case n.is(flagWord):
			return "convert: bool", false, true
		}
		return "", false, false
	}
	// Texts.
	switch {
	case plainBool, n.decimals > 0:
		return "", false, false
	case t.name == "phone" && n.texts == 0:
		return "convert: [text, phone_e164]", n.is(mobile), n.is(mobile)
	case t.name == "phone":
		if n.is(mobile) && !n.masked() {
			return "convert: phone_e164", true, n.wholes == 0
		}
		return "omit_empty: true", n.is(mobile), n.wholes == 0
	case n.wholes > 0:
		return "convert: text", false, true
	case t.name == "email":
		return "omit_empty: true", n.is(email), n.is(email)
	case n.isTime(s.name(), seconds), n.is(localTime), n.is(moment):
		return "", false, false // a time is no text
	case n.empty > 0:
		return "omit_empty: true", t.name == "recipient" && n.is(personName), true
	}
	return "", t.name == "recipient" && n.is(personName) || t.name == "line1" && n.is(postal), true
}

// masked says whether values may hide a part behind asterisks.
func (n *seen) masked() bool { return n.starred }

// zone is the zone of times that name none: a person must look at it.
const zone = "Asia/Shanghai"

func momentOf(n *seen, name string) (row string, value, ok bool) {
	number := func(function string) string {
		if n.texts > 0 {
			return "convert: [int, " + function + "(" + zone + ")]"
		}
		return "convert: " + function + "(" + zone + ")"
	}
	switch {
	case n.empty > 0 && n.isTime(name, seconds), n.empty > 0 && n.isTime(name, milliseconds):
		return "", false, false // "" is no number: a person must say what it means
	case n.isTime(name, seconds):
		return number("from_unix"), true, true
	case n.isTime(name, milliseconds):
		return number("from_unix_ms"), true, true
	case n.is(moment):
		return "omit_empty: true", true, true
	}
	for c, layout := range map[class]string{localTime: "datetime", localMinutes: "minutes", localSlashes: "slashes", localCompact: "compact"} {
		if n.is(c) && n.texts == n.scalars()+n.empty {
			return "convert: 'parse_time(" + layout + ", " + zone + ")'", true, true
		}
	}
	return "", false, false
}

func moneyOf(n *seen, name string) (row string, value, ok bool) {
	if n.bools+n.maps+n.lists > 0 || n.empty > 0 {
		return "", false, false
	}
	p := plain(name)
	fen := strings.HasSuffix(p, "fen") || strings.HasSuffix(p, "cent") || strings.HasSuffix(p, "cents") || strings.HasSuffix(p, "分")
	switch {
	case n.is(decimalAmount) || n.decimals > 0 && n.texts == 0 && n.classes[decimalAmount]+n.classes[digits] == n.scalars():
		return "convert: ['minor(2)', 'money(CNY)']", n.isAmount(name), true
	case n.texts > 0 && n.classes[decimalAmount] > 0 && n.classes[decimalAmount]+n.classes[digits] == n.scalars():
		return "convert: ['minor(2)', 'money(CNY)']", n.isAmount(name), true
	case n.wholes == n.scalars() && n.longest <= 12 && !n.isTime(name, seconds):
		return "convert: 'money(CNY)'", fen || n.isAmount(name), true
	}
	return "", false, false
}

// statusWords are what systems say for the states of the canonical documents.
var statusWords = map[string][]string{
	"pending_payment": {"unpaid", "pendingpayment", "waitpay", "waitbuyerpay", "topay", "待付款", "待支付", "未付款"},
	"paid":            {"paid", "waitsend", "waitsellersendgoods", "toship", "payed", "已付款", "已支付", "待发货"},
	"shipped":         {"shipped", "sent", "delivering", "waitbuyerconfirmgoods", "已发货", "待收货"},
	"completed":       {"completed", "complete", "finished", "finish", "done", "success", "tradefinished", "已完成", "交易成功"},
	"cancelled":       {"cancelled", "canceled", "cancel", "已取消", "取消"},
	"closed":          {"closed", "close", "tradeclosed", "已关闭", "交易关闭"},
}

// choice maps the words of a field to those of the target where every one of them is known.
func choice(t *target, n *seen) (row string, value, ok bool) {
	if n.manyWords || n.texts != n.scalars() || n.empty+n.nulls > 0 || len(n.words) == 0 {
		return "", false, false
	}
	var parts []string
	same := true
	for _, w := range n.sortedWords() {
		to := ""
		for _, known := range t.words {
			if plain(w) == plain(known) {
				to = known
			}
			for _, s := range statusWords[known] {
				if plain(w) == s && to == "" {
					to = known
				}
			}
		}
		if to == "" {
			return "", false, false
		}
		same = same && to == w
		parts = append(parts, yamlText(w)+": "+to)
	}
	if same {
		return "", true, true
	}
	return "map: { " + strings.Join(parts, ", ") + " }", true, true
}
