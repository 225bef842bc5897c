package awsx

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	emptyClustersXML  = `<DBClusters></DBClusters>`
	emptyInstancesXML = `<DBInstances></DBInstances>`
)

func TestSDKClients_RetryReads(t *testing.T) {
	failures := 1
	server := newFakeQueryAPI(t, func(w http.ResponseWriter, form url.Values) {
		if failures > 0 {
			failures--
			writeError(w, http.StatusBadRequest, "Throttling", "Rate exceeded")
			return
		}
		writeResult(w, form.Get("Action"), emptyClustersXML)
	})
	registry := prometheus.NewRegistry()
	client := newTestClient(t, server.URL, func(o *Options) { o.Registerer = registry })
	_, err := client.factory.newClients(euWest1).rdsReader.DescribeDBClusters(t.Context(), &rds.DescribeDBClustersInput{})
	if err != nil {
		t.Errorf("a throttled read was not retried: %v", err)
	}
	want := `
# HELP dbscaler_aws_requests_total Requests to AWS, retries included, by result: OK, AWS's error code, NoAnswer without a response, or Canceled.
# TYPE dbscaler_aws_requests_total counter
dbscaler_aws_requests_total{code="OK",operation="DescribeDBClusters",service="RDS"} 1
dbscaler_aws_requests_total{code="Throttling",operation="DescribeDBClusters",service="RDS"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "dbscaler_aws_requests_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(registry, "dbscaler_aws_request_duration_seconds"); err != nil || n != 1 {
		t.Errorf("%d duration series (error %v), want 1", n, err)
	}
}

func TestSDKClients_DoNotRetryChanges(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "5") // the environment must not enable retries
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter)
		want   error
	}{
		{"throttled request", func(w http.ResponseWriter) { writeError(w, 400, "Throttling", "Rate exceeded") }, scaling.ErrThrottled},
		{"server error", func(w http.ResponseWriter) { writeError(w, 500, "InternalFailure", "Oops") }, scaling.ErrUnavailable},
		{"lost response", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, scaling.ErrUnavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFakeQueryAPI(t, func(w http.ResponseWriter, _ url.Values) { test.answer(w) })
			target := scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "orders"}
			err := newTestClient(t, server.URL).Execute(t.Context(), target, scaling.Call{
				Action: scaling.ModifyInstanceClass, Instance: "orders", InstanceClass: "db.r6g.large",
			})
			expectCause(t, err, test.want)
			if got := server.actions(); !slices.Equal(got, []string{"ModifyDBInstance"}) {
				t.Errorf("made the requests %v, want one ModifyDBInstance", got)
			}
			for _, part := range []string{"ModifyInstanceClass", "DBInstance orders", "eu-west-1"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the message %q lacks %q", err, part)
				}
			}
		})
	}
}

func TestSDKClients_AssumeRoleOfScope(t *testing.T) {
	const answer = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>` +
		`<AccessKeyId>AKID%s</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>` +
		`<Expiration>2124-02-05T11:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
	keySuffixes := map[string]string{"arn:aws:iam::111122223333:role/one": "ONE", "arn:aws:iam::444455556666:role/two": "TWO"}
	server := newFakeQueryAPI(t, func(w http.ResponseWriter, form url.Values) {
		switch form.Get("Action") {
		case "AssumeRole":
			fmt.Fprintf(w, answer, keySuffixes[form.Get("RoleArn")])
		case "DescribeDBClusters":
			writeResult(w, "DescribeDBClusters", emptyClustersXML)
		default:
			writeResult(w, "DescribeDBInstances", emptyInstancesXML)
		}
	})
	client := newTestClient(t, server.URL)
	for arn := range keySuffixes {
		target := scaling.Target{
			Scope: scaling.Scope{Region: "eu-west-1", RoleARN: arn}, Kind: scaling.DBCluster, Identifier: "orders",
		}
		if got := client.Observe(t.Context(), []scaling.Target{target}, testStart); got[0].Err != nil {
			t.Fatal(got[0].Err)
		}
	}
	assumed := map[string]int{}
	signedBy := map[string]int{}
	for _, request := range server.requests {
		if !strings.Contains(request.header.Get("User-Agent"), "dbscaler/v0.0.0-test") {
			t.Errorf("%s has the user agent %q", request.form.Get("Action"), request.header.Get("User-Agent"))
		}
		credential, _, _ := strings.Cut(strings.TrimPrefix(request.header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="), "/")
		if request.form.Get("Action") != "AssumeRole" {
			signedBy[credential]++
			continue
		}
		assumed[request.form.Get("RoleArn")]++
		if credential != "AKIDTEST" || request.form.Get("RoleSessionName") != "dbscaler" {
			t.Errorf("the role was assumed by %s as %q", credential, request.form.Get("RoleSessionName"))
		}
		if !strings.Contains(request.header.Get("Authorization"), "/eu-west-1/sts/") {
			t.Errorf("the role was not assumed in the region of the scope: %s", request.header.Get("Authorization"))
		}
	}
	for arn, suffix := range keySuffixes {
		if assumed[arn] != 1 || signedBy["AKID"+suffix] != 3 {
			t.Errorf("%s: assumed %d times and signed %d reads, want 1 and 3", arn, assumed[arn], signedBy["AKID"+suffix])
		}
	}
}

func TestSDKClients_DeniedRoleNamesAccount(t *testing.T) {
	const message = "User: arn:aws:sts::111122223333:assumed-role/dbscaler is not authorized to perform: sts:AssumeRole"
	server := newFakeQueryAPI(t, func(w http.ResponseWriter, _ url.Values) { writeError(w, 403, "AccessDenied", message) })
	target := scaling.Target{
		Scope: scaling.Scope{Region: "eu-west-1", Account: "two", RoleARN: "arn:aws:iam::444455556666:role/two"},
		Kind:  scaling.DBCluster, Identifier: "orders",
	}
	got := newTestClient(t, server.URL).Observe(t.Context(), []scaling.Target{target}, testStart)
	expectCause(t, got[0].Err, scaling.ErrDenied)
	for _, part := range []string{"sts:AssumeRole", message, "AWSAccount two"} {
		if !strings.Contains(got[0].Err.Error(), part) {
			t.Errorf("the message %q lacks %q", got[0].Err, part)
		}
	}
}

func TestSDKClients_MissingCredentialsSuggestRemedy(t *testing.T) {
	client := newTestClient(t, "http://127.0.0.1:1", func(o *Options) { o.Credentials = nil })
	target := scaling.Target{Scope: euWest1, Kind: scaling.DBCluster, Identifier: "orders"}
	got := client.Observe(t.Context(), []scaling.Target{target}, testStart)
	expectCause(t, got[0].Err, scaling.ErrDenied)
	if !strings.Contains(got[0].Err.Error(), "give its service account an IAM role") {
		t.Errorf("the message %q does not suggest an IAM role", got[0].Err)
	}
}

func TestNew_RejectsRegisteredMetrics(t *testing.T) {
	isolateSDKConfig(t)
	registry := prometheus.NewRegistry()
	if _, err := New(t.Context(), Options{Registerer: registry}); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), Options{Registerer: registry}); err == nil {
		t.Error("New succeeds although the metrics are already registered and would not be exported")
	}
}
