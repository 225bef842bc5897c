package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/hack/rehearsal/fixture"
)

func TestExecute_ExitCodes(t *testing.T) {
	aws := newSimulatedAWS(t, nil)
	target := []string{"--region", testRegion, "--account", testAccount}
	simulator := append([]string{"--endpoint-url", aws.target.endpoint}, target...)
	tests := []struct {
		name, input string
		args        []string
		want        int
		wantText    string
	}{
		{"help", "", []string{"--help"}, 0, "-region"},
		{"no region", "", []string{"--account", testAccount}, exitUsage, "--region \"\" is not a region: pass one such as"},
		{"no account", "", []string{"--region", testRegion}, exitUsage, "--account \"\" is not an account"},
		{"unknown flag", "", []string{"--regoin", testRegion}, exitUsage, "flag provided but not defined"},
		{"unknown database", "", append([]string{"--only", "oracle"}, target...), exitUsage, "there is no database \"oracle\""},
		{"expensive database", "", append([]string{"--only", multiAZName}, target...), exitUsage, "--multi-az-cluster adds multi-az"},
		{"short timeout", "", append([]string{"--timeout", "1m"}, target...), exitUsage, "--timeout 1m0s: want"},
		{"remote simulator", "", append([]string{"--endpoint-url", "http://192.0.2.1:80"}, target...), exitUsage, "loopback"},
		{"no simulator", "", append([]string{"--endpoint-url", "http://127.0.0.1:1"}, target...), exitUsage, "go run ./hack/rdssim"},
		{"other account", "", append(simulator, "--account", "111111111111"), exitUsage,
			"the credentials belong to account " + testAccount + ", and --account is 111111111111: nothing was created"},
		{"no", "no\n", simulator, exitUsage, "nothing was created or removed"},
		{"no answer", "", simulator, exitUsage, "nothing was created or removed"},
		{"only cleanup", "", append(simulator, "--cleanup", "--yes"), 0, "No leftovers"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			code := execute(t.Context(), t.Context(), test.args, strings.NewReader(test.input), &out, &errOut)
			if text := out.String() + errOut.String(); code != test.want || !strings.Contains(text, test.wantText) {
				t.Errorf("exit code %d, want %d, and this output lacks %q:\n%s", code, test.want, test.wantText, text)
			}
		})
	}
	if n := aws.CountCalls("CreateDBCluster") + aws.CountCalls("CreateDBInstance") + aws.CountCalls("DeleteDBCluster"); n != 0 {
		t.Errorf("%d changes were requested", n)
	}
}

func TestExecute_AsksAndStartsASimulator(t *testing.T) {
	dir := t.TempDir()
	args := []string{
		"--region", testRegion, "--account", testAccount, "--endpoint-url", simulatorEndpoint, "--only", serverlessName, "--fixtures", dir,
	}
	var out, errOut bytes.Buffer
	if code := execute(t.Context(), t.Context(), args, strings.NewReader("yes\n"), &out, &errOut); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, &out, &errOut)
	}
	for _, text := range []string{"Type yes to go on", "USD an hour", "0 new differences"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("the output lacks %q:\n%s", text, &out)
		}
	}
	if files, err := filepath.Glob(filepath.Join(dir, serverlessName, "04-modify-capacity-ModifyDBCluster.yaml")); err != nil || len(files) != 1 {
		t.Errorf("the request of the last step was not stored: %v", err)
	}
}

func TestShowCost_WithoutPriceList(t *testing.T) {
	aws := newSimulatedAWS(t, nil)
	r, out := aws.newRehearsal(t, auroraName, rdsName)
	r.showCost(t.Context())
	if !strings.Contains(out.String(), "The prices are from the AWS price list") {
		t.Errorf("the price list was not used:\n%s", out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out.Reset()
	r.showCost(ctx)
	for _, text := range []string{"aurora      about 0.33 USD an hour", "together    about 0.41 USD an hour, at most about 1.85 USD", "a table of rounded prices"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("the output lacks %q:\n%s", text, out)
		}
	}
}

// recordingsOfAWS matches the folders of recordings from AWS.
const recordingsOfAWS = "testdata/aws-*"

// TestFixtures_RecordedFromAWS compares the simulator with everything that somebody has recorded from AWS.
func TestFixtures_RecordedFromAWS(t *testing.T) {
	folders, err := filepath.Glob(recordingsOfAWS)
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) == 0 {
		t.Skip("NOTHING HAS BEEN RECORDED FROM AWS: there is no folder hack/rehearsal/" + recordingsOfAWS + ", so the simulator is not " +
			"checked against AWS. Record one with `make rehearsal REGION=... ACCOUNT=...`, see docs/rehearsal.md")
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) { compareWithSimulator(t, folder) })
	}
}

// compareWithSimulator fails for each new difference between the recordings in a folder and the simulator.
func compareWithSimulator(t *testing.T, folder string) {
	t.Helper()
	for _, d := range differencesFromSimulator(t, folder) {
		if d.Reason == "" {
			t.Errorf("%s, step %s, %s: %s is %s in AWS and %s in the simulator", d.database, d.Step, d.Operation, d.Path, d.AWS, d.Simulator)
		}
	}
}

// differencesFromSimulator makes the requests of the recordings in a folder again, of a simulator, and compares the responses.
func differencesFromSimulator(t *testing.T, folder string) []row {
	t.Helper()
	recorded, err := fixture.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	r := newRehearsal(settings{region: testRegion, account: testAccount}, nil, nil, &bytes.Buffer{})
	var sessions []*session
	for name, exchanges := range recorded {
		s := &session{name: name}
		for _, e := range exchanges {
			s.lastStep = max(s.lastStep, e.Step)
			if e.Operation == "CreateDBCluster" || e.Operation == "CreateDBInstance" && e.Request["DBClusterIdentifier"] == "" {
				s.subnetGroup = e.Request["DBSubnetGroupName"]
			}
		}
		sessions = append(sessions, s)
	}
	simulated, err := r.simulate(t.Context(), sessions)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := compareRecordings(recorded, simulated)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestDifferencesFromSimulator proves that recordings in a folder are compared, since there may be none from AWS: recordings from the
// simulator do not differ, until one of them is changed.
func TestDifferencesFromSimulator(t *testing.T) {
	aws := newSimulatedAWS(t, nil)
	r, out := aws.newRehearsal(t, rdsName)
	if err := r.run(t.Context(), t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if rows := differencesFromSimulator(t, r.fixtures); len(rows) != 0 {
		t.Errorf("the simulator differs from itself: %+v", rows)
	}
	file := filepath.Join(r.fixtures, rdsName, "02-refuse-parameter-group-CreateDBInstanceReadReplica.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(text, []byte("InvalidParameterCombination"), []byte("InvalidParameterValue"), 1)
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	rows := differencesFromSimulator(t, r.fixtures)
	if len(rows) != 1 || rows[0].Path != "Error/Code" || rows[0].AWS != "InvalidParameterValue" || rows[0].Reason != "" {
		t.Errorf("got %+v, want the changed error code only", rows)
	}
}
