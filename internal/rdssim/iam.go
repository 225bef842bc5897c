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
	Sid       string                          `json:"Sid"`
	Effect    string                          `json:"Effect"`
	Action    oneOrMore                       `json:"Action"`
	Resource  oneOrMore                       `json:"Resource"`
	Condition map[string]map[string]oneOrMore `json:"Condition"`
}

// oneOrMore is a string or a list of strings.
type oneOrMore []string

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMore) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(o))
}

// The operators of conditions.
var operators = map[string]func(value string, present bool, wanted []string) bool{
	"StringEquals":    func(v string, present bool, wanted []string) bool { return present && slices.Contains(wanted, v) },
	"StringNotEquals": func(v string, present bool, wanted []string) bool { return !present || !slices.Contains(wanted, v) },
	"StringLike": func(v string, present bool, wanted []string) bool {
		return present && slices.ContainsFunc(wanted, func(pattern string) bool { return matches(pattern, v) })
	},
	"Null": func(_ string, present bool, wanted []string) bool {
		return slices.Contains(wanted, map[bool]string{true: "false", false: "true"}[present])
	},
}

// The condition keys, of which the first two are prefixes (IAM user guide, "AWS global condition context keys").
const (
	resourceTag     = "aws:ResourceTag/"
	requestTag      = "aws:RequestTag/"
	passedToService = "iam:PassedToService"
)

// conditionValues are what condition keys have in one request.
type conditionValues map[string]string

// tagged is what condition keys have for a resource with tags and a request that sets tags.
func tagged(resource, request map[string]string) conditionValues {
	out := conditionValues{}
	for key, value := range resource {
		out[resourceTag+key] = value
	}
	for key, value := range request {
		out[requestTag+key] = value
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
		if _, known := operators[operator]; !known {
			return fmt.Errorf("the simulator does not know the operator %s", operator)
		}
		for key := range keys {
			if !strings.HasPrefix(key, resourceTag) && !strings.HasPrefix(key, requestTag) && key != passedToService {
				return fmt.Errorf("the simulator does not know the condition key %s", key)
			}
		}
	}
	return nil
}

// decide finds what the policy has to say: some statement allows the action, or one denies it, which is stronger.
func (p *Policy) decide(action, resource string, values conditionValues) (allowed, denied bool) {
	for _, s := range p.statements {
		if s.applies(action, resource, values) {
			allowed = allowed || s.Effect == "Allow"
			denied = denied || s.Effect == "Deny"
		}
	}
	return allowed, denied
}

func (s statement) applies(action, resource string, values conditionValues) bool {
	isAction := func(pattern string) bool { return matches(strings.ToLower(pattern), strings.ToLower(action)) }
	isResource := func(pattern string) bool { return matches(pattern, resource) }
	if !slices.ContainsFunc(s.Action, isAction) || !slices.ContainsFunc(s.Resource, isResource) {
		return false
	}
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			if value, present := values[key]; !operators[operator](value, present, wanted) {
				return false
			}
		}
	}
	return true
}

// matches compares with IAM's wildcards. Slashes are nothing special, so they are hidden from path.Match.
func matches(pattern, value string) bool {
	hide := strings.NewReplacer("/", "\x00", "[", "\x01", `\`, "\x02")
	matched, err := path.Match(hide.Replace(pattern), hide.Replace(value))
	return err == nil && matched
}

// allow answers AccessDenied, in AWS's words, for what the policy does not allow.
func (s *Server) allow(r *request, action, resource string, values conditionValues) *model.Fault {
	if s.options.Policy == nil {
		return nil
	}
	allowed, denied := s.options.Policy.decide(action, resource, values)
	why := ""
	switch {
	case denied:
		why = "with an explicit deny in an identity-based policy"
	case !allowed:
		why = "because no identity-based policy allows the " + action + " action"
	default:
		return nil
	}
	return &model.Fault{Code: "AccessDenied", HTTPStatus: http.StatusForbidden, Message: fmt.Sprintf(
		"User: %s is not authorized to perform: %s on resource: %s %s", r.caller.arn, action, resource, why)}
}
