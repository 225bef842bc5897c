package rdssim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Role is a role that callers can assume.
type Role struct {
	// Trust is its trust policy; nil trusts everybody.
	Trust *TrustPolicy
	// MaxSessionSeconds is its maximum session duration; 0 means one hour, the default of IAM.
	MaxSessionSeconds int
}

// TrustPolicy is the trust policy of a role. It supports the part of the policy language that the shipped trust policies need;
// ParseTrustPolicy refuses everything else.
type TrustPolicy struct {
	statements []trustStatement
}

type trustStatement struct {
	Sid       string                           `json:"Sid"`
	Effect    string                           `json:"Effect"`
	Principal map[string]stringList            `json:"Principal"`
	Action    stringList                       `json:"Action"`
	Condition map[string]map[string]stringList `json:"Condition"`
}

// externalIDKey is the condition key for the external ID in a request.
const externalIDKey = "sts:ExternalId"

// trustActions are the actions that a trust policy can allow.
var trustActions = []string{actionAssumeRole, actionTagSession, "sts:AssumeRoleWithWebIdentity"}

const (
	actionAssumeRole = "sts:AssumeRole"
	actionTagSession = "sts:TagSession"
)

// ParseTrustPolicy parses a trust policy. It returns an error for everything that it does not support.
func ParseTrustPolicy(data []byte) (*TrustPolicy, error) {
	var document struct {
		Version   string           `json:"Version"`
		Statement []trustStatement `json:"Statement"`
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("trust policy: %w", err)
	}
	if document.Version != "2012-10-17" || len(document.Statement) == 0 {
		return nil, errors.New("trust policy: want version 2012-10-17 and at least one statement")
	}
	for _, s := range document.Statement {
		if err := s.validate(); err != nil {
			return nil, fmt.Errorf("trust policy: statement %q: %w", s.Sid, err)
		}
	}
	return &TrustPolicy{document.Statement}, nil
}

func (s trustStatement) validate() error {
	if s.Effect != "Allow" || len(s.Action) == 0 || len(s.Principal) == 0 {
		return errors.New("want the effect Allow, principals and actions")
	}
	for kind := range s.Principal {
		if !slices.Contains([]string{"AWS", "Service", "Federated"}, kind) {
			return fmt.Errorf("the simulator does not support principals of the kind %s", kind)
		}
	}
	for _, action := range s.Action {
		if !slices.Contains(trustActions, action) {
			return fmt.Errorf("%s is not an action of a trust policy", action)
		}
	}
	for operator, keys := range s.Condition {
		if operator != "StringEquals" {
			return fmt.Errorf("the simulator does not support the operator %s", operator)
		}
		for key := range keys {
			isTokenClaim := strings.HasSuffix(key, ":sub") || strings.HasSuffix(key, ":aud")
			if key != externalIDKey && !isTokenClaim && !strings.HasPrefix(key, requestTagPrefix) {
				return fmt.Errorf("the simulator does not support the condition key %s", key)
			}
		}
	}
	return nil
}

// allows reports whether the policy lets a role do an action with the values of the condition keys.
func (p *TrustPolicy) allows(action, callerRole string, values conditionValues) bool {
	return slices.ContainsFunc(p.statements, func(s trustStatement) bool {
		if !slices.Contains(s.Action, action) || !s.trusts(callerRole) {
			return false
		}
		for _, keys := range s.Condition { // all operators are StringEquals
			for key, expected := range keys {
				if value, present := values[key]; !present || !slices.Contains(expected, value) {
					return false
				}
			}
		}
		return true
	})
}

// trusts reports whether a role is one of the principals, or belongs to an account that is.
func (s trustStatement) trusts(role string) bool {
	return slices.ContainsFunc(s.Principal["AWS"], func(principal string) bool {
		account, isAccount := strings.CutSuffix(principal, ":root")
		return principal == role || isAccount && strings.HasPrefix(role, account+":")
	})
}
