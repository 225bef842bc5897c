// Package crd has the CustomResourceDefinition as it is installed, for programs that read policies without an API server.
package crd

import _ "embed" // for the definition

// DBScalingPolicyYAML is the definition of DBScalingPolicy in YAML.
//
//go:embed bases/scaling.dbscaler.io_dbscalingpolicies.yaml
var DBScalingPolicyYAML []byte
