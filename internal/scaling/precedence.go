package scaling

import "time"

// PolicyIdentity is what decides which of several policies for one database may change it.
type PolicyIdentity struct {
	// UID identifies the policy object.
	UID string
	// Name is namespace/name.
	Name      string
	CreatedAt time.Time
	// Deleting says that the policy was deleted and only removes what it added.
	Deleting bool
	Target   Target
	// Unresolved says that the policy may not use its AWSAccount, so that only TargetARN tells which database it means.
	Unresolved bool
	// TargetARN is the ARN of the database that was found; empty before the first observation with the consent of its owner.
	TargetARN string
}

// PrecedingPolicy returns the name of a policy that scales the same database as own and takes precedence over it: the older
// one, or the first by name of two created in the same second. It returns "" when there is none. Policies that are being
// deleted do not count.
func PrecedingPolicy(own PolicyIdentity, all []PolicyIdentity) string {
	for _, other := range all {
		if other.UID != own.UID && !other.Deleting && other.isSameDatabase(own) && other.isOlder(own) {
			return other.Name
		}
	}
	return ""
}

// isSameDatabase reports whether two policies name one database. Through two roles one database has two targets, so there the
// ARNs are compared.
func (p PolicyIdentity) isSameDatabase(other PolicyIdentity) bool {
	own, theirs := p.Target, other.Target
	if own.Kind != theirs.Kind || own.Identifier != theirs.Identifier || own.Scope.Region != theirs.Scope.Region {
		return false
	}
	sameIdentity := own.Scope.RoleARN == theirs.Scope.RoleARN && !p.Unresolved && !other.Unresolved
	return sameIdentity || p.TargetARN != "" && p.TargetARN == other.TargetARN
}

func (p PolicyIdentity) isOlder(other PolicyIdentity) bool {
	if !p.CreatedAt.Equal(other.CreatedAt) {
		return p.CreatedAt.Before(other.CreatedAt)
	}
	return p.Name < other.Name
}
