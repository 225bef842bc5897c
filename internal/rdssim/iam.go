package rdssim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// Policy is an identity-based IAM policy. It supports the part of the policy language that the shipped policy needs.
// ParsePolicy refuses everything else, because ignoring a condition would allow too much.
type Policy struct {
	statements []statement

	mu sync.Mutex
	// used are the actions of each statement that have allowed a request, and the resources of it.
	used map[policyUse]bool
}

// policyUse is an action or a resource of a statement.
type policyUse struct {
	statement int
	pattern   string
}

// Unused lists the actions and resources of the statements that allow something and never have, as "Sid: pattern". It shows which
// permissions a policy grants without need.
func (p *Policy) Unused() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var unused []string
	for n, s := range p.statements {
		for _, pattern := range slices.Concat(s.Action, s.Resource) {
			if s.Effect == "Allow" && !p.used[policyUse{n, pattern}] {
				unused = append(unused, s.Sid+": "+pattern)
			}
		}
	}
	return unused
}

// recordUse records the action and the resource by which a statement applies to a request.
func (p *Policy) recordUse(n int, action, resource string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pattern := range p.statements[n].Action {
		if matchesPattern(strings.ToLower(pattern), strings.ToLower(action)) {
			p.used[policyUse{n, pattern}] = true
		}
	}
	for _, pattern := range p.statements[n].Resource {
		if matchesPattern(pattern, resource) {
			p.used[policyUse{n, pattern}] = true
		}
	}
}

type statement struct {
	Sid       string                           `json:"Sid"`
	Effect    string                           `json:"Effect"`
	Action    stringList                       `json:"Action"`
	Resource  stringList                       `json:"Resource"`
	Condition map[string]map[string]stringList `json:"Condition"`
}

// stringList is encoded as a string or a list of strings.
type stringList []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *stringList) UnmarshalJSON(data []byte) error {
	var single string
	if json.Unmarshal(data, &single) == nil {
		*l = stringList{single}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(l))
}

// conditionOperators evaluate a condition: the value of a key, whether the key is present, and the values in the policy.
var conditionOperators = map[string]func(value string, present bool, expected []string) bool{
	"StringEquals":    func(v string, present bool, expected []string) bool { return present && slices.Contains(expected, v) },
	"StringNotEquals": func(v string, present bool, expected []string) bool { return !present || !slices.Contains(expected, v) },
	"StringLike": func(v string, present bool, expected []string) bool {
		return present && slices.ContainsFunc(expected, func(pattern string) bool { return matchesPattern(pattern, v) })
	},
	"Bool": func(v string, present bool, expected []string) bool { return present && slices.Contains(expected, v) },
	"Null": func(_ string, present bool, expected []string) bool {
		return slices.Contains(expected, map[bool]string{true: "false", false: "true"}[present])
	},
}

// The supported condition keys; the first two are prefixes (IAM user guide, "AWS global condition context keys").
const (
	resourceTagPrefix  = "aws:ResourceTag/"
	requestTagPrefix   = "aws:RequestTag/"
	passedToServiceKey = "iam:PassedToService"
)

// kmsKeys are the condition keys of KMS. The simulator has no KMS, so that it checks only their names.
var kmsKeys = []string{"kms:ViaService", "kms:GrantIsForAWSResource"}

// conditionValues are the values of the condition keys of a request.
type conditionValues map[string]string

// tagConditions returns the values for the tags of a resource and the tags in a request.
func tagConditions(resource, request map[string]string) conditionValues {
	out := conditionValues{}
	for key, value := range resource {
		out[resourceTagPrefix+key] = value
	}
	for key, value := range request {
		out[requestTagPrefix+key] = value
	}
	return out
}

// ParsePolicy parses a policy document. It returns an error for everything that it does not support.
func ParsePolicy(data []byte) (*Policy, error) {
	var document struct {
		Version   string      `json:"Version"`
		Statement []statement `json:"Statement"`
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("IAM policy: %w", err)
	}
	if document.Version != "2012-10-17" || len(document.Statement) == 0 {
		return nil, errors.New("IAM policy: want version 2012-10-17 and at least one statement")
	}
	for _, s := range document.Statement {
		if err := s.validate(); err != nil {
			return nil, fmt.Errorf("IAM policy: statement %q: %w", s.Sid, err)
		}
	}
	return &Policy{statements: document.Statement, used: map[policyUse]bool{}}, nil
}

// validate returns an error for an incomplete statement and for unsupported conditions.
func (s statement) validate() error {
	if s.Effect != "Allow" && s.Effect != "Deny" || len(s.Action) == 0 || len(s.Resource) == 0 {
		return errors.New("want the effect Allow or Deny, actions and resources")
	}
	for operator, keys := range s.Condition {
		if _, known := conditionOperators[operator]; !known {
			return fmt.Errorf("the simulator does not support the operator %s", operator)
		}
		for key := range keys {
			isTag := strings.HasPrefix(key, resourceTagPrefix) || strings.HasPrefix(key, requestTagPrefix)
			if !isTag && key != passedToServiceKey && !slices.Contains(kmsKeys, key) {
				return fmt.Errorf("the simulator does not support the condition key %s", key)
			}
		}
	}
	return nil
}

// evaluate reports whether a statement allows an action, and whether a statement denies it. A denial takes precedence.
func (p *Policy) evaluate(action, resource string, values conditionValues) (allowed, denied bool) {
	for n, s := range p.statements {
		if s.appliesTo(action, resource, values) {
			p.recordUse(n, action, resource)
		}
	}
	return p.evaluateWithoutUse(action, resource, values)
}

// evaluateWithoutUse is evaluate for a simulated request, for which no permission is used.
func (p *Policy) evaluateWithoutUse(action, resource string, values conditionValues) (allowed, denied bool) {
	for _, s := range p.statements {
		if s.appliesTo(action, resource, values) {
			allowed = allowed || s.Effect == "Allow"
			denied = denied || s.Effect == "Deny"
		}
	}
	return allowed, denied
}

// missingKeys lists the condition keys of the statements about an action and a resource that have no value, sorted.
func (p *Policy) missingKeys(action, resource string, values conditionValues) []string {
	missing := map[string]bool{}
	for _, s := range p.statements {
		condition := s.Condition
		s.Condition = nil
		if !s.appliesTo(action, resource, values) {
			continue
		}
		for _, keys := range condition {
			for key := range keys {
				if _, present := values[key]; !present {
					missing[key] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(missing))
}

// appliesTo reports whether action, resource and all conditions of the statement match.
func (s statement) appliesTo(action, resource string, values conditionValues) bool {
	isAction := func(pattern string) bool { return matchesPattern(strings.ToLower(pattern), strings.ToLower(action)) }
	isResource := func(pattern string) bool { return matchesPattern(pattern, resource) }
	if !slices.ContainsFunc(s.Action, isAction) || !slices.ContainsFunc(s.Resource, isResource) {
		return false
	}
	for operator, keys := range s.Condition {
		for key, expected := range keys {
			if value, present := values[key]; !conditionOperators[operator](value, present, expected) {
				return false
			}
		}
	}
	return true
}

// matchesPattern matches IAM wildcards, which also match slashes. It therefore replaces the characters that are special to
// path.Match.
func matchesPattern(pattern, value string) bool {
	escape := strings.NewReplacer("/", "\x00", "[", "\x01", `\`, "\x02")
	matched, err := path.Match(escape.Replace(pattern), escape.Replace(value))
	return err == nil && matched
}

// authorize returns AccessDenied, with the message of AWS, for an action that the policy does not allow.
func (s *Server) authorize(r *request, action, resource string, values conditionValues) *model.APIError {
	if s.options.Policy == nil {
		return nil
	}
	allowed, denied := s.options.Policy.evaluate(action, resource, values)
	var reason string
	switch {
	case denied:
		reason = "with an explicit deny in an identity-based policy"
	case !allowed:
		reason = "because no identity-based policy allows the " + action + " action"
	default:
		return nil
	}
	return &model.APIError{Code: "AccessDenied", HTTPStatus: http.StatusForbidden, Message: fmt.Sprintf(
		"User: %s is not authorized to perform: %s on resource: %s %s", r.caller.arn, action, resource, reason)}
}
