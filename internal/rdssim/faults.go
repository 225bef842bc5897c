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

// Kind is a kind of fault.
type Kind string

// The kinds of fault.
const (
	// Throttle answers that there were too many requests.
	Throttle Kind = "Throttle"
	// ServerError answers HTTP 500.
	ServerError Kind = "ServerError"
	// Unavailable answers HTTP 503.
	Unavailable Kind = "Unavailable"
	// Answer answers the fault's Code, Message and HTTPStatus, for example InsufficientDBInstanceCapacity.
	Answer Kind = "Answer"
	// LostResponse carries the request out and drops the connection without an answer.
	LostResponse Kind = "LostResponse"
	// LostRequest drops the connection and carries nothing out.
	LostRequest Kind = "LostRequest"
	// MetricGap gives no points of an instance.
	MetricGap Kind = "MetricGap"
	// PartialData gives the first half of an instance's points, with the status PartialData and no token for the rest.
	PartialData Kind = "PartialData"
)

// kinds says of each kind whether it happens to metrics rather than to requests.
var kinds = map[Kind]bool{
	Throttle: false, ServerError: false, Unavailable: false, Answer: false, LostResponse: false, LostRequest: false,
	MetricGap: true, PartialData: true,
}

// Fault is something that goes wrong on request. A request meets it when it has all that the fault names.
type Fault struct {
	Kind Kind `json:"kind"`
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
	// Every lets it happen to each nth request that meets it; 0 and 1 mean each.
	Every int `json:"every,omitempty"`
	// Times is how often it happens; 0 means always.
	Times int `json:"times,omitempty"`
	// Until ends it, in simulated time; zero means never.
	Until time.Time `json:"until,omitzero"`
	// Code, Message and HTTPStatus are for the kind Answer. HTTPStatus is 400 unless it says otherwise.
	Code       string `json:"code,omitempty"`
	Message    string `json:"message,omitempty"`
	HTTPStatus int    `json:"httpStatus,omitempty"`

	met, happened int
}

// validate says what is wrong with a fault that came over the network.
func (f *Fault) validate() error {
	ofMetrics, known := kinds[f.Kind]
	switch {
	case !known:
		return fmt.Errorf("kind %q: want Throttle, ServerError, Unavailable, Answer, LostResponse, LostRequest, MetricGap or PartialData", f.Kind)
	case f.Kind == Answer && f.Code == "":
		return fmt.Errorf("the kind %s needs a code, such as InsufficientDBInstanceCapacity", f.Kind)
	case f.HTTPStatus != 0 && (f.HTTPStatus < 400 || f.HTTPStatus > 599):
		return fmt.Errorf("httpStatus %d: want one of an error, from 400 to 599", f.HTTPStatus)
	case f.Every < 0 || f.Times < 0:
		return errors.New("every and times must not be below 0")
	case ofMetrics && (f.Service != "" || f.Operation != "" || f.Cluster != "" || f.Every != 0 || f.Times != 0):
		return fmt.Errorf("the kind %s takes only instance and until: it lasts", f.Kind)
	}
	return nil
}

// Inject lets something go wrong from now on. Of several faults that a request meets, the first injected happens.
func (s *Server) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f.Kind {
	case Throttle:
		f.Code, f.Message, f.HTTPStatus = "Throttling", "Rate exceeded", http.StatusBadRequest
	case ServerError:
		f.Code, f.Message, f.HTTPStatus = "InternalFailure", "An internal error has occurred", http.StatusInternalServerError
	case Unavailable:
		f.Code, f.Message, f.HTTPStatus = "ServiceUnavailable", "The service is unavailable", http.StatusServiceUnavailable
	case Answer:
		f.HTTPStatus = cmp.Or(f.HTTPStatus, http.StatusBadRequest)
	case LostResponse, LostRequest, MetricGap, PartialData:
	}
	s.faults = append(s.faults, &f)
}

// Heal ends every fault.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (f *Fault) active(now time.Time) bool {
	return (f.Times == 0 || f.happened < f.Times) && (f.Until.IsZero() || now.Before(f.Until))
}

// carriedOut says whether the request is carried out all the same.
func (f *Fault) carriedOut() bool { return f.Kind == LostResponse }

// meets says whether a request has all that the fault names.
func (f *Fault) meets(r *request) bool {
	instances := []string{r.form.Get("DBInstanceIdentifier"), r.form.Get("TargetDBInstanceIdentifier")}
	return !kinds[f.Kind] &&
		(f.Service == "" || f.Service == r.service) &&
		(f.Operation == "" || f.Operation == r.operation) &&
		(f.Instance == "" || slices.Contains(instances, f.Instance)) &&
		(f.Cluster == "" || f.Cluster == r.form.Get("DBClusterIdentifier"))
}

// fault finds what goes wrong with a request.
func (s *Server) fault(r *request) *Fault {
	for _, f := range s.faults {
		if !f.active(s.options.World.Now()) || !f.meets(r) {
			continue
		}
		f.met++
		if f.met%max(f.Every, 1) == 0 {
			f.happened++
			return f
		}
	}
	return nil
}

// ofMetrics says whether a fault of the kind happens to the metrics of an instance.
func (s *Server) ofMetrics(kind Kind, instance string) bool {
	return slices.ContainsFunc(s.faults, func(f *Fault) bool {
		return f.Kind == kind && f.active(s.options.World.Now()) && (f.Instance == "" || f.Instance == instance)
	})
}

// suffer answers as the fault has it, or not at all.
func (s *Server) suffer(r *request, f *Fault) {
	if f.Kind == LostResponse || f.Kind == LostRequest {
		panic(http.ErrAbortHandler) // which is how net/http drops a connection
	}
	s.refuse(r, &model.Fault{Code: f.Code, Message: f.Message, HTTPStatus: f.HTTPStatus})
}
