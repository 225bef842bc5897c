package recording

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// result is one entry of MetricDataResults.
type result struct {
	id, label, status string
	// line is the line of the entry, statusLine that of its status.
	line, statusLine int
	times            []sourceText
	values           []sourceText
}

// sourceText is a time or a number as it is written in the file.
type sourceText struct {
	text string
	line int
}

// document reads JSON token by token, so that each error has its line.
type document struct {
	inputFile
	*json.Decoder
	data []byte
	// documentStart is the offset of the current one of several concatenated documents.
	documentStart int64
	// countedLine is the line at countedOffset.
	countedLine   int
	countedOffset int64
	results       []result
	// hasResults says that a list of results was found.
	hasResults bool
	// nextTokenLine is the line of a NextToken without a following page, or zero.
	nextTokenLine int
}

// readMetricData reads one or more outputs of aws cloudwatch get-metric-data.
func readMetricData(f inputFile, in io.Reader, c converter) (*Recording, error) {
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	d := &document{inputFile: f, Decoder: json.NewDecoder(bytes.NewReader(data)), data: data, countedLine: 1}
	d.UseNumber()
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, d.syntaxError(err)
		}
		if token != json.Delim('{') {
			return nil, d.notMetricDataError()
		}
		if err := d.readMembers(d.readOutputMember); err != nil {
			return nil, err
		}
		d.documentStart = d.InputOffset()
	}
	switch {
	case !d.hasResults:
		return nil, d.notMetricDataError()
	case d.nextTokenLine > 0:
		return nil, f.errorAt(d.nextTokenLine, "has a NextToken, so values are missing: fetch the other pages too, or omit --max-items")
	}
	return f.combine(d.results, c)
}

func (d *document) notMetricDataError() error {
	return d.errorAt(0, "is JSON without MetricDataResults: give what aws cloudwatch get-metric-data prints")
}

// currentLine is the line of the last token.
func (d *document) currentLine() int {
	offset := min(d.InputOffset(), int64(len(d.data)))
	d.countedLine += bytes.Count(d.data[d.countedOffset:offset], []byte("\n"))
	d.countedOffset = offset
	return d.countedLine
}

// syntaxError is an error about invalid JSON. The token decoder does not report the offset of a syntax error, so the whole document
// is decoded again to find it.
func (d *document) syntaxError(err error) error {
	offset := d.InputOffset()
	var all json.RawMessage
	var syntax *json.SyntaxError
	documentErr := json.Unmarshal(d.data[d.documentStart:], &all)
	if errors.As(documentErr, &syntax) {
		err, offset = documentErr, d.documentStart+syntax.Offset
	}
	// The offset is after the invalid byte.
	offset = max(0, min(offset, int64(len(d.data)))-1)
	line := 1 + bytes.Count(d.data[:offset], []byte("\n"))
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err.Error() == "unexpected end of JSON input" {
		return d.errorAt(line, "the JSON ends too early: the file is truncated, so fetch it again")
	}
	return d.errorAt(line, "broken JSON: %s: give what aws cloudwatch get-metric-data prints, unedited", err)
}

// readMembers reads the members of an object after its opening brace.
func (d *document) readMembers(readMember func(name string) error) error {
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return d.syntaxError(err)
		}
		name, _ := token.(string) // the decoder returns an error for any other type
		if err := readMember(name); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return d.syntaxError(err)
	}
	return nil
}

// skipValue skips a value.
func (d *document) skipValue() error {
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		return d.syntaxError(err)
	}
	return nil
}

// readList reads an array; null is an empty one.
func (d *document) readList(name string, readElement func(json.Token) error) error {
	token, err := d.Token()
	if err != nil {
		return d.syntaxError(err)
	}
	if token == nil {
		return nil
	}
	if token != json.Delim('[') {
		return d.errorAt(d.currentLine(), "%s is not a list: %s", name, uneditedHint)
	}
	for d.More() {
		if token, err = d.Token(); err != nil {
			return d.syntaxError(err)
		}
		if err := readElement(token); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return d.syntaxError(err)
	}
	return nil
}

const uneditedHint = "give what aws cloudwatch get-metric-data prints, unedited"

// readOutputMember reads a member of the output's top-level object.
func (d *document) readOutputMember(name string) error {
	switch name {
	case "MetricDataResults":
		d.hasResults, d.nextTokenLine = true, 0
		return d.readList(name, func(element json.Token) error {
			if element != json.Delim('{') {
				return d.errorAt(d.currentLine(), "MetricDataResults has an element that is not a result: "+uneditedHint)
			}
			d.results = append(d.results, result{line: d.currentLine()})
			return d.readMembers(d.readResultMember)
		})
	case "NextToken":
		token, err := d.readText(name)
		if token.text != "" {
			d.nextTokenLine = token.line
		}
		return err
	}
	return d.skipValue()
}

// readResultMember reads a member of the newest result.
func (d *document) readResultMember(name string) (err error) {
	r := &d.results[len(d.results)-1]
	switch name {
	case "Id":
		r.id, err = d.readName(name)
	case "Label":
		r.label, err = d.readName(name)
	case "StatusCode":
		r.status, err = d.readName(name)
		r.statusLine = d.currentLine()
	case "Timestamps":
		return d.readList(name, func(element json.Token) error {
			timestamp, ok := element.(string)
			if !ok {
				return d.errorAt(d.currentLine(), "Timestamps has an element that is not a time: write times as 2006-01-02T15:04:05Z")
			}
			r.times = append(r.times, sourceText{timestamp, d.currentLine()})
			return nil
		})
	case "Values":
		return d.readList(name, func(element json.Token) error {
			number, ok := element.(json.Number)
			if !ok {
				return d.errorAt(d.currentLine(), "Values has an element that is not a number: omit the time and the value where nothing was recorded")
			}
			r.values = append(r.values, sourceText{number.String(), d.currentLine()})
			return nil
		})
	default:
		return d.skipValue()
	}
	return err
}

func (d *document) readName(member string) (string, error) {
	text, err := d.readText(member)
	return text.text, err
}

// readText reads a string; null is an empty one.
func (d *document) readText(member string) (sourceText, error) {
	token, err := d.Token()
	if err != nil {
		return sourceText{}, d.syntaxError(err)
	}
	value, ok := token.(string)
	if !ok && token != nil {
		return sourceText{}, d.errorAt(d.currentLine(), "%s is not a string: %s", member, uneditedHint)
	}
	return sourceText{value, d.currentLine()}, nil
}
