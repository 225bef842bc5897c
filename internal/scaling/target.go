package scaling

import (
	"fmt"
	"strconv"
)

// TargetKind is the kind of a target.
type TargetKind string

// The kinds of target.
const (
	// DBCluster is an Aurora DB cluster: one writer and up to 15 readers; or a Multi-AZ DB cluster: a writer and two readable
	// standbys.
	DBCluster TargetKind = "DBCluster"
	// DBInstance is an RDS DB instance, Single-AZ or Multi-AZ, with its read replicas in the same region, if it has any.
	DBInstance TargetKind = "DBInstance"
)

// Scope is an account and region, accessed with one identity. All targets of a scope are read with the same calls.
type Scope struct {
	// Region is the AWS region, for example eu-west-1.
	Region string
	// Account is the name of the AWSAccount, for messages; empty for the operator's own identity.
	Account string
	// RoleARN is the role to assume; empty for the operator's own identity.
	RoleARN string
	// ExternalID is the external ID that the role's trust policy requires, or empty.
	ExternalID string
}

// String is the scope for messages. It does not contain the role: users who may see a policy need not know it.
func (s Scope) String() string {
	if s.Account == "" {
		return s.Region
	}
	return s.Region + " (AWSAccount " + s.Account + ")"
}

// Target identifies a database that a policy scales.
type Target struct {
	Scope      Scope
	Kind       TargetKind
	Identifier string
}

// String is the target for messages.
func (t Target) String() string {
	return fmt.Sprintf("%s %s in %s", t.Kind, t.Identifier, t.Scope)
}

// Pool is the instances of one role in a target.
type Pool string

// The pools.
const (
	// Writer is the pool of the one instance that takes writes: of a DBInstance, the instance itself.
	Writer Pool = "Writer"
	// Readers is the pool of all reader instances: of a DBInstance, its read replicas.
	Readers Pool = "Readers"
	// MinCapacity has no instances: it stands for the minimum capacity of an Aurora Serverless v2 cluster, whose members are all in
	// the pool Writer. The InstanceClass of its shapes is the minimum in the form of catalog.ServerlessClassName.
	MinCapacity Pool = "MinCapacity"
)

// Shape is the instance class and count of a pool.
type Shape struct {
	// InstanceClass is the class of every instance, for example db.r6g.large. Empty when their classes differ.
	InstanceClass string
	// Count is the number of instances.
	Count int
}

// String is the shape for messages: 2 × db.r6g.large.
func (s Shape) String() string {
	class := s.InstanceClass
	if class == "" {
		class = "mixed classes"
	}
	return strconv.Itoa(s.Count) + " × " + class
}
