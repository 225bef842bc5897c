package rdssim

import (
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
	// Answer answers the fault's Code, Message and HTTPStatus.
	Answer Kind = "Answer"
	// LostResponse carries the request out and drops the connection without an answer.
	LostResponse Kind = "LostResponse"
	// LostRequest drops the connection and carries nothing out.
	LostRequest Kind = "LostRequest"
	// MetricGap gives no points of an instance.
	MetricGap Kind = "MetricGap"
)

// Fault is something that goes wrong on request.
type Fault struct {
	Kind Kind `json:"kind"`
	// Operation that it happens to; empty means any. It does not matter to a MetricGap.
	Operation string `json:"operation,omitempty"`
	// Instance that it happens to, by the request's DBInstanceIdentifier; empty means any.
	Instance string `json:"instance,omitempty"`
	// Times is how often it happens; 0 means always.
	Times int `json:"times,omitempty"`
	// Until ends it, in simulated time; zero means never.
	Until time.Time `json:"until,omitzero"`
	// Code, Message and HTTPStatus are for the kind Answer.
	Code       string `json:"code,omitempty"`
	Message    string `json:"message,omitempty"`
	HTTPStatus int    `json:"httpStatus,omitempty"`

	happened int
}

// Inject lets something go wrong from now on.
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
	case Answer, LostResponse, LostRequest, MetricGap:
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

// fault finds what goes wrong with a request.
func (s *Server) fault(r *request) *Fault {
	n := slices.IndexFunc(s.faults, func(f *Fault) bool {
		return f.Kind != MetricGap && f.active(s.options.World.Now()) && (f.Operation == "" || f.Operation == r.operation) &&
			(f.Instance == "" || f.Instance == r.form.Get("DBInstanceIdentifier"))
	})
	if n < 0 {
		return nil
	}
	s.faults[n].happened++
	return s.faults[n]
}

// suffer answers as the fault has it, or not at all.
func (s *Server) suffer(r *request, f *Fault) {
	if f.Kind == LostResponse || f.Kind == LostRequest {
		panic(http.ErrAbortHandler) // which is how net/http drops a connection
	}
	s.refuse(r, &model.Fault{Code: f.Code, Message: f.Message, HTTPStatus: f.HTTPStatus})
}
