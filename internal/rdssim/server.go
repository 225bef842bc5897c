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

// journalLength is how many calls are remembered.
const journalLength = 20000

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
	// DenyRoles lists the ARNs of roles that may not be assumed.
	DenyRoles []string
	Log       logr.Logger
}

// Server is AWS, simulated. It is an http.Handler.
type Server struct {
	options Options

	mu      sync.Mutex
	calls   []Call
	counts  map[string]int
	faults  []*Fault
	roles   map[string]assumedRole // by access key
	request int
}

// Call is one request in the journal.
type Call struct {
	// At is the simulated time.
	At        time.Time `json:"at"`
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

// Mutating says whether the call asked for a change of a database.
func (c Call) Mutating() bool {
	return c.Service == serviceRDS && !strings.HasPrefix(c.Operation, "Describe") && !strings.HasPrefix(c.Operation, "List")
}

// New makes a server.
func New(o Options) *Server {
	if o.AccountID == "" {
		o.AccountID = DefaultAccount
	}
	return &Server{options: o, counts: map[string]int{}, roles: map[string]assumedRole{}}
}

// Do lends the world, advanced to now.
func (s *Server) Do(use func(*model.World)) {
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
	return s.counts[operation]
}

// ResetCalls empties the journal.
func (s *Server) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
	clear(s.counts)
}

// request is what is known of a request before it is carried out.
type request struct {
	out                http.ResponseWriter
	in                 *http.Request
	id                 string
	service, operation string
	caller             caller
	form               form
	protocol           protocol
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	if strings.HasPrefix(in.URL.Path, adminPrefix) {
		s.admin(out, in)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.request++
	r, failed := s.identify(out, in)
	if failed != nil {
		s.refuse(r, failed)
		return
	}
	s.options.World.Advance(s.options.Clock.Now())
	fault := s.fault(r)
	if fault != nil && !fault.carriedOut() {
		s.note(r, fault.Code)
		s.suffer(r, fault)
		return
	}
	answer, failed := s.carryOut(r)
	if failed != nil {
		s.note(r, failed.Code)
	} else {
		s.note(r, "")
	}
	switch {
	case fault != nil:
		s.suffer(r, fault)
	case failed != nil:
		s.refuse(r, failed)
	default:
		r.protocol.answer(r, answer)
	}
}

// carryOut does what is asked for, if the caller may.
func (s *Server) carryOut(r *request) (any, *model.Fault) {
	switch r.service {
	case serviceRDS:
		return s.rds(r)
	case serviceCloudWatch:
		return s.cloudwatch(r)
	case servicePricing:
		return s.pricing(r)
	case serviceAutoScaling:
		return s.autoScaling(r)
	default:
		return s.sts(r)
	}
}

func (s *Server) refuse(r *request, f *model.Fault) {
	s.options.Log.V(1).Info("refused", "service", r.service, "operation", r.operation, "code", f.Code, "message", f.Message)
	r.protocol.refuse(r, f)
}

// note writes the journal.
func (s *Server) note(r *request, code string) {
	c := Call{
		At: s.options.World.Now(), Service: r.service, Operation: r.operation, Region: r.caller.region, Caller: r.caller.arn, Error: code,
	}
	if r.service == serviceRDS || r.service == serviceSTS {
		c.Parameters = r.form.flat()
	}
	s.calls = append(s.calls, c)
	if len(s.calls) > journalLength {
		s.calls = slices.Delete(s.calls, 0, len(s.calls)-journalLength)
	}
	s.counts[r.operation]++
}

func invalidAction(operation string) *model.Fault {
	return &model.Fault{Code: "InvalidAction", HTTPStatus: http.StatusBadRequest,
		Message: fmt.Sprintf("Could not find operation %s", operation)}
}
