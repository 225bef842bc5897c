package rdssim

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// FaultKind is a kind of injected fault.
type FaultKind string

// The kinds of fault.
const (
	// Throttle answers Throttling: too many requests.
	Throttle FaultKind = "Throttle"
	// ServerError answers HTTP 500.
	ServerError FaultKind = "ServerError"
	// Unavailable answers HTTP 503.
	Unavailable FaultKind = "Unavailable"
	// ErrorResponse answers the fault's Code, Message and HTTPStatus, for example InsufficientDBInstanceCapacity.
	ErrorResponse FaultKind = "ErrorResponse"
	// LostResponse executes the request and drops the connection without a response.
	LostResponse FaultKind = "LostResponse"
	// LostRequest drops the connection without executing the request.
	LostRequest FaultKind = "LostRequest"
	// NoResponse neither executes nor answers the request, and keeps the connection open until the client gives up.
	NoResponse FaultKind = "NoResponse"
	// MetricGap returns no datapoints of an instance.
	MetricGap FaultKind = "MetricGap"
	// PartialData returns the first half of an instance's datapoints, with the status PartialData and no token for the rest.
	PartialData FaultKind = "PartialData"
)

// affectsMetrics says for each kind whether it affects metrics rather than requests.
var affectsMetrics = map[FaultKind]bool{
	Throttle: false, ServerError: false, Unavailable: false, ErrorResponse: false, LostResponse: false, LostRequest: false,
	NoResponse: false,
	MetricGap:  true, PartialData: true,
}

// Fault is an injected fault. It affects the requests that match all of its selectors.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// Service selects by the service name in the signature: rds, monitoring, sts, pricing or application-autoscaling. Empty
	// means any.
	Service string `json:"service,omitempty"`
	// Operation selects by operation; empty means any.
	Operation string `json:"operation,omitempty"`
	// Instance selects by the request's DBInstanceIdentifier or TargetDBInstanceIdentifier, or by a metric's dimension
	// DBInstanceIdentifier; empty means any.
	Instance string `json:"instance,omitempty"`
	// Cluster selects by the request's DBClusterIdentifier; empty means any.
	Cluster string `json:"cluster,omitempty"`
	// Account selects by the account of the caller; empty means any.
	Account string `json:"account,omitempty"`
	// EveryNth applies the fault to every nth matching request; 0 and 1 mean every one.
	EveryNth int `json:"everyNth,omitempty"`
	// Times is how many times the fault applies at most; 0 means no limit.
	Times int `json:"times,omitempty"`
	// ExpiresAt is when the fault ends, in simulated time; zero means never.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// Code, Message and HTTPStatus apply to the kind ErrorResponse. HTTPStatus defaults to 400.
	Code       string `json:"code,omitempty"`
	Message    string `json:"message,omitempty"`
	HTTPStatus int    `json:"httpStatus,omitempty"`

	matchedRequests, appliedCount int
}

// validate checks a fault that the admin API received.
func (f *Fault) validate() error {
	isMetricFault, known := affectsMetrics[f.Kind]
	switch {
	case !known:
		return fmt.Errorf("kind %q: want one of %v", f.Kind, slices.Sorted(maps.Keys(affectsMetrics)))
	case f.Kind == ErrorResponse && f.Code == "":
		return fmt.Errorf("kind %s: want a code, such as InsufficientDBInstanceCapacity", f.Kind)
	case f.HTTPStatus != 0 && (f.HTTPStatus < 400 || f.HTTPStatus > 599):
		return fmt.Errorf("httpStatus %d: want 400 to 599", f.HTTPStatus)
	case f.EveryNth < 0 || f.Times < 0:
		return fmt.Errorf("everyNth %d and times %d: want numbers >= 0", f.EveryNth, f.Times)
	case isMetricFault && (f.Service != "" || f.Operation != "" || f.Cluster != "" || f.Account != "" || f.EveryNth != 0 || f.Times != 0):
		return fmt.Errorf("kind %s: want no selector but instance, and no limit but expiresAt", f.Kind)
	}
	return nil
}

// InjectFault adds a fault. If several faults match a request, the one injected first applies.
func (s *Server) InjectFault(fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch fault.Kind {
	case Throttle:
		fault.Code, fault.Message, fault.HTTPStatus = "Throttling", "Rate exceeded", http.StatusBadRequest
	case ServerError:
		fault.Code, fault.Message, fault.HTTPStatus = "InternalFailure", "An internal error has occurred", http.StatusInternalServerError
	case Unavailable:
		fault.Code, fault.Message, fault.HTTPStatus = "ServiceUnavailable", "The service is unavailable", http.StatusServiceUnavailable
	case ErrorResponse:
		fault.HTTPStatus = cmp.Or(fault.HTTPStatus, http.StatusBadRequest)
	case LostResponse, LostRequest, NoResponse, MetricGap, PartialData:
	}
	s.faults = append(s.faults, &fault)
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// isActive reports whether the fault has neither expired nor reached its number of times.
func (f *Fault) isActive(now time.Time) bool {
	return (f.Times == 0 || f.appliedCount < f.Times) && (f.ExpiresAt.IsZero() || now.Before(f.ExpiresAt))
}

// executesRequest reports whether the request is executed in spite of the fault.
func (f *Fault) executesRequest() bool { return f.Kind == LostResponse }

// matchesRequest reports whether a request matches all selectors of the fault.
func (f *Fault) matchesRequest(r *request) bool {
	instances := []string{r.form.Get("DBInstanceIdentifier"), r.form.Get("TargetDBInstanceIdentifier")}
	return !affectsMetrics[f.Kind] && (f.Account == "" || f.Account == r.caller.account) &&
		(f.Service == "" || f.Service == r.service) &&
		(f.Operation == "" || f.Operation == r.operation) &&
		(f.Instance == "" || slices.Contains(instances, f.Instance)) &&
		(f.Cluster == "" || f.Cluster == r.form.Get("DBClusterIdentifier"))
}

// nextFault returns the fault that applies to a request, or nil, and counts it.
func (s *Server) nextFault(r *request) *Fault {
	for _, fault := range s.faults {
		if !fault.isActive(s.options.World.Now()) || !fault.matchesRequest(r) {
			continue
		}
		fault.matchedRequests++
		if fault.matchedRequests%max(fault.EveryNth, 1) == 0 {
			fault.appliedCount++
			return fault
		}
	}
	return nil
}

// hasMetricFault reports whether an active fault of a kind affects the metrics of an instance.
func (s *Server) hasMetricFault(kind FaultKind, instance string) bool {
	return slices.ContainsFunc(s.faults, func(f *Fault) bool {
		return f.Kind == kind && f.isActive(s.options.World.Now()) && (f.Instance == "" || f.Instance == instance)
	})
}

// applyFault answers the error of a fault, or drops the connection.
func (s *Server) applyFault(r *request, fault *Fault) {
	if fault.Kind == LostResponse || fault.Kind == LostRequest {
		panic(http.ErrAbortHandler) // net/http then drops the connection
	}
	s.writeError(r, &model.APIError{Code: fault.Code, Message: fault.Message, HTTPStatus: fault.HTTPStatus})
}
