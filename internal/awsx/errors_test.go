package awsx

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// modifyOrdersInstance asks for a change of the instance orders, past everything but the SDK.
func modifyOrdersInstance(ctx context.Context, e *Client) error {
	_, err := e.factory.newClients(euWest1).rdsWriter.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
		DBInstanceIdentifier: aws.String("orders"),
	})
	return err
}

func TestClassify_ByErrorCode(t *testing.T) {
	const noClass = "Cannot modify the instance class because there are no instances of the requested class available in the " +
		"current instance's availability zone. Please try your request again at a later time"
	tests := []struct {
		status  int
		code    string
		message string
		want    error
	}{
		{400, "InvalidDBInstanceState", "Database instance is not in available state.", scaling.ErrBusy},
		{400, "InvalidDBInstanceStateFault", "Database instance is not in available state.", scaling.ErrBusy},
		{400, "InvalidDBClusterStateFault", "DB cluster is not available for failover.", scaling.ErrBusy},
		{400, "InvalidDBClusterState", "DB cluster is not available for failover.", scaling.ErrBusy},
		{400, "InsufficientDBInstanceCapacity", noClass, scaling.ErrNoCapacity},
		{403, "InsufficientDBClusterCapacityFault", "Insufficient capacity", scaling.ErrNoCapacity},
		{400, "InsufficientStorageClusterCapacity", "Insufficient capacity", scaling.ErrNoCapacity},
		{400, "InstanceQuotaExceeded", "Cannot create more than 40 DB instances", scaling.ErrQuota},
		{404, "DBInstanceNotFound", "DBInstance orders not found.", scaling.ErrNotFound},
		{404, "DBInstanceNotFoundFault", "DBInstance orders not found.", scaling.ErrNotFound},
		{404, "DBClusterNotFoundFault", "DBCluster orders not found.", scaling.ErrNotFound},
		{400, "DBInstanceAlreadyExists", "DB instance already exists", scaling.ErrAlreadyExists},
		{400, "InvalidParameterCombination", "RDS does not support creating a DB instance with this combination", scaling.ErrInvalid},
		{400, "InvalidParameterValue", "Invalid DB Instance class: db.r9.large", scaling.ErrInvalid},
		{404, "DBParameterGroupNotFound", "DBParameterGroup not found: none", scaling.ErrInvalid},
		{400, "KMSKeyNotAccessibleFault", "The key is not accessible", scaling.ErrInvalid},
		{400, "DBSubnetGroupDoesNotCoverEnoughAZs", "Too few zones", scaling.ErrInvalid},
		{403, "AccessDenied", "User is not authorized to perform: rds:ModifyDBInstance", scaling.ErrDenied},
		{403, "InvalidClientTokenId", "The security token included in the request is invalid.", scaling.ErrDenied},
		{403, "SignatureDoesNotMatch", "Signature expired", scaling.ErrDenied},
		{400, "Throttling", "Rate exceeded", scaling.ErrThrottled},
		{400, "ThrottlingException", "Rate exceeded", scaling.ErrThrottled},
		{503, "RequestLimitExceeded", "Rate exceeded", scaling.ErrThrottled},
		{429, "SomethingNew", "Slow down, please", scaling.ErrThrottled},
		{500, "InternalFailure", "An internal error has occurred", scaling.ErrUnavailable},
		{503, "ServiceUnavailable", "Try later", scaling.ErrUnavailable},
		{500, "SomethingNew", "What is this", scaling.ErrUnavailable},
		{400, "SomethingNew", "What is this", nil},
	}
	var status int
	var code, message string
	server := newFakeQueryAPI(t, func(w http.ResponseWriter, _ url.Values) { writeError(w, status, code, message) })
	for _, test := range tests {
		t.Run(test.code, func(t *testing.T) {
			status, code, message = test.status, test.code, strings.ReplaceAll(test.message, "'", "&apos;")
			err := Classify(modifyOrdersInstance(t.Context(), newTestClient(t, server.URL)))
			expectCause(t, err, test.want)
			if stable := scaling.StableMessage(err); strings.Contains(stable, "0f3c7d2e") || !strings.Contains(stable, test.message) {
				t.Errorf("the stable message is %q", stable)
			}
			for _, part := range []string{"RDS ModifyDBInstance", test.message, "request 0f3c7d2e-8a51-4b6f-9d0e-2f4a7c1b9e11"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the message %q lacks %q", err, part)
				}
			}
			var api smithy.APIError
			if !errors.As(err, &api) {
				t.Errorf("%q no longer shows AWS's own error", err)
			}
		})
	}
}

// expectCause wants an error that matches one of scaling's errors and no other.
func expectCause(t *testing.T, err, want error) {
	t.Helper()
	if err == nil {
		t.Fatal("there is no error")
	}
	for _, cause := range []error{
		scaling.ErrDenied, scaling.ErrThrottled, scaling.ErrUnavailable, scaling.ErrNotFound, scaling.ErrAlreadyExists,
		scaling.ErrBusy, scaling.ErrNoCapacity, scaling.ErrQuota, scaling.ErrInvalid,
	} {
		if got := errors.Is(err, cause); got != (cause == want) {
			t.Errorf("%q matches %q: %v", err, cause, got)
		}
	}
}

func TestClassify_WithoutResponse(t *testing.T) {
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter)
	}{
		{"the connection is closed", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }},
		{"the answer is cut short", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "4096")
			w.Write([]byte(`<ModifyDBInstanceResponse><ModifyDBInstanceResult><DBInstance>`))
		}},
		{"a proxy answers", func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadGateway)
			w.Write([]byte(`<html><body>Bad Gateway</body></html>`))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFakeQueryAPI(t, func(w http.ResponseWriter, _ url.Values) { test.answer(w) })
			err := Classify(modifyOrdersInstance(t.Context(), newTestClient(t, server.URL)))
			expectCause(t, err, scaling.ErrUnavailable)
			if !strings.Contains(err.Error(), "RDS ModifyDBInstance") {
				t.Errorf("the message %q does not name the operation", err)
			}
			if got := server.actions(); len(got) != 1 {
				t.Errorf("the request was made %d times", len(got))
			}
		})
	}
}

func TestClassify_HTTPTimeout(t *testing.T) {
	// What the HTTP client's own timeout looks like: a deadline that is not the caller's.
	err := Classify(&smithy.OperationError{ServiceID: "RDS", OperationName: "ModifyDBInstance", Err: &smithyhttp.RequestSendError{
		Err: &url.Error{Op: "Post", URL: "https://rds.eu-west-1.amazonaws.com/", Err: context.DeadlineExceeded},
	}})
	expectCause(t, err, scaling.ErrUnavailable)
}

func TestClassify_UnknownRegion(t *testing.T) {
	const host = "rds.eu-wset-1.amazonaws.com"
	err := Classify(&smithy.OperationError{ServiceID: "RDS", OperationName: "DescribeDBClusters", Err: &smithyhttp.RequestSendError{
		Err: &url.Error{Op: "Post", URL: "https://" + host + "/", Err: &net.OpError{
			Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true},
		}},
	}})
	expectCause(t, err, scaling.ErrUnavailable)
	if !strings.Contains(err.Error(), host) || !strings.Contains(err.Error(), "check the region's name") {
		t.Errorf("the message %q does not say what to check", err)
	}
}

func TestClassify_KeepsContextErrors(t *testing.T) {
	reached := make(chan struct{}, 1)
	release := make(chan struct{})
	server := newFakeQueryAPI(t, func(http.ResponseWriter, url.Values) {
		reached <- struct{}{}
		<-release
	})
	t.Cleanup(func() { close(release) })

	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-reached
			cancel()
		}()
		err := Classify(modifyOrdersInstance(ctx, newTestClient(t, server.URL)))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		expectCause(t, err, nil)
	})
	t.Run("deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		err := Classify(modifyOrdersInstance(ctx, newTestClient(t, server.URL)))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		expectCause(t, err, nil)
	})
}

func TestClassify_KeepsForeignErrors(t *testing.T) {
	if err := Classify(nil); err != nil {
		t.Errorf("no error became %v", err)
	}
	other := errors.New("something else")
	if err := Classify(other); err != other {
		t.Errorf("an error that is not the SDK's became %v", err)
	}
	expectCause(t, Classify(rejectCall("it is not %s", "allowed")), scaling.ErrInvalid)
}
