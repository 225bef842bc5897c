// Package rdssim is a simulated AWS: it serves RDS, CloudWatch, STS, IAM, Application Auto Scaling, the price list, SNS and
// EventBridge over their real wire protocols on one port, backed by simulated databases (package model). The AWS CLI and every AWS SDK can
// use it. It does not verify signatures, so it must listen on the loopback interface only.
package rdssim

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// DefaultAccount is the default of Options.AccountID.
const DefaultAccount = "123456789012"

// maxRecordedCalls is the number of calls that Calls returns at most.
const maxRecordedCalls = 20000

// Options configure a Server.
type Options struct {
	// World is the simulated databases. After New only the server may use it; WithWorld gives access to it.
	World *model.World
	// Clock is the simulated time. The server advances the World to it before each request.
	Clock clock.PassiveClock
	// AccountID is the account of callers that have not assumed a role. The default is DefaultAccount.
	AccountID string
	// Policy is the IAM policy of all callers. Nil allows everything.
	Policy *Policy
	// Roles are the roles that can be assumed, by ARN. A role that is not among them trusts everybody.
	Roles map[string]Role
	// AssumePolicy is the IAM policy of all callers for sts:AssumeRole and sts:TagSession. Nil allows everything.
	AssumePolicy *Policy
	// SessionTags are transitive session tags of the callers that have not assumed a role, as EKS Pod Identity sets them.
	SessionTags map[string]string
	// DeniedRoles lists the ARNs of roles that AssumeRole denies.
	DeniedRoles []string
	// Topics are the ARNs of the SNS topics that exist, and EventBuses those of the event buses; nil means every one.
	Topics, EventBuses []string
	Log                logr.Logger
}

// Server is the simulated AWS. It is an http.Handler, safe for concurrent use.
type Server struct {
	options Options

	mu    sync.Mutex
	calls []Call
	// mutatingCalls are those of calls that request changes.
	mutatingCalls []Call
	callCounts    map[string]int
	counts        map[callKey]*CallCount
	faults        []*Fault
	roles         map[string]assumedRole // by access key
	requestCount  int
	published     []PublishedMessage
}

// Call is a recorded request.
type Call struct {
	// Time is the simulated time.
	Time      time.Time `json:"time"`
	Service   string    `json:"service"`
	Operation string    `json:"operation"`
	Region    string    `json:"region"`
	// Caller is the ARN of the caller.
	Caller string `json:"caller"`
	// SessionName is the name of the caller's session.
	SessionName string `json:"sessionName"`
	// Parameters are those of the Query protocol; nil for CloudWatch and the services with JSON protocols.
	Parameters map[string]string `json:"parameters,omitempty"`
	// Error is the error code of the response, or empty.
	Error string `json:"error,omitempty"`
}

// IsMutating reports whether the call requested a change of a database.
func (c Call) IsMutating() bool {
	return c.Service == serviceRDS && !strings.HasPrefix(c.Operation, "Describe") && !strings.HasPrefix(c.Operation, "List")
}

// New returns a server.
func New(o Options) *Server {
	if o.AccountID == "" {
		o.AccountID = DefaultAccount
	}
	return &Server{options: o, callCounts: map[string]int{}, counts: map[callKey]*CallCount{}, roles: map[string]assumedRole{}}
}

// WithWorld calls use with the World, advanced to the current simulated time. use must not retain it.
func (s *Server) WithWorld(use func(*model.World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.World.Advance(s.options.Clock.Now())
	use(s.options.World)
}

// Calls returns the recorded calls, oldest first.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(newest(s.calls))
}

// CountCalls returns the number of calls of an operation since the last ResetCalls.
func (s *Server) CountCalls(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.callCounts[operation]
}

// ResetCalls removes all recorded calls.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.mutatingCalls = nil, nil
	clear(s.callCounts)
	clear(s.counts)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	if strings.HasPrefix(req.URL.Path, adminPrefix) {
		s.serveAdmin(rw, req)
		return
	}
	if !s.serveRequest(rw, req) {
		<-req.Context().Done() // until the client or the server gives up
		panic(http.ErrAbortHandler)
	}
}

// serveRequest answers a request of an AWS API. It returns false, without an answer, when a fault leaves the request unanswered.
func (s *Server) serveRequest(rw http.ResponseWriter, req *http.Request) (answered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requestCount++
	r, apiErr := s.parseRequest(rw, req)
	if apiErr != nil {
		s.writeError(r, apiErr)
		return true
	}
	s.options.World.Advance(s.options.Clock.Now())
	fault := s.nextFault(r)
	if fault != nil && fault.Kind == NoResponse {
		s.recordCall(r, string(NoResponse))
		return false
	}
	if fault != nil && !fault.executesRequest() {
		s.recordCall(r, fault.Code)
		s.applyFault(r, fault)
		return true
	}
	response, apiErr := s.handle(r)
	if apiErr != nil {
		s.recordCall(r, apiErr.Code)
	} else {
		s.recordCall(r, "")
	}
	switch {
	case fault != nil:
		s.applyFault(r, fault)
	case apiErr != nil:
		s.writeError(r, apiErr)
	default:
		r.protocol.writeResponse(r, response)
	}
	return true
}

// handle executes a request, if the policy allows it.
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
	case serviceIAM:
		return s.handleIAM(r)
	case serviceSNS:
		return s.handleSNS(r)
	case serviceEventBridge:
		return s.handleEventBridge(r)
	default:
		return s.handleSTS(r)
	}
}

// writeError answers an error in the protocol of the request.
func (s *Server) writeError(r *request, apiErr *model.APIError) {
	s.options.Log.V(1).Info("Request refused", "service", r.service, "operation", r.operation, "code", apiErr.Code, "message", apiErr.Message)
	r.protocol.writeError(r, apiErr)
}

// recordCall records a request with the error code of its response.
func (s *Server) recordCall(r *request, code string) {
	c := Call{
		Time: s.options.World.Now(), Service: r.service, Operation: r.operation, Region: r.caller.region, Caller: r.caller.arn,
		SessionName: r.caller.sessionName, Error: code,
	}
	if r.service == serviceRDS || r.service == serviceSTS || r.service == serviceIAM {
		c.Parameters = r.form.parameters()
	}
	s.calls = appendCall(s.calls, c)
	if c.IsMutating() {
		s.mutatingCalls = appendCall(s.mutatingCalls, c)
	}
	s.callCounts[r.operation]++
	s.countCall(r, code)
}

func invalidAction(operation string) *model.APIError {
	return badRequest("InvalidAction", "Could not find operation %s", operation)
}
