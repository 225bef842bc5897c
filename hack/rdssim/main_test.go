package main

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
)

// TestNewServer_Present checks that the simulated time is the present one, and that the scenario has the past that was asked for.
func TestNewServer_Present(t *testing.T) {
	for _, test := range []struct {
		present bool
		want    time.Time
	}{
		{false, time.Date(2024, 2, 5, 10, 0, 0, 0, time.UTC)},
		{true, time.Now()},
	} {
		server, err := newServer("scenarios/post-mortem.yaml", "", 7*time.Hour, test.present, 1, logr.Discard())
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequestWithContext(t.Context(), "GET", "/_sim/state?region=eu-west-1", nil)
		request.RemoteAddr = "127.0.0.1:1"
		response := httptest.NewRecorder()
		server.ServeHTTP(response, request)
		var state struct {
			Time     time.Time
			Clusters []struct{ EngineVersion string }
		}
		if err := json.Unmarshal(response.Body.Bytes(), &state); err != nil {
			t.Fatal(err)
		}
		if difference := state.Time.Sub(test.want); difference < -5*time.Minute || difference > 5*time.Minute {
			t.Errorf("present %t: the simulated time is %s, want %s", test.present, state.Time, test.want)
		}
		if len(state.Clusters) != 1 || !strings.HasPrefix(state.Clusters[0].EngineVersion, "16") {
			t.Errorf("present %t: the clusters are %+v, want one after its upgrade to 16.1", test.present, state.Clusters)
		}
	}
}

func TestRun_PresentNeedsTheSpeedOfTheOperator(t *testing.T) {
	err := run(t.Context(), []string{"--scenario", "scenarios/post-mortem.yaml", "--present", "--speed", "60"})
	if err == nil || !strings.Contains(err.Error(), "want speed 1") {
		t.Errorf("got error %v", err)
	}
}
