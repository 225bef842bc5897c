package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// TestBacktest_ReadsCloudWatch reads the load of the policy's target from a simulated CloudWatch with the real SDK.
func TestBacktest_ReadsCloudWatch(t *testing.T) {
	scenario, err := model.LoadScenario("../../../hack/rdssim/scenarios/all-kinds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	world, err := model.New(scenario)
	if err != nil {
		t.Fatal(err)
	}
	clock := clocktesting.NewFakeClock(scenario.Start.Time)
	server := httptest.NewServer(rdssim.New(rdssim.Options{World: world, Clock: clock}))
	t.Cleanup(server.Close)
	clock.Step(26 * time.Hour)
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	policy := strings.ReplaceAll(policyYAML, "region: eu-west-1", "region: "+scenario.Databases[0].Region)
	run := func(policy string, args ...string) (string, error) {
		var out bytes.Buffer
		c := New(genericiooptions.IOStreams{In: strings.NewReader(policy), Out: &out, ErrOut: &out}, clock)
		c.SetArgs(append([]string{"backtest", "-f", "-", "--endpoint-url", server.URL, "-o", "json"}, args...))
		err := c.ExecuteContext(t.Context())
		return out.String(), err
	}
	out, err := run(policy, "--cloudwatch", "24h")
	if err != nil {
		t.Fatal(err)
	}
	var s backtestSummary
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatal(err)
	}
	if minutes := 24*60 - 10; s.Runs[0].VCPUHours < float64(minutes)/60*2 || s.GapMinutes != 0 || s.Runs[0].OverloadedMinutes != 0 || len(s.Runs) != 3 {
		t.Errorf("got %s", out)
	}
	for want, test := range map[string][2]string{
		"does not exist": {strings.ReplaceAll(policy, "identifier: orders", "identifier: nothing"), "24h"},
		"not both":       {policy, "24h --metrics=x.csv"},
	} {
		_, err := run(test[0], append([]string{"--cloudwatch"}, strings.Fields(test[1])...)...)
		var inputErr *InputError
		if !errors.As(err, &inputErr) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
