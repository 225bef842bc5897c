package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"
)

// TestRunEmpty_IsOnThePresentTime starts the API server and the simulated AWS, whose time must be the present one: an operator that somebody
// installs has the clock of the machine, and finds no recent samples otherwise.
func TestRunEmpty_IsOnThePresentTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var out lockedBuffer
	ended := make(chan error, 1)
	go func() { ended <- runEmpty(ctx, settings{}, &out) }()
	address := regexp.MustCompile(`AWS_ENDPOINT_URL=(http://127\.0\.0\.1:\d+) `)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for address.FindStringSubmatch(out.String()) == nil {
		select {
		case err := <-ended:
			t.Fatalf("it ended (%v) after\n%s", err, out.String())
		case <-ticker.C:
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.FindStringSubmatch(out.String())[1]+"/_sim/state?region="+region, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	var state struct{ Time time.Time }
	if err := errors.Join(err, response.Body.Close(), json.Unmarshal(text, &state)); err != nil {
		t.Fatal(err)
	}
	if age := time.Since(state.Time); age < -time.Second || age > time.Minute {
		t.Errorf("the time of the simulated AWS is %s, %s ago", state.Time, age)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
