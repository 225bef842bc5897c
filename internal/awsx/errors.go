package awsx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// causeByCode maps AWS's error codes to what is to be done about them. A code is written without the ending "Fault", which some
// codes have on the wire and others only in the SDK and in CloudTrail (RDS API reference, errors of each operation; "Common
// errors").
var causeByCode = map[string]error{
	"AccessDenied":                scaling.ErrDenied,
	"AccessDeniedException":       scaling.ErrDenied,
	"AuthFailure":                 scaling.ErrDenied,
	"ExpiredToken":                scaling.ErrDenied,
	"ExpiredTokenException":       scaling.ErrDenied,
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

// instanceMetadataService is the SDK's name of the service that it asks for credentials last. Who relies on it has no role.
const instanceMetadataService = "ec2imds"

// awsError is an error of AWS in words for people, with its cause in scaling's terms.
type awsError struct {
	cause   error
	message string
	err     error
}

// Error implements error.
func (f *awsError) Error() string {
	if f.cause == nil {
		return f.message
	}
	return f.cause.Error() + ": " + f.message
}

// StableMessage is the message without the request id, which is another one each time.
func (f *awsError) StableMessage() string {
	return strings.Replace(f.Error(), requestIDSuffix(f.err), "", 1)
}

// Unwrap gives the cause in scaling's terms and the SDK's own error.
func (f *awsError) Unwrap() []error {
	if f.cause == nil {
		return []error{f.err}
	}
	return []error{f.cause, f.err}
}

// Classify wraps an error of the SDK so that it matches one of scaling's errors, where the cause is known, and so that its
// message has the operation, AWS's own words and the request id. An ended context stays a context error, and an error that
// is not the SDK's stays as it is.
func Classify(err error) error {
	operation := operationName(err)
	if operation == "" || isContextError(err) {
		return err
	}
	message, cause := describeError(operation, err)
	return &awsError{cause: cause, message: message, err: err}
}

// describeError finds the words for an error and its cause in scaling's terms, or nil.
func describeError(operation string, err error) (message string, cause error) {
	var (
		api           smithy.APIError
		noCredentials *credentialsError
		dns           *net.DNSError
		send          *smithyhttp.RequestSendError
		read          *smithy.DeserializationError
	)
	switch {
	case errors.As(err, &api):
		return fmt.Sprintf("%s: %s (%s)", operation, api.ErrorMessage(), codeWithRequestID(api.ErrorCode(), err)),
			causeForCode(api.ErrorCode(), httpStatus(err))
	case errors.As(err, &noCredentials) && (!errors.As(err, &send) || strings.HasPrefix(operation, instanceMetadataService)):
		return fmt.Sprintf("the operator has no AWS credentials: give its service account an IAM role with EKS Pod Identity "+
			"or IRSA (%s)", noCredentials), scaling.ErrDenied
	case errors.As(err, &dns):
		return fmt.Sprintf("%s: the host %s does not resolve: check the region's name, and that the operator can reach AWS",
			operation, dns.Name), scaling.ErrUnavailable
	case errors.As(err, &send):
		return fmt.Sprintf("%s: %s", operation, send.Err), scaling.ErrUnavailable
	case httpStatus(err) >= http.StatusInternalServerError:
		return fmt.Sprintf("%s: HTTP %d (%s)", operation, httpStatus(err), codeWithRequestID("no error code", err)), scaling.ErrUnavailable
	case errors.As(err, &read):
		return fmt.Sprintf("%s: the answer could not be read: %s", operation, read.Err), scaling.ErrUnavailable
	default:
		return err.Error(), nil
	}
}

// isContextError says whether a request ended because its context did. The timeouts of the HTTP client and of a credentials
// provider look like an ended context too, but mean that there was no answer.
func isContextError(err error) bool {
	var (
		provider *credentialsError
		canceled *smithy.CanceledError
		waiting  *aws.RequestCanceledError
		send     *smithyhttp.RequestSendError
		read     *smithy.DeserializationError
	)
	switch {
	case errors.As(err, &provider):
		return false
	case errors.As(err, &canceled), errors.As(err, &waiting), errors.Is(err, context.Canceled):
		return true
	case errors.As(err, &send), errors.As(err, &read):
		return false
	default:
		return errors.Is(err, context.DeadlineExceeded)
	}
}

// causeForCode classifies AWS's error code, and by the HTTP status what has an unknown one.
func causeForCode(code string, status int) error {
	if _, throttle := retry.DefaultThrottleErrorCodes[code]; throttle {
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

// operationName names the innermost operation, which is STS's when signing in failed on the way to another. It is empty when
// the error is not the SDK's.
func operationName(err error) string {
	name := ""
	var operation *smithy.OperationError
	for errors.As(err, &operation) {
		name = operation.ServiceID + " " + operation.OperationName
		err = operation.Err
	}
	return name
}

// httpStatus is the HTTP status of the answer, or 0 when there was none.
func httpStatus(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// codeWithRequestID is what AWS support asks for: the code and the request id.
func codeWithRequestID(code string, err error) string { return code + requestIDSuffix(err) }

// requestIDSuffix is the request id of an answer as reference writes it, or nothing.
func requestIDSuffix(err error) string {
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.RequestID != "" {
		return ", request " + response.RequestID
	}
	return ""
}

// rejectCall is an error for a call that is not made at all.
func rejectCall(format string, args ...any) error {
	return &rejectedCallError{message: fmt.Sprintf(format, args...)}
}

// rejectedCallError says why a call is not made. AWS was not asked.
type rejectedCallError struct{ message string }

// Error implements error.
func (r *rejectedCallError) Error() string { return r.message }

// Unwrap gives the cause in scaling's terms.
func (*rejectedCallError) Unwrap() error { return scaling.ErrInvalid }
