package awsx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// modifyOrdersInstance calls ModifyDBInstance for the instance orders through the SDK client only.
func modifyOrdersInstance(ctx context.Context, client *Client) error {
	_, err := client.factory.newClients(euWest1).writer("").ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
		DBInstanceIdentifier: aws.String("orders"),
	})
	return err
}

func TestClassify_ByErrorCode(t *testing.T) {
	const noCapacityMessage = "Cannot modify the instance class because there are no instances of the requested class available in the " +
		"current instance's availability zone. Please try your request again at a later time"
	const noBackupsMessage = "Automated backups are not enabled for this database instance. To enable automated backups, use " +
		"ModifyDBInstance to set the backup retention period to a non-zero value."
	tests := []struct {
		status  int
		code    string
		message string
		want    error
	}{
		{400, "InvalidDBInstanceState", "Database instance is not in available state.", scaling.ErrBusy},
		{400, "InvalidDBInstanceState", noBackupsMessage, scaling.ErrInvalid},
		{400, "InvalidDBInstanceStateFault", noBackupsMessage, scaling.ErrInvalid},
		{400, "InvalidDBInstanceStateFault", "Database instance is not in available state.", scaling.ErrBusy},
		{400, "InvalidDBClusterStateFault", "DB cluster is not available for failover.", scaling.ErrBusy},
		{400, "InvalidDBClusterState", "DB cluster is not available for failover.", scaling.ErrBusy},
		{400, "InsufficientDBInstanceCapacity", noCapacityMessage, scaling.ErrNoCapacity},
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
			for _, part := range []string{"rds:ModifyDBInstance: " + test.code + ": " + test.message, "request 0f3c7d2e-8a51-4b6f-9d0e-2f4a7c1b9e11"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the message %q lacks %q", err, part)
				}
			}
			var api smithy.APIError
			if !errors.As(err, &api) {
				t.Errorf("%q does not wrap the SDK's error", err)
			}
		})
	}
}

// expectCause checks that an error matches want and no other error of package scaling.
func expectCause(t *testing.T, err, want error) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want %v", want)
	}
	for _, cause := range []error{
		scaling.ErrDenied, scaling.ErrThrottled, scaling.ErrUnavailable, scaling.ErrNotFound, scaling.ErrAlreadyExists,
		scaling.ErrBusy, scaling.ErrNoCapacity, scaling.ErrQuota, scaling.ErrInvalid,
	} {
		if got := errors.Is(err, cause); got != (cause == want) {
			t.Errorf("errors.Is(%q, %q) is %v", err, cause, got)
		}
	}
}

func TestClassify_WithoutResponse(t *testing.T) {
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter)
		stable string
	}{
		{"connection closed", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, "EOF"},
		{"response truncated", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "4096")
			w.Write([]byte(`<ModifyDBInstanceResponse><ModifyDBInstanceResult><DBInstance>`))
		}, "the response cannot be decoded"},
		{"response of a proxy", func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadGateway)
			w.Write([]byte(`<html><body>Bad Gateway</body></html>`))
		}, "HTTP 502 without an error code"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := newFakeQueryAPI(t, func(w http.ResponseWriter, _ url.Values) { test.answer(w) })
			err := Classify(modifyOrdersInstance(t.Context(), newTestClient(t, server.URL)))
			expectCause(t, err, scaling.ErrUnavailable)
			if !strings.HasPrefix(err.Error(), "rds:ModifyDBInstance: ") {
				t.Errorf("the message %q does not start with the operation", err)
			}
			if got, want := scaling.StableMessage(err), "rds:ModifyDBInstance: "+test.stable; got != want {
				t.Errorf("the stable message is %q, want %q", got, want)
			}
			if got := server.actions(); len(got) != 1 {
				t.Errorf("the request was made %d times", len(got))
			}
		})
	}
}

func TestClassify_HTTPTimeout(t *testing.T) {
	// The HTTP client's own timeout is reported as a deadline, but not the caller's.
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
		t.Errorf("the message %q does not name the host and what to check", err)
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
		t.Errorf("Classify(nil) is %v", err)
	}
	other := errors.New("something else")
	if err := Classify(other); err != other {
		t.Errorf("an error from outside the SDK became %v", err)
	}
	expectCause(t, Classify(rejectCall("it is not %s", "allowed")), scaling.ErrInvalid)
}

// TestStableMessage_IsTheSameForEachAttempt compares the messages of two attempts that fail for the same reason.
func TestStableMessage_IsTheSameForEachAttempt(t *testing.T) {
	request := func(err error) error {
		return &smithy.OperationError{ServiceID: "RDS", OperationName: "DescribeDBClusters", Err: err}
	}
	dialError := func(address string) error {
		ip := net.ParseIP(address)
		return request(&smithyhttp.RequestSendError{Err: &url.Error{Op: "Post", URL: "https://rds.eu-west-1.amazonaws.com/", Err: &net.OpError{
			Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: ip, Port: 443}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
		}}})
	}
	resetError := func(port int) error {
		return request(&smithyhttp.RequestSendError{Err: fmt.Errorf("read tcp 10.0.0.1:%d->52.1.2.3:443: connection reset by peer", port)})
	}
	apiError := func(message string) error {
		return request(&smithy.GenericAPIError{Code: "SignatureDoesNotMatch", Message: message})
	}
	noCredentials := func(requestID string) error {
		return request(&credentialsError{fmt.Errorf("exceeded maximum number of attempts, RequestID: %s", requestID)})
	}
	tests := []struct {
		name          string
		first, second error
		want          string
	}{
		{"refused connection without the address", dialError("52.1.2.3"), dialError("52.9.8.7"), "connection refused"},
		{"reset connection without the local port", resetError(43512), resetError(51010),
			"read tcp <address>-><address>: connection reset by peer"},
		{"error text without timestamps", apiError("Signature expired: 20240205T100000Z is now earlier than 20240205T101500Z"),
			apiError("Signature expired: 20240205T110000Z is now earlier than 20240205T111500Z"),
			"SignatureDoesNotMatch: Signature expired: <time> is now earlier than <time>"},
		{"error text without request ids", apiError("Failed, request id: 0f3c7d2e"), apiError("Failed, request id: 9d1f"),
			"SignatureDoesNotMatch: Failed, request id: <id>"},
		{"missing credentials without the attempt", noCredentials("a"), noCredentials("b"),
			"the operator has no AWS credentials: give its service account an IAM role with EKS Pod Identity or IRSA"},
		{"timeout with its limit", request(context.DeadlineExceeded), request(fmt.Errorf("slow: %w", context.DeadlineExceeded)),
			"no response within 10s"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := "rds:DescribeDBClusters in eu-west-1: " + test.want
			for _, err := range []error{test.first, test.second} {
				if got := scaling.StableMessage(classifyRead(err, euWest1, 10*time.Second)); got != want {
					t.Errorf("got  %q\nwant %q", got, want)
				}
			}
		})
	}
}
