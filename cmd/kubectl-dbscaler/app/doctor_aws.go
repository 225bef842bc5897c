package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/doctor"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// awsExaminer makes the requests to AWS of the checks. It changes nothing.
type awsExaminer struct {
	client     *awsx.Client
	assumeRole bool
	// operatorRole is the ARN of the operator's own role, or empty.
	operatorRole string
	withPrices   bool
}

func (d *doctorCommand) newAWSExaminer(ctx context.Context) (*awsExaminer, error) {
	client, err := awsx.New(ctx, awsx.Options{
		Endpoint: d.endpointURL, Clock: d.clock, Log: logr.Discard(), Version: "kubectl", ClusterName: d.clusterName,
		PricingRegion: d.pricingRegion,
	})
	if err != nil {
		return nil, asInputError(err)
	}
	return &awsExaminer{client: client, assumeRole: d.assumeRole, operatorRole: d.operatorRole, withPrices: d.pricingRegion != ""}, nil
}

// examine reads what AWS says about the database of a policy.
func (e *awsExaminer) examine(ctx context.Context, in *doctor.Input) {
	target := in.Policy.Target
	own := scaling.Scope{Region: target.Scope.Region}
	caller, err := awsx.NewInspector(e.client, own).Identity(ctx)
	if err != nil {
		in.Access.CallerError, in.NotObserved = oneLine(err), "there are no AWS credentials that work"
		return
	}
	in.Access.Caller = caller.ARN
	if in.Access.Account != "" && target.Scope.Account == "" {
		in.NotObserved = "the AWSAccount, which states the role, could not be read"
		return
	}
	scope, notObserved := e.chooseScope(ctx, in, caller)
	if notObserved != "" {
		in.NotObserved = notObserved
		return
	}
	target.Scope.RoleARN, target.Scope.ExternalID = scope.RoleARN, scope.ExternalID
	inspector := awsx.NewInspector(e.client, target.Scope)
	e.client.Track([]scaling.TrackedTarget{{Target: target, Window: 2 * scaling.MaxSampleAge}})
	result := e.client.Observe(ctx, []scaling.Target{target}, time.Time{})[0]
	in.Observation = result.Observation
	if result.Err != nil {
		in.NotObserved = oneLine(result.Err)
	}
	if result.MetricsErr != nil {
		in.MetricsError = oneLine(result.MetricsErr)
	}
	for _, read := range inspector.CheckReads(ctx, target, in.Observation, e.withPrices) {
		r := doctor.Read{Action: read.Action, Denied: errors.Is(read.Err, scaling.ErrDenied)}
		if read.Err != nil {
			r.Error = oneLine(read.Err)
		}
		in.Reads = append(in.Reads, r)
	}
	if settings, known := inspector.Settings(target); known {
		in.Settings = doctor.Settings(settings)
	}
	if in.Observation.Found {
		e.readQuotas(ctx, inspector, in)
	}
	e.simulate(ctx, []*awsx.Inspector{inspector, awsx.NewInspector(e.client, own)}, caller, in)
}

// chooseScope decides with which identity the database is read: the role of the AWSAccount, or else the caller if it belongs to the account
// of the role, since a database of the same name in another account is another one. It returns why neither can be used.
func (e *awsExaminer) chooseScope(ctx context.Context, in *doctor.Input, caller awsx.Identity) (scaling.Scope, string) {
	scope := in.Policy.Target.Scope
	if scope.RoleARN == "" {
		return scope, ""
	}
	if e.assumeRole {
		session, err := awsx.NewInspector(e.client, scope).Identity(ctx)
		if err == nil {
			in.Access.RoleSession = session.ARN
			return scope, ""
		}
		in.Access.RoleError, in.Access.RoleRefused = oneLine(err), errors.Is(err, scaling.ErrDenied)
	} else {
		in.Access.RoleSkipped = true
	}
	if !strings.Contains(scope.RoleARN, "::"+caller.Account+":") {
		return scope, fmt.Sprintf("the role of the AWSAccount was not assumed, and you belong to another account (%s)", caller.Account)
	}
	return scaling.Scope{Region: scope.Region}, ""
}

// readQuotas reads the quotas of RDS.
func (e *awsExaminer) readQuotas(ctx context.Context, inspector *awsx.Inspector, in *doctor.Input) {
	quotas, err := inspector.Quotas(ctx)
	if err != nil {
		in.QuotasUnknown = oneLine(err)
		return
	}
	in.Quotas = map[string]doctor.Quota{}
	for _, q := range quotas {
		in.Quotas[q.Name] = doctor.Quota{Used: q.Used, Max: q.Max}
	}
}

// simulate judges the permissions of the identity that the operator uses; of the caller when it is not known. The first inspector that may
// simulate does: the role of the operator seldom may, its administrator often.
func (e *awsExaminer) simulate(ctx context.Context, inspectors []*awsx.Inspector, caller awsx.Identity, in *doctor.Input) {
	s := &in.Permissions
	s.Permissions = doctor.RequiredPermissions(in.Policy, in.Observation, in.Settings)
	switch {
	case in.Access.RoleARN != "":
		s.Principal, s.OfOperator = in.Access.RoleARN, true
	case e.operatorRole != "":
		s.Principal, s.OfOperator = e.operatorRole, true
	default:
		principal, err := inspectors[0].Principal(ctx, caller)
		if err != nil {
			s.Unknown = oneLine(err)
			return
		}
		s.Principal = principal
	}
	requests := make([]awsx.PermissionRequest, len(s.Permissions))
	for n, p := range s.Permissions {
		requests[n] = awsx.PermissionRequest{Action: p.Action, Resource: p.Resource, Context: p.Context}
	}
	for _, inspector := range inspectors {
		decisions, err := inspector.SimulatePermissions(ctx, s.Principal, requests)
		if err != nil {
			s.Unknown = oneLine(err)
			continue
		}
		s.Unknown = ""
		for _, d := range decisions {
			s.Decisions = append(s.Decisions, string(d))
		}
		return
	}
}

// oneLine returns an error in one line.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
