package doctor

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// splitAdvice divides a message of the operator, which states what is wrong and then what to do, into both parts. The part that says what
// to do follows the last colon, or is the last sentence.
func splitAdvice(text string) (message, action string) {
	text = strings.TrimSuffix(text, ".")
	n, length := strings.LastIndex(text, ": "), 2
	if sentence := strings.LastIndex(text, ". "); sentence > n {
		n = sentence
	}
	if n < 0 {
		return text, ""
	}
	return text[:n], capitalize(text[n+length:]) + "."
}

func capitalize(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
