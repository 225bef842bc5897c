// Package crd embeds the CustomResourceDefinition for programs that validate policies without an API server.
package crd

import _ "embed" // embeds the definition

// DBScalingPolicyYAML is the CustomResourceDefinition of DBScalingPolicy in YAML.
//
//go:embed bases/scaling.dbscaler.io_dbscalingpolicies.yaml
var DBScalingPolicyYAML []byte
