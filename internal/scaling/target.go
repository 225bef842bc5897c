package scaling

import (
	"fmt"
	"strconv"
)

// TargetKind is the kind of database that a policy scales.
type TargetKind string

// The kinds of target.
const (
	// DBCluster is an Aurora DB cluster: one writer and up to 15 readers; or a Multi-AZ DB cluster: a writer and two readable
	// standbys.
	DBCluster TargetKind = "DBCluster"
	// DBInstance is an RDS DB instance, Single-AZ or Multi-AZ, with its read replicas in the same region, if it has any.
	DBInstance TargetKind = "DBInstance"
)

// Scope is an account and region as seen through one role. Everything in a scope is read with the same calls.
type Scope struct {
	// Region is the AWS region, for example eu-west-1.
	Region string
	// RoleARN is the role to assume, or empty for the operator's own identity.
	RoleARN string
}

// String names the scope for people.
func (s Scope) String() string {
	if s.RoleARN == "" {
		return s.Region
	}
	return s.Region + " as " + s.RoleARN
}

// Target names one database.
type Target struct {
	Scope      Scope
	Kind       TargetKind
	Identifier string
}

// String names the target for people.
func (t Target) String() string {
	return fmt.Sprintf("%s %s in %s", t.Kind, t.Identifier, t.Scope)
}

// Pool is the set of instances of one role in a target.
type Pool string

// The pools.
const (
	// Writer is the pool of the one instance that takes writes: of a DBInstance, the instance itself.
	Writer Pool = "Writer"
	// Readers is the pool of all reader instances: of a DBInstance, its read replicas.
	Readers Pool = "Readers"
)

// Shape is what a pool consists of.
type Shape struct {
	// InstanceClass is the class of every instance, for example db.r6g.large. Empty when the instances differ.
	InstanceClass string
	// Count is the number of instances.
	Count int
}

// String writes the shape as people do: 2 × db.r6g.large.
func (s Shape) String() string {
	class := s.InstanceClass
	if class == "" {
		class = "mixed classes"
	}
	return strconv.Itoa(s.Count) + " × " + class
}
