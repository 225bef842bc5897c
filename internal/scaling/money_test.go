package scaling

import (
	"strings"
	"testing"
)

func TestParseUSD(t *testing.T) {
	for text, want := range map[string]Money{
		"6": 6_000_000, "6.00": 6_000_000, "0.0175": 17_500, "0.2600000000": 260_000, "0.0000005": 1, "0.0000004": 0,
		"123456789.999999": 123456789_999999,
	} {
		if got, err := ParseUSD(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".", "1.", ".5", "-1", "1e3", "$6", "6,00", " 6", "1234567890", "0x1", "NaN", "1.2.3"} {
		if got, err := ParseUSD(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
	for money, want := range map[Money]string{0: "$0.00", 6_000_000: "$6.00", 17_500: "$0.0175", 1: "$0.000001", -520_000: "-$0.52"} {
		if got := money.String(); got != want {
			t.Errorf("%d is written %s, want %s", money, got, want)
		}
	}
}

func FuzzParseUSD(f *testing.F) {
	for _, text := range []string{"6.00", "0.0175", "", "-1", "1e9", "999999999.9999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		money, err := ParseUSD(text)
		if err != nil {
			return
		}
		if money < 0 {
			t.Fatalf("%q is %d", text, money)
		}
		if again, err := ParseUSD(strings.TrimPrefix(money.String(), "$")); len(strings.Split(money.String(), ".")[0]) < 11 && (err != nil || again != money) {
			t.Errorf("%q is %s, which is %d, %v", text, money, again, err)
		}
	})
}
