package rdssim

import (
	"cmp"
	"slices"
)

// CallCount is the number of calls of one operation by one account, with one result.
type CallCount struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Account   string `json:"account"`
	// Error is the error code of the responses, or empty. It is NoResponse for calls that a fault of that kind has left unanswered.
	Error string `json:"error,omitempty"`
	Calls int    `json:"calls"`
	// Metrics is the number of metrics that GetMetricData calls requested, for which CloudWatch charges.
	Metrics int `json:"metrics,omitempty"`
}

// callKey identifies a CallCount.
type callKey struct{ service, operation, account, err string }

// countCall counts a call with the error code of its response.
func (s *Server) countCall(r *request, code string) {
	key := callKey{r.service, r.operation, r.caller.account, code}
	count, known := s.counts[key]
	if !known {
		count = &CallCount{Service: r.service, Operation: r.operation, Account: r.caller.account, Error: code}
		s.counts[key] = count
	}
	count.Calls++
	count.Metrics += r.metrics
}

// Counts returns the numbers of calls since the last ResetCalls, sorted by service, operation, account and error.
func (s *Server) Counts() []CallCount {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]CallCount, 0, len(s.counts))
	for _, count := range s.counts {
		out = append(out, *count)
	}
	slices.SortFunc(out, func(a, b CallCount) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Account, b.Account),
			cmp.Compare(a.Error, b.Error))
	})
	return out
}

// MutatingCalls returns the recorded calls that requested a change of a database, oldest first. They are kept longer than the others.
func (s *Server) MutatingCalls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(newest(s.mutatingCalls))
}

// appendCall appends a call, and now and then drops the oldest ones, so that the cost of a call does not depend on their number.
func appendCall(calls []Call, c Call) []Call {
	if len(calls) >= 2*maxRecordedCalls {
		calls = slices.Clone(newest(calls)[1:])
	}
	return append(calls, c)
}

// newest returns the newest maxRecordedCalls calls.
func newest(calls []Call) []Call { return calls[max(0, len(calls)-maxRecordedCalls):] }
