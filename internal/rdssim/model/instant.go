package model

import (
	"encoding/json"
	"fmt"
	"time"
)

// Instant is a time in a scenario: so long after its start, written like "90m", or absolute, written like
// "2024-02-05T08:20:00Z".
type Instant struct {
	// Offset is the time since the scenario's start.
	Offset time.Duration
	// Time is the absolute time. When it is zero, Offset counts.
	Time time.Time
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Instant) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf(`%s is not a moment: want a string such as "90m" or "2024-02-05T08:20:00Z"`, data)
	}
	if offset, err := time.ParseDuration(text); err == nil {
		*m = Instant{Offset: offset}
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf(`%q is not a moment: want one such as "90m" or "2024-02-05T08:20:00Z"`, text)
	}
	*m = Instant{Time: at.UTC()}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (m Instant) MarshalJSON() ([]byte, error) { return json.Marshal(m.String()) }

// String writes it as UnmarshalJSON reads it.
func (m Instant) String() string {
	if m.Time.IsZero() {
		return m.Offset.String()
	}
	return m.Time.Format(time.RFC3339)
}

// sinceStart is how long after a start it is; negative before it.
func (m Instant) sinceStart(start time.Time) time.Duration {
	if m.Time.IsZero() {
		return m.Offset
	}
	return m.Time.Sub(start)
}
