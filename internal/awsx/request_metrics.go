package awsx

import (
	"context"
	"errors"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
)

// The labels of the metrics of AWS requests.
const (
	// labelService is the SDK's name of the service, for example RDS.
	labelService = "service"
	// labelOperation is the name of the API operation.
	labelOperation = "operation"
	// labelCode is AWS's error code, or one of the codes below.
	labelCode = "code"
)

// The values of labelCode that are not AWS's.
const (
	codeOK       = "OK"
	codeCanceled = "Canceled"
	codeNoAnswer = "NoAnswer"
)

// requestMetrics counts and measures each attempt of each request.
type requestMetrics struct {
	clock    clock.PassiveClock
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newRequestMetrics(r prometheus.Registerer, c clock.PassiveClock) (*requestMetrics, error) {
	m := &requestMetrics{
		clock: c,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dbscaler_aws_requests_total",
			Help: "Requests to AWS, retries included, by result: OK, AWS's error code, NoAnswer without a response, or Canceled.",
		}, []string{labelService, labelOperation, labelCode}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "dbscaler_aws_request_duration_seconds",
			Help:    "Duration of each request to AWS in seconds, each retry counted separately, without the wait for the client-side rate limit.",
			Buckets: prometheus.ExponentialBuckets(0.025, 2, 11),
		}, []string{labelService, labelOperation}),
	}
	if r == nil {
		return m, nil
	}
	return m, errors.Join(r.Register(m.requests), r.Register(m.duration))
}

// addTo adds the measurement to the middleware of a client, around the HTTP exchange and its decoding only.
func (m *requestMetrics) addTo(stack *middleware.Stack) error {
	return stack.Deserialize.Add(m, middleware.Before)
}

// ID implements middleware.DeserializeMiddleware.
func (*requestMetrics) ID() string { return "dbscaler:RequestMetrics" }

// HandleDeserialize implements middleware.DeserializeMiddleware.
func (m *requestMetrics) HandleDeserialize(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	start := m.clock.Now()
	out, metadata, err := next.HandleDeserialize(ctx, in)
	service, operation := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
	m.requests.WithLabelValues(service, operation, resultCode(err)).Inc()
	m.duration.WithLabelValues(service, operation).Observe(m.clock.Since(start).Seconds())
	return out, metadata, err
}

// resultCode returns the value of labelCode for the error of a request.
func resultCode(err error) string {
	var (
		apiErr      smithy.APIError
		canceledErr *smithy.CanceledError
	)
	switch {
	case err == nil:
		return codeOK
	case errors.As(err, &apiErr):
		return apiErr.ErrorCode()
	case errors.As(err, &canceledErr):
		return codeCanceled
	default:
		return codeNoAnswer
	}
}
