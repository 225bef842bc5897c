// Package rdssim answers as AWS does: RDS, CloudWatch, STS, Application Auto Scaling and the price list over their real wire
// protocols on one port, on top of a world of databases that is simulated (package model). The AWS CLI and every SDK can
// use it. Signatures are not checked, so it belongs on the loopback interface alone.
package rdssim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// DefaultAccount is the account of callers that have assumed no role, unless Options name another.
const DefaultAccount = "123456789012"

// maxRecordedCalls is how many calls are remembered.
const maxRecordedCalls = 20000

// Options are what a Server is made of.
type Options struct {
	// World is the databases. The server is its only user while it runs; Do lends it.
	World *model.World
	// Clock is the simulated time: before each request the world is advanced to it.
	Clock clock.PassiveClock
	// AccountID is that of callers that have assumed no role. The default is DefaultAccount.
	AccountID string
	// Policy is what callers may do. Nil allows everything.
	Policy *Policy
	// DeniedRoles lists the ARNs of roles that may not be assumed.
	DeniedRoles []string
	Log         logr.Logger
}

// Server is AWS, simulated. It is an http.Handler.
type Server struct {
	options Options

	mu           sync.Mutex
	calls        []Call
	callCounts   map[string]int
	faults       []*Fault
	roles        map[string]assumedRole // by access key
	requestCount int
}

// Call is one request in the journal.
type Call struct {
	// Time is the simulated time.
	Time      time.Time `json:"at"`
	Service   string    `json:"service"`
	Operation string    `json:"operation"`
	Region    string    `json:"region"`
	// Caller is the ARN of who asked.
	Caller string `json:"caller"`
	// Parameters of the request, as the Query protocol names them; nil for services that do not speak it.
	Parameters map[string]string `json:"parameters,omitempty"`
	// Error is the code that was answered, or empty.
	Error string `json:"error,omitempty"`
}

// IsMutating says whether the call asked for a change of a database.
func (c Call) IsMutating() bool {
	return c.Service == serviceRDS && !strings.HasPrefix(c.Operation, "Describe") && !strings.HasPrefix(c.Operation, "List")
}

// New makes a server.
func New(o Options) *Server {
	if o.AccountID == "" {
		o.AccountID = DefaultAccount
	}
	return &Server{options: o, callCounts: map[string]int{}, roles: map[string]assumedRole{}}
}

// WithWorld lends the world, advanced to now.
func (s *Server) WithWorld(use func(*model.World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.World.Advance(s.options.Clock.Now())
	use(s.options.World)
}

// Calls is the journal, oldest first.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// CountCalls is how often an operation was asked for since the last reset.
func (s *Server) CountCalls(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.callCounts[operation]
}

// ResetCalls empties the journal.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
	clear(s.callCounts)
}

// request is what is known of a request before it is carried out.
type request struct {
	responseWriter     http.ResponseWriter
	httpRequest        *http.Request
	id                 string
	service, operation string
	caller             caller
	form               form
	protocol           protocol
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	if strings.HasPrefix(req.URL.Path, adminPrefix) {
		s.serveAdmin(rw, req)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requestCount++
	r, failed := s.parseRequest(rw, req)
	if failed != nil {
		s.writeError(r, failed)
		return
	}
	s.options.World.Advance(s.options.Clock.Now())
	fault := s.nextFault(r)
	if fault != nil && !fault.executesRequest() {
		s.recordCall(r, fault.Code)
		s.applyFault(r, fault)
		return
	}
	response, failed := s.handle(r)
	if failed != nil {
		s.recordCall(r, failed.Code)
	} else {
		s.recordCall(r, "")
	}
	switch {
	case fault != nil:
		s.applyFault(r, fault)
	case failed != nil:
		s.writeError(r, failed)
	default:
		r.protocol.writeResponse(r, response)
	}
}

// handle does what is asked for, if the caller may.
func (s *Server) handle(r *request) (any, *model.APIError) {
	switch r.service {
	case serviceRDS:
		return s.handleRDS(r)
	case serviceCloudWatch:
		return s.handleCloudWatch(r)
	case servicePricing:
		return s.handlePricing(r)
	case serviceAutoScaling:
		return s.handleAutoScaling(r)
	default:
		return s.handleSTS(r)
	}
}

func (s *Server) writeError(r *request, apiErr *model.APIError) {
	s.options.Log.V(1).Info("refused", "service", r.service, "operation", r.operation, "code", apiErr.Code, "message", apiErr.Message)
	r.protocol.writeError(r, apiErr)
}

// recordCall writes the journal.
func (s *Server) recordCall(r *request, code string) {
	c := Call{
		Time: s.options.World.Now(), Service: r.service, Operation: r.operation, Region: r.caller.region, Caller: r.caller.arn, Error: code,
	}
	if r.service == serviceRDS || r.service == serviceSTS {
		c.Parameters = r.form.parameters()
	}
	s.calls = append(s.calls, c)
	if len(s.calls) > maxRecordedCalls {
		s.calls = slices.Delete(s.calls, 0, len(s.calls)-maxRecordedCalls)
	}
	s.callCounts[r.operation]++
}

func invalidAction(operation string) *model.APIError {
	return &model.APIError{Code: "InvalidAction", HTTPStatus: http.StatusBadRequest,
		Message: fmt.Sprintf("Could not find operation %s", operation)}
}
