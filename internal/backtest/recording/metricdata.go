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
	// line is where the entry begins, statusLine where its status is.
	line, statusLine int
	times            []text
	values           []text
}

// text is a time or a number as it is written.
type text struct {
	string
	line int
}

// document reads JSON token by token, so that the line of whatever is wrong is known.
type document struct {
	file
	*json.Decoder
	data []byte
	// begun is where the present one of several concatenated documents begins, as an offset.
	begun int64
	// line is that of the offset up to which line ends were counted.
	line    int
	counted int64
	results []result
	// found says that there was a list of results at all.
	found bool
	// more is the line of a NextToken that nothing came after, or zero.
	more int
}

// readMetricData reads what aws cloudwatch get-metric-data prints, once or several times.
func readMetricData(f file, in io.Reader, m measure) (*Recording, error) {
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	d := &document{file: f, Decoder: json.NewDecoder(bytes.NewReader(data)), data: data, line: 1}
	d.UseNumber()
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, d.broken(err)
		}
		if t != json.Delim('{') {
			return nil, d.notMetricData()
		}
		if err := d.members(d.output); err != nil {
			return nil, err
		}
		d.begun = d.InputOffset()
	}
	switch {
	case !d.found:
		return nil, d.notMetricData()
	case d.more > 0:
		return nil, f.wrong(d.more, "has a NextToken, so that values are missing: fetch the other pages too, or leave --max-items out")
	}
	return f.combine(d.results, m)
}

func (d *document) notMetricData() error {
	return d.wrong(0, "is JSON without MetricDataResults: give what aws cloudwatch get-metric-data prints")
}

// at is the line of the token that was read last.
func (d *document) at() int {
	offset := min(d.InputOffset(), int64(len(d.data)))
	d.line += bytes.Count(d.data[d.counted:offset], []byte("\n"))
	d.counted = offset
	return d.line
}

// broken is an error about JSON that cannot be read. The decoder does not count what it reads as tokens, so the place of a syntax error
// is looked up in the document as a whole.
func (d *document) broken(err error) error {
	offset := d.InputOffset()
	var all json.RawMessage
	var syntax *json.SyntaxError
	whole := json.Unmarshal(d.data[d.begun:], &all)
	if errors.As(whole, &syntax) {
		err, offset = whole, d.begun+syntax.Offset
	}
	// The offset is behind the byte that is wrong.
	offset = max(0, min(offset, int64(len(d.data)))-1)
	line := 1 + bytes.Count(d.data[:offset], []byte("\n"))
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err.Error() == "unexpected end of JSON input" {
		return d.wrong(line, "the JSON ends in the middle: the file is cut short, so fetch it again")
	}
	return d.wrong(line, "broken JSON: %s: give what aws cloudwatch get-metric-data prints, unedited", err)
}

// members reads the members of an object whose brace has been read.
func (d *document) members(member func(name string) error) error {
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return d.broken(err)
		}
		name, _ := t.(string) // the decoder lets nothing else through
		if err := member(name); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return d.broken(err)
	}
	return nil
}

// skip leaves a value out.
func (d *document) skip() error {
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		return d.broken(err)
	}
	return nil
}

// list reads an array; null is an empty one.
func (d *document) list(name string, element func(json.Token) error) error {
	t, err := d.Token()
	if err != nil {
		return d.broken(err)
	}
	if t == nil {
		return nil
	}
	if t != json.Delim('[') {
		return d.wrong(d.at(), "%s is no list: %s", name, unedited)
	}
	for d.More() {
		if t, err = d.Token(); err != nil {
			return d.broken(err)
		}
		if err := element(t); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return d.broken(err)
	}
	return nil
}

const unedited = "give what aws cloudwatch get-metric-data prints, unedited"

// output reads a member of what get-metric-data prints.
func (d *document) output(name string) error {
	switch name {
	case "MetricDataResults":
		d.found, d.more = true, 0
		return d.list(name, func(t json.Token) error {
			if t != json.Delim('{') {
				return d.wrong(d.at(), "MetricDataResults has something else than results: "+unedited)
			}
			d.results = append(d.results, result{line: d.at()})
			return d.members(d.result)
		})
	case "NextToken":
		token, err := d.text(name)
		if token.string != "" {
			d.more = token.line
		}
		return err
	}
	return d.skip()
}

// result reads a member of the newest result.
func (d *document) result(name string) (err error) {
	r := &d.results[len(d.results)-1]
	switch name {
	case "Id":
		r.id, err = d.name(name)
	case "Label":
		r.label, err = d.name(name)
	case "StatusCode":
		r.status, err = d.name(name)
		r.statusLine = d.at()
	case "Timestamps":
		return d.list(name, func(t json.Token) error {
			at, ok := t.(string)
			if !ok {
				return d.wrong(d.at(), "Timestamps has something else than times: write them as 2006-01-02T15:04:05Z")
			}
			r.times = append(r.times, text{at, d.at()})
			return nil
		})
	case "Values":
		return d.list(name, func(t json.Token) error {
			number, ok := t.(json.Number)
			if !ok {
				return d.wrong(d.at(), "Values has something else than numbers: leave out time and value where nothing was recorded")
			}
			r.values = append(r.values, text{number.String(), d.at()})
			return nil
		})
	default:
		return d.skip()
	}
	return err
}

func (d *document) name(member string) (string, error) {
	t, err := d.text(member)
	return t.string, err
}

// text reads a string; null is an empty one.
func (d *document) text(member string) (text, error) {
	t, err := d.Token()
	if err != nil {
		return text{}, d.broken(err)
	}
	s, ok := t.(string)
	if !ok && t != nil {
		return text{}, d.wrong(d.at(), "%s is no string: %s", member, unedited)
	}
	return text{s, d.at()}, nil
}
