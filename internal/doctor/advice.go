package doctor

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// adviceVerbs begin sentences of the operator that say what to do.
var adviceVerbs = []string{"Ask ", "Check ", "Correct ", "List ", "Remove ", "Set ", "To "}

// splitAdvice divides a message of the operator, which states what is wrong and then what to do, into both parts. What to do is a sentence
// with one of adviceVerbs, or follows the last colon, or there is none.
func splitAdvice(text string) (message, action string) {
	text = strings.TrimSuffix(text, ".")
	const separatorLength = 2
	n := strings.LastIndex(text, ": ")
	for at := 0; ; {
		next := strings.Index(text[at:], ". ")
		if next < 0 {
			break
		}
		at += next + separatorLength
		if slices.ContainsFunc(adviceVerbs, func(verb string) bool { return strings.HasPrefix(text[at:], verb) }) {
			n = at - separatorLength
			break
		}
	}
	if n < 0 {
		return text, ""
	}
	return text[:n], capitalize(text[n+separatorLength:]) + "."
}

func capitalize(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
