package app

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// redactor replaces what identifies an organization in texts: AWS account IDs, ARNs, host names of databases, IDs of credentials and
// external IDs, and URLs, which may contain a token. The same value gets the same pseudonym in all texts of a report, so that relations can
// still be read. It never forgets, and is not safe for concurrent use.
type redactor struct {
	pseudonyms map[string]string
	counts     map[string]int
}

func newRedactor() *redactor {
	return &redactor{pseudonyms: map[string]string{}, counts: map[string]int{}}
}

// The patterns of what is replaced, in the order in which they are applied. None requires a word boundary before: in a log line, \n may
// stand there as two characters.
var (
	// arnPattern is any ARN: arn:partition:service:region:account:resource (AWS reference guide, "Amazon Resource Names"). The resource ends
	// where a text or a document would end it.
	arnPattern = regexp.MustCompile(`arn:(aws[a-z-]*):([a-z0-9-]*):([a-z0-9-]*):([0-9]{12}|aws)?:([^\s"'` + "`" + `<>(){}\[\],;]+)`)
	// hostPattern is an endpoint of a database, of all partitions.
	hostPattern = regexp.MustCompile(`(?i)[a-z0-9][a-z0-9.-]*\.rds\.(?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?`)
	// urlPattern is a URL. Those of AWS are kept: they name only a service and a region.
	urlPattern = regexp.MustCompile(`https?://[^\s"'<>\\]+`)
	awsURL     = regexp.MustCompile(`^https://[a-z]+\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/?[.:,]?$`)
	// externalIDPattern is the external ID of a role, in YAML and JSON, also escaped in a string.
	externalIDPattern = regexp.MustCompile(`(?i)(external-?id\\?"?[:=]\s*\\?"?)([A-Za-z0-9_+=,.@:/-]{2,})`)
	// credentialPattern is the ID of an access key, a user or a role (IAM user guide, "IAM identifiers").
	credentialPattern = regexp.MustCompile(`(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{12,}`)
	digitsPattern     = regexp.MustCompile(`[0-9]+`)
)

// redact returns a text with pseudonyms.
func (r *redactor) redact(text string) string {
	text = externalIDPattern.ReplaceAllStringFunc(text, r.redactExternalID)
	text = arnPattern.ReplaceAllStringFunc(text, r.redactARN)
	text = hostPattern.ReplaceAllStringFunc(text, func(match string) string { return r.pseudonym("host", strings.ToLower(match)) })
	text = urlPattern.ReplaceAllStringFunc(text, func(match string) string {
		if awsURL.MatchString(match) || strings.Contains(match, "://host-") {
			return match
		}
		return r.pseudonym("url", match)
	})
	text = credentialPattern.ReplaceAllStringFunc(text, func(match string) string { return r.pseudonym("credential", match) })
	return r.redactAccounts(text)
}

// stringPattern is a string in JSON.
var stringPattern = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// redactLines redacts lines of JSON, such as those of a log, which may begin with a time. Numbers stay: a duration of two minutes has
// twelve digits in nanoseconds, and a ledger must still be readable. Other lines are redacted as text.
func (r *redactor) redactLines(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		start := strings.IndexByte(line, '{')
		if start < 0 || !json.Valid([]byte(line[start:])) {
			out.WriteString(r.redact(line))
			continue
		}
		document := externalIDPattern.ReplaceAllStringFunc(line[start:], r.redactExternalID)
		out.WriteString(r.redact(line[:start]) + stringPattern.ReplaceAllStringFunc(document, r.redact))
	}
	return out.String()
}

func (r *redactor) redactExternalID(match string) string {
	parts := externalIDPattern.FindStringSubmatch(match)
	return parts[1] + r.pseudonym("external-id", parts[2])
}

// accountDigits is the number of digits of an AWS account ID.
const accountDigits = 12

// redactAccounts replaces each number of twelve digits that is no part of a decimal fraction.
func (r *redactor) redactAccounts(text string) string {
	var out strings.Builder
	end := 0
	for _, match := range digitsPattern.FindAllStringIndex(text, -1) {
		if match[1]-match[0] != accountDigits || isFraction(text, match[0], match[1]) {
			continue
		}
		out.WriteString(text[end:match[0]] + r.pseudonym("account", text[match[0]:match[1]]))
		end = match[1]
	}
	return out.String() + text[end:]
}

// isFraction reports whether the digits of a text from start to end are before or after a decimal point.
func isFraction(text string, start, end int) bool {
	isDigit := func(n int) bool { return n >= 0 && n < len(text) && text[n] >= '0' && text[n] <= '9' }
	return start > 0 && text[start-1] == '.' && isDigit(start-2) || end < len(text) && text[end] == '.' && isDigit(end+1)
}

// redactARN keeps the service, the region and the kind of an ARN, and replaces the account and the resource.
func (r *redactor) redactARN(match string) string {
	arn := strings.TrimRight(match, ".:")
	parts := arnPattern.FindStringSubmatch(arn)
	if parts == nil {
		return match
	}
	account := parts[4]
	if len(account) == accountDigits {
		account = r.pseudonym("account", account)
	}
	kind := ""
	if n := strings.IndexAny(parts[5], ":/"); n > 0 {
		kind = parts[5][:n+1]
	}
	if r.isPseudonym("resource", parts[5][len(kind):]) {
		return match // redacted before
	}
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s%s%s", parts[1], parts[2], parts[3], account, kind, r.pseudonym("resource", arn), match[len(arn):])
}

// pseudonym is what stands for a value.
func (r *redactor) pseudonym(kind, value string) string {
	if r.isPseudonym(kind, value) {
		return value // redacted before
	}
	key := kind + " " + value
	if _, known := r.pseudonyms[key]; !known {
		r.counts[kind]++
		r.pseudonyms[key] = fmt.Sprintf("%s-%d", kind, r.counts[kind])
	}
	return r.pseudonyms[key]
}

// isPseudonym reports whether a value is a pseudonym that was given.
func (r *redactor) isPseudonym(kind, value string) bool {
	number, found := strings.CutPrefix(value, kind+"-")
	n, err := strconv.Atoi(number)
	return found && err == nil && n >= 1 && n <= r.counts[kind]
}
