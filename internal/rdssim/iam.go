package rdssim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// Policy is an identity-based IAM policy. It has as much of the language as the shipped policy needs; what it does not
// know is refused when it is read, since a condition that is passed over would allow too much.
type Policy struct {
	statements []statement
}

type statement struct {
	Sid       string                           `json:"Sid"`
	Effect    string                           `json:"Effect"`
	Action    stringList                       `json:"Action"`
	Resource  stringList                       `json:"Resource"`
	Condition map[string]map[string]stringList `json:"Condition"`
}

// stringList is a string or a list of strings.
type stringList []string

// UnmarshalJSON implements json.Unmarshaler.
func (o *stringList) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*o = stringList{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(o))
}

// The operators of conditions.
var conditionOperators = map[string]func(value string, present bool, wanted []string) bool{
	"StringEquals":    func(v string, present bool, wanted []string) bool { return present && slices.Contains(wanted, v) },
	"StringNotEquals": func(v string, present bool, wanted []string) bool { return !present || !slices.Contains(wanted, v) },
	"StringLike": func(v string, present bool, wanted []string) bool {
		return present && slices.ContainsFunc(wanted, func(pattern string) bool { return matchesPattern(pattern, v) })
	},
	"Null": func(_ string, present bool, wanted []string) bool {
		return slices.Contains(wanted, map[bool]string{true: "false", false: "true"}[present])
	},
}

// The condition keys, of which the first two are prefixes (IAM user guide, "AWS global condition context keys").
const (
	resourceTagPrefix  = "aws:ResourceTag/"
	requestTagPrefix   = "aws:RequestTag/"
	passedToServiceKey = "iam:PassedToService"
)

// conditionValues are what condition keys have in one request.
type conditionValues map[string]string

// tagConditions is what condition keys have for a resource with tags and a request that sets tags.
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

// ParsePolicy reads a policy document. The error names what it does not know.
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
	return &Policy{document.Statement}, nil
}

func (s statement) validate() error {
	if s.Effect != "Allow" && s.Effect != "Deny" || len(s.Action) == 0 || len(s.Resource) == 0 {
		return errors.New("it needs the effect Allow or Deny, actions and resources")
	}
	for operator, keys := range s.Condition {
		if _, known := conditionOperators[operator]; !known {
			return fmt.Errorf("the simulator does not know the operator %s", operator)
		}
		for key := range keys {
			if !strings.HasPrefix(key, resourceTagPrefix) && !strings.HasPrefix(key, requestTagPrefix) && key != passedToServiceKey {
				return fmt.Errorf("the simulator does not know the condition key %s", key)
			}
		}
	}
	return nil
}

// evaluate finds what the policy has to say: some statement allows the action, or one denies it, which is stronger.
func (p *Policy) evaluate(action, resource string, values conditionValues) (allowed, denied bool) {
	for _, s := range p.statements {
		if s.appliesTo(action, resource, values) {
			allowed = allowed || s.Effect == "Allow"
			denied = denied || s.Effect == "Deny"
		}
	}
	return allowed, denied
}

func (s statement) appliesTo(action, resource string, values conditionValues) bool {
	isAction := func(pattern string) bool { return matchesPattern(strings.ToLower(pattern), strings.ToLower(action)) }
	isResource := func(pattern string) bool { return matchesPattern(pattern, resource) }
	if !slices.ContainsFunc(s.Action, isAction) || !slices.ContainsFunc(s.Resource, isResource) {
		return false
	}
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			if value, present := values[key]; !conditionOperators[operator](value, present, wanted) {
				return false
			}
		}
	}
	return true
}

// matchesPattern compares with IAM's wildcards. Slashes are nothing special, so they are hidden from path.Match.
func matchesPattern(pattern, value string) bool {
	hide := strings.NewReplacer("/", "\x00", "[", "\x01", `\`, "\x02")
	matched, err := path.Match(hide.Replace(pattern), hide.Replace(value))
	return err == nil && matched
}

// authorize answers AccessDenied, in AWS's words, for what the policy does not allow.
func (s *Server) authorize(r *request, action, resource string, values conditionValues) *model.APIError {
	if s.options.Policy == nil {
		return nil
	}
	allowed, denied := s.options.Policy.evaluate(action, resource, values)
	reason := ""
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
