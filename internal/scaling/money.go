package scaling

import (
	"fmt"
	"strconv"
	"strings"
)

// Money is an amount in millionths of a US dollar. The AWS Price List API gives prices with ten decimals; a millionth of a
// dollar per hour is less than a cent per year.
type Money int64

// Dollar is one US dollar.
const Dollar Money = 1_000_000

// decimalPlaces is the number of digits after the decimal point that Money can hold.
const decimalPlaces = 6

// ParseUSD parses a decimal number of dollars, for example "6.00". It rounds to six decimals. The error names the text.
func ParseUSD(text string) (Money, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if !isDigits(whole) || strings.Contains(text, ".") && !isDigits(fraction) || len(whole) > 9 {
		return 0, fmt.Errorf("%q is not an amount in dollars such as 6.00", text)
	}
	roundUp := Money(0)
	if len(fraction) > decimalPlaces {
		if fraction[decimalPlaces] >= '5' {
			roundUp = 1
		}
		fraction = fraction[:decimalPlaces]
	}
	amount, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", decimalPlaces-len(fraction)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not an amount in dollars such as 6.00", text)
	}
	return Money(amount) + roundUp, nil
}

// isDigits reports whether a text is one or more ASCII digits.
func isDigits(text string) bool {
	for _, r := range text {
		if r < '0' || r > '9' {
			return false
		}
	}
	return text != ""
}

// String formats the amount with as many decimals as it has, and at least two: $0.52, $0.0175.
func (m Money) String() string {
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	fraction := strings.TrimRight(fmt.Sprintf("%06d", m%Dollar), "0")
	return fmt.Sprintf("%s$%d.%s%s", sign, m/Dollar, fraction, strings.Repeat("0", max(0, 2-len(fraction))))
}
