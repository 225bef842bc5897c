package model

import (
	"encoding/json"
	"fmt"
	"time"
)

// Instant is a time in a scenario: an offset from its start, such as "90m", or an absolute time, such as
// "2024-02-05T08:20:00Z".
type Instant struct {
	// Offset is the time since the scenario's start. It counts only if Time is zero.
	Offset time.Duration
	// Time is the absolute time, or zero.
	Time time.Time
}

// UnmarshalJSON implements json.Unmarshaler.
func (i *Instant) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf(`%s is not an instant: want a string such as "90m" or "2024-02-05T08:20:00Z"`, data)
	}
	if offset, err := time.ParseDuration(text); err == nil {
		*i = Instant{Offset: offset}
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf(`%q is not an instant: want an offset such as "90m" or a time such as "2024-02-05T08:20:00Z"`, text)
	}
	*i = Instant{Time: at.UTC()}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (i Instant) MarshalJSON() ([]byte, error) { return json.Marshal(i.String()) }

// String returns the form that UnmarshalJSON reads.
func (i Instant) String() string {
	if i.Time.IsZero() {
		return i.Offset.String()
	}
	return i.Time.Format(time.RFC3339)
}

// sinceStart returns the offset from the scenario's start; negative before it.
func (i Instant) sinceStart(start time.Time) time.Duration {
	if i.Time.IsZero() {
		return i.Offset
	}
	return i.Time.Sub(start)
}
