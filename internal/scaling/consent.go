package scaling

import (
	"fmt"
	"regexp"
	"strings"
)

// IsOptedIn reports whether the tags of a database allow policies of a namespace, in the Kubernetes cluster of that name, to change
// it. These values of TagOptIn do:
//
//   - OptInAny: the policies of every namespace in every cluster;
//   - the namespace: its policies in every cluster;
//   - namespace@cluster: its policies in that cluster only.
//
// cluster is the name that the operator was given, or empty. Without a name the third form never allows anything.
func IsOptedIn(tags map[string]string, namespace, cluster string) bool {
	value := tags[TagOptIn]
	switch {
	case value == OptInAny:
		return true
	case namespace == "":
		return false
	case value == namespace:
		return true
	}
	return cluster != "" && value == namespace+"@"+cluster
}

// IsOptedIn reports whether the tags of a database or an instance allow the policy to change it.
func (p Policy) IsOptedIn(tags map[string]string) bool {
	return IsOptedIn(tags, p.Namespace, p.Cluster)
}

// maxClusterName leaves room for a namespace of 63 characters and the @ in a tag value of 256 characters (RDS API reference, Tag).
const maxClusterName = 192

// clusterNamePattern is the part of the grammar of RDS tag values (RDS API reference, Tag) that makes namespace@cluster readable
// in one way only: no @ and no white space.
var clusterNamePattern = regexp.MustCompile(`^[A-Za-z0-9_.:/=+-]+$`)

// CheckClusterName returns an error that says why a text cannot be the name of a Kubernetes cluster in tags. Empty is allowed: the
// operator then has no name.
func CheckClusterName(name string) error {
	lower := strings.ToLower(name)
	switch {
	case name == "":
		return nil
	case len(name) > maxClusterName:
		return fmt.Errorf("the name of the cluster has %d characters: use at most %d", len(name), maxClusterName)
	case !clusterNamePattern.MatchString(name):
		return fmt.Errorf("the name of the cluster is %q: use letters, digits and the characters _.:/=+-, which RDS accepts in a tag", name)
	case strings.HasPrefix(lower, "aws:"), strings.HasPrefix(lower, "rds:"):
		return fmt.Errorf("the name of the cluster is %q, and AWS reserves the prefixes aws: and rds: of tag values", name)
	}
	return nil
}

// MarkOtherClusters sets OtherCluster of the instances that the operator of another Kubernetes cluster created. cluster is the name
// of this operator's cluster, or empty. An instance without TagOperatedBy belongs to no other cluster.
func MarkOtherClusters(instances []Instance, cluster string) {
	for n := range instances {
		if by := instances[n].Tags[TagOperatedBy]; by != cluster {
			instances[n].OtherCluster = by
		}
	}
}

// identityPatterns are the parts of an AWS error text that name IAM identities or accounts.
var identityPatterns = []struct {
	pattern     *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:[\w+=,.@/*-]+`), "<identity>"},
	{regexp.MustCompile(`\b[0-9]{12}\b`), "<account>"},
}

// RedactIdentities replaces IAM identities and account IDs in an AWS error text. Users who may see a policy need not know which roles
// the operator has, nor which accounts.
func RedactIdentities(text string) string {
	for _, p := range identityPatterns {
		text = p.pattern.ReplaceAllString(text, p.replacement)
	}
	return text
}
