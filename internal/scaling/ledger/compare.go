package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Comparison is a recorded entry compared with its replay.
type Comparison struct {
	// Entry is what this version decides from the recorded inputs.
	Entry Entry
	// Differences are the fields whose values differ; none when the recorded bytes are the replayed ones.
	Differences []Difference
}

// Difference is a field of an entry to which the replay gives another value. The values are JSON; an absent one is empty.
type Difference struct {
	// Field is the path of the field, for example "Decision.Proposals[0].To.Count".
	Field string
	// Recorded and Replayed are the values.
	Recorded, Replayed string
}

// String says what differs.
func (d Difference) String() string {
	show := func(value string) string {
		const maxRunes = 200
		if runes := []rune(value); len(runes) > maxRunes {
			return string(runes[:maxRunes]) + "…"
		}
		if value == "" {
			return "absent"
		}
		return value
	}
	return fmt.Sprintf("%s was %s, and is now %s", d.Field, show(d.Recorded), show(d.Replayed))
}

// Compare replays a recorded entry and lists the fields that differ. The error says why the line cannot be replayed.
func Compare(line []byte) (Comparison, error) {
	replayed, err := Replay(line)
	if err != nil {
		return Comparison{}, err
	}
	var c Comparison
	if err := json.Unmarshal(replayed, &c.Entry); err != nil {
		return Comparison{}, fmt.Errorf("decoding the replayed entry: %w", err)
	}
	if bytes.Equal(line, replayed) {
		return c, nil
	}
	recordedTree, errRecorded := decodeTree(line)
	replayedTree, errReplayed := decodeTree(replayed)
	if errRecorded != nil || errReplayed != nil {
		return Comparison{}, fmt.Errorf("the line is not a ledger entry: %w", errRecorded)
	}
	c.Differences = appendDifferences(nil, "", recordedTree, replayedTree)
	if len(c.Differences) == 0 { // the order or the spelling of the fields
		c.Differences = []Difference{{Field: "the encoding", Recorded: string(line), Replayed: string(replayed)}}
	}
	return c, nil
}

// decodeTree decodes JSON and keeps the digits of numbers.
func decodeTree(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	err := decoder.Decode(&tree)
	return tree, err
}

// appendDifferences appends the differences of two decoded values at a path, in the order of the fields.
func appendDifferences(out []Difference, path string, recorded, replayed any) []Difference {
	recordedObject, isObject := recorded.(map[string]any)
	replayedObject, isObjectToo := replayed.(map[string]any)
	if isObject && isObjectToo {
		keys := maps.Clone(recordedObject)
		maps.Copy(keys, replayedObject)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			field := key
			if path != "" {
				field = path + "." + key
			}
			out = appendDifferences(out, field, recordedObject[key], replayedObject[key])
		}
		return out
	}
	recordedList, isList := recorded.([]any)
	replayedList, isListToo := replayed.([]any)
	if isList && isListToo {
		for n := range max(len(recordedList), len(replayedList)) {
			out = appendDifferences(out, fmt.Sprintf("%s[%d]", path, n), element(recordedList, n), element(replayedList, n))
		}
		return out
	}
	before, after := encode(recorded), encode(replayed)
	if before != after {
		out = append(out, Difference{path, before, after})
	}
	return out
}

func element(list []any, n int) any {
	if n < len(list) {
		return list[n]
	}
	return nil
}

// encode encodes a decoded value; empty for an absent one and for null.
func encode(value any) string {
	if value == nil {
		return ""
	}
	text, err := json.Marshal(value)
	if err != nil { // unreachable: the value was decoded from JSON
		return err.Error()
	}
	return string(text)
}
