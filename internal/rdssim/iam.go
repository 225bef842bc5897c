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

// The prefixes of condition keys.
const (
	resourceTag = "aws:ResourceTag/"
	requestTag  = "aws:RequestTag/"
)

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
			if !strings.HasPrefix(key, resourceTag) && !strings.HasPrefix(key, requestTag) {
				return fmt.Errorf("the simulator does not know the condition key %s", key)
			}
		}
	}
	return nil
}

// Allows says whether an action on a resource is allowed: some statement allows it and none denies it.
func (p *Policy) Allows(action, resource string, resourceTags, requestTags map[string]string) bool {
	allowed := false
	for _, s := range p.statements {
		if !s.applies(action, resource, resourceTags, requestTags) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

func (s statement) applies(action, resource string, resourceTags, requestTags map[string]string) bool {
	like := func(value string) func(string) bool {
		return func(pattern string) bool { return matches(pattern, value) }
	}
	if !slices.ContainsFunc(s.Action, like(action)) || !slices.ContainsFunc(s.Resource, like(resource)) {
		return false
	}
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			tags := resourceTags
			name, isResource := strings.CutPrefix(key, resourceTag)
			if !isResource {
				name, tags = strings.TrimPrefix(key, requestTag), requestTags
			}
			value, present := tags[name]
			if !operators[operator](value, present, wanted) {
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

// allow answers AccessDenied for what the policy does not allow.
func (s *Server) allow(r *request, action, resource string, resourceTags, requestTags map[string]string) *model.Fault {
	if s.options.Policy == nil || s.options.Policy.Allows(action, resource, resourceTags, requestTags) {
		return nil
	}
	return &model.Fault{Code: "AccessDenied", HTTPStatus: http.StatusForbidden, Message: fmt.Sprintf(
		"User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		r.caller.arn, action, resource, action)}
}
