package awsx

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// PermissionRequest is a request whose permission is simulated: an action on a resource, with the values of the condition keys that AWS
// would evaluate.
type PermissionRequest struct {
	Action, Resource string
	// Context are the values of the condition keys, for example aws:ResourceTag/name.
	Context map[string]string
}

// PermissionDecision is the result of a simulation (IAM API reference, EvaluationResult).
type PermissionDecision string

// The decisions.
const (
	PermissionAllowed PermissionDecision = "allowed"
	// PermissionDenied: no statement allows the request.
	PermissionDenied PermissionDecision = "implicitDeny"
	// PermissionExplicitlyDenied: a statement, a permissions boundary or a service control policy denies the request.
	PermissionExplicitlyDenied PermissionDecision = "explicitDeny"
)

// SimulatePermissions asks IAM whether a user or role may make requests, with iam:SimulatePrincipalPolicy. It returns a decision for each
// request, in their order. Nothing is changed. Requests about one resource with the same context share a request to IAM.
func (i *Inspector) SimulatePermissions(ctx context.Context, principal string, requests []PermissionRequest) ([]PermissionDecision, error) {
	decisions := make([]PermissionDecision, len(requests))
	for first, r := range requests {
		if decisions[first] != "" {
			continue
		}
		indexes := map[string]int{}
		for n := first; n < len(requests); n++ {
			if requests[n].Resource == r.Resource && maps.Equal(requests[n].Context, r.Context) {
				indexes[requests[n].Action] = n
			}
		}
		results, err := i.simulate(ctx, principal, slices.Sorted(maps.Keys(indexes)), r)
		if err != nil {
			return nil, err
		}
		for n := first; n < len(requests); n++ {
			if requests[n].Resource == r.Resource && maps.Equal(requests[n].Context, r.Context) {
				decisions[n] = results[requests[n].Action]
			}
		}
	}
	return decisions, nil
}

// simulate returns the decision of each action on the resource of a request.
func (i *Inspector) simulate(
	ctx context.Context, principal string, actions []string, r PermissionRequest,
) (map[string]PermissionDecision, error) {
	input := &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String(principal), ActionNames: actions, ResourceArns: []string{r.Resource},
	}
	for _, key := range slices.Sorted(maps.Keys(r.Context)) {
		if r.Context[key] == "" { // such as a tag without a value; IAM may refuse an empty one
			continue
		}
		input.ContextEntries = append(input.ContextEntries, iamtypes.ContextEntry{
			ContextKeyName: aws.String(key), ContextKeyType: iamtypes.ContextKeyTypeEnumString, ContextKeyValues: []string{r.Context[key]},
		})
	}
	decisions := map[string]PermissionDecision{}
	pages := iam.NewSimulatePrincipalPolicyPaginator(i.iam, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, i.classify(err)
		}
		for _, result := range page.EvaluationResults {
			decision := mostRestrictive(PermissionDecision(result.EvalDecision), result.ResourceSpecificResults)
			decisions[aws.ToString(result.EvalActionName)] = decision
		}
	}
	return decisions, nil
}

// mostRestrictive returns the decision of an action and its resources.
func mostRestrictive(decision PermissionDecision, resources []iamtypes.ResourceSpecificResult) PermissionDecision {
	severity := []PermissionDecision{PermissionAllowed, PermissionDenied, PermissionExplicitlyDenied}
	for _, r := range resources {
		if other := PermissionDecision(r.EvalResourceDecision); slices.Index(severity, other) > slices.Index(severity, decision) {
			decision = other
		}
	}
	return decision
}
