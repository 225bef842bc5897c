package rdssim

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// maxSimulatedItems is the default and the maximum number of results of a simulation that the simulator returns. AWS pages them; the
// simulator refuses more.
const maxSimulatedItems = 100

// The decisions of a simulation (IAM API reference, EvaluationResult).
const (
	decisionAllowed  = "allowed"
	decisionExplicit = "explicitDeny"
	decisionImplicit = "implicitDeny"
)

// entityPattern matches the ARN of an IAM user, group or role. A session of a role has another ARN, which the simulation refuses (IAM API
// reference, SimulatePrincipalPolicy, PolicySourceArn).
var entityPattern = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(user|group|role)/.+$`)

// actionPattern matches the name of an action with its service.
var actionPattern = regexp.MustCompile(`^[a-z0-9-]+:[A-Za-z0-9]+$`)

type simulatePrincipalPolicyResult struct {
	IsTruncated       bool                `xml:"IsTruncated"`
	EvaluationResults []evaluationElement `xml:"EvaluationResults>member"`
}

// evaluationElement is the result for one action. EvalResourceName is that of the only resource, or * for several.
type evaluationElement struct {
	EvalActionName          string                  `xml:"EvalActionName"`
	EvalResourceName        string                  `xml:"EvalResourceName"`
	EvalDecision            string                  `xml:"EvalDecision"`
	MissingContextValues    []string                `xml:"MissingContextValues>member"`
	ResourceSpecificResults []resourceResultElement `xml:"ResourceSpecificResults>member"`
}

type resourceResultElement struct {
	EvalResourceName     string   `xml:"EvalResourceName"`
	EvalResourceDecision string   `xml:"EvalResourceDecision"`
	MissingContextValues []string `xml:"MissingContextValues>member"`
}

type getRoleResult struct {
	Role roleElement `xml:"Role"`
}

type roleElement struct {
	Path                     string `xml:"Path"`
	RoleName                 string `xml:"RoleName"`
	RoleID                   string `xml:"RoleId"`
	Arn                      string `xml:"Arn"`
	CreateDate               string `xml:"CreateDate"`
	AssumeRolePolicyDocument string `xml:"AssumeRolePolicyDocument,omitempty"`
}

// handleIAM executes an operation of IAM (API version 2010-05-08).
func (s *Server) handleIAM(r *request) (any, *model.APIError) {
	switch r.operation {
	case "SimulatePrincipalPolicy":
		return s.simulatePrincipalPolicy(r)
	case "GetRole":
		return s.getRole(r)
	}
	return nil, invalidAction(r.operation)
}

// simulatePrincipalPolicy judges each action for each resource by Options.Policy, the policy of all callers, with the values of condition
// keys in the request. Nothing else of the simulated AWS enters: as in AWS, the tags of a resource that exists count only when the request
// states them.
func (s *Server) simulatePrincipalPolicy(r *request) (any, *model.APIError) {
	source := r.form.Get("PolicySourceArn")
	if denied := s.authorize(r, "iam:SimulatePrincipalPolicy", source, nil); denied != nil {
		return nil, denied
	}
	actions, resources := r.form.list("ActionNames.member"), r.form.list("ResourceArns.member")
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	switch {
	case !entityPattern.MatchString(source):
		return nil, badRequest("InvalidInput", "Invalid Entity Arn: %s does not clearly define entity type and name.", source)
	case len(actions) == 0:
		return nil, badRequest("ValidationError", "1 validation error detected: Value null at 'actionNames' failed to satisfy constraint: "+
			"Member must not be null")
	case len(actions)*len(resources) > maxSimulatedItems:
		return nil, badRequest("InvalidInput", "The simulator returns at most %d results.", maxSimulatedItems)
	case !s.hasRole(r, source):
		return nil, noSuchEntity(roleName(source))
	}
	for _, action := range actions {
		if !actionPattern.MatchString(action) {
			return nil, badRequest("InvalidInput", "Invalid Action: %s", action)
		}
	}
	values, apiErr := contextValues(r.form)
	if apiErr != nil {
		return nil, apiErr
	}
	out := &simulatePrincipalPolicyResult{}
	for _, action := range actions {
		out.EvaluationResults = append(out.EvaluationResults, s.simulateAction(action, resources, values))
	}
	return out, nil
}

// simulateAction returns the decision of an action: that of each resource, and the most restrictive of all.
func (s *Server) simulateAction(action string, resources []string, values conditionValues) evaluationElement {
	e := evaluationElement{EvalActionName: action, EvalResourceName: "*", EvalDecision: decisionAllowed}
	if len(resources) == 1 {
		e.EvalResourceName = resources[0]
	}
	severity := []string{decisionAllowed, decisionImplicit, decisionExplicit}
	for _, resource := range resources {
		decision, missing := decisionAllowed, []string(nil)
		if s.options.Policy != nil {
			allowed, denied := s.options.Policy.evaluateWithoutUse(action, resource, values)
			missing = s.options.Policy.missingKeys(action, resource, values)
			switch {
			case denied:
				decision = decisionExplicit
			case !allowed:
				decision = decisionImplicit
			}
		}
		if slices.Index(severity, decision) > slices.Index(severity, e.EvalDecision) {
			e.EvalDecision = decision
		}
		if resource == "*" {
			e.MissingContextValues = missing
			continue
		}
		e.ResourceSpecificResults = append(e.ResourceSpecificResults, resourceResultElement{resource, decision, missing})
	}
	return e
}

// contextValues returns the values of condition keys in a request. The simulator supports one value for each key.
func contextValues(f form) (conditionValues, *model.APIError) {
	values := conditionValues{}
	for _, item := range f.itemPrefixes("ContextEntries.member") {
		key, list := f.Get(item+"ContextKeyName"), f.list(item+"ContextKeyValues.member")
		if key == "" || len(list) != 1 || f.Get(item+"ContextKeyType") == "" {
			return nil, badRequest("InvalidInput", "The simulator wants a name, a type and one value of each context key, not %q", key)
		}
		values[key] = list[0]
	}
	return values, nil
}

// getRole describes a role of the caller's account by its name.
func (s *Server) getRole(r *request) (any, *model.APIError) {
	name := r.form.Get("RoleName")
	arn := s.roleARN(r, name)
	if denied := s.authorize(r, "iam:GetRole", arn, nil); denied != nil {
		return nil, denied
	}
	if !s.hasRole(r, arn) {
		return nil, noSuchEntity(name)
	}
	path := strings.TrimSuffix(arn[strings.Index(arn, ":role/")+len(":role"):], name)
	return &getRoleResult{Role: roleElement{
		Path: path, RoleName: name, RoleID: roleUniqueID, Arn: arn, CreateDate: "2024-01-01T00:00:00Z",
	}}, nil
}

// knownRoles lists the roles of the caller's account: the default role, those of Options.Roles, and those that were assumed.
func (s *Server) knownRoles(r *request) []string {
	roles := []string{"arn:aws:iam::" + s.options.AccountID + ":role/dbscaler"}
	for arn := range s.options.Roles {
		roles = append(roles, arn)
	}
	for _, assumed := range s.roles {
		roles = append(roles, assumed.arn)
	}
	return slices.DeleteFunc(roles, func(arn string) bool { return accountFromARN(arn) != r.caller.account })
}

func (s *Server) hasRole(r *request, arn string) bool { return slices.Contains(s.knownRoles(r), arn) }

// roleARN returns the ARN of the role with a name, which is unique in an account whatever its path.
func (s *Server) roleARN(r *request, name string) string {
	for _, arn := range s.knownRoles(r) {
		if roleName(arn) == name {
			return arn
		}
	}
	return "arn:aws:iam::" + r.caller.account + ":role/" + name
}

// roleName returns the name in the ARN of a role, without its path.
func roleName(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

func noSuchEntity(name string) *model.APIError {
	return &model.APIError{Code: "NoSuchEntity", HTTPStatus: http.StatusNotFound,
		Message: fmt.Sprintf("The role with name %s cannot be found.", name)}
}
