package awsx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// causeByCode maps AWS error codes to the errors of package scaling, which say how to react. The keys omit the suffix
// "Fault": some codes have it on the wire, others only in the SDK and in CloudTrail (RDS API reference, errors of each
// operation; "Common errors").
var causeByCode = map[string]error{
	"AccessDenied":                scaling.ErrDenied,
	"AccessDeniedException":       scaling.ErrDenied,
	"AuthFailure":                 scaling.ErrDenied,
	"IncompleteSignature":         scaling.ErrDenied,
	"InvalidClientTokenId":        scaling.ErrDenied,
	"InvalidIdentityToken":        scaling.ErrDenied,
	"MissingAuthenticationToken":  scaling.ErrDenied,
	"NotAuthorized":               scaling.ErrDenied,
	"OptInRequired":               scaling.ErrDenied,
	"RegionDisabledException":     scaling.ErrDenied,
	"SignatureDoesNotMatch":       scaling.ErrDenied,
	"UnauthorizedOperation":       scaling.ErrDenied,
	"UnrecognizedClientException": scaling.ErrDenied,

	// The credentials have just expired: the next request uses new ones.
	"ExpiredToken":          scaling.ErrUnavailable,
	"ExpiredTokenException": scaling.ErrUnavailable,

	"InternalError":               scaling.ErrUnavailable,
	"InternalFailure":             scaling.ErrUnavailable,
	"InternalService":             scaling.ErrUnavailable,
	"RequestExpired":              scaling.ErrUnavailable,
	"RequestTimeout":              scaling.ErrUnavailable,
	"RequestTimeoutException":     scaling.ErrUnavailable,
	"ServiceUnavailable":          scaling.ErrUnavailable,
	"ServiceUnavailableException": scaling.ErrUnavailable,

	"DBClusterNotFound":  scaling.ErrNotFound,
	"DBInstanceNotFound": scaling.ErrNotFound,

	"DBInstanceAlreadyExists": scaling.ErrAlreadyExists,

	"InvalidDBClusterState":  scaling.ErrBusy,
	"InvalidDBInstanceState": scaling.ErrBusy,

	"InsufficientDBClusterCapacity":      scaling.ErrNoCapacity,
	"InsufficientDBInstanceCapacity":     scaling.ErrNoCapacity,
	"InsufficientStorageClusterCapacity": scaling.ErrNoCapacity,

	"DBClusterQuotaExceeded":      scaling.ErrQuota,
	"InstanceQuotaExceeded":       scaling.ErrQuota,
	"StorageQuotaExceeded":        scaling.ErrQuota,
	"TenantDatabaseQuotaExceeded": scaling.ErrQuota,

	"AuthorizationNotFound":                  scaling.ErrInvalid,
	"BackupPolicyNotFound":                   scaling.ErrInvalid,
	"CertificateNotFound":                    scaling.ErrInvalid,
	"DBCapacityReservationNotFound":          scaling.ErrInvalid,
	"DBParameterGroupNotFound":               scaling.ErrInvalid,
	"DBSecurityGroupNotFound":                scaling.ErrInvalid,
	"DBSubnetGroupDoesNotCoverEnoughAZs":     scaling.ErrInvalid,
	"DBSubnetGroupNotFound":                  scaling.ErrInvalid,
	"DBUpgradeDependencyFailure":             scaling.ErrInvalid,
	"DomainNotFound":                         scaling.ErrInvalid,
	"InvalidDBCapacityReservationState":      scaling.ErrInvalid,
	"InvalidDBSecurityGroupState":            scaling.ErrInvalid,
	"InvalidParameterCombination":            scaling.ErrInvalid,
	"InvalidParameterValue":                  scaling.ErrInvalid,
	"InvalidSubnet":                          scaling.ErrInvalid,
	"InvalidVPCNetworkState":                 scaling.ErrInvalid,
	"KMSKeyNotAccessible":                    scaling.ErrInvalid,
	"MissingParameter":                       scaling.ErrInvalid,
	"NetworkTypeNotSupported":                scaling.ErrInvalid,
	"OptionGroupNotFound":                    scaling.ErrInvalid,
	"ProvisionedIopsNotAvailableInAZ":        scaling.ErrInvalid,
	"StorageTypeNotSupported":                scaling.ErrInvalid,
	"ValidationError":                        scaling.ErrInvalid,
	"VpcEncryptionControlViolationException": scaling.ErrInvalid,
}

// noAutomatedBackupsMessage starts the text of the error InvalidDBInstanceState with which AWS refuses a read replica of an
// instance whose BackupRetentionPeriod is 0. Unlike other states this one does not pass.
const noAutomatedBackupsMessage = "Automated backups are not enabled for this database instance"

// instanceMetadataService is the SDK's id of the EC2 instance metadata service, the last provider that the default
// credential chain asks. A request to it means that the operator has no role of its own.
const instanceMetadataService = "ec2imds"

// unknownErrorCode is the SDK's code for an error response that has none, for example from a proxy.
const unknownErrorCode = "UnknownError"

// awsError is a failed AWS request: the operation, the scope, and AWS's error code and text or the transport's error.
type awsError struct {
	// cause is the error of package scaling that it matches; nil when the code is unknown.
	cause error
	// operation is written like an IAM action, for example rds:DescribeDBClusters.
	operation string
	// scope is where the request was made; the zero value when the caller of Classify did not say.
	scope scaling.Scope
	// detail is AWS's error code and text, or what went wrong on the way to AWS.
	detail string
	// stableDetail replaces detail in StableMessage; empty means detail.
	stableDetail string
	// requestID is the id that AWS support asks for; empty without a response.
	requestID string
	// err is the SDK's error; nil when AWS reported the failure inside a successful response.
	err error
}

// Error implements error: operation, scope, error code and text, request id.
func (e *awsError) Error() string {
	text := e.prefix() + e.detail
	if e.requestID != "" {
		text += " (request " + e.requestID + ")"
	}
	return text
}

// StableMessage is the message without what differs between attempts at the same failing request: request ids,
// timestamps, network addresses and ports.
func (e *awsError) StableMessage() string {
	detail := e.stableDetail
	if detail == "" {
		detail = e.detail
	}
	for _, v := range variableParts {
		detail = v.pattern.ReplaceAllString(detail, v.placeholder)
	}
	return e.prefix() + detail
}

func (e *awsError) prefix() string {
	text := e.operation
	if e.scope.Region != "" {
		text += " in " + e.scope.String()
	}
	return text + ": "
}

// Unwrap returns the error of package scaling and the SDK's own error, as far as each is known.
func (e *awsError) Unwrap() []error {
	var errs []error
	if e.cause != nil {
		errs = append(errs, e.cause)
	}
	if e.err != nil {
		errs = append(errs, e.err)
	}
	return errs
}

// variableParts are the parts of an error text that differ between attempts, and what replaces them.
var variableParts = []struct {
	pattern     *regexp.Regexp
	placeholder string
}{
	{regexp.MustCompile(`(?i)\b(request ?id:) [^\s,;)]+`), "$1 <id>"},
	{regexp.MustCompile(`(?i)\b(encoded authorization failure message:) \S+`), "$1 <message>"},
	{regexp.MustCompile(`\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b`), "<id>"},
	{regexp.MustCompile(`\b\d{8}T\d{6}Z\b`), "<time>"},
	{regexp.MustCompile(`\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})`), "<time>"},
	{regexp.MustCompile(`(\b\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:.%]+\]):\d+\b`), "<address>"},
}

// Classify wraps an error of the SDK so that it matches one of package scaling's errors, where the code is known, and so
// that its message names the operation, AWS's error code and text, and the request id. An ended context stays a context
// error, and an error that is not the SDK's stays as it is.
func Classify(err error) error { return classify(err, scaling.Scope{}) }

// classify is Classify for a request made in a scope, which the message names.
func classify(err error, scope scaling.Scope) error {
	var classified *awsError
	if errors.As(err, &classified) {
		if classified.scope == (scaling.Scope{}) {
			classified.scope = scope
		}
		return err
	}
	call := sdkCallOf(err)
	if call.innermost == "" || isContextError(err) {
		return err
	}
	e := &awsError{operation: call.innermost, scope: scope, requestID: requestID(err), err: err}
	e.describe(call)
	return e
}

// classifyRead is classify for a read that has a time limit of its own. When that limit ends the request, the callers did
// not give up: AWS did not respond in time, which matches scaling.ErrUnavailable.
func classifyRead(err error, scope scaling.Scope, timeout time.Duration) error {
	err = classify(err, scope)
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, scaling.ErrUnavailable) {
		return err
	}
	e := &awsError{cause: scaling.ErrUnavailable, operation: sdkCallOf(err).innermost, scope: scope, err: err}
	if e.operation == "" {
		e.operation = "request to AWS"
	}
	e.detail = fmt.Sprintf("no response within %s", timeout)
	return e
}

// describe sets the detail and the cause of a failed SDK call.
func (e *awsError) describe(call sdkCall) {
	var (
		apiErr         smithy.APIError
		credentialsErr *credentialsError
		dnsErr         *net.DNSError
		sendErr        *smithyhttp.RequestSendError
		decodeErr      *smithy.DeserializationError
	)
	status := httpStatus(e.err)
	switch {
	case errors.As(e.err, &apiErr):
		e.detail, e.cause = apiErr.ErrorCode(), causeForCode(apiErr.ErrorCode(), status)
		if errors.Is(e.cause, scaling.ErrBusy) && strings.HasPrefix(apiErr.ErrorMessage(), noAutomatedBackupsMessage) {
			e.cause = scaling.ErrInvalid
		}
		switch {
		case apiErr.ErrorCode() == unknownErrorCode && status != 0:
			e.detail = fmt.Sprintf("HTTP %d without an error code", status)
		case apiErr.ErrorMessage() != "":
			e.detail += ": " + apiErr.ErrorMessage()
			if remedy := refusalRemedy(apiErr); remedy != "" {
				e.detail = strings.TrimSuffix(e.detail, ".") + ": " + remedy
			}
		}
	case errors.As(e.err, &credentialsErr) && (!errors.As(e.err, &sendErr) || call.usesInstanceMetadata):
		e.operation, e.cause = call.outermost, scaling.ErrDenied
		const remedy = "the operator has no AWS credentials: give its service account an IAM role with EKS Pod Identity or IRSA"
		e.detail, e.stableDetail = fmt.Sprintf("%s (%s)", remedy, credentialsErr), remedy
	case errors.As(e.err, &dnsErr):
		e.cause = scaling.ErrUnavailable
		e.detail = fmt.Sprintf("the host %s does not resolve (%s): check the region's name, and that the operator can reach AWS",
			dnsErr.Name, dnsErr.Err)
	case errors.As(e.err, &sendErr):
		e.cause = scaling.ErrUnavailable
		e.detail, e.stableDetail = sendErr.Err.Error(), transportCause(sendErr.Err).Error()
	case status >= http.StatusInternalServerError:
		e.cause, e.detail = scaling.ErrUnavailable, fmt.Sprintf("HTTP %d without an error code", status)
	case errors.As(e.err, &decodeErr):
		e.cause = scaling.ErrUnavailable
		e.detail, e.stableDetail = fmt.Sprintf("the response cannot be decoded: %s", decodeErr.Err), "the response cannot be decoded"
	default:
		e.detail = call.err.Error()
	}
}

// transportCause unwraps an error of net/http down to what the operating system or the network reported, for example
// "connection refused": the layers above it add addresses and ports, which differ between attempts.
func transportCause(err error) error {
	for {
		var (
			urlErr     *url.Error
			opErr      *net.OpError
			syscallErr *os.SyscallError
		)
		switch {
		case errors.As(err, &syscallErr):
			return syscallErr.Err
		case errors.As(err, &opErr):
			err = opErr.Err
		case errors.As(err, &urlErr):
			err = urlErr.Err
		default:
			return err
		}
	}
}

// isContextError reports whether a request ended because its context did. The timeouts of the HTTP client and of a
// credentials provider look like an ended context too, but mean that there was no response.
func isContextError(err error) bool {
	var (
		credentialsErr *credentialsError
		canceledErr    *smithy.CanceledError
		waitErr        *aws.RequestCanceledError
		sendErr        *smithyhttp.RequestSendError
		decodeErr      *smithy.DeserializationError
	)
	switch {
	case errors.As(err, &credentialsErr):
		return false
	case errors.As(err, &canceledErr), errors.As(err, &waitErr), errors.Is(err, context.Canceled):
		return true
	case errors.As(err, &sendErr), errors.As(err, &decodeErr):
		return false
	default:
		return errors.Is(err, context.DeadlineExceeded)
	}
}

// causeForCode returns the error of package scaling for an AWS error code; for an unknown code it goes by the HTTP status.
// It returns nil when neither tells.
func causeForCode(code string, status int) error {
	if _, throttled := retry.DefaultThrottleErrorCodes[code]; throttled {
		return scaling.ErrThrottled
	}
	if cause, known := causeByCode[strings.TrimSuffix(code, "Fault")]; known {
		return cause
	}
	switch {
	case status == http.StatusTooManyRequests:
		return scaling.ErrThrottled
	case status >= http.StatusInternalServerError:
		return scaling.ErrUnavailable
	default:
		return nil
	}
}

// sdkCall names the operations of a failed SDK call.
type sdkCall struct {
	// outermost is the operation that the caller asked for, innermost the one that failed: sts:AssumeRole when the SDK could
	// not assume the role. Both are empty when the error is not the SDK's.
	outermost, innermost string
	// usesInstanceMetadata reports that the innermost operation asked the EC2 instance metadata service.
	usesInstanceMetadata bool
	// err is why the innermost operation failed.
	err error
}

func sdkCallOf(err error) sdkCall {
	var call sdkCall
	var operation *smithy.OperationError
	for errors.As(err, &operation) {
		call.innermost = actionName(operation.ServiceID, operation.OperationName)
		call.usesInstanceMetadata = operation.ServiceID == instanceMetadataService
		if call.outermost == "" {
			call.outermost = call.innermost
		}
		err = operation.Err
		call.err = err
	}
	return call
}

// actionName writes an operation like an IAM action: "RDS" and "DescribeDBClusters" become rds:DescribeDBClusters, and
// "Application Auto Scaling" becomes application-autoscaling. "EventBridge" becomes events.
func actionName(serviceID, operation string) string {
	switch serviceID {
	case applicationautoscaling.ServiceID:
		return "application-autoscaling:" + operation
	case eventbridge.ServiceID:
		return "events:" + operation
	}
	return strings.ToLower(serviceID) + ":" + operation
}

// httpStatus is the HTTP status of the response, or 0 without a response.
func httpStatus(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// requestID is the request id of the response, or empty without one.
func requestID(err error) string {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.RequestID
	}
	return ""
}

// rejectCall is the error for a call that is not sent to AWS.
func rejectCall(format string, args ...any) error {
	return &rejectedCallError{message: fmt.Sprintf(format, args...)}
}

// rejectedCallError says why a call is not sent to AWS. It matches scaling.ErrInvalid.
type rejectedCallError struct{ message string }

// Error implements error.
func (e *rejectedCallError) Error() string { return e.message }

// Unwrap implements the interface of errors.Is.
func (*rejectedCallError) Unwrap() error { return scaling.ErrInvalid }

// SentToAWS says that the call was not sent. See scaling.IsSentToAWS.
func (*rejectedCallError) SentToAWS() bool { return false }
