// Package iam embeds the IAM policy of the operator for programs that tell what to add to a role.
package iam

import _ "embed" // embeds the document

// PolicyJSON is the IAM policy with the minimum permissions of the operator.
//
//go:embed policy.json
var PolicyJSON []byte
