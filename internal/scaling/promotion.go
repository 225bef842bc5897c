package scaling

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// PromotionExclusion returns why the operator must not let a reader and the writer change roles, or "". The reader must have the DB
// parameter group of the writer, which would otherwise run with other settings, and neither may be named by a custom endpoint, whose
// clients would lose a reader or get the old writer as one. Aurora itself heeds none of this when the writer fails.
func (o Observation) PromotionExclusion(reader Instance) string {
	if reason := o.ParameterGroupMismatch(reader); reason != "" {
		return reason
	}
	for _, i := range append(o.PoolInstances(Writer), reader) {
		if endpoint := o.StaticEndpoint(i.Identifier); endpoint != "" {
			return fmt.Sprintf("%s is in the static list of the custom endpoint %s", i.Identifier, endpoint)
		}
	}
	return ""
}

// ParameterGroupMismatch says that a reader has another DB parameter group than the writer, or is empty.
func (o Observation) ParameterGroupMismatch(reader Instance) string {
	for _, w := range o.PoolInstances(Writer) {
		if !slices.Equal(reader.ParameterGroups, w.ParameterGroups) {
			return fmt.Sprintf("%s has the DB parameter group %s, and the writer %s has %s", reader.Identifier,
				describeGroups(reader.ParameterGroups), w.Identifier, describeGroups(w.ParameterGroups))
		}
	}
	return ""
}

func describeGroups(names []string) string { return cmp.Or(strings.Join(names, ", "), "none") }

// PromotionCandidates lists the readers that the operator may promote to writer, the preferred one first: by promotion tier, which
// is how the owner of the database designates the next writer, so that one of tier 15 is only promoted where there is no other; then
// one of the given class. Surge readers come last.
func (o Observation) PromotionCandidates(class string) []Instance {
	var candidates []Instance
	for _, r := range o.WithoutFailedReaders().PoolInstances(Readers) {
		if o.PromotionExclusion(r) == "" {
			candidates = append(candidates, r)
		}
	}
	rank := func(condition bool) int {
		if condition {
			return 1
		}
		return 0
	}
	slices.SortFunc(candidates, func(a, b Instance) int {
		return cmp.Or(
			rank(a.SurgeOperation() != "")-rank(b.SurgeOperation() != ""),
			cmp.Compare(a.PromotionTier, b.PromotionTier),
			rank(a.Class != class)-rank(b.Class != class),
			cmp.Compare(a.Identifier, b.Identifier))
	})
	return candidates
}

// PromotionExclusions says of every reader that is no promotion candidate why it is none.
func (o Observation) PromotionExclusions() string {
	var reasons []string
	for _, r := range o.WithoutFailedReaders().PoolInstances(Readers) {
		if reason := o.PromotionExclusion(r); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	return strings.Join(reasons, "; ")
}

// clusterCacheParameter enables cluster cache management, with which the reader of promotion tier 0 keeps the cache of the writer
// (Aurora user guide, "Fast recovery after failover with cluster cache management for Aurora PostgreSQL").
const clusterCacheParameter = "apg_ccm_enabled"

// MayUseClusterCache reports whether cluster cache management is on, or may be: the parameters of the writer could not be read and a
// reader has promotion tier 0.
func (o Observation) MayUseClusterCache() bool {
	for _, w := range o.PoolInstances(Writer) {
		if w.Parameters.Unknown == "" {
			return o.Engine == "aurora-postgresql" && isOn(w.Parameters.Values[clusterCacheParameter])
		}
	}
	return o.Engine == "aurora-postgresql" && slices.ContainsFunc(o.PoolInstances(Readers), func(r Instance) bool {
		return r.PromotionTier == 0 && r.SurgeOperation() == ""
	})
}

func isOn(value string) bool {
	return slices.Contains([]string{"1", "on", "true"}, strings.ToLower(value))
}

// survivingVersions are the first minor versions of Aurora PostgreSQL, by major version, whose readers stay available while the
// writer restarts (Aurora user guide, "Rebooting an Aurora cluster with read availability"). Later major versions all have it.
var survivingVersions = map[int]int{12: 14, 13: 10, 14: 7, 15: 2}

// ReadersRestartOnFailover reports whether every reader restarts when the writer does: Aurora MySQL below 2.10, and Aurora
// PostgreSQL 11, 12.13, 13.9, 14.6 and below. A version that cannot be read counts as such.
func (o Observation) ReadersRestartOnFailover() bool {
	switch o.Engine {
	case "aurora-mysql", "aurora":
		_, version, found := strings.Cut(o.EngineVersion, "mysql_aurora.")
		major, minor, ok := parseVersion(version)
		return !found || !ok || major < 2 || major == 2 && minor < 10
	case "aurora-postgresql":
		major, minor, ok := parseVersion(o.EngineVersion)
		first, listed := survivingVersions[major]
		return !ok || major < 12 || listed && minor < first
	}
	return false
}

// parseVersion returns the first two numbers of a version such as 14.6 or 2.09.3.
func parseVersion(version string) (major, minor int, ok bool) {
	parts := strings.Split(version, ".")
	if len(parts) < 2 {
		return 0, 0, false
	}
	major, errMajor := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(parts[1])
	return major, minor, errMajor == nil && errMinor == nil
}
