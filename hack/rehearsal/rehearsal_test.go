package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dbscaler/dbscaler/hack/rehearsal/fixture"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestRun_AllDatabases runs the whole rehearsal against a simulated AWS with the shipped IAM policy. Both sides are simulators, so
// nothing may differ, known differences included.
func TestRun_AllDatabases(t *testing.T) {
	aws := newSimulatedAWS(t, nil)
	r, out := aws.newRehearsal(t, databaseNames(true)...)
	var (
		mu        sync.Mutex
		passwords []string
	)
	r.newPassword = func() string {
		mu.Lock()
		defer mu.Unlock()
		passwords = append(passwords, newPassword())
		return passwords[len(passwords)-1]
	}
	if err := r.run(t.Context(), t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !regexp.MustCompile(`\d\d+ requests compared: 0 new differences, 0 known ones`).Match(out.Bytes()) {
		t.Errorf("want no differences:\n%s", out)
	}
	aws.expectOnlyBystanders(t)
	recorded, err := fixture.ReadDir(r.fixtures)
	if err != nil {
		t.Fatal(err)
	}
	expectOperatorRequests(t, recorded)
	expectRefusals(t, recorded)

	secrets := append([]string{testAccount, r.runID, testRegion, "R1-"}, passwords...)
	secrets = append(secrets, bystanders...)
	if len(passwords) < 2*len(databaseNames(true)) || passwords[0] == passwords[1] {
		t.Errorf("%d passwords were generated, want a new one for each database", len(passwords))
	}
	err = filepath.WalkDir(r.fixtures, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, secret := range secrets {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s contains %s", path, secret)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, password := range passwords {
		if bytes.Contains(out.Bytes(), []byte(password)) {
			t.Error("the output contains a master password")
		}
	}
}

// expectOperatorRequests checks that every operation that the operator may make was recorded, and each change in its own step, once.
func expectOperatorRequests(t *testing.T, recorded map[string][]fixture.Exchange) {
	t.Helper()
	text, err := os.ReadFile("../../config/iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	var policy struct{ Statement []struct{ Action any } }
	if err := json.Unmarshal(text, &policy); err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	changesByStep := map[string][]string{}
	for database, exchanges := range recorded {
		for _, e := range exchanges {
			service := map[string]string{"monitoring": "cloudwatch"}[e.Service]
			if service == "" {
				service = e.Service
			}
			made[service+":"+e.Operation] = true
			if e.Service == "rds" && !strings.HasPrefix(e.Operation, "Describe") {
				key := database + " " + e.Step[len("00-"):]
				changesByStep[key] = append(changesByStep[key], e.Operation)
			}
		}
	}
	for _, statement := range policy.Statement {
		actions, isList := statement.Action.([]any)
		if !isList {
			actions = []any{statement.Action}
		}
		for _, action := range actions {
			if name, _ := action.(string); !made[name] && name != "iam:PassRole" { // PassRole is a permission, not a request
				t.Errorf("the operation %s of the operator was not made", name)
			}
		}
	}
	for step, want := range map[string]string{
		"aurora create-reader": "CreateDBInstance", "aurora modify-promotion-tier": "ModifyDBInstance",
		"aurora modify-instance-class": "ModifyDBInstance", "aurora failover": "FailoverDBCluster", "aurora delete-reader": "DeleteDBInstance",
		"rds create-reader": "CreateDBInstanceReadReplica", "rds modify-instance-class": "ModifyDBInstance",
		"rds delete-reader": "DeleteDBInstance", "serverless modify-capacity": "ModifyDBCluster",
		"multi-az modify-cluster-class": "ModifyDBCluster",
	} {
		if got := changesByStep[step]; !slices.Equal(got, []string{want}) {
			t.Errorf("the step %s made the changes %v, want one %s", step, got, want)
		}
	}
}

// expectRefusals checks the error codes of the steps that AWS refuses.
func expectRefusals(t *testing.T, recorded map[string][]fixture.Exchange) {
	t.Helper()
	got := map[string]string{}
	for database, exchanges := range recorded {
		for _, e := range exchanges {
			if _, name, _ := strings.Cut(e.Step, "-"); strings.HasPrefix(name, "refuse-") {
				code := regexp.MustCompile(`<Code>(\w+)</Code>`).FindStringSubmatch(e.Response)
				if code == nil || e.Status != http.StatusBadRequest {
					t.Errorf("%s, step %s: status %d, %s", database, e.Step, e.Status, e.Response)
					continue
				}
				got[database+" "+name] = code[1]
			}
		}
	}
	for step, want := range map[string]string{
		"aurora refuse-tag-value": "InvalidParameterValue", "aurora refuse-unknown-class": "InvalidParameterCombination",
		"aurora refuse-final-snapshot": "InvalidParameterCombination", "rds refuse-parameter-group": "InvalidParameterCombination",
		"rds refuse-without-backups": "InvalidDBInstanceState", "rds refuse-unknown-class": "InvalidParameterCombination",
		"rds refuse-missing-snapshot": "InvalidParameterCombination",
	} {
		if got[step] != want {
			t.Errorf("the step %s was answered with %q, want %s", step, got[step], want)
		}
	}
}

// TestActions_HaveSteps fails when the operator gets an action that no step rehearses.
func TestActions_HaveSteps(t *testing.T) {
	source, err := os.ReadFile("../../internal/scaling/ports.go")
	if err != nil {
		t.Fatal(err)
	}
	steps, err := os.ReadFile("steps.go")
	if err != nil {
		t.Fatal(err)
	}
	actions := regexp.MustCompile(`(?m)^\t(\w+) +Action = "`).FindAllStringSubmatch(string(source), -1)
	if len(actions) < 7 {
		t.Fatalf("%d actions found, want 7 or more", len(actions))
	}
	for _, action := range actions {
		if !strings.Contains(string(steps), "Action: scaling."+action[1]) {
			t.Errorf("no step makes the action %s", action[1])
		}
	}
}

// changeResponses returns a wrapper that replaces text in the responses of a simulated AWS.
func changeResponses(replacements ...string) func(http.Handler) http.Handler {
	replacer := strings.NewReplacer(replacements...)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
			recorded := httptest.NewRecorder()
			next.ServeHTTP(recorded, req)
			for key, values := range recorded.Header() {
				rw.Header()[key] = values
			}
			rw.WriteHeader(recorded.Code)
			if strings.Contains(recorded.Header().Get("Content-Type"), "xml") {
				_, _ = rw.Write([]byte(replacer.Replace(recorded.Body.String())))
				return
			}
			_, _ = rw.Write(recorded.Body.Bytes())
		})
	}
}

func TestRun_ReportsDifferences(t *testing.T) {
	aws := newSimulatedAWS(t, changeResponses(
		"<StorageThroughput>125</StorageThroughput>", "",
		"<MultiAZ>false</MultiAZ>", "<MultiAZ>false</MultiAZ><KmsKeyId>a-key</KmsKeyId><DatabaseInsightsMode>standard</DatabaseInsightsMode>",
		"Automated backups are not enabled for this database instance", "This instance has no backups",
	))
	r, out := aws.newRehearsal(t, rdsName)
	if err := r.run(t.Context(), t.Context()); !errors.Is(err, errDiffers) {
		t.Fatalf("got %v, want errDiffers\n%s", err, out)
	}
	for _, pattern := range []string{
		`rds +03-create-reader +CreateDBInstanceReadReplica +DBInstance/StorageThroughput +- +number +new`,
		`rds +04-observe +DescribeDBInstances +DBInstances/DBInstance/DatabaseInsightsMode +text +- +new`,
		`rds +05-refuse-without-backups +CreateDBInstanceReadReplica +Error/Message +This instance has .* Automated backups .* new`,
	} {
		if !regexp.MustCompile(pattern).Match(out.Bytes()) {
			t.Errorf("no line of the table matches %s", pattern)
		}
	}
	if bytes.Contains(out.Bytes(), []byte("KmsKeyId")) || bytes.Contains(out.Bytes(), []byte(" 0 known")) {
		t.Error("a known difference is not counted as one")
	}
	if t.Failed() {
		t.Log(out)
	}
}

// TestRun_CleansUpWhenStopped stops the rehearsal before each of its steps, as Ctrl-C does.
func TestRun_CleansUpWhenStopped(t *testing.T) {
	for _, database := range databaseNames(true) {
		for _, step := range (&session{name: database, rehearsal: &rehearsal{}}).steps() {
			t.Run(database+" "+step.name, func(t *testing.T) {
				t.Parallel()
				aws := newSimulatedAWS(t, nil)
				r, _ := aws.newRehearsal(t, database)
				ctx, cancel := context.WithCancel(t.Context())
				cancelBefore(r, database, step.name, cancel)
				err := r.run(ctx, t.Context())
				if err == nil || !strings.Contains(err.Error(), "the rehearsal was stopped") {
					t.Errorf("got the error %v", err)
				}
				aws.expectOnlyBystanders(t)
			})
		}
	}
}

// TestRun_CleansUpWhenStoppedDuringCreation stops the rehearsal while AWS works on a creation: the response must not get lost.
func TestRun_CleansUpWhenStoppedDuringCreation(t *testing.T) {
	for operation, database := range map[string]string{
		"CreateDBCluster": auroraName, "CreateDBInstance": rdsName, "CreateDBInstanceReadReplica": rdsName,
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			aws := newSimulatedAWS(t, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
					body, err := io.ReadAll(req.Body)
					if err != nil {
						t.Error(err)
					}
					if bytes.HasPrefix(body, []byte("Action="+operation+"&")) {
						cancel()
					}
					req.Body = io.NopCloser(bytes.NewReader(body))
					next.ServeHTTP(rw, req)
				})
			})
			r, _ := aws.newRehearsal(t, database)
			if err := r.run(ctx, t.Context()); err == nil || !strings.Contains(err.Error(), "the rehearsal was stopped") {
				t.Errorf("got the error %v", err)
			}
			if aws.CountCalls(operation) != 1 {
				t.Errorf("%s was requested %d times, want once", operation, aws.CountCalls(operation))
			}
			aws.expectOnlyBystanders(t)
		})
	}
}

func TestRun_RemovesWhatAKilledRunLeft(t *testing.T) {
	aws := newSimulatedAWS(t, nil)
	killed, _ := aws.newRehearsal(t, auroraName, rdsName)
	ctx, cancel := context.WithCancel(t.Context())
	cancelBefore(killed, rdsName, "observe", cancel)
	// Without a context for its cleanup, the run leaves everything, as after SIGKILL.
	if err := killed.run(ctx, ctx); err == nil {
		t.Fatal("a rehearsal that was stopped returned no error")
	}
	leftovers := slices.DeleteFunc(aws.databases(), func(identifier string) bool { return slices.Contains(bystanders, identifier) })
	if len(leftovers) < 3 {
		t.Fatalf("the killed run left %v, want a cluster, an instance and a read replica", leftovers)
	}

	again, out := aws.newRehearsal(t, serverlessName)
	if err := again.run(t.Context(), t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, identifier := range leftovers {
		if !strings.Contains(out.String(), identifier) {
			t.Errorf("the leftover %s was not shown", identifier)
		}
	}
	aws.expectOnlyBystanders(t)
}

func TestRun_SecondInterruptShowsCommands(t *testing.T) {
	aws := newSimulatedAWS(t, nil)
	r, _ := aws.newRehearsal(t, auroraName)
	ctx, cancel := context.WithCancel(t.Context())
	cleanupCtx, cancelCleanup := context.WithCancel(t.Context())
	cancelBefore(r, auroraName, "observe", cancel)
	r.out.out = writerFunc(func(text []byte) (int, error) { // the second one comes while the first deletion is in progress
		if bytes.HasPrefix(text, []byte("cleanup: deleting")) {
			cancelCleanup()
		}
		return len(text), nil
	})
	err := r.run(ctx, cleanupCtx)
	if err == nil {
		t.Fatal("want an error")
	}
	for _, command := range []string{
		"aws rds delete-db-instance --region eu-west-1 --db-instance-identifier " + namePrefix + r.runID + "-aurora-2 --skip-final-snapshot",
		"aws rds delete-db-cluster --region eu-west-1 --db-cluster-identifier " + namePrefix + r.runID + "-aurora --skip-final-snapshot",
		"--cleanup --region eu-west-1 --account " + testAccount,
	} {
		if !strings.Contains(err.Error(), command) {
			t.Errorf("the error lacks %q:\n%v", command, err)
		}
	}
}

type writerFunc func([]byte) (int, error)

// Write implements io.Writer.
func (f writerFunc) Write(text []byte) (int, error) { return f(text) }

func TestRun_FailedStepIsReportedAndCleanedUp(t *testing.T) {
	aws := newSimulatedAWS(t, nil)
	r, out := aws.newRehearsal(t, serverlessName)
	r.subnetGroup = "missing"
	err := r.run(t.Context(), t.Context())
	if err == nil || !strings.Contains(err.Error(), "pass --subnet-group with the name of a DB subnet group") {
		t.Errorf("got the error %v", err)
	}
	if !errors.Is(err, errDiffers) || !regexp.MustCompile(`01-create-cluster +CreateDBCluster +HTTP status +404 +200`).Match(out.Bytes()) {
		t.Errorf("the recorded request was not compared: %v\n%s", err, out)
	}
	aws.expectOnlyBystanders(t)
}

// TestOptInNamespace_IsLegal checks that databases of a rehearsal are opted in for a namespace that can exist.
func TestOptInNamespace_IsLegal(t *testing.T) {
	if !scaling.IsOptedIn(map[string]string{scaling.TagOptIn: optInNamespace}, optInNamespace, "") {
		t.Errorf("the databases are not opted in for %s", optInNamespace)
	}
}
