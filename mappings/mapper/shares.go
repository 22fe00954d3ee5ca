package mapper

import (
	"cmp"
	"math/big"
	"math/bits"
	"slices"
	"sort"

	"github.com/minihub/minihub/schemas/iso4217"
)

func splitFunctions() []*Function {
	return group("Splitting and tax",
		&Function{Name: "allocate", Params: params(arg("money or minor"), arg("weights")), Result: "list", nulls: true,
			Text:     "Splits an amount over weights by largest remainder: the parts are whole and sum exactly. Weights are whole numbers or money, none negative; all zero counts as equal.",
			call:     allocate,
			Examples: examples(gives(`allocate(100, [1, 1, 1])`, `[34,33,33]`), gives(`allocate(-10, [1, 3])`, `[-3,-7]`), gives(`allocate(5, [0, 0])`, `[3,2]`), fails(`allocate(5, [])`, CodeValue), fails(`allocate(5, [1, -1])`, CodeValue))},
		&Function{Name: "unit_price", Params: params(arg("money or minor"), arg("qty"), lit("digits", digitsLiteral), opt("tax_bp")), Result: "text", nulls: true,
			Text:     "The price of one, as a decimal rounded half up: the total divided by the quantity. With tax_bp (basis points) the total includes tax and the price does not. Money knows its minor digits; plain minor units count as hundredths.",
			call:     unitPrice,
			Examples: examples(gives(`unit_price(10000, 3, 4)`, `"33.3333"`), gives(`unit_price(256000, 2, 4, 1300)`, `"1132.7434"`), gives(`unit_price(money(1000, "JPY"), 3, 2)`, `"333.33"`), fails(`unit_price(100, 0, 2)`, CodeValue))},
		&Function{Name: "line_amount", Params: params(arg("unit_price"), arg("qty"), opt("digits")), Result: "number", nulls: true,
			Text:     "What a target computes for a line: unit price times quantity, rounded half up to minor units (2 digits unless told otherwise).",
			call:     lineAmount,
			Examples: examples(gives(`line_amount("33.3333", 3)`, `10000`), gives(`line_amount("33.33", 3)`, `9999`), gives(`line_amount("333.33", 3, 0)`, `1000`))},
		&Function{Name: "rounding_gap", Params: params(arg("total"), arg("totals"), arg("qtys"), lit("digits", digitsLiteral), opt("tax_bp")), Result: "number", nulls: true,
			Text:     "The minor units a rounding line must carry, so that lines sent as unit_price(total, qty, digits) add up to total again: total - sum of line amounts (- tax on that sum, with tax_bp).",
			call:     roundingGap,
			Examples: examples(gives(`rounding_gap(10000, [10000], [3], 2)`, `1`), gives(`rounding_gap(10000, [10000], [3], 4)`, `0`), gives(`rounding_gap(256000, [256000], [2], 4, 1300)`, `0`), gives(`rounding_gap(300, [100, 100], [1, 1], 2)`, `100`))},
		&Function{Name: "net_of_tax", Params: params(arg("money or minor"), arg("tax_bp")), nulls: true,
			Text: "The part of a tax-inclusive amount that is not tax, rounded half up; the rate is in basis points (1300 is 13 %).",
			call: func(_ *frame, args []any) (any, error) {
				net, _, err := taxSplit(args)
				return net.value(), err
			},
			Examples: examples(gives(`net_of_tax(11300, 1300)`, `10000`), gives(`net_of_tax(100, 600)`, `94`))},
		&Function{Name: "tax_of", Params: params(arg("money or minor"), arg("tax_bp")), nulls: true,
			Text: "The tax inside a tax-inclusive amount: the rest that net_of_tax leaves, so both sum exactly.",
			call: func(_ *frame, args []any) (any, error) {
				_, tax, err := taxSplit(args)
				return tax.value(), err
			},
			Examples: examples(gives(`tax_of(11300, 1300)`, `1300`), gives(`tax_of(100, 600)`, `6`))},
	)
}

func allocate(f *frame, args []any) (any, error) {
	a, err := amountArg(args[0])
	if err != nil {
		return nil, err
	}
	list, err := listArg(args[1])
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, wrong("", "there is nothing to allocate to")
	}
	if err := f.charge(4 * len(list)); err != nil {
		return nil, err
	}
	weights := make([]int64, len(list))
	for i, v := range list {
		w, err := amountArg(v)
		if err != nil {
			return nil, err
		}
		if w.minor < 0 {
			return nil, wrong("", "a weight is negative")
		}
		weights[i] = w.minor
	}
	parts := make([]any, len(list))
	for i, p := range largestRemainder(a.minor, weights) {
		parts[i] = amount{p, a.currency}.value()
	}
	return parts, nil
}

// largestRemainder splits total in proportion to weights. Each part is cut
// towards zero and the rest goes, one by one, to the largest remainders; of
// equal ones the first comes first.
func largestRemainder(total int64, weights []int64) []int64 {
	if parts, fits := largestRemainder64(total, weights); fits {
		return parts
	}
	return largestRemainderBig(total, weights)
}

func largestRemainderBig(total int64, weights []int64) []int64 {
	sum := new(big.Int)
	for _, w := range weights {
		sum.Add(sum, big.NewInt(w))
	}
	equal := sum.Sign() == 0
	if equal {
		sum.SetInt64(int64(len(weights)))
	}
	parts := make([]int64, len(weights))
	rests := make([]*big.Int, len(weights))
	order := make([]int, len(weights))
	left := new(big.Int).Abs(big.NewInt(total))
	whole := new(big.Int).Set(left)
	for i, w := range weights {
		if equal {
			w = 1
		}
		q, r := new(big.Int).QuoRem(new(big.Int).Mul(whole, big.NewInt(w)), sum, new(big.Int))
		parts[i], rests[i], order[i] = int64(q.Uint64()), r, i
		left.Sub(left, q)
	}
	sort.SliceStable(order, func(i, j int) bool { return rests[order[i]].Cmp(rests[order[j]]) > 0 })
	for i := range int(left.Int64()) {
		parts[order[i]]++
	}
	if total < 0 {
		for i := range parts {
			parts[i] = -parts[i]
		}
	}
	return parts
}

// largestRemainder64 is largestRemainder where the weights sum to a positive
// number of 64 bits, which is all but always.
func largestRemainder64(total int64, weights []int64) ([]int64, bool) {
	var sum, carry uint64
	for _, w := range weights {
		var over uint64
		sum, over = bits.Add64(sum, uint64(w), 0)
		carry |= over
	}
	if sum == 0 || carry != 0 {
		return nil, false
	}
	whole := uint64(total)
	if total < 0 {
		whole = -whole
	}
	parts, rests := make([]int64, len(weights)), make([]uint64, len(weights))
	left := whole
	for i, w := range weights {
		high, low := bits.Mul64(whole, uint64(w))
		q, r := bits.Div64(high, low, sum) // w <= sum, so the quotient fits
		parts[i], rests[i] = int64(q), r
		left -= q
	}
	if left > 0 { // less than the number of weights
		order := make([]int, len(weights))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(rests[j], rests[i]) })
		for _, i := range order[:left] {
			parts[i]++
		}
	}
	if total < 0 {
		for i := range parts {
			parts[i] = -parts[i]
		}
	}
	return parts, true
}

// basisPoints reads the optional tax rate at args[i] as 1 + rate.
func basisPoints(args []any, i int) (dec, error) {
	if i >= len(args) {
		return decOf(1), nil
	}
	bp, err := wholeArg(args[i])
	if err != nil {
		return dec{}, err
	}
	if bp < 0 || bp > 10_000 {
		return dec{}, wrong("13 % is 1300", "the tax rate in basis points must be from 0 to 10000")
	}
	return decOf(10_000 + bp).shift(-4), nil
}

func unitPrice(_ *frame, args []any) (any, error) {
	price, err := priceOf(args[0], args[1], args[2], args[3:])
	if err != nil {
		return nil, err
	}
	digits, err := digitsArg(args[2])
	return price.fixed(digits), err
}

func priceOf(total, qty, digits any, tax []any) (dec, error) {
	a, err := amountArg(total)
	if err != nil {
		return dec{}, err
	}
	q, err := decArg(qty)
	if err != nil {
		return dec{}, err
	}
	if q.sign() == 0 {
		return dec{}, wrong("guard with when: qty > 0", "the quantity is zero")
	}
	n, err := digitsArg(digits)
	if err != nil {
		return dec{}, err
	}
	gross, err := basisPoints(tax, 0)
	if err != nil {
		return dec{}, err
	}
	return decOf(a.minor).shift(int32(-iso4217.Digits(a.currency))).quo(q.mul(gross), n, halfUp), nil
}

func lineAmount(_ *frame, args []any) (any, error) {
	price, qty, err := twoDecs(args)
	if err != nil {
		return nil, err
	}
	digits := 2
	if len(args) > 2 {
		if digits, err = digitsArg(args[2]); err != nil {
			return nil, err
		}
	}
	i, fits := price.mul(qty).shift(int32(digits)).round(0, halfUp).whole()
	if !fits {
		return nil, overflow()
	}
	return i, nil
}

func roundingGap(f *frame, args []any) (any, error) {
	goal, err := amountArg(args[0])
	if err != nil {
		return nil, err
	}
	totals, err := listArg(args[1])
	if err != nil {
		return nil, err
	}
	qtys, err := listArg(args[2])
	if err != nil {
		return nil, err
	}
	if len(totals) != len(qtys) {
		return nil, wrong("take both from the same lines", "there are not as many totals as quantities")
	}
	if err := f.charge(4 * len(totals)); err != nil {
		return nil, err
	}
	digits := iso4217.Digits(goal.currency)
	lines := decOf(0)
	for i := range totals {
		price, err := priceOf(totals[i], qtys[i], args[3], args[4:])
		if err != nil {
			return nil, err
		}
		qty, err := decArg(qtys[i])
		if err != nil {
			return nil, err
		}
		lines = lines.add(price.mul(qty).shift(int32(digits)).round(0, halfUp))
	}
	gross, err := basisPoints(args, 4)
	if err != nil {
		return nil, err
	}
	tax := lines.mul(gross.sub(decOf(1))).round(0, halfUp)
	gap, fits := decOf(goal.minor).sub(lines).sub(tax).whole()
	if !fits {
		return nil, overflow()
	}
	return gap, nil
}

func taxSplit(args []any) (net, tax amount, err error) {
	a, err := amountArg(args[0])
	if err != nil {
		return net, tax, err
	}
	gross, err := basisPoints(args, 1)
	if err != nil {
		return net, tax, err
	}
	i, _ := decOf(a.minor).quo(gross, 0, halfUp).whole() // never larger than the amount
	return amount{i, a.currency}, amount{a.minor - i, a.currency}, nil
}
