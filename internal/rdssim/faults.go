package rdssim

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// FaultKind is a kind of fault.
type FaultKind string

// The kinds of fault.
const (
	// Throttle answers that there were too many requests.
	Throttle FaultKind = "Throttle"
	// ServerError answers HTTP 500.
	ServerError FaultKind = "ServerError"
	// Unavailable answers HTTP 503.
	Unavailable FaultKind = "Unavailable"
	// ErrorResponse answers the fault's Code, Message and HTTPStatus, for example InsufficientDBInstanceCapacity.
	ErrorResponse FaultKind = "Answer"
	// LostResponse carries the request out and drops the connection without an answer.
	LostResponse FaultKind = "LostResponse"
	// LostRequest drops the connection and carries nothing out.
	LostRequest FaultKind = "LostRequest"
	// MetricGap gives no points of an instance.
	MetricGap FaultKind = "MetricGap"
	// PartialData gives the first half of an instance's points, with the status PartialData and no token for the rest.
	PartialData FaultKind = "PartialData"
)

// affectsMetrics says of each kind whether it happens to metrics rather than to requests.
var affectsMetrics = map[FaultKind]bool{
	Throttle: false, ServerError: false, Unavailable: false, ErrorResponse: false, LostResponse: false, LostRequest: false,
	MetricGap: true, PartialData: true,
}

// Fault is something that goes wrong on request. A request meets it when it has all that the fault names.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// Service that it happens to, as signatures name it: rds, monitoring, sts, pricing or application-autoscaling. Empty
	// means any.
	Service string `json:"service,omitempty"`
	// Operation that it happens to; empty means any.
	Operation string `json:"operation,omitempty"`
	// Instance that it happens to, by the request's DBInstanceIdentifier or TargetDBInstanceIdentifier, or by a metric's
	// dimension DBInstanceIdentifier; empty means any.
	Instance string `json:"instance,omitempty"`
	// Cluster that it happens to, by the request's DBClusterIdentifier; empty means any.
	Cluster string `json:"cluster,omitempty"`
	// EveryNth lets it happen to each nth request that meets it; 0 and 1 mean each.
	EveryNth int `json:"every,omitempty"`
	// Times is how often it happens; 0 means always.
	Times int `json:"times,omitempty"`
	// ExpiresAt ends it, in simulated time; zero means never.
	ExpiresAt time.Time `json:"until,omitzero"`
	// Code, Message and HTTPStatus are for the kind Answer. HTTPStatus is 400 unless it says otherwise.
	Code       string `json:"code,omitempty"`
	Message    string `json:"message,omitempty"`
	HTTPStatus int    `json:"httpStatus,omitempty"`

	matchedRequests, appliedCount int
}

// validate says what is wrong with a fault that came over the network.
func (f *Fault) validate() error {
	ofMetrics, known := affectsMetrics[f.Kind]
	switch {
	case !known:
		return fmt.Errorf("kind %q: want Throttle, ServerError, Unavailable, Answer, LostResponse, LostRequest, MetricGap or PartialData", f.Kind)
	case f.Kind == ErrorResponse && f.Code == "":
		return fmt.Errorf("the kind %s needs a code, such as InsufficientDBInstanceCapacity", f.Kind)
	case f.HTTPStatus != 0 && (f.HTTPStatus < 400 || f.HTTPStatus > 599):
		return fmt.Errorf("httpStatus %d: want one of an error, from 400 to 599", f.HTTPStatus)
	case f.EveryNth < 0 || f.Times < 0:
		return errors.New("every and times must not be below 0")
	case ofMetrics && (f.Service != "" || f.Operation != "" || f.Cluster != "" || f.EveryNth != 0 || f.Times != 0):
		return fmt.Errorf("the kind %s takes only instance and until: it lasts", f.Kind)
	}
	return nil
}

// InjectFault lets something go wrong from now on. Of several faults that a request meets, the first injected happens.
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
	case LostResponse, LostRequest, MetricGap, PartialData:
	}
	s.faults = append(s.faults, &fault)
}

// ClearFaults ends every fault.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (f *Fault) isActive(now time.Time) bool {
	return (f.Times == 0 || f.appliedCount < f.Times) && (f.ExpiresAt.IsZero() || now.Before(f.ExpiresAt))
}

// executesRequest says whether the request is carried out all the same.
func (f *Fault) executesRequest() bool { return f.Kind == LostResponse }

// matchesRequest says whether a request has all that the fault names.
func (f *Fault) matchesRequest(r *request) bool {
	instances := []string{r.form.Get("DBInstanceIdentifier"), r.form.Get("TargetDBInstanceIdentifier")}
	return !affectsMetrics[f.Kind] &&
		(f.Service == "" || f.Service == r.service) &&
		(f.Operation == "" || f.Operation == r.operation) &&
		(f.Instance == "" || slices.Contains(instances, f.Instance)) &&
		(f.Cluster == "" || f.Cluster == r.form.Get("DBClusterIdentifier"))
}

// nextFault finds what goes wrong with a request.
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

// hasMetricFault says whether a fault of the kind happens to the metrics of an instance.
func (s *Server) hasMetricFault(kind FaultKind, instance string) bool {
	return slices.ContainsFunc(s.faults, func(f *Fault) bool {
		return f.Kind == kind && f.isActive(s.options.World.Now()) && (f.Instance == "" || f.Instance == instance)
	})
}

// applyFault answers as the fault has it, or not at all.
func (s *Server) applyFault(r *request, fault *Fault) {
	if fault.Kind == LostResponse || fault.Kind == LostRequest {
		panic(http.ErrAbortHandler) // which is how net/http drops a connection
	}
	s.writeError(r, &model.APIError{Code: fault.Code, Message: fault.Message, HTTPStatus: fault.HTTPStatus})
}
