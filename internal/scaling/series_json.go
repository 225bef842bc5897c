package scaling

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// seriesJSON is a series in JSON: the start of the first period, the length of a period and the values in order, with null for a
// missing one.
type seriesJSON struct {
	Start  time.Time  `json:"from"`
	Period int64      `json:"periodSeconds"`
	Values []*float64 `json:"values"`
}

// MarshalJSON encodes the series without loss, with times in UTC. A value has the fewest digits that give the same float32.
func (s Series) MarshalJSON() ([]byte, error) {
	if s.IsEmpty() {
		return []byte("{}"), nil
	}
	const digits = 8 // of most values, with the comma
	text := make([]byte, 0, 64+digits*len(s.values))
	text = append(text, `{"from":"`...)
	text = s.Start().AppendFormat(text, time.RFC3339)
	text = append(text, `","periodSeconds":`...)
	text = strconv.AppendInt(text, int64(s.minutes)*60, 10)
	text = append(text, `,"values":[`...)
	for n, v := range s.values {
		if n > 0 {
			text = append(text, ',')
		}
		if isMissing(v) {
			text = append(text, "null"...)
		} else {
			text = appendValue(text, v)
		}
	}
	return append(text, "]}"...), nil
}

// appendValue appends a value in the notation of encoding/json, which has an exponent for very large and very small values.
func appendValue(text []byte, v float32) []byte {
	format := byte('f')
	if v != 0 && v < 1e-6 || v >= 1e21 {
		format = 'e'
	}
	text = strconv.AppendFloat(text, float64(v), format, -1, 32)
	if last := len(text) - 1; format == 'e' && text[last-2] == '-' && text[last-1] == '0' { // e-07 is e-7 there
		text[last-1] = text[last]
		text = text[:last]
	}
	return text
}

// UnmarshalJSON decodes what MarshalJSON encodes. An invalid value is missing.
func (s *Series) UnmarshalJSON(data []byte) error {
	var w seriesJSON
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("decoding a series: %w", err)
	}
	*s = Series{}
	if len(w.Values) == 0 {
		return nil
	}
	period := time.Duration(w.Period) * time.Second
	if w.Period < 60 || w.Period > int64(24*time.Hour/time.Second) || w.Period%60 != 0 {
		return fmt.Errorf("decoding a series: periodSeconds is %d: it must be a number of whole minutes, at most a day", w.Period)
	}
	values := make([]float64, len(w.Values))
	for n, v := range w.Values {
		if values[n] = math.NaN(); v != nil {
			values[n] = *v
		}
	}
	*s = NewSeries(period, w.Start, values...)
	return nil
}
